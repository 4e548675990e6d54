"""Observations of experiments as traces: what an arm did with a case, and what judges said of it.

An arm that is a plain function held no dialogue; its observation is a trace of a single span.
"""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from workbench.observe.span import Span, Trace
from workbench.observe.spans import trace_of

if TYPE_CHECKING:
    from workbench.observe.sync.target import Source
    from workbench.records import Record
    from workbench.records.experiments import CaseRow, ExperimentRow, ObservationRow, RunRow


@dataclass(frozen=True, slots=True)
class Observed:
    """An observation with what it belongs to; `case` is None where the record does not have it."""

    experiment: ExperimentRow
    run: RunRow
    row: ObservationRow
    case: CaseRow | None

    @property
    def name(self) -> str:
        """What tells it apart from all others: that of its dialogue where it has one, so that its trace is that one's."""
        row = self.row
        return row.dialogue_id or f"{self.run.id}/{row.number}/{row.arm}/{row.repeat}/{row.attempt}"

    @property
    def columns(self) -> dict[str, Any]:
        """The case's columns."""
        return dict(json.loads(self.case.data)) if self.case else {}

    @property
    def notes(self) -> dict[str, Any]:
        """What was noted beside the scores."""
        return dict(json.loads(self.row.notes))

    @property
    def scores(self) -> dict[str, float | bool]:
        """Metric to value, of those that have one."""
        return scores_in(self.row)


def scores_in(row: ObservationRow) -> dict[str, float | bool]:
    """Return metric to value of an observation, of those that have one."""
    found = json.loads(row.scores)
    return {name: each for name, each in found.items() if isinstance(each, (bool, int, float)) and math.isfinite(each)}


def observation_of(record: Record, source: Source) -> Observed | None:
    """Return the observation that a source names; None where a later attempt has taken its place. Blocks."""
    name, number, rest = source.key.split("/", 2)
    arm, repeat, attempt = rest.rsplit("/", 2)  # an arm may have slashes in its name
    rows = record.experiments.observations(name, (int(number), int(number) + 1))
    place = (arm, int(repeat), int(attempt))
    row = next((each for each in rows if (each.arm, each.repeat, each.attempt) == place), None)
    if row is None:
        return None
    run = record.experiments.run(name)
    experiment = record.experiments.find(run.experiment_id)
    return Observed(experiment, run, row, record.experiments.case(run.experiment_id, row.number))


def observation_trace(record: Record, found: Observed) -> Trace:
    """Return the trace of an observation. Blocks."""
    row = found.row
    if row.dialogue_id and record.ancestors(row.dialogue_id):
        return trace_of(record, row.dialogue_id)
    ended = row.started_at + max(row.latency or 0.0, 0.0)
    facts = {"arm": row.arm, "repeat": row.repeat, "case": row.case_id, "cost_usd": row.cost, "tokens": row.tokens}
    span = Span(
        key=(found.name,),
        parent=None,
        kind="dialogue",
        name=row.arm,
        started_at=row.started_at,
        ended_at=ended,
        dialogue=found.name,
        status="ok" if row.status == "ok" else "failed",
        outcome=row.status,
        error=row.error,
        error_kind=None if row.status == "ok" else "function",
        input=json.dumps(found.columns, ensure_ascii=False),
        output=row.output,
        metadata={name: value for name, value in facts.items() if value is not None},
    )
    return Trace(found.name, "function", row.case_id, (), found.run.id, row.started_at, ended, row.status, (span,))


def judged_by(record: Record, found: Observed) -> list[str]:
    """Return the dialogues in which judges spoke of an observation, by their ids. Blocks."""
    said = [each for group in ("judges", "pairs") for each in (found.notes.get(group) or {}).values()]
    named = [str(name) for each in said if isinstance(each, dict) for name in each.get("dialogues", ())]
    there = record.experiments.dialogues_there(named)
    return [name for name in dict.fromkeys(named) if name in there]
