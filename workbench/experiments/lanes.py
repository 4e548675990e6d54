"""How much is asked of a provider at once: as much as it bears, found by trying.

A lane opens with a few seats. While answers come, it takes more: twice as many in a round trip until the provider first
complains, from then on one more. A rate limit, a time-out or an overload halves them, once for all that were under way. That
is what TCP does (Jacobson 1988; Chiu and Jain 1989 show that it is fair to others who do the same). The ceiling is what the
model cards allow.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Callable
from typing import Final, Protocol

from workbench.errors import ErrorKind

CONGESTED: Final = frozenset({ErrorKind.RATE_LIMIT, ErrorKind.TIMEOUT, ErrorKind.CAPACITY})
"""Failures that say that too much was asked."""
OPENING: Final = 8
"""Seats in the beginning."""


class Seats(Protocol):
    """The seats of one provider: a `Lane`, or a way to one in another process."""

    async def enter(self) -> float:
        """Wait for a seat, and return when it was taken; `leave` takes that back."""
        ...

    def leave(self, entered: float, *, congested: bool) -> None:
        """Give a seat back, and say whether the provider complained."""
        ...


class Lane:
    """The seats of one provider. On one event loop only.

    Args:
        ceiling: seats at most.
        per_minute: entries that a minute may see; None for as many as there are seats for.
        clock: monotonic seconds.

    Attributes:
        seats: how many there are now; a fraction is on its way to one more.
        active: how many are taken.
    """

    def __init__(self, ceiling: int, per_minute: float | None = None, *, clock: Callable[[], float] = time.monotonic) -> None:
        self.ceiling, self.active = ceiling, 0
        self.seats = float(min(ceiling, OPENING))
        self._apart = 60 / per_minute if per_minute else 0.0
        self._next = 0.0
        self._clock = clock
        self._slow_start = True
        self._halved_at = float("-inf")
        self._waiting: deque[asyncio.Future[None]] = deque()

    async def enter(self) -> float:
        """Wait for a seat, and return when it was taken; `leave` takes that back."""
        while self.active >= int(self.seats):
            waiter = asyncio.get_running_loop().create_future()
            self._waiting.append(waiter)
            try:
                await waiter
            except asyncio.CancelledError:
                self._wake()  # the seat that this waiter was woken for is somebody else's
                raise
        self.active += 1
        if self._apart:
            now = self._clock()
            self._next = max(now, self._next) + self._apart
            try:
                await asyncio.sleep(self._next - self._apart - now)
            except asyncio.CancelledError:
                self._free()
                raise
        return self._clock()

    def leave(self, entered: float, *, congested: bool) -> None:
        """Give a seat back, and say whether the provider complained."""
        if congested:
            self._slow_start = False
            if entered > self._halved_at:  # what was under way before the last halving says nothing about now
                self.seats, self._halved_at = max(1.0, self.seats / 2), self._clock()
        elif self.seats < self.ceiling:
            self.seats = min(self.ceiling, self.seats + (1.0 if self._slow_start else 1.0 / self.seats))
        self._free()

    def _free(self) -> None:
        self.active -= 1
        self._wake()

    def _wake(self) -> None:
        free = int(self.seats) - self.active
        while free > 0 and self._waiting:
            waiter = self._waiting.popleft()
            if not waiter.done():
                waiter.set_result(None)
                free -= 1
