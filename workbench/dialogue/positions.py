"""The positions that speakers state in a dialogue: what their structured answers give as `position` and `probability`."""

from __future__ import annotations

from workbench.dialogue.beliefs import Position, Step, follow
from workbench.dialogue.transcript import Transcript, Turn
from workbench.events import Status


def steps_of(transcript: Transcript) -> list[Step]:
    """Return each stated position beside what its speaker held before; none where no answer states one."""
    return follow(held for turn in transcript if turn.status is Status.COMPLETED and (held := _position(turn)) is not None)


def _position(turn: Turn) -> Position | None:
    data = turn.data if isinstance(turn.data, dict) else {}
    position, probability = data.get("position"), data.get("probability")
    if position is None:
        return None
    known = isinstance(probability, int | float) and not isinstance(probability, bool) and 0 <= probability <= 1
    return Position(turn.id, turn.role, turn.round, str(position), float(probability) if known else None)  # type: ignore[arg-type]
