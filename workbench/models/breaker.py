"""A circuit breaker per provider: stop asking who keeps failing, and look again later with a single probe.

After M. Nygard, *Release It!* (2007), chapter 5. States: closed (calls pass), open (calls are refused until the rest is
over), half open (one probe is out; its outcome closes or reopens).
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field


@dataclass(slots=True)
class CircuitBreaker:
    """Counts failures in a row.

    Args:
        failures: that many in a row open it.
        seconds: it then refuses calls for that long, before one probe may pass.
        clock: monotonic seconds.

    >>> breaker = CircuitBreaker(failures=1, seconds=30)
    >>> breaker.failed(); breaker.wait() > 29
    True
    """

    failures: int = 5
    seconds: float = 30.0
    clock: Callable[[], float] = time.monotonic
    _in_a_row: int = 0
    _opened_at: float | None = None
    _probing: bool = field(default=False)

    @property
    def state(self) -> str:
        """`closed`, `open` or `half_open`."""
        if self._opened_at is None:
            return "closed"
        return "half_open" if self._probing or self._remaining() <= 0 else "open"

    def wait(self) -> float:
        """Return the seconds until a call may be tried; 0 lets the caller pass, as the probe if it is half open."""
        if self._opened_at is None:
            return 0.0
        if (remaining := self._remaining()) > 0:
            return remaining
        if self._probing:
            return min(self.seconds, 0.05)
        self._probing = True
        return 0.0

    def succeeded(self) -> None:
        """Close: the provider answers."""
        self._in_a_row, self._opened_at, self._probing = 0, None, False

    def failed(self) -> None:
        """Count a failure; open after too many, and at once when the probe fails."""
        self._in_a_row += 1
        if self._probing or self._in_a_row >= self.failures:
            self._opened_at, self._probing = self.clock(), False

    def abandoned(self) -> None:
        """Forget a call that ended without telling anything about the provider (cancelled, or refused for its content)."""
        self._probing = False

    def _remaining(self) -> float:
        return 0.0 if self._opened_at is None else self._opened_at + self.seconds - self.clock()
