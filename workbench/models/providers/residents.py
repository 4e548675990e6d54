"""The models that lie in this process's memory: loaded once, shared by all who ask, given up for others when it is short.

Whoever computes with a model holds it meanwhile (`using`); nothing is unloaded that somebody holds. What is not held stays,
because loading takes seconds, until the last provider that asked for it is closed or another model needs the room: then those
go first that were used longest ago.
"""

from __future__ import annotations

import atexit
import gc
import threading
import weakref
from collections import OrderedDict
from collections.abc import Callable, Hashable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from workbench.errors import CapacityError
from workbench.models.capacity import free_memory, spell_size

Engine_co = TypeVar("Engine_co", covariant=True)


@dataclass(frozen=True, slots=True)
class Wanted(Generic[Engine_co]):
    """A model that somebody wants in memory.

    Attributes:
        key: the same for all who want the same weights.
        name: what people call it.
        need: returns the bytes that it takes; asked only before it is loaded.
        load: loads it; blocks.
        free: returns the bytes that are free where it goes, such as on a graphics card; main memory where None.
    """

    key: Hashable
    name: str
    need: Callable[[], int]
    load: Callable[[], Engine_co]
    free: Callable[[], int] | None = None


@dataclass(slots=True)
class _Resident:
    engine: object
    need: int
    free: Callable[[], int]
    users: int = 0
    holders: weakref.WeakSet[object] = field(default_factory=weakref.WeakSet)


class Residents:
    """What is loaded, the least recently used first. For threads; every method may block while a model loads.

    Args:
        free: returns the free bytes of main memory.
    """

    def __init__(self, free: Callable[[], int] = free_memory) -> None:
        self._free = free
        self._loaded: OrderedDict[Hashable, _Resident] = OrderedDict()
        self._books = threading.Lock()
        self._door = threading.Lock()  # one loads at a time: what two would need together, neither could tell

    def __contains__(self, key: Hashable) -> bool:
        with self._books:
            return key in self._loaded

    @contextmanager
    def using(self, wanted: Wanted[Engine_co], holder: object) -> Iterator[Engine_co]:
        """Give a model, loading it first if need be; it stays in memory at least until this ends.

        Args:
            wanted: the model.
            holder: keeps it beyond that, until it is collected or `release`d.

        Raises:
            CapacityError: it does not fit, though everything was unloaded that nobody uses.
        """
        resident = self._taken(wanted.key, holder) or self._load(wanted, holder)
        try:
            yield resident.engine  # type: ignore[misc]  # what `load` of this key returned
        finally:
            with self._books:
                resident.users -= 1

    def release(self, holder: object) -> None:
        """Forget a holder, and unload what nobody uses or holds any more."""
        with self._books:
            for resident in self._loaded.values():
                resident.holders.discard(holder)
            for key in [key for key, resident in self._loaded.items() if not (resident.users or resident.holders)]:
                del self._loaded[key]

    def clear(self) -> None:
        """Unload everything."""
        with self._books:
            self._loaded.clear()

    def _taken(self, key: Hashable, holder: object) -> _Resident | None:
        with self._books:
            resident = self._loaded.get(key)
            if resident is not None:
                resident.users += 1
                resident.holders.add(holder)
                self._loaded.move_to_end(key)
            return resident

    def _load(self, wanted: Wanted[Engine_co], holder: object) -> _Resident:
        with self._door:
            if (resident := self._taken(wanted.key, holder)) is not None:  # loaded while this one stood at the door
                return resident
            need, free = wanted.need(), wanted.free or self._free
            self._make_room(wanted.name, need, free)
            resident = _Resident(wanted.load(), need, free, users=1)
            resident.holders.add(holder)
            with self._books:
                self._loaded[wanted.key] = resident
            return resident

    def _make_room(self, name: str, need: int, free: Callable[[], int]) -> None:
        """Unload what is idle until the model fits; nothing where that would not be enough."""
        while (left := free()) < need:
            if left + self._idle(free) < need or not self._unload_oldest(free):
                message = f"needs {spell_size(need)} of memory, and {spell_size(left)} is free"
                raise CapacityError(message, model=name, need=need, free=left)
            if free() < need:
                gc.collect()  # what refers to itself in a circle; it stops every thread for a moment

    def _idle(self, free: Callable[[], int]) -> int:
        """Return the bytes that would come free where `free` looks."""
        with self._books:
            return sum(one.need for one in self._loaded.values() if not one.users and one.free == free)

    def _unload_oldest(self, free: Callable[[], int]) -> bool:
        with self._books:
            idle = next((key for key, one in self._loaded.items() if not one.users and one.free == free), None)
            if idle is None:
                return False
            del self._loaded[idle]
        return True


shared = Residents()
"""Of this process: all providers share its memory."""
atexit.register(shared.clear)  # registered before the generations' own, so run after them
