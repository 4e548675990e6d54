"""Scores: what people, judges, checks and papers' outcomes say of turns and dialogues, and metrics of observations.

A score's id stands for who says what of which turn, and its timestamp for what is spoken of, not for when: Langfuse takes a
later word for the same score only where id, name and the timestamp's day agree.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from workbench.observe.pull.service import came_from
from workbench.observe.span import Key, digest
from workbench.observe.spans import root_of, spoken_in
from workbench.observe.sync.langfuse.attributes import iso
from workbench.observe.sync.otlp.protobuf import trace_id

if TYPE_CHECKING:
    from workbench.records import Record
    from workbench.records.assessments import AssessmentRow, OutcomeRow
    from workbench.records.rating import Rating

TITLE: Final = "Langfuse"
Body = dict[str, Any]
_COMMENT: Final = 10_000
_WORDS: Final = 500
"""Letters of a score that is text."""


def rating_score(record: Record, rating: Rating) -> Body | None:
    """Return the score of a rating on its turn; None where it was pulled from Langfuse, or its turn is gone. Blocks."""
    if rating.source == "person" and came_from(rating.by, TITLE):
        return None
    taking = spoken_in(record, rating.dialogue, rating.turn)
    if taking is None:
        return None
    place = {"traceId": trace_id(root_of(record, rating.dialogue)).hex(), "observationId": digest(taking.key, 8).hex()}
    about = {name: getattr(rating, name) for name in ("source", "by", "role", "model", "kind", "policy")}
    return score_body(
        ("rating", rating.dialogue, rating.turn, rating.source, rating.by),
        place,
        f"{rating.source}_quality",
        rating.quality,
        taking.started_at,
        comment=rating.comment,
        about=about,
    )


def assessment_scores(record: Record, row: AssessmentRow) -> list[Body]:
    """Return what an assessment of a paper came to, as scores on the trace of its debate. Blocks."""
    weeks, data = row.data.get("weeks"), row.data
    said = {
        "implementable": (data.get("implementable"), row.question),
        "confidence": (data.get("confidence"), str(data.get("reasoning") or "")),
        "difficulty": (data.get("difficulty"), ""),
        "weeks": (weeks.get("likely") if isinstance(weeks, dict) else None, ""),
    }
    place, about = _on_trace(record, row.dialogue_id), {"paper": row.paper_id, "assessment": row.id}
    return [
        score_body(("assessment", row.id, name), place, f"paper_{name}", value, row.created_at, comment=comment, about=about)
        for name, (value, comment) in said.items()
        if isinstance(value, (bool, int, float, str))
    ]


def outcome_scores(record: Record, row: OutcomeRow, assessment: AssessmentRow) -> list[Body]:
    """Return what came of an assessment, as scores on the trace of its debate; the last word counts. Blocks."""
    place, about = _on_trace(record, assessment.dialogue_id), {"paper": assessment.paper_id, "assessment": assessment.id}
    said = {"worked": row.worked, "weeks_spent": row.weeks}
    return [
        score_body(
            ("outcome", assessment.id, name),
            place,
            f"paper_{name}",
            value,
            assessment.created_at,
            comment=row.note,
            about=about,
        )
        for name, value in said.items()
        if value is not None
    ]


def score_body(
    key: Key,
    place: Body,
    name: str,
    value: bool | float | str,  # noqa: FBT001 - what is scored
    at: float,
    *,
    comment: str = "",
    about: Body | None = None,
) -> Body:
    """Return a score for `POST /api/public/scores`.

    Args:
        key: what tells it apart from all others.
        place: `traceId`, and `observationId` or `datasetRunId`.
        name: of the score.
        value: truth, a number, or a word.
        at: Unix seconds of what is spoken of; the same for every later word.
        comment: why.
        about: metadata; what is empty is left out.
    """
    kind = "BOOLEAN" if isinstance(value, bool) else "CATEGORICAL" if isinstance(value, str) else "NUMERIC"
    facts = {name: fact for name, fact in (about or {}).items() if fact not in (None, "")}
    return {
        "id": digest(("score", *key), 16).hex(),
        **place,
        "name": name,
        "value": value[:_WORDS] if isinstance(value, str) else int(value) if isinstance(value, bool) else value,
        "dataType": kind,
        **({"comment": comment[:_COMMENT]} if comment else {}),
        "metadata": {"workbench": True, **facts},
        "timestamp": iso(at),
    }


def _on_trace(record: Record, dialogue: str) -> Body:
    return {"traceId": trace_id(root_of(record, dialogue)).hex()}
