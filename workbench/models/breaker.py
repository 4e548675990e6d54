"""A circuit breaker per provider: stop asking who keeps failing, and look again later with a single probe.

After M. Nygard, *Release It!* (2007), chapter 5. States: closed (calls pass), open (calls are refused until the rest is
over), half open (one probe may go out; its outcome closes or reopens). Calls that went out before it opened may still come
back meanwhile: their success closes it, their failure is no news.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

_LOOK_AGAIN: Final = 0.05
"""Seconds between two looks at whether the probe is back."""


@dataclass(slots=True)
class CircuitBreaker:
    """Counts failures in a row.

    Args:
        failures: that many in a row open it.
        seconds: it then refuses calls for that long, before one probe may pass.
        clock: monotonic seconds.

    >>> breaker = CircuitBreaker(failures=1, seconds=30)
    >>> breaker.enter().failed(); breaker.wait() > 29
    True
    """

    failures: int = 5
    seconds: float = 30.0
    clock: Callable[[], float] = time.monotonic
    _in_a_row: int = 0
    _opened_at: float | None = None
    _probe: Passage | None = None

    @property
    def state(self) -> str:
        """`closed`, `open` or `half_open`."""
        if self._opened_at is None:
            return "closed"
        return "open" if self._remaining() > 0 else "half_open"

    def wait(self) -> float:
        """Return the seconds until a call may be tried; at 0 the caller may `enter` at once."""
        if self._opened_at is None:
            return 0.0
        if (remaining := self._remaining()) > 0:
            return remaining
        return min(self.seconds, _LOOK_AGAIN) if self._probe else 0.0

    def enter(self) -> Passage:
        """Let a call out, as the probe if it is half open; only when `wait` is 0. Its passage must be ended."""
        passage = Passage(self)
        if self._opened_at is not None:
            self._probe = passage
        return passage

    def _succeeded(self) -> None:
        self._in_a_row, self._opened_at, self._probe = 0, None, None

    def _failed(self, passage: Passage) -> None:
        if self._opened_at is None:
            self._in_a_row += 1
        if passage is self._probe or (self._opened_at is None and self._in_a_row >= self.failures):
            self._opened_at, self._probe = self.clock(), None

    def _abandoned(self, passage: Passage) -> None:
        if passage is self._probe:
            self._probe = None

    def _remaining(self) -> float:
        return 0.0 if self._opened_at is None else self._opened_at + self.seconds - self.clock()


class Passage:
    """One call that the breaker let out. The first word on how it ended counts, later ones do not."""

    __slots__ = ("_breaker", "_over")

    def __init__(self, breaker: CircuitBreaker) -> None:
        self._breaker, self._over = breaker, False

    def succeeded(self) -> None:
        """Close the breaker: the provider answers."""
        if self._end():
            self._breaker._succeeded()  # noqa: SLF001 - the breaker's other half

    def failed(self) -> None:
        """Count a failure; the breaker opens after too many in a row, and at once when this was its probe."""
        if self._end():
            self._breaker._failed(self)  # noqa: SLF001 - as above

    def abandoned(self) -> None:
        """Let another call probe: this one told nothing about the provider (cancelled, or refused for its content)."""
        if self._end():
            self._breaker._abandoned(self)  # noqa: SLF001 - as above

    def _end(self) -> bool:
        first, self._over = not self._over, True
        return first
