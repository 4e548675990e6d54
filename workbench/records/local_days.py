"""Days as people on this machine have them, out of quarters of an hour counted from 1970, UTC."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime
from typing import Final

from sqlalchemy import ColumnElement, case, literal

from workbench.records.counting import DAY, QUARTER

_EPOCH: Final = date(1970, 1, 1).toordinal()
_A_DAY: Final = DAY // QUARTER


def local_day(quarter: ColumnElement[int], first: int, last: int) -> ColumnElement[int]:
    """Return the number of the local day in which a quarter lies; `iso` names it.

    Args:
        quarter: a column.
        first: the earliest quarter that matters.
        last: the latest.
    """
    offsets = list(_offsets(first, last))
    shifted = quarter + offsets[-1][1]
    if offsets[:-1]:
        ends = [begin for begin, _ in offsets[1:]]
        shifted = quarter + case(
            *((quarter < end, literal(offset)) for end, (_, offset) in zip(ends, offsets, strict=False)), else_=offsets[-1][1]
        )
    return shifted // _A_DAY


def iso(day: int) -> str:
    """Return a day's name.

    >>> iso(0)
    '1970-01-01'
    """
    return date.fromordinal(max(_EPOCH + day, 1)).isoformat()


def _offsets(first: int, last: int) -> Iterator[tuple[int, int]]:
    """Yield quarters from which on clocks are set so far from UTC, in quarters: one for each change to and from summer time."""
    known = _offset(first)
    yield first, known
    at = first
    while at < last:
        later = min(at + _A_DAY, last)
        if (offset := _offset(later)) != known:
            low, high = at, later
            while high - low > 1:
                middle = (low + high) // 2
                low, high = (middle, high) if _offset(middle) == known else (low, middle)
            yield high, offset
            known = offset
        at = later


def _offset(quarter: int) -> int:
    gone = datetime.fromtimestamp(quarter * QUARTER, UTC).astimezone().utcoffset()
    return round(gone.total_seconds() / QUARTER) if gone else 0
