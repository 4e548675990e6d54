"""`%costs`: what was spent, by model, day, dialogue, experiment, provider or mode, as a table."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import asdict
from typing import TYPE_CHECKING, Any, Final

from workbench.dialogue.export.facts import money
from workbench.dialogue.leftover import budgets_left
from workbench.notebook.tables import Column, Table
from workbench.records.costs import DEAREST, By, Cost
from workbench.records.moments import moment

if TYPE_CHECKING:
    from workbench.dialogue import Orchestrator
    from workbench.models import ModelCard
    from workbench.records import Record
    from workbench.records.moments import Since

_ABOUT: Final = 70
_NONE: Final = {"experiment": "(no experiment)"}


def _gain(usd: float) -> str:
    """Return USD that were saved, or lost with a minus."""
    return "$0" if usd == 0 else f"{'-' * (usd < 0)}{money(abs(usd))}"


def _some(value: int) -> str:
    return f"{value:,}" if value else ""


_COLUMNS: Final = (
    Column("about", "topic", show=lambda topic: topic if len(topic) <= _ABOUT else topic[: _ABOUT - 1] + "…"),
    Column("mode"),
    Column("calls", type="Int64", show="{:,}".format),
    Column("failed", type="Int64", show=_some),
    Column("fallbacks", "fell back", "Int64", _some),
    Column("prompt_tokens", "tokens in", "Int64", "{:,}".format),
    Column("cached_tokens", "cached", "Int64", _some),
    Column("completion_tokens", "out", "Int64", "{:,}".format),
    Column("reasoning_tokens", "reasoning", "Int64", _some),
    Column("cost", type="float64", show=money),
    Column("unpriced_calls", "cost unknown", "Int64", _some),
    Column("saved", "saved by caching", "float64", _gain),
    Column("baseline_cost", "", "float64"),
    Column("spared", "saved", "float64", _gain),
)


def costs_table(
    orchestrator: Orchestrator,
    by: By = "model",
    since: Since | None = None,
    baseline: ModelCard | None = None,
    dearest: int = DEAREST,
) -> Table:
    """Return a row for each model, day … with what it took, totals, and what budgets have left.

    Args:
        orchestrator: whose record it is.
        by: what to tell apart.
        since: only calls that began from then on.
        baseline: the model whose prices everything is compared with.
        dearest: how many dialogues are told.

    Raises:
        RecordError: the point in time is none, the baseline's prices are unknown, or the record cannot be read.
    """
    record: Record = orchestrator.record
    record.flush()
    begin = None if since is None else moment(since)
    found = record.usage.by(by, begin, baseline, dearest=dearest)
    total = record.usage.total(begin, baseline)
    rows = [cost_row(each, by) for each in found]
    left_out = set() if baseline else {"baseline_cost", "spared"}
    left_out |= set() if by == "dialogue" else {"about", "mode"}  # the second may stand in front already
    columns = [Column(by), *(column for column in _COLUMNS if column.name not in left_out)]
    notes = [*_notes(by, found, total, baseline, dearest, _dialogues(record, by, begin))] if found else [_nothing(since)]
    left = [each.sentence for each in budgets_left(record, orchestrator.settings.budget)]
    return Table(columns, rows, notes=[*notes, *left], totals=[{by: "all", **_totals(total)}] if found else [])


def cost_row(cost: Cost, by: By) -> dict[str, Any]:
    """Return a row's values; what it is of stands under what is told apart."""
    return asdict(cost) | {"spared": cost.spared, by: cost.of or _NONE.get(by)}


def _dialogues(record: Record, by: By, begin: float | None) -> int:
    return record.usage.count_dialogues(begin) if by == "dialogue" else 0


def _totals(total: Cost) -> dict[str, str]:
    whole = {name: f"{value:,}" for name, value in asdict(total).items() if isinstance(value, int) and value}
    amounts = {"cost": (total.cost, money), "saved": (total.saved, _gain), "spared": (total.spared, _gain)}
    return {**whole, **{name: show(value) for name, (value, show) in amounts.items() if value is not None}}


def _notes(
    by: By, found: Iterable[Cost], total: Cost, baseline: ModelCard | None, dearest: int, dialogues: int
) -> Iterator[str]:
    if by == "dialogue" and dialogues > dearest:
        yield f"The dearest {dearest} of {dialogues:,} dialogues that began in that time; the last line is of all calls."
    if by == "dialogue":
        yield "Each with its own calls; sub-dialogues have rows of their own. `%costs ID` tells one turn by turn."
    if by == "day":
        yield "Days in local time."
    if by == "model" and any(row.fallbacks for row in found):
        yield "Fell back: answers that were asked of this model and came from another one."
    if total.unpriced_calls:
        many = total.unpriced_calls
        yield f"The cost of {many:,} call{'s' * (many != 1)} is not known; unknown is not zero, and the cost a lower bound."
    if baseline is not None:
        yield (
            f"Saved: what the same tokens would have cost at the prices of {baseline.name}, less what was paid;"
            " calls whose cost is unknown are left out."
        )


def _nothing(since: object) -> str:
    return "Nothing is recorded yet." if since is None else f"Nothing was called since {since}."
