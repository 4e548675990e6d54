"""Experiments: a data set with an example for each case, a project for each arm of each run, and a run for each observation.

These are what LangSmith's own comparison view works on: it lays projects of one data set side by side, example by example,
and counts runs of one example in one project as repetitions.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

from workbench.observe.sync.langsmith.feedback import metric_body
from workbench.observe.sync.langsmith.ids import session_id, thing_id
from workbench.observe.sync.langsmith.runs import Place

if TYPE_CHECKING:
    from collections.abc import Iterator

    from workbench.observe.sync.observed import Observed
    from workbench.records.experiments import CaseRow, ExperimentRow, RunRow

Body = dict[str, Any]
_ID: Final = 8
"""Letters of an experiment's id in the name of its data set, because names there are taken once."""


def dataset_body(row: ExperimentRow) -> Body:
    """Return the data set of an experiment."""
    description = str(json.loads(row.definition).get("description") or "")
    return {
        "id": dataset_id(row.id),
        "name": f"{row.name} ({row.id[:_ID]})",
        "description": description or f"Cases of the experiment {row.name}.",
        "data_type": "kv",
        "extra": {"metadata": {"workbench_experiment": row.id, "sha256": row.sha256}},
    }


def example_bodies(row: ExperimentRow, cases: Iterator[CaseRow]) -> Iterator[Body]:
    """Yield the examples of an experiment; the columns that metrics compare with are the reference outputs."""
    expected = _expected(row)
    for case in cases:
        columns = json.loads(case.data)
        yield {
            "id": example_id(row.id, case.number),
            "dataset_id": dataset_id(row.id),
            "inputs": {name: value for name, value in columns.items() if name not in expected},
            "outputs": {name: value for name, value in columns.items() if name in expected},
            "metadata": {"case": case.case_id, "number": case.number},
        }


def session_bodies(row: ExperimentRow, run: RunRow) -> list[Body]:
    """Return the projects of a run, one for each arm. `start_time` and `end_time` are Unix seconds here."""
    definition = json.loads(row.definition)
    arms: Mapping[str, Any] = definition.get("arms") or {}
    return [
        {
            "id": session_id(run.id, arm),
            "name": f"{row.name} {arm} {run.id}",
            "description": str(definition.get("description") or "") or None,
            "reference_dataset_id": dataset_id(row.id),
            "start_time": run.created_at,
            "end_time": run.ended_at,
            "num_repetitions": int(definition.get("repeats") or 1),
            "extra": {
                "metadata": {
                    "workbench_experiment": row.id,
                    "workbench_run": run.id,
                    "arm": arm,
                    "what": spec,
                    "seed": definition.get("seed"),
                    "num_repetitions": int(definition.get("repeats") or 1),
                }
            },
        }
        for arm, spec in arms.items()
    ]


def observation_place(found: Observed) -> Place:
    """Return where the runs of an observation go, and what its first run says besides: the case as input."""
    row, run = found.row, found.run
    about = {"arm": row.arm, "repeat": row.repeat, "case": row.case_id, "attempt": row.attempt, "workbench_run": run.id}
    root = {
        "name": f"{row.arm} {row.case_id}",
        "reference_example_id": example_id(run.experiment_id, row.number),
        "inputs": found.columns,
        "outputs": None if row.output is None else {"output": row.output},
        "error": row.error if row.status != "ok" else None,
    }
    return Place({"session_id": session_id(run.id, row.arm)}, root, about)


def metric_bodies(found: Observed, root: str) -> list[Body]:
    """Return the metrics of an observation, as feedback on its first run."""
    row, session = found.row, session_id(found.run.id, found.row.arm)
    parts = (found.run.id, str(row.number), row.arm, str(row.repeat), str(row.attempt))
    return [metric_body(root, session, name, score, _reason(found.notes, name), parts) for name, score in found.scores.items()]


def dataset_id(experiment: str) -> str:
    """Return the id of an experiment's data set."""
    return thing_id("dataset", experiment)


def example_id(experiment: str, number: int) -> str:
    """Return the id of a case's example."""
    return thing_id("example", experiment, str(number))


def _expected(row: ExperimentRow) -> set[str]:
    metrics = json.loads(row.definition).get("metrics") or {}
    named = {spec.get("expected") for spec in metrics.values() if isinstance(spec, dict)}
    return {name for name in named if name}


def _reason(notes: Mapping[str, Any], metric: str) -> str:
    """Return what a judge gave as its reason."""
    for group in ("judges", "pairs"):
        about = (notes.get(group) or {}).get(metric)
        if isinstance(about, dict) and about.get("reason"):
            return str(about["reason"])
    return ""
