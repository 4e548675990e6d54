"""What was spent, by model, day, dialogue, experiment, provider or mode: the answers that `%costs` shows.

They come from `usage`, so that they take no longer with a million calls than with a thousand; single dialogues are looked up by
their cost. What is unknown stays None and is counted, never taken for nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Final, Literal

from sqlalchemy import ColumnElement, Connection, Engine, FromClause, Label, RowMapping, func, select

from workbench.events import Usage
from workbench.records.counting import QUARTER
from workbench.records.failures import explained
from workbench.records.local_days import iso, local_day
from workbench.records.priced import Priced, check_baseline
from workbench.records.schema import calls, dialogues, experiment_runs, experiments, usage, usage_quarters
from workbench.records.usage import SUMS, one_by_one, used

By = Literal["model", "day", "dialogue", "experiment", "provider", "mode"]
DEAREST: Final = 20
"""Dialogues that are told one by one."""
_WHOLE: Final = tuple(name for name in SUMS if name not in ("cost", "saved"))
_YEARS: Final = (946_684_800, 4_102_444_800)
"""2000 to 2100, in Unix seconds: between them, days follow the clocks that were and will be set here."""
Sums = dict[str, float]


@dataclass(frozen=True, slots=True)
class Cost:
    """What the calls of one model, day, dialogue … took.

    Attributes:
        of: the model, the provider, the mode, the day (ISO, local time), the dialogue's id or the experiment's name; empty for
            all together, and for calls of no experiment.
        calls: requests, retries included.
        failed: that brought no answer, those left out that somebody cancelled.
        fallbacks: answers that came from another model than was asked for; by model, that were asked of it.
        prompt_tokens: of the calls whose usage is known, like the next three.
        cached_tokens: part of `prompt_tokens`.
        completion_tokens: what was written.
        reasoning_tokens: part of `completion_tokens`.
        cost: USD of the calls whose cost is known; None when none is.
        unpriced_calls: that may have cost something which nobody knows.
        saved: USD that caching took off the cost; None where nothing was cached, or prices are unknown.
        baseline_cost: USD that the calls whose cost is known would have cost at the baseline's prices.
        about: a dialogue's topic.
        mode: of a dialogue.
    """

    of: str
    calls: int = 0
    failed: int = 0
    fallbacks: int = 0
    prompt_tokens: int = 0
    cached_tokens: int = 0
    completion_tokens: int = 0
    reasoning_tokens: int = 0
    cost: float | None = None
    unpriced_calls: int = 0
    saved: float | None = None
    baseline_cost: float | None = None
    about: str | None = None
    mode: str | None = None

    @property
    def spared(self) -> float | None:
        """USD that the baseline would have cost more; None without a baseline, or where no cost is known."""
        return None if self.baseline_cost is None or self.cost is None else self.baseline_cost - self.cost


@dataclass(frozen=True, slots=True)
class DayCost:
    """What a model took on a day; `day` is local and ISO, `cost` None where no call's is known."""

    day: str
    model: str
    calls: int
    cost: float | None


class CostRows:
    """The reading side of `usage`.

    Args:
        engine: connected to the record.
        place: its name in messages.
    """

    def __init__(self, engine: Engine, place: str) -> None:
        self._engine, self._place = engine, place

    def by(self, what: By, since: float | None = None, baseline: Priced | None = None, *, dearest: int = DEAREST) -> list[Cost]:
        """Return a row for each model, day …: days in their order, the others from the dearest down.

        Args:
            what: to tell apart. Of dialogues only the dearest that began in that time are told, each with its own calls and
                not those of its sub-dialogues.
            since: Unix seconds; only calls that began from then on.
            baseline: whose prices everything is compared with.
            dearest: how many dialogues.

        Raises:
            RecordError: the baseline's prices are unknown, or the record cannot be read.
        """
        check_baseline(baseline)
        with explained(self._place), self._engine.connect() as connection:
            if what == "dialogue":
                found = list(_dialogues(connection, since, baseline, dearest))
            else:
                found = [_cost(of, sums, baseline) for of, sums in _told_apart(connection, what, since).items()]
        return sorted(found, key=lambda row: row.of) if what == "day" else sorted(found, key=_dearest_first)

    def total(self, since: float | None = None, baseline: Priced | None = None) -> Cost:
        """Return all of it together. Arguments and errors as for `by`."""
        check_baseline(baseline)
        with explained(self._place), self._engine.connect() as connection:
            source = used(connection.dialect.name, since)
            row = connection.execute(select(*_sums(source))).mappings().one()
        return _cost("", _plain(row), baseline)

    def count_dialogues(self, since: float | None = None) -> int:
        """Return how many dialogues began from a time on."""
        query = select(func.count()).select_from(dialogues)
        if since is not None:
            query = query.where(dialogues.c.created_at >= since)
        with explained(self._place), self._engine.connect() as connection:
            return int(connection.execute(query).scalar_one())

    def daily(self, since: float | None = None) -> list[DayCost]:
        """Return what each model took on each day, by day and model."""
        with explained(self._place), self._engine.connect() as connection:
            source = used(connection.dialect.name, since, usage_quarters)
            u, day = source.c, _day(connection, source)
            amounts = (func.sum(u.calls), func.sum(u.cost), func.sum(u.priced_calls))
            rows = connection.execute(select(day.label("day"), u.model, *amounts).group_by("day", u.model)).all()
        return [
            DayCost(iso(day), model, int(many), cost if priced else None) for day, model, many, cost, priced in sorted(rows)
        ]


