"""A paper in passages: a few sentences of one section each, with the places that they are printed in."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import Final

from pydantic import TypeAdapter

from workbench.papers.reading.paper import Anchor, Paper, Text

_LONG: Final = 900
"""Characters of a passage, which is some 150 words."""
_SENTENCE: Final = re.compile(r"(?<=[.!?])[\"”')\]]*\s+(?=[A-Z\[(“\"'\d])")


@dataclass(frozen=True, slots=True)
class Chunk:
    """A passage.

    Attributes:
        number: from 0, in the paper's order.
        heading: of its section; `Abstract`, `Figure 2`, `Table 1` for those.
        body: its text with its places.
    """

    number: int
    heading: str
    body: Text

    @property
    def page(self) -> int:
        """Where it begins; 0 where that is not known."""
        return self.body.anchors[0].page if self.body.anchors else 0


@cache
def _adapter() -> TypeAdapter[Chunk]:
    return TypeAdapter(Chunk)


def chunk_to_json(chunk: Chunk) -> str:
    """Return a passage as JSON."""
    return _adapter().dump_json(chunk).decode()


def chunk_from_json(text: str) -> Chunk:
    """Return the passage that `chunk_to_json` wrote."""
    return _adapter().validate_json(text)


def chunks_of(paper: Paper) -> list[Chunk]:
    """Return a paper's passages; the list of references is not among them."""
    found: list[Chunk] = []
    for heading, text in _texts(paper):
        for start, end in _stretches(text.text):
            found.append(Chunk(len(found), heading, cut(text, start, end)))
    return found


def _texts(paper: Paper) -> Iterator[tuple[str, Text]]:
    yield "Abstract", paper.abstract
    path: list[str] = []
    for section in paper.sections:
        path = [*path[: section.level - 1], section.title]
        yield " / ".join(filter(None, path)), section.body
    for figure in paper.figures:
        yield figure.label, figure.caption
    for table in paper.tables:
        yield table.label, table.caption


def _stretches(text: str) -> Iterator[tuple[int, int]]:
    """Yield where passages begin and end: at sentences, the last one of each repeated in the next."""
    ends = [found.start() for found in _SENTENCE.finditer(text)] + [len(text)]
    starts = [0, *(found.end() for found in _SENTENCE.finditer(text))]
    first = 0
    while first < len(starts) and text.strip():
        last = first
        while last + 1 < len(starts) and ends[last + 1] - starts[first] <= _LONG:
            last += 1
        yield starts[first], ends[last]
        if last + 1 >= len(starts):
            return
        overlaps = last > first and ends[last] - starts[last] < _LONG // 3
        first = last if overlaps else last + 1


def cut(text: Text, start: int, end: int) -> Text:
    """Return a part of a text, with the places of its lines."""
    anchors = text.anchors
    kept = []
    for index, anchor in enumerate(anchors):
        until = anchors[index + 1].start if index + 1 < len(anchors) else len(text.text)
        if anchor.start < end and until > start:
            kept.append(Anchor(max(0, anchor.start - start), anchor.page, anchor.box))
    return Text(text.text[start:end], tuple(kept))
