"""Who else hears of what happens in this process: logs, and whatever somebody adds.

Listeners are told of every event that the record keeps, after it has it, and of incidents: what happens to the workbench itself
rather than to a dialogue (a circuit breaker opens, the record cannot be written). Nobody waits for them. Each has a bounded
queue and a thread; one that fails is told of the next event all the same, and of what does not fit into the queue only the
number is kept. Packages add listeners for every process by an entry point in the group `workbench.listeners`.
"""

from __future__ import annotations

import atexit
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from importlib.metadata import entry_points
from typing import Any, Final

from workbench.errors import redact
from workbench.events.correlation import correlation
from workbench.events.dialogue import Event

CAPACITY: Final = 20_000
"""What may wait for one listener."""
_LINGER: Final = 0.05
"""Seconds to wait for more: waking a thread for each event would cost the dialogue more than telling it."""
_GOODBYE: Final = 3.0
"""Seconds that the end of the process waits for listeners in all."""
_GROUP: Final = "workbench.listeners"


@dataclass(frozen=True, slots=True)
class Incident:
    """Something that happened to the workbench itself.

    Attributes:
        name: what, in words with underscores: `breaker_opened`.
        level: `debug`, `info`, `warning` or `error`.
        at: Unix time in seconds.
        fields: what else there is to say, as plain values.
    """

    name: str
    level: str
    at: float
    fields: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Told:
    """What a listener is told.

    Attributes:
        what: an event or an incident.
        correlation: the correlation id; None for an incident outside of any dialogue.
        settings: `workbench.settings.Settings` of whoever runs the dialogue; None where nobody knows.
    """

    what: Event | Incident
    correlation: str | None
    settings: Any = None


Listener = Callable[[Told], None]


@dataclass(frozen=True, slots=True)
class Hearing:
    """How a listener fares: how much it was told, how much it dropped, how often it failed, and how at last."""

    name: str
    told: int
    waiting: int
    dropped: int
    failed: int
    error: str | None


def listen(listener: Listener, *, name: str | None = None) -> Callable[[], None]:
    """Have a function told of everything from now on, on a thread of its own; return what stops that.

    Args:
        listener: is called with one `Told` after the other.
        name: for `hearings`; by default the function's.
    """
    ear = _Ear(listener, name or str(getattr(listener, "__qualname__", type(listener).__name__)))
    with _lock:
        _ears.append(ear)

    def stop() -> None:
        with _lock:
            if ear in _ears:
                _ears.remove(ear)
        ear.stop()

    return stop


def tell(event: Event, settings: Any = None) -> None:
    """Tell all listeners of an event that the record has. Never blocks and never fails."""
    if _ears:
        _put(Told(event, correlation() or event.dialogue, settings))


def report(name: str, *, level: str = "warning", settings: Any = None, **fields: Any) -> None:
    """Tell all listeners of an incident. Never blocks and never fails.

    Args:
        name: what happened, in words with underscores.
        level: `debug`, `info`, `warning` or `error`.
        settings: of the workspace that it belongs to; None where that is not known.
        fields: what else there is to say.
    """
    if _ears:
        _put(Told(Incident(name, level, time.time(), fields), correlation(), settings))


def hearings() -> list[Hearing]:
    """Return how each listener fares."""
    return [ear.hearing for ear in list(_ears)]


def flush(seconds: float = _GOODBYE) -> bool:
    """Block until listeners have heard all that was told so far, or until time is over; return which."""
    until = time.monotonic() + seconds
    heard = [ear.flush(until) for ear in list(_ears)]
    return all(heard)


class _Ear:
    """A listener's queue and thread."""

    def __init__(self, listener: Listener, name: str) -> None:
        self._listener, self._name = listener, name
        self._queue: deque[Told | threading.Event] = deque()
        self._lock = threading.Lock()
        self._wake, self._hurry, self._over = threading.Event(), threading.Event(), threading.Event()
        self._told = self._dropped = self._failed = self._said = 0
        self._error: str | None = None
        self._thread = threading.Thread(target=self._work, name=f"workbench-listener-{name}", daemon=True)
        self._thread.start()

    @property
    def hearing(self) -> Hearing:
        return Hearing(self._name, self._told, len(self._queue), self._dropped, self._failed, self._error)

    def put(self, told: Told) -> None:
        with self._lock:
            if len(self._queue) >= CAPACITY:
                self._dropped += 1
                return
            self._queue.append(told)
            self._told += 1
        if not self._wake.is_set():
            self._wake.set()

    def flush(self, until: float) -> bool:
        if threading.current_thread() is self._thread:
            return False
        mark = threading.Event()
        self._queue.append(mark)
        self._hurry.set()
        self._wake.set()
        return mark.wait(max(until - time.monotonic(), 0.0)) if self._thread.is_alive() else False

    def stop(self) -> None:
        """Let it hear what waits, and end its thread; whoever stops it does not wait for that."""
        self._over.set()
        self._hurry.set()
        self._wake.set()

    def _work(self) -> None:
        while not self._over.is_set() or self._queue:
            self._wake.wait()
            self._hurry.wait(_LINGER)
            self._wake.clear()
            self._hurry.clear()
            while self._queue:
                item = self._queue.popleft()
                if isinstance(item, threading.Event):
                    item.set()
                else:
                    self._hear(item)

    def _hear(self, told: Told) -> None:
        if (missed := self._dropped - self._said) > 0:
            self._said += missed
            self._call(Told(Incident("events_dropped", "warning", time.time(), {"count": missed}), None, told.settings))
        self._call(told)

    def _call(self, told: Told) -> None:
        try:
            self._listener(told)
        except Exception as error:  # noqa: BLE001 - a listener's failure is its own affair; `hearings` tells it
            self._failed += 1
            self._error = redact(repr(error))


def _put(told: Told) -> None:
    for ear in tuple(_ears):
        ear.put(told)


def install() -> None:
    """Begin with the listeners that packages bring along; once a process, and they are imported on their own threads.

    It looks through all installed packages (tens of milliseconds), so whoever begins something calls it off the event loop.
    """
    global _begun  # noqa: PLW0603 - once a process, and this is the only place that settles it
    if _begun:
        return
    with _beginning:
        if not _begun:
            for each in entry_points(group=_GROUP):
                listen(_Imported(each.load), name=each.name)
            _begun = True


class _Imported:
    """A listener that is imported when it is told something."""

    def __init__(self, load: Callable[[], Listener]) -> None:
        self._load = load
        self._listener: Listener | None = None

    def __call__(self, told: Told) -> None:
        self._listener = self._listener or self._load()
        self._listener(told)


_ears: Final[list[_Ear]] = []
_lock: Final = threading.Lock()
_beginning: Final = threading.Lock()
_begun = False
atexit.register(flush)
