"""Experiments: a data set with an item for each case, and a run of it for each arm and repeat.

That is what Langfuse's comparison lays side by side, item by item. It knows one result of an item in a run, so repeats are runs
of their own. An item's trace is that of its observation, and metrics are scores on it.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, Final

from workbench.observe.span import Span, digest
from workbench.observe.sync.langfuse.scores import Body, score_body
from workbench.observe.sync.observed import Observed, scores_in
from workbench.observe.sync.otlp.protobuf import Value, as_json, trace_id

if TYPE_CHECKING:
    from workbench.records.experiments import CaseRow, ExperimentRow, ObservationRow, RunRow

EXPERIMENT: Final = "langfuse.experiment."
_ID: Final = 8
"""Letters of a definition's hash in the name of its data set: a name stands for one set of cases."""


def dataset_name(row: ExperimentRow) -> str:
    """Return the name of an experiment's data set."""
    return f"{row.name}-{row.sha256[:_ID]}"


def dataset_body(row: ExperimentRow) -> Body:
    """Return the data set of an experiment for `POST /api/public/v2/datasets`."""
    description = str(json.loads(row.definition).get("description") or "")
    return {
        "name": dataset_name(row),
        "description": description or f"Cases of the experiment {row.name}.",
        "metadata": {"workbench_experiment": row.id, "sha256": row.sha256},
    }


def item_bodies(row: ExperimentRow, cases: Iterator[CaseRow]) -> Iterator[Body]:
    """Yield the items of a data set for `POST /api/public/dataset-items`."""
    compared = _compared(row)
    for case in cases:
        given, expected = _divided(json.loads(case.data), compared)
        yield {
            "datasetName": dataset_name(row),
            "id": item_id(row.id, case.number),
            "input": given,
            "expectedOutput": expected,
            "metadata": {"case": case.case_id, "number": case.number},
        }


def run_id(run: str, arm: str, repeat: int) -> str:
    """Return the id of what is a run to Langfuse: an arm in a run of ours, each repeat by itself."""
    return digest(("experiment run", run, arm, str(repeat)), 8).hex()


def item_id(experiment: str, number: int) -> str:
    """Return the id of a case as an item."""
    return digest(("item", experiment, str(number)), 16).hex()


def experiment_attributes(found: Observed) -> dict[str, Value | None]:
    """Return what stands on every span of an observation."""
    row, definition = found.row, json.loads(found.experiment.definition)
    arm = (definition.get("arms") or {}).get(row.arm)
    about = {"run": found.run.id, "arm": row.arm, "repeat": row.repeat, "what": arm, "seed": definition.get("seed")}
    return {
        f"{EXPERIMENT}id": run_id(found.run.id, row.arm, row.repeat),
        f"{EXPERIMENT}name": _run_name(found.experiment, found.run, row, definition),
        f"{EXPERIMENT}description": str(definition.get("description") or "") or None,
        f"{EXPERIMENT}metadata": as_json(about),
        f"{EXPERIMENT}item.id": item_id(found.experiment.id, row.number),
        f"{EXPERIMENT}item.metadata": as_json({"case": row.case_id, "attempt": row.attempt}),
        f"{EXPERIMENT}item.root_observation_id": digest((found.name,), 8).hex(),
    }


def root_attributes(found: Observed, span: Span) -> dict[str, Value | None]:
    """Return what stands on the first span of an observation: the case, and what was made of it."""
    given, expected = _divided(found.columns, _compared(found.experiment))
    return {
        "langfuse.observation.input": as_json(given),
        "langfuse.observation.output": span.output if found.row.output is None else found.row.output,
        f"{EXPERIMENT}item.expected_output": None if expected is None else as_json(expected),
    }


def observation_scores(found: Observed) -> list[Body]:
    """Return what metrics gave an observation, and what judges of pairs said, as scores on its trace."""
    row, notes = found.row, found.notes
    place = {"traceId": trace_id(found.name).hex(), "observationId": digest((found.name,), 8).hex()}
    about = {"run": found.run.id, "arm": row.arm, "repeat": row.repeat, "case": row.case_id, "attempt": row.attempt}
    key = (found.run.id, str(row.number), row.arm, str(row.repeat), str(row.attempt))
    winners = {name: each["winner"] for name, each in (notes.get("pairs") or {}).items() if each.get("winner")}
    values: dict[str, Any] = {**found.scores, **winners}
    return [
        score_body(("metric", *key, name), place, name, value, row.started_at, comment=_reason(notes, name), about=about)
        for name, value in values.items()
    ]


def run_scores(run: RunRow, rows: list[ObservationRow]) -> list[Body]:
    """Return the means of metrics over each arm and repeat of a run that has ended, and the share that gave an output."""
    arms: dict[tuple[str, int], list[ObservationRow]] = defaultdict(list)
    for row in rows:
        arms[row.arm, row.repeat].append(row)
    found: list[Body] = []
    for (arm, repeat), those in sorted(arms.items()):
        values: dict[str, list[float]] = defaultdict(list)
        for row in those:
            values["answered"].append(float(row.status == "ok"))
            for name, value in scores_in(row).items():
                values[name].append(float(value))
        place = {"datasetRunId": run_id(run.id, arm, repeat)}
        about = {"run": run.id, "arm": arm, "repeat": repeat, "observations": len(those)}
        for name, every in values.items():
            key = ("run", run.id, arm, str(repeat), name)
            found.append(score_body(key, place, f"mean_{name}", sum(every) / len(every), run.created_at, about=about))
    return found


def _run_name(experiment: ExperimentRow, run: RunRow, row: ObservationRow, definition: Mapping[str, Any]) -> str:
    repeat = f" repeat {row.repeat + 1}" if int(definition.get("repeats") or 1) > 1 else ""
    return f"{experiment.name} {row.arm} {run.id}{repeat}"


def _compared(row: ExperimentRow) -> set[str]:
    """Return the columns that metrics compare answers with."""
    metrics = json.loads(row.definition).get("metrics") or {}
    return {str(spec["expected"]) for spec in metrics.values() if isinstance(spec, dict) and spec.get("expected")}


def _divided(columns: Mapping[str, Any], compared: set[str]) -> tuple[dict[str, Any], Any]:
    """Return what is asked and what is expected: by itself where it is a single column."""
    given = {name: value for name, value in columns.items() if name not in compared}
    expected = {name: value for name, value in columns.items() if name in compared}
    return given, next(iter(expected.values())) if len(expected) == 1 else expected or None


def _reason(notes: Mapping[str, Any], metric: str) -> str:
    """Return what a judge gave as its reason."""
    found = (notes.get("judges") or {}).get(metric)
    return str(found.get("reason") or "") if isinstance(found, dict) else ""
