"""What all recorded calls have cost, as far as it is known, and which dialogues have calls whose cost is lost."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import ColumnElement, Connection, Executable, and_, case, func, inspect, literal_column, not_, or_, select, true

from workbench.errors import UNCHARGED
from workbench.events import Status
from workbench.records.engine import BUSY_SECONDS, look_only, parse_url, place_of
from workbench.records.failures import explained
from workbench.records.schema import calls, dialogues, events, usage_quarters
from workbench.records.usage import used


@dataclass(frozen=True, slots=True)
class Spending:
    """What the record knows of money.

    Attributes:
        before: USD of the calls that began before a time.
        since: call to USD, of those that began later.
        changed: when each dialogue last changed, of those that run or did not stay as they were.
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
        known: Unix time until when it is known which dialogues are doubtful; those that did not change since are left out.

    Raises:
        RecordError: it cannot be read.
    """
    parsed = parse_url(url)
    if parsed.drivername == "sqlite" and not Path(str(parsed.database)).is_file():
        return Spending(0.0, {}, {}, frozenset())
    engine = look_only(parsed, BUSY_SECONDS)
    try:
        with explained(place_of(parsed)), engine.connect() as connection:
            if parsed.drivername == "sqlite":  # all of it as of one moment
                connection.exec_driver_sql("BEGIN")
            else:
                connection.execution_options(isolation_level="REPEATABLE READ")
            priced = select(calls.c.id, func.max(calls.c.cost)).where(calls.c.cost.is_not(None), calls.c.started_at >= since)
            return Spending(
                _before(connection, since),
                _pairs(connection, priced.group_by(calls.c.id)),
                _changed(connection, known),
                _doubtful(connection, known),
            )
    finally:
        engine.dispose()


def _before(connection: Connection, since: float) -> float:
    """Return what calls cost that began before a time: all that was counted, less what was counted since."""
    if not inspect(connection).has_table(usage_quarters.name):  # a look at a record that is not brought up to date yet
        each = select(func.max(calls.c.cost).label("cost")).where(calls.c.started_at < since).group_by(calls.c.id).subquery()
        return connection.execute(select(func.sum(each.c.cost))).scalar() or 0.0
    whole, late = (used(connection.dialect.name, at, usage_quarters) for at in (None, since))
    costs = [connection.execute(select(func.sum(each.c.cost))).scalar() or 0.0 for each in (whole, late)]
    return max(costs[0] - costs[1], 0.0)


def _moved(known: float) -> ColumnElement[bool]:
    """Say which dialogues may have changed: a call that begins leaves its dialogue's row as it is, so all that run may have."""
    return or_(dialogues.c.updated_at >= known, dialogues.c.status == Status.RUNNING.value)


def _changed(connection: Connection, known: float) -> dict[str, float]:
    d, e = dialogues.c, events.c
    begun = select(func.max(e.at)).where(e.dialogue_id == d.id, e.type == literal_column("'call_started'")).scalar_subquery()
    query = select(d.id, d.updated_at, case((d.status == Status.RUNNING.value, begun))).where(_moved(known))
    return {name: at if last is None else max(at, last) for name, at, last in connection.execute(query)}


def _doubtful(connection: Connection, known: float) -> frozenset[str]:
    """Return the dialogues with a call whose usage is lost, or with one that began and never came back.

    A call with a usage and no cost was of a model without a price, which bounds nothing.
    """
    of_call: ColumnElement[bool]
    of_event: ColumnElement[bool]
    if known:
        some = select(dialogues.c.id).where(_moved(known)).scalar_subquery()
        of_call, of_event = calls.c.dialogue_id.in_(some), events.c.dialogue_id.in_(some)
    else:
        of_call = of_event = true()
    free = and_(calls.c.outcome.in_([*UNCHARGED]), calls.c.text == "", calls.c.reasoning == "")
    unpriced = select(calls.c.dialogue_id).where(of_call, calls.c.cost.is_(None), calls.c.prompt_tokens.is_(None), not_(free))
    begun, ended = events.c.dialogue_id, calls.c.dialogue_id
    # the type is text of the statement and no parameter, so that the index of these events is taken
    begin = select(begun.label("id"), func.count().label("begun")).where(
        of_event, events.c.type == literal_column("'call_started'")
    )
    come_back = select(ended.label("id"), func.count().label("ended")).where(of_call)
    one, other = begin.group_by(begun).subquery(), come_back.group_by(ended).subquery()
    lost = select(one.c.id).outerjoin(other, one.c.id == other.c.id).where(one.c.begun > func.coalesce(other.c.ended, 0))
    return frozenset(name for query in (unpriced.distinct(), lost) for name in connection.execute(query).scalars())


def _pairs(connection: Connection, query: Executable) -> dict[str, Any]:
    return {row[0]: row[1] for row in connection.execute(query)}
