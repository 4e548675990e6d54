"""Who may compute now: some at once, or one alone, in the order in which they came.

Two answers that are computed together share their arithmetic, and rounding then depends on the neighbour. Whoever needs
the same words again (a seeded request) therefore asks for all seats.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final

_PATIENCE: Final = 0.25
"""Seconds between two looks at whether a waiting request is still wanted."""


class Seats:
    """A fixed number of seats, given out first come, first served; for threads.

    Args:
        count: how many may sit at the same time.
    """

    def __init__(self, count: int) -> None:
        self._count = self._free = count
        self._line: deque[object] = deque()
        self._changed = threading.Condition()

    @contextmanager
    def taken(self, given_up: Callable[[], bool], *, alone: bool) -> Iterator[bool]:
        """Hold one seat, or all of them.

        Args:
            given_up: asked now and then while waiting; True ends the wait.
            alone: whether nobody else may sit meanwhile.

        Returns:
            Whether a seat was had; False when the wait was given up.
        """
        wanted = self._count if alone else 1
        seated = self._wait(wanted, given_up)
        try:
            yield seated
        finally:
            if seated:
                with self._changed:
                    self._free += wanted
                    self._changed.notify_all()

    def _wait(self, wanted: int, given_up: Callable[[], bool]) -> bool:
        ticket = object()
        with self._changed:
            self._line.append(ticket)
            try:
                while self._line[0] is not ticket or self._free < wanted:
                    if given_up():
                        return False
                    self._changed.wait(_PATIENCE)
                self._free -= wanted
                return True
            finally:
                self._line.remove(ticket)
                self._changed.notify_all()
