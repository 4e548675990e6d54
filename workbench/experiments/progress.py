"""How far a run is, in a line for people."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, field

from workbench.dialogue.export.facts import money


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a run is.

    Attributes:
        run: its id.
        name: of the experiment.
        done: observations that are kept, failed ones included.
        failed: of them.
        total: that there are to be.
        cost: USD by now, judges included.
        seats: provider to observations at once.
        eta: seconds that are left, as fast as it goes now; None while nobody can tell.
        status: of the run.
    """

    run: str
    name: str
    done: int
    failed: int
    total: int
    cost: float
    seats: Mapping[str, int] = field(default_factory=dict)
    eta: float | None = None
    status: str = "running"

    def __str__(self) -> str:
        failed = f", {self.failed:,} failed" if self.failed else ""
        left = f", {span(self.eta)} left" if self.eta is not None and self.done < self.total else ""
        cost = f", {money(self.cost)}" if self.cost else ""
        what = "" if self.status == "running" else f" {self.status.replace('_', ' ')}:"
        return f"{self.name}{what} {self.done:,} of {self.total:,} observations{failed}{cost}{left}"


@dataclass(slots=True)
class Pace:
    """How fast observations come: an average in which a minute ago counts a third of now."""

    at: float = field(default_factory=time.monotonic)
    done: int = 0
    rate: float | None = None

    def eta(self, done: int, total: int) -> float | None:
        """Return the seconds that are left."""
        now = time.monotonic()
        if (passed := now - self.at) >= 0.5 or self.rate is None:  # noqa: PLR2004 - half a second tells enough
            if done > self.done and passed > 0:
                new, weight = (done - self.done) / passed, min(1.0, passed / 60)
                self.rate = new if self.rate is None else self.rate + (new - self.rate) * max(weight, 0.05)
            self.at, self.done = now, done
        return None if not self.rate else (total - done) / self.rate


def span(seconds: float) -> str:
    """Return a span of time for people.

    >>> span(41), span(150), span(9000)
    ('41 s', '2.5 min', '2.5 h')
    """
    if seconds < 90:  # noqa: PLR2004 - of seconds
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.1f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"  # noqa: PLR2004 - of minutes
