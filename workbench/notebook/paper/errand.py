"""A long command on a thread of its own, and a cell that waits for it: blocking, or awaiting in a notebook."""

from __future__ import annotations

import asyncio
import queue
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, wait
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final

from workbench.notebook.paper.desk import Desk, StoppedError
from workbench.notebook.status_line import StatusLine

if TYPE_CHECKING:
    from workbench.dialogue import Dialogue
    from workbench.notebook.live import Show

_HEARTBEAT: Final = 0.2
"""Seconds between two looks at what is told; an interrupt takes effect as soon."""
_GRACE: Final = 10.0
"""Seconds that an interrupted command has to end. Then it is left to its thread: a download may hang for longer."""


class Errand:
    """Runs a command's work at once.

    Args:
        desk: that it works with.
        work: what it does; its result is the cell's.
    """

    def __init__(self, desk: Desk, work: Callable[[], Any]) -> None:
        self._desk, self._work = desk, work
        self._result: Future[Any] = Future()
        self._line = StatusLine(desk.shell)
        self._shows: list[Show] = []
        threading.Thread(target=self._run, name="workbench-paper-command", daemon=True).start()

    def wait(self) -> Any:
        """Block until it is done; return its result, or raise what it raised.

        Raises:
            StoppedError: the wait was interrupted; dialogues and reading are stopped by then.
        """
        try:
            while not wait([self._result], timeout=_HEARTBEAT).done:
                self._show()
        except KeyboardInterrupt:
            end = time.monotonic() + _GRACE
            while not self._result.done() and time.monotonic() < end:
                self._desk.stop()
                wait([self._result], timeout=_HEARTBEAT)
            raise StoppedError from None
        finally:
            self._leave()
        return self._result.result()

    async def wait_async(self) -> Any:
        """Wait as `wait` does, while the kernel goes on handling messages."""
        ended = asyncio.wrap_future(self._result)
        try:
            while not ended.done():
                await asyncio.wait([ended], timeout=_HEARTBEAT)
                self._show()
        except asyncio.CancelledError:
            end = time.monotonic() + _GRACE
            while not ended.done() and time.monotonic() < end:
                await asyncio.to_thread(self._desk.stop)
                await asyncio.wait([ended], timeout=_HEARTBEAT)
            if ended.done():
                ended.exception()  # retrieved, so that nobody complains
            raise StoppedError from None
        finally:
            self._leave()
        return await ended

    def _run(self) -> None:
        try:
            result = self._work()
        except BaseException as error:  # noqa: BLE001 - whoever waits raises it
            self._result.set_exception(error)
        else:
            self._result.set_result(result)
        finally:
            self._desk.close()

    def _put_on(self, dialogue: Dialogue) -> None:
        """Put a dialogue on display; where no panel asks a person, it stops when it waits for one."""
        from workbench.dialogue.attending import attend, nobody
        from workbench.notebook.live import How, Show, how_to_show

        showing = Show(dialogue, how_to_show(self._desk.shell))
        showing.begin()
        if showing.how is not How.PANEL:
            attend(dialogue, nobody, str)
        self._shows.append(showing)

    def _leave(self) -> None:
        """Show what was told last, and leave the transcripts of the dialogues that were shown."""
        self._show()
        self._line.end()
        for showing in self._shows:
            showing.end()

    def _show(self) -> None:
        """Show what was told since the last look: in a notebook the latest line, in a terminal every one."""
        lines: list[str] = []
        with suppress(queue.Empty):
            while True:
                told = self._desk.told.get_nowait()
                if isinstance(told, str):
                    lines.append(told)
                else:
                    self._put_on(told)
        for line in lines if self._line.printed else lines[-1:]:
            self._line.tell(line)
