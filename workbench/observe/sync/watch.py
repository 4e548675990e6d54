"""Keeps targets up to date in the background: a thread with an event loop of its own, apart from that of the dialogues."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING

from workbench.errors import WorkbenchError
from workbench.observe.sync.syncing import sync

if TYPE_CHECKING:
    from workbench.observe.sync.deliver import Pace
    from workbench.observe.sync.target import Target
    from workbench.records import Record
    from workbench.records.moments import Since


class Watch:
    """Delivers to targets until it is stopped. It begins at once.

    Args:
        record: that is copied.
        make: returns the targets; called on the thread, so that nobody waits for imports.
        since: what was written from then on goes too.
        pace: of the deliveries.

    Attributes:
        problem: what ended it by itself; None as long as it runs, and after `stop`.
    """

    def __init__(
        self, record: Record, make: Callable[[], Sequence[Target]], since: Since | None = None, pace: Pace | None = None
    ) -> None:
        self.record = record
        self.problem: WorkbenchError | None = None
        self._make, self._since, self._pace = make, since, pace
        self._loop = asyncio.new_event_loop()
        self._stopping = threading.Event()
        self._work: asyncio.Task[None] | None = None
        self._thread = threading.Thread(target=self._run, name="workbench-sync", daemon=True)
        self._thread.start()

    @property
    def running(self) -> bool:
        """Whether it still delivers."""
        return self._thread.is_alive()

    def stop(self, seconds: float = 10.0) -> bool:
        """Stop, and wait so long for it to end; return whether it has."""
        self._stopping.set()
        with suppress(RuntimeError):  # it has just ended by itself
            self._loop.call_soon_threadsafe(self._cancel)
        self._thread.join(seconds)
        return not self._thread.is_alive()

    def _cancel(self) -> None:
        if self._work is not None:
            self._work.cancel()

    def _run(self) -> None:
        try:
            with asyncio.Runner(loop_factory=lambda: self._loop) as runner:
                runner.run(self._deliver())
        except asyncio.CancelledError:
            pass
        except WorkbenchError as error:
            self.problem = error
        except RuntimeError:
            if threading.main_thread().is_alive():  # else the interpreter is ending, and takes no more work
                raise

    async def _deliver(self) -> None:
        self._work = asyncio.current_task()
        if self._stopping.is_set():
            return
        targets = await asyncio.to_thread(self._make)
        for problem in (await sync(self.record, targets, since=self._since, stay=True, pace=self._pace)).values():
            raise problem


_watches: dict[tuple[str, str], Watch] = {}
"""What this process keeps up, by the record's URL and the target's name."""
_lock = threading.Lock()


def keep_up(record: Record, name: str, make: Callable[[], Sequence[Target]], since: Since | None = None) -> Watch:
    """Return what keeps a target up to date in the background; it is begun where it does not run."""
    with _lock:
        found = _watches.get((record.url, name))
        if found is None or not found.running:
            found = _watches[record.url, name] = Watch(record, make, since)
        return found


def stop_all(record: Record, names: Sequence[str] = ()) -> list[str]:
    """Stop what keeps a record's targets up to date, all or those that are named; return the names of what ran."""
    with _lock:
        mine = [key for key in _watches if key[0] == record.url and (not names or key[1] in names)]
        watches = {key[1]: _watches.pop(key) for key in mine}
    return [name for name, watch in watches.items() if watch.running and watch.stop()]
