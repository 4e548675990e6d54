"""What a dialogue says itself of how good its turns were, as ratings: judges' marks, and whether answers stood up to checks.

Three rules. A turn with `judge:` rates every turn of each contestant with the contestant's mean mark. A turn whose output
schema has a number `score` with a minimum and a maximum rates the turn before it of another role. A turn that must satisfy a
schema or a `check` rates itself: 1 where the first answer did, 1/n where the n-th did, 0 where none did.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any, Final

from workbench.dialogue.planning.plan import Plan, PlannedTurn
from workbench.dialogue.transcript import Transcript, Turn
from workbench.errors import WorkbenchError
from workbench.events import Status
from workbench.records.rating import Rating
from workbench.routing.policy import Task

_BEST_MARK: Final = 10.0
"""Of a judge, see `judging.SCHEMA`."""
Word = tuple[str, float, str, str]
"""A turn's id, its quality, who says so, and why."""


def ratings_of(transcript: Transcript, plan: Plan, task: Callable[[], Task]) -> list[Rating]:
    """Return what a dialogue's own turns say of its turns; turns copied from another dialogue are that one's business.

    Args:
        transcript: of a dialogue that has ended.
        plan: of its last run.
        task: returns the topic as routing sees it; asked for only where something is rated.
    """
    words = [("judge", word) for word in (*_marks(transcript, plan), *_scores(transcript, plan))]
    words += [("check", word) for word in _checks(transcript, plan)]
    rated = [(source, transcript[word[0]], word) for source, word in words if word[0] in transcript]
    rated = [each for each in rated if any(call.ok for call in each[1].calls)]  # a copied turn has no call here
    if not rated:
        return []
    known = task()
    return [
        rating_of(transcript, turn, quality, source, known, by=by, comment=comment)
        for source, turn, (_, quality, by, comment) in rated
    ]


def rating_of(
    transcript: Transcript, turn: Turn, quality: float, source: str, task: Task, *, by: str = "", comment: str = ""
) -> Rating:
    """Return one source's word on a turn, with what is known of its task and of how its model was chosen."""
    choice = turn.choice or {}
    costs = [call.cost for call in turn.calls if call.cost is not None]
    return Rating(
        dialogue=transcript.id,
        turn=turn.id,
        role=turn.role,
        model=turn.served or turn.model,
        quality=quality,
        source=source,
        by=by,
        comment=comment,
        cost=sum(costs) if costs else None,
        kind=choice.get("kind", task.kind),
        capability=choice.get("capability", task.capability),
        features=tuple(choice.get("features", task.features)),
        policy=choice.get("policy", "") if turn.served in (None, choice.get("model")) else "",
        propensity=choice.get("propensity") if turn.served in (None, choice.get("model")) else None,
        at=turn.ended_at or turn.started_at,
    )


def _marks(transcript: Transcript, plan: Plan) -> Iterator[Word]:
    for turn in plan.turns:
        verdict = transcript.data.get(turn.id)
        if turn.contest is None or not isinstance(verdict, dict):
            continue
        for role, mark in verdict.get("scores", {}).items():
            for spoken in turn.contest.contestants.get(role, ()):
                if spoken in transcript.said:
                    yield spoken, float(mark) / _BEST_MARK, turn.id, f"{mark:g} of {_BEST_MARK:g}"


def _scores(transcript: Transcript, plan: Plan) -> Iterator[Word]:
    said = [turn for turn in plan.turns if turn.id in transcript.said]
    for turn in said:
        bounds, data = _score_bounds(turn.output_schema), transcript.data.get(turn.id)
        rated = _before(turn, said)
        if bounds is None or rated is None or not isinstance(data, dict) or not isinstance(data.get("score"), int | float):
            continue
        least, most = bounds
        yield rated.id, (data["score"] - least) / (most - least), turn.id, f"{data['score']:g} of {most:g}"


def _checks(transcript: Transcript, plan: Plan) -> Iterator[Word]:
    for turn in transcript:
        planned = plan.by_id.get(turn.id)
        if planned is None or turn.edited or (planned.output_schema is None and planned.check is None):
            continue
        asked = sum(call.ok and not call.purpose for call in turn.calls)
        if turn.status is Status.COMPLETED and asked:
            yield turn.id, 1 / asked, "answer", f"answer {asked} was right"
        elif turn.status is Status.FAILED and asked and turn.calls[-1].ok:  # the model answered, and not what was asked for
            yield turn.id, 0.0, "answer", "no answer was right"


def _score_bounds(schema: dict[str, Any] | None) -> tuple[float, float] | None:
    score = (schema or {}).get("properties", {}).get("score", {})
    least, most = score.get("minimum"), score.get("maximum")
    return (float(least), float(most)) if least is not None and most is not None and most > least else None


def _before(turn: PlannedTurn, said: Sequence[PlannedTurn]) -> PlannedTurn | None:
    """Return the turn that a mark is about: the last one before it of another role."""
    earlier = [each for each in said if each.index < turn.index and each.role != turn.role]
    return earlier[-1] if earlier else None


def persons_ratings(
    transcript: Transcript, quality: float, turn: str | None, task: Callable[[], Task], *, by: str = "", comment: str = ""
) -> list[Rating]:
    """Return a person's word on a turn, or on every complete turn that a model spoke.

    Raises:
        WorkbenchError: there is no such turn, or none that a model has spoken.
    """
    spoken = [each for each in transcript.turns if each.status is Status.COMPLETED and any(call.ok for call in each.calls)]
    rated = [each for each in spoken if turn in (None, each.id, each.role, str(each.index))]
    if not rated:
        what = f"no turn {turn!r} that a model has spoken" if turn else "no complete turn of a model"
        raise WorkbenchError(
            f"dialogue {transcript.id} has {what}", hint=f"There are: {', '.join(each.id for each in spoken) or 'none'}."
        )
    known = task()
    return [rating_of(transcript, each, quality, "person", known, by=by, comment=comment) for each in rated]


def parse_quality(text: str) -> float:
    """Return a rating from 0 to 1 that a person has typed: `0.8`, `80%`, `8/10`, `good`, `bad`.

    Raises:
        WorkbenchError: it is none of these.

    >>> [parse_quality(text) for text in ("good", "bad", "0.8", "80%", "4/5")]
    [1.0, 0.0, 0.8, 0.8, 0.8]
    """
    words = {"good": 1.0, "bad": 0.0}
    try:
        if text in words:
            return words[text]
        value, _, most = text.partition("/")
        quality = float(value[:-1]) / 100 if value.endswith("%") and not most else float(value) / float(most or 1)
    except (ValueError, ZeroDivisionError):
        quality = -1.0
    if not 0 <= quality <= 1:
        raise WorkbenchError(f"{text!r} is no rating", hint="0.8, 80%, 8/10, good or bad: from 0 (useless) to 1 (perfect).")
    return quality
