"""One source's word on how good a turn was, and what a policy has learned from such words."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

from workbench.errors import RecordError

SOURCES: Final = ("person", "judge", "check", "experiment")
"""Who may rate a turn."""


@dataclass(frozen=True, slots=True)
class Rating:
    """One source's word on one turn.

    Attributes:
        dialogue: its id.
        turn: its id.
        role: that spoke.
        model: card that served the turn.
        quality: 0 to 1.
        source: one of `SOURCES`.
        by: the person, the judge's turn, or what else tells one word of a source from another.
        comment: why.
        cost: of the turn in USD; None is unknown.
        kind: of task, as routing saw it.
        capability: the score on a card that counts for it.
        features: what the task's text is about; empty where nobody looked.
        policy: that chose the model; empty where none did.
        propensity: with which it did.
        at: Unix seconds.
        id: number in the record; 0 before it is there.

    Raises:
        RecordError: the quality does not lie between 0 and 1, or there is no such source.
    """

    dialogue: str
    turn: str
    role: str
    model: str
    quality: float
    source: str
    by: str = ""
    comment: str = ""
    cost: float | None = None
    kind: str = ""
    capability: str = ""
    features: tuple[float, ...] = ()
    policy: str = ""
    propensity: float | None = None
    at: float = 0.0
    id: int = 0

    def __post_init__(self) -> None:
        """Refuse what would spoil everything learned from it."""
        if not (isinstance(self.quality, (int, float)) and 0 <= self.quality <= 1 and math.isfinite(self.quality)):
            raise RecordError(
                f"a quality of {self.quality} for {self.turn}: it must lie between 0 and 1",
                hint="Divide a score by the highest that could be reached.",
            )
        if self.source not in SOURCES:
            raise RecordError(f"{self.source!r} cannot rate a turn", hint=f"Sources: {', '.join(SOURCES)}.")


class Learned(NamedTuple):
    """What a policy has learned from ratings.

    Attributes:
        through: number of the last rating that it knows.
        ratings: how many it knows. Where the record has fewer up to that number, some were replaced, and it must begin anew.
        state: the policy's own, for JSON.
    """

    through: int
    ratings: int
    state: dict[str, Any]
