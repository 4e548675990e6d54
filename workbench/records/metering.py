"""What monitoring asks of the record: calls counted, and how long they took, as histograms that are kept up by reading little.

Counts come from `usage`, which the writer keeps. Histograms are added up from the calls, a quarter of an hour at a time, and
`usage_quarters` tells which have changed since: the present one as a rule, an old one after an import. So they hold whoever
wrote, they are the same after a restart, and no event is counted twice.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, TypeVar

from sqlalchemy import Connection, Engine, Select, case, func, or_, select

from workbench.records.counting import DAY, QUARTER, quarter_of
from workbench.records.failures import explained
from workbench.records.owners import is_alive
from workbench.records.schema import calls, dialogues, usage, usage_quarters

SECONDS: Final = (0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 20.0, 30.0, 60.0, 120.0, 300.0, 600.0)
"""Upper ends of the buckets for whole calls."""
FIRST_TOKEN: Final = (0.05, 0.1, 0.2, 0.35, 0.5, 0.75, 1.0, 1.5, 2.0, 3.0, 5.0, 10.0, 20.0, 30.0, 60.0)
"""Upper ends of the buckets for the first token."""
Key = TypeVar("Key")
_RECENT: Final = 96
"""Quarters that are kept one by one, a day; what is older is kept as one sum."""
_NEWEST: Final = 2000
"""Dialogues among which those that run are looked for: a condition without an index must not walk a million rows."""


@dataclass(frozen=True, slots=True)
class Count:
    """Calls of one model, asked for by one name, at one provider, with one outcome; `first` is the quarter of the first."""

    model: str
    asked: str
    provider: str
    outcome: str
    first: int
    calls: int
    prompt_tokens: int
    cached_tokens: int
    completion_tokens: int
    reasoning_tokens: int
    cost: float
    priced_calls: int
    unpriced_calls: int
    saved: float


@dataclass(slots=True)
class Histogram:
    """Durations in buckets, each counted once, the last without an end; `total` is their sum in seconds."""

    counts: list[int]
    total: float = 0.0

    def add(self, other: Histogram) -> None:
        """Add another histogram to this one."""
        self.counts = [mine + its for mine, its in zip(self.counts, other.counts, strict=True)]
        self.total += other.total


@dataclass(slots=True)
class Durations:
    """How long calls took: whole ones by model and `ok` or `failed`, and first tokens of answers by model."""

    seconds: dict[tuple[str, str], Histogram] = field(default_factory=dict)
    first_token: dict[str, Histogram] = field(default_factory=dict)

    def add(self, other: Durations) -> None:
        """Add others to these."""
        _add(self.seconds, other.seconds)
        _add(self.first_token, other.first_token)


@dataclass(frozen=True, slots=True)
class Meters:
    """What there is to measure, at one moment: `running` is how many of the newest dialogues a living process runs."""

    at: float
    counts: Sequence[Count]
    durations: Durations
    running: int


class Metering:
    """Reads the meters again and again; one for each reader, used by one thread at a time. It blocks.

    Args:
        engine: of the record.
        place: the record's name in messages.
        clock: Unix seconds.
    """

    def __init__(self, engine: Engine, place: str, clock: Callable[[], float] = time.time) -> None:
        self._engine, self._place, self._clock = engine, place, clock
        self._forget()

    def read(self) -> Meters:
        """Return the meters as they stand.

        Raises:
            RecordError: the database cannot answer.
        """
        with explained(self._place), self._engine.connect() as connection:
            if connection.dialect.name == "postgresql":  # both tables as of one moment; SQLite does so by itself
                connection.execution_options(isolation_level="REPEATABLE READ")
            counts = _counts(connection)
            self._fold(connection)
            durations = Durations()
            for part in (self._settled, *(recent for _, recent in self._recent.values())):
                durations.add(part)
            return Meters(self._clock(), counts, durations, _running(connection))

    def _forget(self) -> None:
        self._settled = Durations()
        self._of_settled: dict[int, int] = {}
        self._recent: dict[int, tuple[int, Durations]] = {}
        self._from: int | None = None

    def _fold(self, connection: Connection) -> None:
        """Bring the durations up to date with the quarters that have changed."""
        u = usage_quarters.c
        now: dict[int, int] = {
            row[0]: int(row[1]) for row in connection.execute(select(u.quarter, func.sum(u.calls)).group_by(u.quarter))
        }
        limit = quarter_of(self._clock()) - _RECENT
        begun = self._from
        if begun is None or {quarter: many for quarter, many in now.items() if quarter < begun} != self._of_settled:
            begun = self._begin(connection, now, limit)
        for quarter in [quarter for quarter in self._recent if quarter not in now]:
            del self._recent[quarter]
        for quarter, many in now.items():
            if quarter >= begun and self._recent.get(quarter, (0,))[0] != many:
                self._recent[quarter] = many, _durations(connection, quarter, quarter + 1, many)
        self._settle(max(begun, limit))

    def _begin(self, connection: Connection, now: dict[int, int], limit: int) -> int:
        """Add up what is not recent, all at once; return the first quarter that is."""
        self._forget()
        self._from = limit
        self._of_settled = {quarter: many for quarter, many in now.items() if quarter < limit}
        if self._of_settled:
            self._settled = _durations(connection, min(self._of_settled), limit, sum(self._of_settled.values()))
        return limit

    def _settle(self, limit: int) -> None:
        """Put what is no longer recent into the sum."""
        for quarter in [quarter for quarter in self._recent if quarter < limit]:
            many, durations = self._recent.pop(quarter)
            self._of_settled[quarter] = many
            self._settled.add(durations)
        self._from = limit


def _counts(connection: Connection) -> list[Count]:
    u = usage.c
    keys = (u.model, u.asked, u.provider, u.outcome)
    added = (
        "calls",
        "prompt_tokens",
        "cached_tokens",
        "completion_tokens",
        "reasoning_tokens",
        "cost",
        "priced_calls",
        "unpriced_calls",
        "saved",
    )
    sums = (func.sum(u[name]).label(name) for name in added)
    query = select(*keys, (func.min(u.day) * (DAY // QUARTER)).label("first"), *sums).group_by(*keys)
    found = [dict(row._mapping) for row in connection.execute(query)]  # noqa: SLF001 - SQLAlchemy's public name for it
    plain = {name: float if name in ("cost", "saved") else int for name in added}  # PostgreSQL adds integers up to decimals
    return [Count(**row | {name: kind(row[name]) for name, kind in plain.items()}) for row in found]


def _durations(connection: Connection, first: int, end: int, many: int) -> Durations:
    """Add up the calls that began in quarters from `first` to before `end`, of which `usage_quarters` knows so many."""
    rows = connection.execute(_grouped(first, end)).all()
    if sum(row.many for row in rows) != many:  # forks of old have their parents' calls a second time
        rows = connection.execute(_grouped(first, end, once=True)).all()
    found = Durations()
    for row in rows:
        if row.kind == "cancelled":
            continue
        whole = Histogram(_one(len(SECONDS), row.bucket, row.many), float(row.total))
        _add(found.seconds, {(row.model, row.kind): whole})
        if row.kind == "ok" and row.first_bucket is not None:
            first_token = Histogram(_one(len(FIRST_TOKEN), row.first_bucket, row.many), float(row.first_total))
            _add(found.first_token, {row.model: first_token})
    return found


def _grouped(first: int, end: int, *, once: bool = False) -> Select[Any]:
    """Select the buckets of calls; what it reads lies in the index `calls_started_at`, unless each call is to count once."""
    c, d = calls.c, dialogues.c
    kind = case((c.outcome.in_(("ok", "cancelled")), c.outcome), else_="failed").label("kind")
    bucket = _bucket(c.total_seconds, SECONDS).label("bucket")
    first_bucket = case((c.first_token_seconds.is_not(None), _bucket(c.first_token_seconds, FIRST_TOKEN))).label("first_bucket")
    keys = (c.model, kind, bucket, first_bucket)
    sums = (
        func.count().label("many"),
        func.sum(c.total_seconds).label("total"),
        func.sum(c.first_token_seconds).label("first_total"),
    )
    query = select(*keys, *sums).where(c.started_at >= first * QUARTER, c.started_at < end * QUARTER)
    if once:
        query = query.join_from(calls, dialogues, d.id == c.dialogue_id).where(
            or_(d.forked_from.is_(None), d.created_at <= c.started_at)
        )
    return query.group_by(*keys)


def _bucket(column: Any, ends: Sequence[float]) -> Any:
    return case(*((column <= end, number) for number, end in enumerate(ends)), else_=len(ends))


def _one(buckets: int, bucket: int, many: int) -> list[int]:
    counts = [0] * (buckets + 1)
    counts[bucket] = many
    return counts


def _add(into: dict[Key, Histogram], histograms: dict[Key, Histogram]) -> None:
    for key, histogram in histograms.items():
        into.setdefault(key, Histogram([0] * len(histogram.counts))).add(histogram)


def _running(connection: Connection) -> int:
    d = dialogues.c
    newest = select(d.status, d.owner, d.updated_at).order_by(d.created_at.desc()).limit(_NEWEST).subquery()
    rows = connection.execute(select(newest.c.owner, newest.c.updated_at).where(newest.c.status == "running")).all()
    return sum(is_alive(row.owner, row.updated_at) for row in rows)
