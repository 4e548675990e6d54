"""What all recorded calls have cost, as far as it is known, and which dialogues have calls whose cost is lost."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Select, and_, func, not_, select

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
        doubtful: dialogues with calls that may have cost what nobody knows, to when they last changed.
    """

    before: float
    since: dict[str, float]
    doubtful: dict[str, float]


def read_spending(url: str, since: float) -> Spending:
    """Return what the calls of a record cost. Nothing is made where there is no record.

    A fork may have its parent's calls under their old ids; they count once.

    Args:
        url: as for `Record.open`.
        since: Unix time that parts the two sums.

    Raises:
        RecordError: it cannot be read.
    """
    parsed = parse_url(url)
    if parsed.drivername == "sqlite" and not Path(str(parsed.database)).is_file():
        return Spending(0.0, {}, {})
    engine = look_only(parsed, BUSY_SECONDS)
    try:
        with explained(place_of(parsed)), engine.connect() as connection:
            known = select(calls.c.id, func.max(calls.c.cost).label("cost")).where(calls.c.cost.is_not(None))
            old = known.where(calls.c.started_at < since).group_by(calls.c.id).subquery()
            before = connection.execute(select(func.sum(old.c.cost))).scalar() or 0.0
            new = known.where(calls.c.started_at >= since).group_by(calls.c.id)
            return Spending(before, _pairs(connection, new), _doubtful(connection))
    finally:
        engine.dispose()


def _doubtful(connection: Connection) -> dict[str, float]:
    """Return the dialogues with a call that has no cost, or with one that began and never came back."""
    free = and_(calls.c.outcome.in_([*UNCHARGED]), calls.c.text == "", calls.c.reasoning == "")
    unpriced = set(
        connection.execute(select(calls.c.dialogue_id).where(calls.c.cost.is_(None), not_(free)).distinct()).scalars()
    )
    begun = select(events.c.dialogue_id, func.count()).where(events.c.type == "call_started").group_by(events.c.dialogue_id)
    ended: dict[str, int] = _pairs(connection, select(calls.c.dialogue_id, func.count()).group_by(calls.c.dialogue_id))
    lost = {name for name, count in _pairs(connection, begun).items() if count > ended.get(name, 0)}
    names = unpriced | lost
    if not names:
        return {}
    changed = _pairs(connection, select(dialogues.c.id, dialogues.c.updated_at))
    return {name: changed[name] for name in names if name in changed}


def _pairs(connection: Connection, query: Select[Any]) -> dict[str, Any]:
    return {row[0]: row[1] for row in connection.execute(query)}
