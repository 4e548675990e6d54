"""A paper as text for a model: in reading order, between marks, in as few portions as its window allows.

The list of references is left out; captions and the cells of tables are not. Each portion says of what stands in it from which
section and page it is.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from math import ceil
from typing import TYPE_CHECKING, Final

from workbench.dialogue.prompts.arrangement import ESTIMATE_MARGIN
from workbench.errors import WorkbenchError
from workbench.models.tokens import count_tokens
from workbench.papers.passages.marks import mark_of

if TYPE_CHECKING:
    from workbench.models import ModelCard
    from workbench.papers.reading.paper import Paper, Table

UNKNOWN_WINDOW: Final = 16_000
"""Tokens, where a model's card does not say."""
_INSTRUCTIONS: Final = 600
"""Tokens of what stands around a portion."""
_LEAST: Final = 500
"""Tokens of a portion; in a smaller window nothing can be summed up."""
_ROWS: Final = 40
"""Rows of a table that are shown."""


@dataclass(frozen=True, slots=True)
class Piece:
    """A stretch of a paper with its place."""

    heading: str
    page: int
    text: str


def room_for(card: ModelCard, answer: int) -> int:
    """Return how many tokens of a paper a call has room for.

    Args:
        card: of the model.
        answer: tokens that its answer may have.

    Raises:
        WorkbenchError: its window is too small.
    """
    window = card.context_window or UNKNOWN_WINDOW
    room = int(window * (1 - ESTIMATE_MARGIN)) - answer - _INSTRUCTIONS
    if room < _LEAST:
        raise WorkbenchError(
            f"{card.name} has a window of {window:,} tokens, too small for this",
            hint="Ask for a shorter summary, or take a model with a larger window.",
        )
    return room


def portions_of(paper: Paper, card: ModelCard, room: int) -> tuple[str, list[str]]:
    """Return the paper in portions of so many tokens, and the name of the tags that each stands between.

    The name is made from what is shown, so that nothing in it can close them.

    Args:
        paper: the paper.
        card: of the model that counts the tokens.
        room: as `room_for` returns it.
    """
    portions: list[list[str]] = [[]]
    left = room
    for piece in _cut(paper, card, room):
        shown = f"[{piece.heading or 'text'}, p. {piece.page}]\n{piece.text}"
        taken = count_tokens(shown, card).tokens + 2
        if taken > left and portions[-1]:
            portions.append([])
            left = room
        portions[-1].append(shown)
        left -= taken
    bodies = ["\n\n".join(portion) for portion in portions if portion]
    tag = f"paper-{mark_of(*bodies)}"  # of all that is shown: title and abstract may come from elsewhere than the file
    return tag, [f"<{tag}>\n{body}\n</{tag}>" for body in bodies]


def _cut(paper: Paper, card: ModelCard, room: int) -> Iterator[Piece]:
    """Yield a paper's pieces, the long ones in parts that a portion has room for."""
    most = room // 2  # so that a portion is never left half empty
    for piece in _pieces(paper):
        tokens = count_tokens(piece.text, card).tokens
        if tokens <= most:
            yield piece
            continue
        characters = max(200, int(len(piece.text) * most / tokens * 0.9))  # the tokens are not spread evenly
        for start, end in _stretches(piece.text, characters):
            yield Piece(piece.heading, piece.page, piece.text[start:end])


def _stretches(text: str, most: int) -> Iterator[tuple[int, int]]:
    """Yield where parts of at most so many characters begin and end, at the ends of sentences where there are any."""
    start = 0
    while start < len(text):
        end = min(len(text), start + most)
        if end < len(text):
            stop = max(text.rfind(mark, start + most // 2, end) for mark in (". ", "? ", "! ", "\n"))
            stop = stop if stop > 0 else text.rfind(" ", start + most // 2, end)
            end = stop + 1 if stop > 0 else end
        yield start, end
        start = end


def _pieces(paper: Paper) -> Iterator[Piece]:
    yield Piece("title", 1, paper.title or "(no title)")
    if paper.abstract.text:
        yield Piece("Abstract", min(paper.abstract.pages, default=1), paper.abstract.text)
    for section in paper.sections:
        name = " ".join(filter(None, ("Appendix" if section.appendix else "", section.number, section.title)))
        if section.body.text or name:
            yield Piece(name, section.page, section.body.text or "(only subsections)")
    for figure in paper.figures:
        yield Piece(figure.label, figure.page, figure.caption.text)
    for table in paper.tables:
        yield Piece(table.label, table.page, _told(table))


def _told(table: Table) -> str:
    rows = [" | ".join(row) for row in table.rows[:_ROWS]]
    left = len(table.rows) - len(rows)
    return "\n".join([table.caption.text, *rows, *([f"({left} more rows)"] if left > 0 else [])])


def groups_of(number: int, most: int) -> list[range]:
    """Return numbers from 1 in groups of at most so many, as even as can be.

    >>> groups_of(7, 3)
    [range(1, 3), range(3, 6), range(6, 8)]
    """
    count = ceil(number / most)
    ends = [round(number * index / count) for index in range(count + 1)]
    return [range(start + 1, end + 1) for start, end in pairwise(ends)]
