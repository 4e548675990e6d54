"""What all recorded calls have cost, as far as it is known, and which dialogues have calls whose cost is lost."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import Column, Connection, Executable, Select, and_, func, not_, select

from workbench.errors import UNCHARGED
from workbench.records.engine import BUSY_SECONDS, look_only, parse_url, place_of
from workbench.records.failures import explained
from workbench.records.schema import calls, dialogues, events


@dataclass(frozen=True, slots=True)
class Spending:
    """What the record knows of money.

    Attributes:
        before: USD of the calls that began before a time.
        since: call to USD, of those that began later.
        changed: when each dialogue last changed, of those that did not stay as they were.
        doubtful: those of them with calls that may have cost what nobody knows.
    """

    before: float
    since: dict[str, float]
    changed: dict[str, float]
    doubtful: frozenset[str]


def read_spending(url: str, since: float, known: float = 0.0) -> Spending:
    """Return what the calls of a record cost. Nothing is made where there is no record.

    A fork may have its parent's calls under their old ids; they count once.

    Args:
        url: as for `Record.open`.
        since: Unix time that parts the two sums.
        known: Unix time until when it is known which dialogues are doubtful: to find that out takes the longest.

    Raises:
        RecordError: it cannot be read.
    """
    parsed = parse_url(url)
    if parsed.drivername == "sqlite" and not Path(str(parsed.database)).is_file():
        return Spending(0.0, {}, {}, frozenset())
    engine = look_only(parsed, BUSY_SECONDS)
    try:
        with explained(place_of(parsed)), engine.connect() as connection:
            priced = select(calls.c.id, func.max(calls.c.cost).label("cost")).where(calls.c.cost.is_not(None))
            old = priced.where(calls.c.started_at < since).group_by(calls.c.id).subquery()
            before = connection.execute(select(func.sum(old.c.cost))).scalar() or 0.0
            new = _pairs(connection, priced.where(calls.c.started_at >= since).group_by(calls.c.id))
            changed = _pairs(connection, select(dialogues.c.id, dialogues.c.updated_at).where(dialogues.c.updated_at >= known))
            return Spending(before, new, changed, _doubtful(connection, known))
    finally:
        engine.dispose()


def _doubtful(connection: Connection, known: float) -> frozenset[str]:
    """Return the dialogues with a call that has no cost, or with one that began and never came back."""
    some = select(dialogues.c.id).where(dialogues.c.updated_at >= known).scalar_subquery()
    free = and_(calls.c.outcome.in_([*UNCHARGED]), calls.c.text == "", calls.c.reasoning == "")
    unpriced = select(calls.c.dialogue_id).where(calls.c.dialogue_id.in_(some), calls.c.cost.is_(None), not_(free)).distinct()
    begun = _counts(events.c.dialogue_id).where(events.c.dialogue_id.in_(some), events.c.type == "call_started")
    ended = _pairs(connection, _counts(calls.c.dialogue_id).where(calls.c.dialogue_id.in_(some)))
    lost = {name for name, count in _pairs(connection, begun).items() if count > ended.get(name, 0)}
    return frozenset(lost | set(connection.execute(unpriced).scalars()))


def _counts(of: Column[str]) -> Select[str, int]:
    return select(of, func.count()).group_by(of)


def _pairs(connection: Connection, query: Executable) -> dict[str, Any]:
    return {row[0]: row[1] for row in connection.execute(query)}
