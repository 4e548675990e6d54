"""What a turn could be shown of the earlier ones, what there is room for, and what it is shown: plain values."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal

How = Literal["whole", "shortened", "summary"]

ESTIMATE_MARGIN: Final = 0.1
"""Share of the window that stays free where tokens are estimated and not counted."""


@dataclass(frozen=True, slots=True)
class Seen:
    """An earlier turn that a turn could be shown.

    Attributes:
        id: of the turn.
        index: its number, from 1; turns are given in this order.
        label: how it is announced.
        text: what was said.
        tokens: that showing it takes, with the label and whatever else comes with it.
    """

    id: str
    index: int
    label: str
    text: str
    tokens: int


@dataclass(frozen=True, slots=True)
class Room:
    """What there is room for before a turn's prompt.

    Attributes:
        turn: whose prompt it is.
        model: the card that will be asked.
        window: tokens of prompt and answer together; None if nobody knows.
        answer: tokens that the answer may take.
        stands: tokens of what is shown in any case: the system prompt and the prompt.
        exact: whether tokens are counted; where they are estimated a tenth stays free.
    """

    turn: str
    model: str
    window: int | None
    answer: int
    stands: int
    exact: bool = True

    @property
    def tokens(self) -> int | None:
        """For earlier turns; None is no bound, less than 0 means that not even the prompt fits."""
        if self.window is None:
            return None
        usable = self.window if self.exact else int(self.window * (1 - ESTIMATE_MARGIN))
        return usable - self.answer - self.stands


@dataclass(frozen=True, slots=True)
class Part:
    """An earlier turn as it is shown. What is not whole says so in its first line."""

    id: str
    index: int
    label: str
    text: str
    tokens: int
    how: How = "whole"


@dataclass(frozen=True, slots=True)
class SummaryRequest:
    """A summary to be asked of a model. The same text of the same turn has the same key, so it is asked for once.

    Attributes:
        key: under which the answer is handed to `arrange`.
        turn: whose text it is.
        messages: what to ask.
        most: tokens of the answer.
    """

    key: str
    turn: str
    messages: tuple[dict[str, str], ...]
    most: int


@dataclass(frozen=True, slots=True)
class Arrangement:
    """What a turn is shown of the earlier ones.

    Attributes:
        parts: in order. Those in `wanted` have no text yet.
        left_out: numbers of the turns that are not shown.
        wanted: summaries that are missing; hand them to `arrange` and call it again.
    """

    parts: tuple[Part, ...]
    left_out: tuple[int, ...] = ()
    wanted: tuple[SummaryRequest, ...] = ()

    @property
    def notice(self) -> str:
        """The line that announces what is left out; it stands behind the parts. Empty if nothing is."""
        return notice_of(self.left_out)

    @property
    def texts(self) -> dict[str, str]:
        """Turn id to what is shown of it."""
        return {part.id: part.text for part in self.parts}


def notice_of(left_out: Sequence[int]) -> str:
    """Return the line that announces turns that are left out.

    >>> notice_of([2, 4, 5, 6, 7])
    '[5 earlier turns are left out: 2, 4-7]'
    """
    if not left_out:
        return ""
    runs: list[list[int]] = []
    for index in left_out:
        if runs and index == runs[-1][-1] + 1:
            runs[-1].append(index)
        else:
            runs.append([index])
    spelled = [f"{run[0]}-{run[-1]}" if len(run) > 2 else ", ".join(map(str, run)) for run in runs]  # noqa: PLR2004 - 4, 5
    turns = "turn is" if len(left_out) == 1 else "turns are"
    return f"[{len(left_out)} earlier {turns} left out: {', '.join(spelled)}]"
