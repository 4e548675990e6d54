"""Points in time as people give them: `7d`, `12h`, a date, or what Python has for it."""

from __future__ import annotations

import re
import time
from datetime import datetime, timedelta
from typing import Final

from workbench.errors import RecordError

_SPAN: Final = re.compile(r"(\d+(?:\.\d+)?)\s*([mhdw])")
_SECONDS: Final = {"m": 60, "h": 3600, "d": 86400, "w": 604800}

Since = str | datetime | timedelta | float
"""A span back from now (`30m`, `12h`, `7d`, `2w`, or a `timedelta`), an ISO date or time, a `datetime`, or Unix seconds."""


def moment(since: Since, now: float | None = None) -> float:
    """Return a point in time as Unix seconds; one without a time zone is local.

    Args:
        since: the point.
        now: Unix seconds from which spans count back; by default the clock's.

    Raises:
        RecordError: it is no point in time.

    >>> moment("7d", now=1_000_000.0)
    395200.0
    >>> moment("1970-01-02T00:00:00+00:00")
    86400.0
    """
    now = time.time() if now is None else now
    if isinstance(since, timedelta):
        return now - since.total_seconds()
    if isinstance(since, (int, float)):
        return float(since)
    try:
        if isinstance(since, datetime):
            return since.timestamp()
        if found := _SPAN.fullmatch(since.strip()):
            return now - float(found[1]) * _SECONDS[found[2]]
        return datetime.fromisoformat(since.strip()).timestamp()
    except (ValueError, OverflowError, OSError):
        hint = "Give a span such as 30m, 12h, 7d or 2w, or a date such as 2026-11-01."
        raise RecordError(f"{str(since)!r} is no point in time.", hint=hint) from None
