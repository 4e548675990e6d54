"""A paper's pages as one run of lines, with what is usual in it: the size of its text, its words, the space between lines."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from statistics import median

from workbench.papers.reading.layout.lines import Line
from workbench.papers.reading.layout.mending import join_lines
from workbench.papers.reading.paper import Anchor, Text

_WORD = re.compile(r"[^\W\d_]+(?:-[^\W\d_]+)*")


@dataclass(slots=True)
class Document:
    """Lines in reading order, furniture taken out.

    Attributes:
        lines: of all pages.
        parts: what each line is part of, by the line's id: `title`, `author`, `abstract`, `heading`, `caption`, `table`,
            `footnote`, `reference`; a line of running text is in none.
        size: of the running text, in points.
        leading: from one line of running text to the next, in points.
        words: all words of the paper in small letters, cut ones left out.
        sizes: width and height of the pages.
        pieces: of each page, before pieces on one line were joined.
    """

    lines: list[Line]
    parts: dict[int, str]
    size: float
    leading: float
    words: frozenset[str]
    sizes: Sequence[tuple[float, float]]
    pieces: Sequence[list[Line]]

    def part(self, line: Line) -> str:
        """Return what a line is part of; `text` for running text."""
        return self.parts.get(id(line), "text")

    def mark(self, lines: Iterable[Line], part: str) -> None:
        """Say what lines are part of."""
        for line in lines:
            self.parts[id(line)] = part

    def unmark(self, lines: Iterable[Line]) -> None:
        """Make lines running text again."""
        for line in lines:
            self.parts.pop(id(line), None)

    def text(self, lines: Sequence[Line], skip: int = 0) -> Text:
        """Join lines to a text; `skip` characters at the beginning of the first are left out."""
        texts = [line.text for line in lines]
        if texts and skip:
            texts[0] = texts[0][skip:]
        joined, starts = join_lines(texts, self.words)
        return Text(joined, tuple(Anchor(at, line.page, line.box) for at, line in zip(starts, lines, strict=True)))

    def gap_above(self, index: int) -> float:
        """Return the space between a line and the one before it in its column, in points; a page where there is none."""
        line = self.lines[index]
        if index == 0:
            return self.sizes[line.page - 1][1]
        before = self.lines[index - 1]
        if (before.page, before.column) != (line.page, line.column) or before.box[1] > line.box[1]:
            return self.sizes[line.page - 1][1]
        return line.box[1] - before.box[3]


def as_document(pages: Sequence[list[Line]], pieces: Sequence[list[Line]], sizes: Sequence[tuple[float, float]]) -> Document:
    """Return the document that pages in reading order make."""
    lines = [line for page in pages for line in page if line.text]
    return Document(lines, {}, _usual_size(lines), _leading(lines), _words(lines), sizes, pieces)


def _usual_size(lines: Sequence[Line]) -> float:
    weights: Counter[float] = Counter()
    for line in lines:
        weights[round(line.size * 2) / 2] += len(line.text)
    return weights.most_common(1)[0][0] if weights else 10.0


def _leading(lines: Sequence[Line]) -> float:
    steps = [
        b.box[3] - a.box[3]
        for a, b in pairwise(lines)
        if (a.page, a.column) == (b.page, b.column) and 0 < b.box[3] - a.box[3] < 30
    ]
    return median(steps) if steps else 12.0


def _words(lines: Sequence[Line]) -> frozenset[str]:
    found: set[str] = set()
    for line in lines:
        text = line.text.lower()
        words = _WORD.findall(text.rstrip("-"))
        found.update(words[1:] if words and text.startswith(words[0]) else words)
        found.update(words[:1])
    return frozenset(found)
