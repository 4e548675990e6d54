"""Which experiment a name stands for: a file, the workspace's own definition, or what the record has. And what there is."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from workbench.dialogue.orchestrator import Orchestrator
from workbench.errors import WorkbenchError
from workbench.experiments.definition import MEASURED
from workbench.experiments.experiment import Experiment
from workbench.experiments.report import Format
from workbench.records import Record

FILE = "experiment.yaml"
"""Name of a definition in its folder, `experiments/NAME` of the workspace."""


def file_of(workspace: Path, name: str) -> Path:
    """Return where the workspace keeps the definition of an experiment."""
    return workspace / "experiments" / name / FILE


def to_run(name: str, orchestrator: Orchestrator) -> Experiment:
    """Return the experiment that is run anew: of a file, of the workspace, or the one that was run before under this name.

    Raises:
        DefinitionError: the file is not one.
        RecordError: nothing has this name.
    """
    if Path(name).suffix in {".yaml", ".yml", ".json"}:
        return Experiment.from_file(name, orchestrator)
    path = file_of(orchestrator.settings.workspace, name)
    return Experiment.from_file(path, orchestrator) if path.is_file() else Experiment.load(name, orchestrator)


def report_format(path: str | Path) -> Format:
    """Return the format of a report by the ending of its file.

    Raises:
        WorkbenchError: no format has it.
    """
    formats: dict[str, Format] = {".html": "html", ".md": "markdown", ".tex": "latex"}
    if (found := formats.get(Path(path).suffix)) is None:
        raise WorkbenchError(f"no report ends in {Path(path).suffix or 'nothing'!r}", hint="Write .html, .md or .tex.")
    return found


@dataclass(frozen=True, slots=True)
class Listed:
    """A run, or a definition that has none, in a list.

    Attributes:
        run: id; None without a run.
        status: of the run; `interrupted` where its process is gone.
        done: observations that are kept.
        cost: USD that they took, judges included.
    """

    name: str
    id: str
    sealed: bool
    run: str | None
    status: str
    started_at: float
    done: int
    failed: int
    total: int
    cost: float


def listed(record: Record, words: str = "") -> list[Listed]:
    """Return all runs, the newest first, with definitions that have none; those that hold some words in name or definition."""
    rows, found = record.experiments, []
    kept = {row.id: row for row in rows.all()}
    runs = rows.runs()
    for run in runs:
        row, tally = kept[run.experiment_id], rows.tally(run.id)
        status = "interrupted" if run.interrupted else run.status
        cost, begun = rows.spent(run.id).cost, run.created_at
        done = (tally.done, tally.failed, run.total)
        found.append(Listed(row.name, row.id, row.sealed_at is not None, run.id, status, begun, *done, cost))
    without = kept.keys() - {run.experiment_id for run in runs}
    found += [
        Listed(row.name, row.id, row.sealed_at is not None, None, "not run", row.created_at, 0, 0, 0, 0.0)
        for row in (kept[each] for each in without)
    ]
    wanted = words.casefold().split()
    matching = [each for each in found if all(word in f"{each.name} {kept[each.id].definition}".casefold() for word in wanted)]
    return sorted(matching, key=lambda each: each.started_at, reverse=True)


def by_arm(experiment: Experiment) -> list[dict[str, Any]]:
    """Return a row for each arm: `arm`, `observations`, `failed`, and the mean of each metric, None where it has none."""
    frame = experiment.results
    names = [*experiment.definition.metrics, *(name for name in MEASURED if name not in experiment.definition.metrics)]
    rows = []
    for arm in experiment.definition.arms:
        mine = frame.loc[frame["arm"] == arm]
        row: dict[str, Any] = {"arm": arm, "observations": len(mine), "failed": int((mine["status"] == "failed").sum())}
        for name in names:
            mean = mine[name].astype("float64").mean()
            row[name] = None if mean != mean else float(mean)  # noqa: PLR0124 - NaN differs from itself
        rows.append(row)
    return rows
