"""How fast and how reliably models answered: the numbers behind `%performance`, and the slowest of all calls.

Counts come from `usage`, seconds from an index that has all that is asked.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from sqlalchemy import Connection, and_, case, func, select, tuple_

from workbench.records.costs import CostRows
from workbench.records.failures import explained
from workbench.records.schema import calls, turns
from workbench.records.seconds import in_time, percentiles, read_seconds
from workbench.records.usage import used

SLOWEST: Final = 10


@dataclass(frozen=True, slots=True)
class Pace:
    """One model.

    Attributes:
        model: its card's name.
        calls: requests that went to it, retries included.
        answered: that brought a whole answer.
        failed: that did not, those left out that somebody cancelled.
        fallbacks: answers that were asked of it and came from another model.
        asked: answers that were asked of it, whoever gave them.
        latency_p50: seconds of an answered call, without the wait for a place; half took no longer.
        latency_p95: 95 % took no longer.
        first_token_p50: seconds to the first piece of a streamed answer.
        tokens_per_second: tokens of its answers by the seconds that these took.
        cost: USD of the calls whose cost is known; None when none is.
        unpriced_calls: that may have cost something which nobody knows.
    """

    model: str
    calls: int = 0
    answered: int = 0
    failed: int = 0
    fallbacks: int = 0
    asked: int = 0
    latency_p50: float | None = None
    latency_p95: float | None = None
    first_token_p50: float | None = None
    tokens_per_second: float | None = None
    cost: float | None = None
    unpriced_calls: int = 0

    @property
    def error_rate(self) -> float | None:
        """Share of its calls that failed, those left out that somebody cancelled; None without any."""
        tried = self.answered + self.failed
        return self.failed / tried if tried else None

    @property
    def fallback_rate(self) -> float | None:
        """Share of the answers asked of it that another model gave; None without any."""
        return self.fallbacks / self.asked if self.asked else None


@dataclass(frozen=True, slots=True)
class SlowCall:
    """One of the slowest calls; `role` and `round` are those of its turn, `queue` the seconds that it waited before."""

    dialogue: str
    turn: str
    role: str
    round: int | None
    model: str
    outcome: str
    seconds: float
    queue: float
    began: float


@dataclass(frozen=True, slots=True)
class Failures:
    """How many calls of a model ended in one class of error."""

    model: str
    outcome: str
    calls: int


class UsageRows(CostRows):
    """All that is told of usage: what was spent, and how fast and how reliably models answered."""

    def models(self, since: float | None = None, model: str | None = None) -> list[Pace]:
        """Return a row for each model, those with the most calls first.

        Args:
            since: Unix seconds; only calls that began from then on.
            model: only this one.

        Raises:
            RecordError: the record cannot be read.
        """
        with explained(self._place), self._engine.connect() as connection:
            counts = _counts(connection, since, model)
            seconds = read_seconds(connection, since, model)
        found = [_pace(name, counts[name], *seconds.get(name, ([], []))) for name in counts]
        return sorted(found, key=lambda pace: (-pace.calls, pace.model))

    def slowest(self, since: float | None = None, model: str | None = None, limit: int = SLOWEST) -> list[SlowCall]:
        """Return the calls that took longest, the slowest first, whatever came of them. Arguments and errors as above."""
        c, t = calls.c, turns.c
        key = (c.started_at, c.model, c.outcome, c.total_seconds)
        longest = select(*key).where(in_time(since, model)).order_by(c.total_seconds.desc()).limit(limit)
        told = (
            select(c.dialogue_id, c.turn, t.role, t.round, c.model, c.outcome, c.total_seconds, c.queue_seconds, c.started_at)
            .join_from(calls, turns, and_(t.dialogue_id == c.dialogue_id, t.turn == c.turn), isouter=True)
            .where(tuple_(*key).in_(longest))
            .order_by(c.total_seconds.desc(), c.started_at)
            .limit(limit)
        )
        with explained(self._place), self._engine.connect() as connection:
            rows = connection.execute(told).all()
        return [SlowCall(row[0], row[1], row[2] or "", *row[3:]) for row in rows]

    def failures(self, since: float | None = None, model: str | None = None) -> list[Failures]:
        """Return what failed, the most frequent first. Arguments and errors as above."""
        with explained(self._place), self._engine.connect() as connection:
            u = used(connection.dialect.name, since).c
            many = func.sum(u.calls).label("many")
            query = select(u.model, u.outcome, many).where(u.outcome.not_in(("ok", "cancelled")))
            if model is not None:
                query = query.where(u.model == model)
            rows = connection.execute(query.group_by(u.model, u.outcome)).all()
        return sorted((Failures(row[0], row[1], int(row[2])) for row in rows), key=lambda f: (-f.calls, f.model, f.outcome))


def _counts(connection: Connection, since: float | None, model: str | None) -> dict[str, dict[str, float | None]]:
    u = used(connection.dialect.name, since).c
    ok = u.outcome == "ok"
    sums = (
        func.sum(u.calls),
        func.sum(case((ok, u.calls), else_=0)),
        func.sum(case((u.outcome == "cancelled", u.calls), else_=0)),
        func.sum(u.written),
        func.sum(u.writing),
        func.sum(u.cost),
        func.sum(u.priced_calls),
        func.sum(u.unpriced_calls),
    )
    found: dict[str, dict[str, float | None]] = {}
    for name, every, answered, cancelled, written, writing, cost, priced, unpriced in connection.execute(
        select(u.model, *sums).group_by(u.model)
    ):
        found[name] = {
            "calls": int(every),
            "answered": int(answered),
            "failed": int(every - answered - cancelled),
            "tokens_per_second": float(written) / writing if writing else None,
            "cost": cost if priced else None,
            "unpriced_calls": int(unpriced),
        }
    fell = func.sum(case((u.model != u.asked, u.calls), else_=0))
    for name, asked, fallbacks in connection.execute(select(u.asked, func.sum(u.calls), fell).where(ok).group_by(u.asked)):
        found.setdefault(name, {}).update(asked=int(asked), fallbacks=int(fallbacks))
    return {name: facts for name, facts in found.items() if model in (None, name)}


def _pace(model: str, counts: dict[str, float | None], totals: list[float], firsts: list[float]) -> Pace:
    return Pace(model=model, **counts, **percentiles(totals, firsts))  # type: ignore[arg-type]
