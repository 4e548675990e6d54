"""The thread that writes: everybody's events go into one queue, and each round takes all that wait there.

That is group commit: while one transaction is being synced to disk, the events of a hundred other dialogues gather for the
next one. A barrier (somebody waits for the answer) starts a round at once; other events linger a moment for company. What a
round could not write stays at the head of the queue, in order, and the next round tries again.
"""

from __future__ import annotations

import asyncio
import threading
import time
from collections import deque
from collections.abc import Iterable, Sequence
from concurrent.futures import Future
from contextlib import suppress
from typing import Final, NamedTuple, TypeAlias

from workbench.errors import RecordError
from workbench.events import Event
from workbench.events.listening import report
from workbench.records.store import Entry, Store

LINGER: Final = 0.05
"""Seconds that an event may wait for company when nobody waits for it."""


class Awaited(NamedTuple):
    """Somebody on an event loop who waits for an event to be stored."""

    loop: asyncio.AbstractEventLoop
    future: asyncio.Future[None]


Waiter: TypeAlias = "Awaited | Future[None]"
Answer: TypeAlias = "tuple[Waiter, RecordError | None]"


class _Place(NamedTuple):
    """A place in the queue: an event, somebody waiting for all that came before, or both."""

    entry: Entry | None
    waiter: Waiter | None


class Writer:
    """A queue and its thread. Every method may be called from any thread."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._wake = threading.Condition()
        self._queue: deque[_Place] = deque()
        self._due: float | None = None
        self._idle = False
        self._closed = False
        self._untold: dict[str, RecordError] = {}
        self._thread = threading.Thread(target=self._work, name="workbench-record", daemon=True)
        self._thread.start()

    def append(self, event: Event, owner: str) -> None:
        """Queue an event that nobody waits for."""
        self._put([_Place(Entry(event, owner), None)], urgent=False)

    async def commit(self, event: Event, owner: str) -> None:
        """Queue an event and wait until it is stored."""
        loop = asyncio.get_running_loop()
        future: asyncio.Future[None] = loop.create_future()
        self._put([_Place(Entry(event, owner), Awaited(loop, future))], urgent=True)
        await future

    def write(self, events: Iterable[Event]) -> None:
        """Queue events that nobody runs, and block until everything in the queue is stored."""
        future: Future[None] = Future()
        places = [_Place(Entry(event), None) for event in events]
        self._put([*places, _Place(None, future)], urgent=True)
        future.result()

    def unwritten(self) -> list[Event]:
        """Return the events that are not stored yet, in order."""
        with self._wake:
            return [place.entry.event for place in self._queue if place.entry is not None]

    def stop(self) -> None:
        """Take no more events, try to store what is left, and end the thread; like `write`, raise what went wrong."""
        future: Future[None] = Future()
        self._put([_Place(None, future)], urgent=True, last=True)
        self._thread.join()
        self._store.close()
        future.result()

    def _put(self, places: list[_Place], *, urgent: bool, last: bool = False) -> None:
        with self._wake:
            if self._closed:
                raise RecordError("The record is closed.", hint="Open it again with Record.open(url).")
            self._closed = last
            self._queue.extend(places)
            if urgent:
                self._due = 0.0
            elif self._due is None:
                self._due = time.monotonic() + LINGER
            if urgent or self._idle:
                self._wake.notify()

    def _work(self) -> None:
        while (places := self._next_round()) is not None:
            self._write(places)

    def _next_round(self) -> list[_Place] | None:
        """Wait until something is due, and return all that is there; None when the writer stops."""
        with self._wake:
            awake = True
            while self._due is not None or not self._closed:
                if self._due is None and awake:
                    awake = self._wake.wait(LINGER)  # the next append need not wake a thread that will look by itself
                elif self._due is None:
                    self._idle = True
                    self._wake.wait()
                    self._idle = False
                elif (left := self._due - time.monotonic()) > 0:
                    self._wake.wait(left)
                else:
                    self._due = None
                    return list(self._queue)
        return None

    def _write(self, places: list[_Place]) -> None:
        try:
            refused = self._store.write([place.entry for place in places if place.entry is not None])
        except RecordError as error:
            self._fail(places, error)
        except Exception as error:  # noqa: BLE001 - whatever a driver throws, the thread lives on and somebody is told
            self._fail(places, RecordError(f"The record could not be written: {error!r}"))
        else:
            self._succeed(places, refused)

    def _fail(self, places: list[_Place], error: RecordError) -> None:
        waiting = sum(place.entry is not None for place in places)
        report("record_not_written", level="error", error=error.message, waiting=waiting)
        with self._wake:
            for _ in places:
                self._queue.popleft()
            self._queue.extendleft(_Place(place.entry, None) for place in reversed(places) if place.entry is not None)
        _deliver([(place.waiter, error) for place in places if place.waiter is not None])

    def _succeed(self, places: list[_Place], refused: dict[str, RecordError]) -> None:
        with self._wake:
            for _ in places:
                self._queue.popleft()
        for dialogue, error in refused.items():
            report("events_refused", level="error", dialogue=dialogue, error=error.message)
        untold = self._untold | refused
        told: set[str] = set()
        answers: list[Answer] = []
        for entry, waiter in places:
            if waiter is not None:
                concerned = [entry.event.dialogue] if entry is not None else list(untold)
                told.update(concerned)
                answers.append((waiter, next((untold[dialogue] for dialogue in concerned if dialogue in untold), None)))
        self._untold = {dialogue: error for dialogue, error in untold.items() if dialogue not in told}
        _deliver(answers)


def _deliver(answers: list[Answer]) -> None:
    """Give every waiter its answer, waking each event loop once."""
    by_loop: dict[asyncio.AbstractEventLoop, list[tuple[asyncio.Future[None], RecordError | None]]] = {}
    for waiter, error in answers:
        if isinstance(waiter, Awaited):
            by_loop.setdefault(waiter.loop, []).append((waiter.future, error))
        else:
            _resolve([(waiter, error)])
    for loop, mine in by_loop.items():
        with suppress(RuntimeError):  # the loop was closed: nobody waits any more
            loop.call_soon_threadsafe(_resolve, mine)


def _resolve(answers: Sequence[tuple[asyncio.Future[None] | Future[None], RecordError | None]]) -> None:
    for future, error in answers:
        if future.done():
            continue
        if error is None:
            future.set_result(None)
        else:
            mine = RecordError(error.message, hint=error.hint)  # its own, because each raise adds to the traceback
            mine.__cause__ = error
            future.set_exception(mine)
