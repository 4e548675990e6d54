"""Feedback: what people, judges, checks and papers' outcomes say of a run.

An id stands for who says what of which turn, so a later word takes the place of an earlier one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple

from workbench.errors import RecordError
from workbench.observe.pull.service import came_from
from workbench.observe.span import Key
from workbench.observe.spans import root_of, trace_of, turn_key
from workbench.observe.sync.langsmith.ids import run_ids, session_id, thing_id
from workbench.observe.sync.target import NotYetError

if TYPE_CHECKING:
    from workbench.records import Record
    from workbench.records.assessments import AssessmentRow, OutcomeRow
    from workbench.records.rating import Rating

TITLE: Final = "LangSmith"
Body = dict[str, Any]
_BY_MODEL: Final = ("judge", "experiment")
_COMMENT: Final = 10_000


def rating_body(record: Record, rating: Rating) -> Body | None:
    """Return the feedback of a rating on the run of its turn; None where it came from there, or its turn is gone. Blocks.

    Raises:
        NotYetError: the turn may belong to an observation that is not kept yet.
    """
    if rating.source == "person" and came_from(rating.by, TITLE):
        return None
    key = turn_key(record, rating.dialogue, rating.turn)
    where = _run(record, rating.dialogue, key) if key else None
    if where is None:
        return None
    name = thing_id("rating", rating.dialogue, rating.turn, rating.source, rating.by)
    about = {"by": rating.by, "source": rating.source, "role": rating.role, "model": rating.model}
    body = _body(name, where, f"{rating.source}_quality", rating.quality, comment=rating.comment, about=about)
    if rating.source in _BY_MODEL:
        body["feedback_source"]["type"] = "model"
    return body


def assessment_bodies(record: Record, row: AssessmentRow) -> list[Body]:
    """Return what an assessment of a paper came to, as feedback on the run of its debate. Blocks."""
    where = _run(record, row.dialogue_id, None)
    if where is None:
        return []
    weeks, comment = row.data.get("weeks") or {}, str(row.data.get("reasoning") or "")
    said = {
        "implementable": (row.data.get("implementable"), row.question),
        "confidence": (row.data.get("confidence"), comment),
        "difficulty": (row.data.get("difficulty"), ""),
        "weeks": (weeks.get("likely") if isinstance(weeks, dict) else None, ""),
    }
    about = {"paper": row.paper_id, "assessment": row.id}
    return [
        _body(thing_id("assessment", row.id, name), where, f"paper_{name}", value, comment=text, about=about)
        for name, (value, text) in said.items()
        if isinstance(value, (bool, int, float))
    ]


def outcome_body(record: Record, row: OutcomeRow, assessment: AssessmentRow) -> Body | None:
    """Return what came of an assessment, as feedback on the run of its debate. Blocks."""
    where = _run(record, assessment.dialogue_id, None)
    if where is None:
        return None
    about = {"paper": assessment.paper_id, "assessment": assessment.id, "weeks": row.weeks}
    name = thing_id("outcome", assessment.id)
    return _body(name, where, "paper_worked", row.worked, comment=row.note, about=about)


def metric_body(run: str, session: str, name: str, score: float, comment: str, parts: tuple[str, ...]) -> Body:
    """Return what a metric gave an observation, as feedback on its run.

    Args:
        run: id of the observation's first run.
        session: id of the arm's project.
        name: of the metric.
        score: its value.
        comment: a judge's reason.
        parts: what tells the observation apart.
    """
    where = _Where(run, run, session)
    body = _body(thing_id("metric", *parts, name), where, name, score, comment=comment, about={"metric": name})
    body["feedback_source"]["type"] = "model"
    return body


class _Where(NamedTuple):
    """A run with its trace, and the project that it is in; None is the one that dialogues go to."""

    run: str
    trace: str
    session: str | None


def _run(record: Record, dialogue: str, key: Key | None) -> _Where | None:
    """Return the run of a span, or of a dialogue's first span; None where its events are gone."""
    try:
        root = root_of(record, dialogue)
        spans = trace_of(record, root).spans
    except RecordError:
        return None
    ids = run_ids(spans)
    found = ids.get(key or (dialogue,))
    return _Where(found, ids[spans[0].key], _session(record, root)) if found else None


def _session(record: Record, root: str) -> str | None:
    """Return the project of the experiment that a dialogue was an observation of; None where it was none.

    Raises:
        NotYetError: its run goes on: judges may still be busy with the observation, which is kept after that.
    """
    lineage = record.ancestors(root)
    run = lineage[-1].parent_id if lineage else None
    if run is None:
        return None
    rows = record.experiments.observations(run)
    found = next((session_id(run, row.arm) for row in rows if row.dialogue_id == root), None)
    if found is None and any(each.id == run and each.goes_on for each in record.experiments.runs()):
        raise NotYetError(f"Run {run} has not kept what {root} was for.")
    return found


def _body(name: str, where: _Where, key: str, score: Any, *, comment: str, about: Body) -> Body:
    said = {"workbench": True} | {name: value for name, value in about.items() if value}
    return {
        "id": name,
        "run_id": where.run,
        "trace_id": where.trace,
        "key": key,
        "score": score,
        "comment": comment[:_COMMENT] or None,
        "feedback_source": {"type": "api", "metadata": said},
    } | ({"session_id": where.session} if where.session else {})
