"""Which turns fell back: another model than the one asked for was turned to, and why."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias, get_args

from workbench.dialogue.transcript import Transcript
from workbench.errors import WorkbenchError

Fallbacks: TypeAlias = Literal["allow", "forbid"]
"""What a run does where the model asked for does not serve: ask the next of its chain, or let the turn fail."""


@dataclass(frozen=True, slots=True)
class Fallback:
    """One turn for which another model was turned to.

    Attributes:
        turn: its id.
        role: that speaks it.
        asked: the card asked for.
        model: the card turned to last.
        served: whether that one answered.
        reason: the models that were given up, each with the kind of its failure.
    """

    turn: str
    role: str
    asked: str
    model: str
    served: bool
    reason: str


def check_fallbacks(wanted: str) -> Fallbacks:
    """Return the wish of a run.

    Raises:
        WorkbenchError: it is none.
    """
    for known in get_args(Fallbacks):
        if wanted == known:
            return known  # type: ignore[no-any-return]
    raise WorkbenchError(f"fallbacks={wanted!r} is not known", hint=f"It is one of {', '.join(get_args(Fallbacks))}.")


def fallbacks_of(transcript: Transcript) -> list[Fallback]:
    """Return the turns that fell back, in the order of the mode; sub-dialogues tell of their own."""
    found = []
    for turn in transcript.turns:
        fell = [call for call in turn.calls if call.fallback_reason]
        if fell:
            last = fell[-1]
            served = any(call.ok for call in fell)
            found.append(Fallback(turn.id, turn.role, last.asked, last.model, served, last.fallback_reason or ""))
    return found