def _told_apart(connection: Connection, what: By, since: float | None) -> dict[str, Sums]:
    source = used(connection.dialect.name, since, usage_quarters if what == "day" else usage)
    u = source.c
    if what == "model":
        return _by_model(connection, source)
    column = _day(connection, source) if what == "day" else u["part_of" if what == "experiment" else what]
    rows = connection.execute(select(column.label("of"), *_sums(source)).group_by("of")).mappings()
    name: Callable[[Any], str | None] = str
    if what == "day":
        name = iso
    elif what == "experiment":
        name = _experiments(connection).get
    return _gathered(rows, name)


def _by_model(connection: Connection, source: FromClause) -> dict[str, Sums]:
    """Add up by model; answers that came from another one are those of the model that was asked."""
    u = source.c
    found = _gathered(connection.execute(select(u.model.label("of"), *_sums(source)).group_by(u.model)).mappings(), str)
    fell = select(u.asked, func.sum(u.fallbacks)).where(u.fallbacks > 0).group_by(u.asked)
    for sums in found.values():
        sums["fallbacks"] = 0
    for asked, many in connection.execute(fell):
        found.setdefault(asked, dict.fromkeys(SUMS, 0))["fallbacks"] = int(many)
    return found


def _gathered(rows: Iterable[RowMapping], name: Callable[[Any], str | None]) -> dict[str, Sums]:
    """Add rows up by the name of what they are of."""
    found: dict[str, Sums] = {}
    for row in rows:
        mine = found.setdefault(name(row["of"]) or "", dict.fromkeys(SUMS, 0))
        for key, value in _plain(row).items():
            mine[key] += value
    return found


def _experiments(connection: Connection) -> dict[str, str]:
    """Return the name of the experiment that calls belong to, by what their dialogue is a part of.

    That is a run, or a dialogue which may be a part of a run in its turn.
    """
    d, r = dialogues.c, experiment_runs.c
    parts = select(used(connection.dialect.name).c.part_of.label("part")).distinct().subquery()
    named = dict(
        connection.execute(select(r.id, experiments.c.name).join(experiments, experiments.c.id == r.experiment_id)).all()
    )
    if not named:
        return {}
    begin = select(parts.c.part.label("part"), parts.c.part.label("at")).where(
        parts.c.part != "", parts.c.part.not_in(select(r.id))
    )
    up = begin.cte("up", recursive=True)
    up = up.union(select(up.c.part, d.parent_id).where(d.id == up.c.at, d.forked_from.is_(None), d.parent_id.is_not(None)))
    above = connection.execute(select(up.c.part, r.id).where(r.id == up.c.at)).all()
    return named | {part: named[run] for part, run in above}


def _dialogues(connection: Connection, since: float | None, baseline: Priced | None, many: int) -> Iterator[Cost]:
    """Yield the dearest dialogues, then the newest of those whose cost is unknown."""
    d, c = dialogues.c, calls.c
    told = select(d.id, d.topic, d.mode, d.cost)
    if since is not None:
        told = told.where(d.created_at + 0.0 >= since)  # a sum, so that the index by cost is taken and not the one by time
    dear = told.where(d.cost.is_not(None)).order_by(d.cost.desc(), d.created_at.desc()).limit(many)
    rows = connection.execute(dear).all()
    if len(rows) < many:
        unknown = told.where(d.cost.is_(None)).order_by(d.created_at.desc()).limit(many - len(rows))
        rows = [*rows, *connection.execute(unknown).all()]
    singles = one_by_one(connection.dialect.name, usage, c.dialogue_id.label("of")).where(
        c.dialogue_id.in_([row.id for row in rows])
    )
    made = singles.subquery("made")
    found = connection.execute(select(made.c.of, *_sums(made)).group_by(made.c.of)).mappings()
    sums = {row["of"]: _plain(row) for row in found}
    for row in rows:
        if row.id in sums:
            yield _cost(row.id, sums[row.id], baseline, about=row.topic, mode=row.mode)


def _sums(source: FromClause) -> list[Label[Any]]:
    return [func.coalesce(func.sum(source.c[name]), 0).label(name) for name in SUMS]


def _plain(row: RowMapping) -> Sums:
    """Return a row's sums; PostgreSQL adds whole numbers up to decimals."""
    return {name: int(row[name]) if name in _WHOLE else float(row[name]) for name in SUMS}


def _cost(of: str, sums: Sums, baseline: Priced | None, about: str | None = None, mode: str | None = None) -> Cost:
    whole = {name: int(sums[name]) for name in _WHOLE}
    priced = Usage(*(whole[f"priced_{name}_tokens"] for name in ("prompt", "completion", "cached")))
    same = ("calls", "fallbacks", "prompt_tokens", "cached_tokens", "completion_tokens", "reasoning_tokens", "unpriced_calls")
    known = whole["priced_calls"] > 0
    return Cost(
        of=of,
        failed=whole["calls"] - whole["answered"] - whole["cancelled"],
        cost=sums["cost"] if known else None,
        saved=sums["saved"] if whole["cached_calls"] else None,
        baseline_cost=baseline.cost(priced) if baseline and known else None,
        about=about,
        mode=mode,
        **{name: whole[name] for name in same},
    )


def _dearest_first(row: Cost) -> tuple[bool, float, int, str]:
    return row.cost is None, -(row.cost or 0.0), -row.calls, row.of


def _day(connection: Connection, source: FromClause) -> ColumnElement[int]:
    quarters = usage_quarters.c.quarter
    least, most = (number // QUARTER for number in _YEARS)
    first, last = connection.execute(select(func.min(quarters), func.max(quarters)).where(quarters.between(least, most))).one()
    return local_day(source.c.quarter, first or least, last or least)
