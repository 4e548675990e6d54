"""Finding words in one paper as a reader does: in any case, each place with its page, its boxes and what stands around it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from workbench.papers.passages.quotes import boxes_of
from workbench.papers.reading.paper import Box, Paper

_AROUND: Final = 60
"""Characters shown on each side."""


@dataclass(frozen=True, slots=True)
class Occurrence:
    """A place where words stand.

    Attributes:
        page: where they begin.
        boxes: page and box of each line that they run over.
        before, found, after: the line of text that one reads.
    """

    page: int
    boxes: tuple[tuple[int, Box], ...]
    before: str
    found: str
    after: str


def occurrences(paper: Paper, words: str, most: int = 200) -> list[Occurrence]:
    """Return the places where words stand in what is printed, in reading order.

    Args:
        paper: its lines are searched.
        words: one or several, next to each other; case and line breaks do not count.
        most: how many places.

    >>> from workbench.papers.reading.paper import Anchor, Text
    >>> line = Text("Gauges freeze.", (Anchor(0, 2, (0, 0, 140, 10)),))
    >>> [(one.page, one.found, one.boxes) for one in occurrences(Paper(lines=line), "FREEZE")]
    [(2, 'freeze', ((2, (70.0, 0, 130.0, 10)),))]
    """
    wanted = words.split()
    if not wanted:
        return []
    text, found = paper.lines.text, []
    for match in re.finditer(r"\s+".join(map(re.escape, wanted)), text, re.IGNORECASE):
        start, end = match.span()
        if boxes := boxes_of(paper.lines, start, end):
            before, after = text[max(0, start - _AROUND) : start], text[end : end + _AROUND]
            found.append(Occurrence(boxes[0][0], boxes, before, match[0], after))
        if len(found) >= most:
            break
    return found
