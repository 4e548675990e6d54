"""Times that the service takes.

LangSmith's hosted service refuses a request with a run whose start lies more than 24 hours away from its own clock, and all
other runs of the request with it (`RUN_POST_START_TIME_WINDOW_HOURS`; self-hosted ones warn only). The vendor's own migration
tool moves such runs to the present, and so does this: all runs of a trace by the same span of time, so that durations and
order stay. A trace that is longer than the window is pressed into it. The true times stand in the run's metadata.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Final, NamedTuple

HOUR: Final = 3600.0
WINDOW: Final = 22 * HOUR
"""Seconds before now in which a start is sure to be taken, with an hour for the way and one for clocks that differ."""


class Fit(NamedTuple):
    """How times of a trace become times that are sent: `origin + (time - begun) * rate`."""

    begun: float
    origin: float
    rate: float = 1.0

    def __call__(self, time: float) -> float:
        """Return the time that is sent for a time of the record."""
        return self.origin + (time - self.begun) * self.rate

    @property
    def moved(self) -> bool:
        """Whether times change at all."""
        return self.origin != self.begun or self.rate != 1


def as_it_was(begun: float) -> Fit:
    """Return the fit that leaves times as they are."""
    return Fit(begun, begun)


def fitted(begun: float, ended: float, now: float) -> Fit:
    """Return the fit of what was done between two times, for a service that takes only what is new.

    What is new stays as it is. Else the end falls on the last full hour, so that the parts of a trace, which go one after the
    other, move alike.
    """
    if now - WINDOW <= begun and ended <= now + HOUR:
        return as_it_was(begun)
    length = max(ended - begun, 0.0)
    hour = now - now % HOUR
    if length <= WINDOW - HOUR:
        return Fit(begun, hour - length)
    return Fit(begun, hour - (WINDOW - HOUR), (WINDOW - HOUR) / length)


def iso(time: float) -> str:
    """Return a time as LangSmith writes it.

    >>> iso(0.5)
    '1970-01-01T00:00:00.500000+00:00'
    """
    return datetime.fromtimestamp(time, UTC).isoformat(timespec="microseconds")


def dotted(path: list[list[float | str]], fit: Fit) -> str:
    """Return a run's dotted order: start and id of every run from the root's down to its own.

    >>> dotted([[0.5, "a"], [1.0, "b"]], as_it_was(0.5))
    '19700101T000000500000Za.19700101T000001000000Zb'
    """
    return ".".join(f"{datetime.fromtimestamp(fit(float(at)), UTC):%Y%m%dT%H%M%S%fZ}{name}" for at, name in path)
