"""What a cell shows of an experiment: its arms with the means of each metric, and lists of runs."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from workbench.dialogue.export.facts import money
from workbench.notebook.tables import Column, Table

if TYPE_CHECKING:
    from workbench.experiments.experiment import Experiment
    from workbench.experiments.finding import Listed


def _number(value: float) -> str:
    return f"{value:.4g}"


class ExperimentPage(Table):
    """An experiment on display; `experiment` goes on with it.

    Args:
        experiment: with a run, or without.
    """

    def __init__(self, experiment: Experiment) -> None:
        self.experiment = experiment
        plan, run = experiment.plan, experiment.run_row
        metrics = list(experiment.definition.metrics)
        columns = [Column("arm")]
        rows: list[dict[str, Any]] = [{"arm": arm} for arm in experiment.definition.arms]
        if run is not None:
            from workbench.experiments.finding import by_arm

            rows = by_arm(experiment)
            extra = [name for name in ("latency", "cost") if name not in metrics]
            columns += [Column("observations", type="Int64"), Column("failed", type="Int64")]
            columns += [Column(name, type="float64", show=_number) for name in [*metrics, *extra]]
        caption = f"Experiment {experiment.name}"
        caption += f", run {run.id}: {experiment.status}" if run else ": not run yet"
        notes = [f"{plan.hypothesis}" if plan.hypothesis else ""]
        margin = f" by {plan.margin:g}" if plan.margin else ""
        notes.append(f"Decides: {plan.primary} ({plan.better} is better{margin}), beside {plan.control}.")
        if run is None:
            notes.append(f"Metrics: {', '.join(metrics)}. `%experiment run {experiment.name}` runs it.")
        elif run.status != "completed":
            why = f"{run.reason}. " if run.reason else ""
            more = " --max-cost USD" if run.status == "cost_limited" else ""
            notes.append(f"{why}`%experiment resume {experiment.name}{more}` goes on.")
        elif any(row.get("failed") for row in rows):
            notes.append(f"`%experiment retry {experiment.name}` makes those again that failed.")
        else:
            notes.append(f"`%experiment compare {experiment.name}` says what they show.")
        super().__init__(columns, rows, caption=caption, notes=[note for note in notes if note])


def listing(found: Sequence[Listed]) -> Table:
    """Return runs as a table."""
    columns = [
        Column("name"),
        Column("run"),
        Column("status"),
        Column("started"),
        Column("done", type="Int64"),
        Column("failed", type="Int64"),
        Column("total", type="Int64"),
        Column("cost", type="float64", show=money),
    ]
    rows = [
        {
            "name": each.name,
            "run": each.run,
            "status": each.status.replace("_", " ") + (", sealed" if each.sealed else ""),
            "started": datetime.fromtimestamp(each.started_at, UTC).astimezone().strftime("%Y-%m-%d %H:%M"),
            "done": each.done,
            "failed": each.failed,
            "total": each.total,
            "cost": each.cost or None,
        }
        for each in found
    ]
    return Table(
        columns, rows, caption="Experiments" if rows else "There are no experiments yet: `%%experiment NAME` makes one."
    )
