"""What the record knows of each model: how often it was asked and answered, how fast, for how much, and how good it was.

Counts come from `usage`, by kind of task from `usage_tasks`. Seconds of answers come one by one, see `seconds`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final, Literal

from sqlalchemy import ColumnElement, Connection, Engine, Select, case, func, literal, select

from workbench.events import Usage
from workbench.records.failures import explained
from workbench.records.means import Mean, mean_of
from workbench.records.priced import Priced, check_baseline
from workbench.records.schema import ratings, usage, usage_tasks
from workbench.records.seconds import percentiles, read_seconds, read_seconds_by_task
from workbench.records.usage import used

if TYPE_CHECKING:
    import pandas as pd

By = Literal["model", "task"]
UNTOLD: Final = ""
"""The kind of a task that nobody looked at."""
_USAGE: Final = ("prompt_tokens", "completion_tokens", "cached_tokens")
"""In the order of `Usage`."""
_Key = tuple[str, str]
"""Model and kind of task."""
Facts = dict[str, Any]
"""What is known of it, by name."""


@dataclass(frozen=True, slots=True)
class ModelStats:
    """One model, or one model on one kind of task.

    Attributes:
        model: its card's name.
        task: the kind; empty where nobody looked, or where kinds are not told apart.
        calls: requests that went to it, retries included.
        answered: that brought a whole answer.
        success: share of its calls that were answered, those left out that somebody cancelled; None without calls.
        fallbacks: answers that were asked of it and came from another model.
        latency_p50: seconds of an answered call, without the wait for a place; half took no longer.
        latency_p95: 95 % took no longer.
        first_token_p50: seconds to the first piece of a streamed answer.
        tokens_per_second: tokens of its answers by the seconds that these took.
        prompt_tokens: of all calls whose usage is known, like the next two.
        cached_tokens: part of `prompt_tokens`.
        completion_tokens: what it wrote.
        cost: USD over the calls whose cost is known; None when none is.
        unpriced_calls: that may have cost something which nobody knows.
        quality: mean over dialogues, of its mean over the rated turns of each; None without ratings.
        ratings: words of people, judges, votes, checks and experiments.
        rated_dialogues: in which they were said.
        baseline_cost: USD that the calls whose cost is known would have cost at the baseline's prices.
    """

    model: str
    task: str = UNTOLD
    calls: int = 0
    answered: int = 0
    success: float | None = None
    fallbacks: int = 0
    latency_p50: float | None = None
    latency_p95: float | None = None
    first_token_p50: float | None = None
    tokens_per_second: float | None = None
    prompt_tokens: int = 0
    cached_tokens: int = 0
    completion_tokens: int = 0
    cost: float | None = None
    unpriced_calls: int = 0
    quality: Mean | None = None
    ratings: int = 0
    rated_dialogues: int = 0
    baseline_cost: float | None = None

    @property
    def saved(self) -> float | None:
        """USD that the baseline would have cost more; None without a baseline, or where no cost is known."""
        return None if self.baseline_cost is None or self.cost is None else self.baseline_cost - self.cost


def read_model_stats(
    engine: Engine, place: str, by: By = "model", since: float | None = None, baseline: Priced | None = None
) -> list[ModelStats]:
    """Return a row for each model, or for each model and kind of task, by name.

    Args:
        engine: connected to the record.
        place: its name in messages.
        by: `task` tells kinds of tasks apart.
        since: Unix seconds; only calls that began and ratings that were given from then on.
        baseline: whose prices everything is compared with.

    Raises:
        RecordError: the baseline's prices are unknown, or the record cannot be read.
    """
    check_baseline(baseline)
    with explained(place), engine.connect() as connection:
        found = _Found(connection, by, since)
        rows: dict[_Key, Facts] = {}
        for facts in (found.usage(), found.fallbacks(), found.seconds(), found.qualities()):
            for key, values in facts:
                rows.setdefault(key, {}).update(values)
    return [_row(*key, rows[key], baseline) for key in sorted(rows)]


class _Found:
    """The queries, one for each group of facts; each yields keys and what it knows of them."""

    def __init__(self, connection: Connection, by: By, since: float | None) -> None:
        self._connection, self._since, self._by = connection, since, by
        self._used = used(connection.dialect.name, since, usage if by == "model" else usage_tasks).c
        self._kinds = () if by == "model" else (self._used.kind,)
        self._kind = literal(UNTOLD).label("kind") if by == "model" else self._used.kind

    def usage(self) -> Iterator[tuple[_Key, Facts]]:
        """Yield counts, tokens and money."""
        u = self._used
        names = ("calls", "answered", "cancelled", *_USAGE, *(f"priced_{name}" for name in _USAGE), "unpriced_calls")
        sums = (func.sum(u[name]).label(name) for name in (*names, "written", "writing"))
        cost = case((func.sum(u.priced_calls) > 0, func.sum(u.cost))).label("cost")
        return self._read(select(u.model, self._kind, *sums, cost).group_by(u.model, *self._kinds))

    def fallbacks(self) -> Iterator[tuple[_Key, Facts]]:
        """Yield how many answers came from another model than was asked, by the one asked."""
        u, fell = self._used, func.sum(self._used.fallbacks).label("fallbacks")
        query = select(u.asked.label("model"), self._kind, fell).where(u.fallbacks > 0)
        return self._read(query.group_by(u.asked, *self._kinds))

    def seconds(self) -> Iterator[tuple[_Key, Facts]]:
        """Yield percentiles of how long answers took, and the median of how long their first pieces did."""
        if self._by == "task":
            for key, took in read_seconds_by_task(self._connection, self._since).items():
                yield key, percentiles(*took)
        else:
            for name, took in read_seconds(self._connection, self._since).items():
                yield (name, UNTOLD), percentiles(*took)

    def qualities(self) -> Iterator[tuple[_Key, Facts]]:
        """Yield sums over dialogues of ratings: what is said of turns of one dialogue is not independent."""
        r, kinds = ratings.c, () if self._by == "model" else (ratings.c.kind,)
        turn = (r.model, r.dialogue_id, r.turn, *kinds)  # in the order of the index
        words = select(*turn, func.avg(r.quality).label("q"), func.count().label("n")).group_by(*turn)
        t = (words if self._since is None else words.where(r.at >= self._since)).subquery().c
        dialogue = (t.model, t.dialogue_id, *(t[kind.name] for kind in kinds))
        d = select(*dialogue, func.avg(t.q).label("q"), func.sum(t.n).label("n")).group_by(*dialogue).subquery().c
        model = (d.model, *(d[kind.name] for kind in kinds))
        sums = (
            func.count().label("rated_dialogues"),
            func.sum(d.n).label("ratings"),
            func.sum(d.q).label("total"),
            func.sum(d.q * d.q).label("squares"),
            _count(d.q.in_((0.0, 1.0))).label("whole"),
            (func.max(d.q) - func.min(d.q)).label("range"),
        )
        return self._read(select(d.model, *(model[1:] or (literal(UNTOLD).label("kind"),)), *sums).group_by(*model))

    def _read(self, query: Select[Any]) -> Iterator[tuple[_Key, Facts]]:
        """Yield rows; PostgreSQL adds whole numbers up to decimals."""
        for row in self._connection.execute(query).mappings():
            facts = {name: int(value) if isinstance(value, Decimal) else value for name, value in row.items()}
            yield (row["model"], row["kind"]), facts


def _count(condition: ColumnElement[bool]) -> ColumnElement[int]:
    return func.sum(case((condition, 1), else_=0))


def _row(model: str, task: str, facts: Facts, baseline: Priced | None) -> ModelStats:
    tried = facts.get("calls", 0) - facts.get("cancelled", 0)
    usage = Usage(*(int(facts.get(f"priced_{name}", 0)) for name in _USAGE))
    names = ("calls", "answered", "fallbacks", "latency_p50", "latency_p95", "first_token_p50", "cost", "unpriced_calls")
    plain = {name: facts[name] for name in (*names, "ratings", "rated_dialogues") if name in facts}
    return ModelStats(
        model=model,
        task=task,
        success=facts["answered"] / tried if tried else None,
        tokens_per_second=facts["written"] / facts["writing"] if facts.get("writing") else None,
        quality=_quality(facts),
        baseline_cost=baseline.cost(usage) if baseline and facts.get("cost") is not None else None,
        **plain,
        **{name: int(facts.get(name, 0)) for name in _USAGE},
    )


def _quality(facts: Facts) -> Mean | None:
    n = facts.get("rated_dialogues", 0)
    if not n:
        return None
    return mean_of(n, facts["total"], facts["squares"], whole=facts["whole"] == n, alike=facts["range"] == 0)


_COLUMNS: Final = {
    "model": "string",
    "task": "string",
    "calls": "Int64",
    "answered": "Int64",
    "success": "float64",
    "fallbacks": "Int64",
    "latency_p50": "float64",
    "latency_p95": "float64",
    "first_token_p50": "float64",
    "tokens_per_second": "float64",
    "prompt_tokens": "Int64",
    "cached_tokens": "Int64",
    "completion_tokens": "Int64",
    "cost": "float64",
    "unpriced_calls": "Int64",
    "quality": "float64",
    "quality_low": "float64",
    "quality_high": "float64",
    "interval": "string",
    "ratings": "Int64",
    "rated_dialogues": "Int64",
    "baseline_cost": "float64",
    "saved": "float64",
}
"""Column to type, whether there are rows or not."""


def stats_frame(rows: Sequence[ModelStats], by: By = "model", *, baseline: bool = False) -> pd.DataFrame:
    """Return the rows as a DataFrame; `task`, `baseline_cost` and `saved` are there where they were asked for."""
    import pandas as pd

    left_out = ({"task"} if by == "model" else set()) | (set() if baseline else {"baseline_cost", "saved"})
    types = {name: kind for name, kind in _COLUMNS.items() if name not in left_out}
    values = [_flat(row) for row in rows]
    return pd.DataFrame({name: pd.Series([row[name] for row in values], dtype=kind) for name, kind in types.items()})


def _flat(row: ModelStats) -> Facts:
    mean = row.quality
    facts: Facts = {name: getattr(row, name) for name in _COLUMNS if hasattr(row, name)}
    facts |= {"quality": None, "quality_low": None, "quality_high": None, "interval": None, "task": row.task or None}
    if mean is not None:
        facts |= {"quality": mean.value, "quality_low": mean.low, "quality_high": mean.high, "interval": mean.method}
    return facts
