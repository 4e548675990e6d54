"""What the debate of an assessment came to: its decision, the claims with their quotes, and every speaker's own estimates."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, Final

from workbench.dialogue.casting.run import RunSpec
from workbench.dialogue.planning.plan import Plan
from workbench.dialogue.transcript import Transcript, Turn
from workbench.errors import ErrorKind, ModelError, WorkbenchError
from workbench.events import Status, TurnFailed
from workbench.papers.assessing.assessment import CONSENSUS, Claim, Estimate, Weeks
from workbench.papers.assessing.evidence import QuoteCheck, quote_of

if TYPE_CHECKING:
    from workbench.dialogue import Dialogue

_HOOKS: Final = ("quotes", "rebuttal_quotes")
_JUDGE: Final = "judge"


def verdict_of(dialogue: Dialogue, check: QuoteCheck) -> dict[str, Any]:
    """Return the fields of an `Assessment` that the debate decides.

    The judge's quotes are looked up now; those of the others were, while the debate went on, and the record has what was found.

    Args:
        dialogue: the debate.
        check: looks quotes up in its paper.

    Raises:
        ModelError: a turn of it failed.
        WorkbenchError: it stopped before its end.
    """
    _check_ended(dialogue)
    transcript = dialogue.snapshot()
    plan = RunSpec.model_validate(transcript.run).plan()
    decided, judge = transcript[CONSENSUS].data, _model(transcript[CONSENSUS])
    return {
        "implementable": decided["implementable"],
        "difficulty": int(decided["difficulty"]),
        "weeks": _weeks(decided),
        "prerequisites": tuple(decided["prerequisites"]),
        "risks": tuple(decided["risks"]),
        "benefits": tuple(decided["benefits"]),
        "reasoning": decided["reasoning"],
        "confidence": float(decided["confidence"]),
        "dissent": decided["dissent"],
        "claims": tuple(_claims(transcript, plan, check)),
        "estimates": tuple(_estimates(transcript, plan)),
        "model": judge,
    }


def _check_ended(dialogue: Dialogue) -> None:
    if dialogue.status.succeeded and CONSENSUS in dialogue.snapshot().data:
        return
    hint = f"What was said is kept: `workbench show {dialogue.id}`. `%paper assess --resume {dialogue.id}` goes on."
    failed = next((event for event in reversed(dialogue.recorded_events()) if isinstance(event, TurnFailed)), None)
    if dialogue.status is Status.FAILED and failed is not None:
        model = dialogue.snapshot()[failed.turn].model
        why = failed.error.removeprefix(f"{model}: ").removeprefix(f"{failed.turn}: ")
        raise ModelError(ErrorKind(failed.kind), f"no assessment: {failed.turn}: {why}", model=model, hint=hint)
    raise WorkbenchError(f"no assessment: {dialogue.reason or dialogue.status}", hint=hint)


def _claims(transcript: Transcript, plan: Plan, check: QuoteCheck) -> Iterator[Claim]:
    """Yield the judge's claims, then each assessor's; one that somebody repeats is there once."""
    found = list(check.checked(CONSENSUS, transcript[CONSENSUS].data))
    for hook in reversed(_HOOKS):  # the rebuttals first: they are the last word
        found += (transcript[hook].data or {}).get("claims", ())
    seen: set[tuple[str, str]] = set()
    for claim in found:
        turn = transcript[claim["turn"]]
        key = (turn.role, claim["quote"]["quote"])
        if key not in seen:
            seen.add(key)
            yield Claim(claim["text"], _by(turn, plan), _model(turn), turn.id, quote_of(claim))


def _estimates(transcript: Transcript, plan: Plan) -> Iterator[Estimate]:
    for planned in plan.spoken:
        data = transcript.data.get(planned.id)
        if not isinstance(data, Mapping) or "confidence" not in data:  # a turn that a person added has none
            continue
        turn = transcript[planned.id]
        yield Estimate(_by(turn, plan), _model(turn), turn.id, data["implementable"], _weeks(data), float(data["confidence"]))


def _weeks(data: Mapping[str, Any]) -> Weeks:
    weeks = data["weeks"]
    return Weeks(float(weeks["low"]), float(weeks["likely"]), float(weeks["high"]))


def _model(turn: Turn) -> str:
    return turn.served or turn.model


def _by(turn: Turn, plan: Plan) -> str:
    """Return who spoke a turn: the assessor's name among the mode's voices, or the role."""
    voices = plan.parameters.get("voices")
    if turn.role == _JUDGE or not isinstance(voices, list):
        return turn.role
    return voices[(turn.round or 1) - 1]
