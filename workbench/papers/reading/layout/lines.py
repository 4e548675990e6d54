"""Lines as the file sets them: pieces of text with fonts and boxes, as MuPDF finds them.

The only module that knows MuPDF's dictionaries. Everything after it works on `Line`s.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Final

from workbench.papers.reading.layout.mending import from_t1, mend
from workbench.papers.reading.paper import Box

_BOLD: Final = re.compile(r"bold|black|heavy|demi|medi(?!um)|cmbx|cmb\d|sfbx|sfb\d|(?<![a-z])bx|tb$|-b$|\.b\+?", re.IGNORECASE)
_ITALIC: Final = re.compile(r"ital|obli|slanted|cmti|cmsl|sfti|-it$|ti$", re.IGNORECASE)
_SMALL_CAPS: Final = re.compile(r"cmcsc|csc|smallcap|sfcc|-sc\b|sc$", re.IGNORECASE)
_BITMAPS: Final = re.compile(r"F(?:\d{1,3}|[a-z]{1,2})|T3_?\d*|Type ?3")
"""Names that TeX's drivers give to fonts made of bitmaps, which have no map to Unicode."""
_PAINTED: Final = 16 | 32
_THIN: Final = 2.5
"""Points: what is thinner is a line."""
_SHORT: Final = 12.0
_RAISED, _TILTED, _BOLD_FLAG = 1, 2, 16


@dataclass(slots=True)
class Span:
    """A stretch of one font.

    Attributes:
        size: of the font, in points.
        raised: set above the line, as a mark is.
        painted: whether the file paints it at all; recognised text behind a scan is not.
        colour: 0xRRGGBB.
    """

    text: str
    box: Box
    size: float
    font: str
    bold: bool
    italic: bool
    raised: bool
    painted: bool
    colour: int
    alpha: int


@dataclass
class Line:
    """Spans on one baseline.

    Attributes:
        page: from 1.
        level: whether it runs from left to right; else it is turned.
        column: 0 for the left one; -1 where it crosses columns. Set by `columns`.
        frame: left and right edge of its column. Set by `columns`.
    """

    page: int
    box: Box
    spans: list[Span]
    level: bool = True
    column: int = 0
    frame: tuple[float, float] = field(default=(0.0, 0.0))

    @cached_property
    def text(self) -> str:
        """What it says."""
        return " ".join(mend(self.raw).split())

    @property
    def raw(self) -> str:
        """Its spans, with a space where there is a gap between them."""
        return "".join(text for text, _ in with_gaps(self.spans, 0.2))

    @cached_property
    def main(self) -> Span:
        """The span with most letters."""
        weights: dict[tuple[float, bool, bool, str], int] = {}
        for span in self.spans:
            key = (round(span.size, 1), span.bold, span.italic, span.font)
            weights[key] = weights.get(key, 0) + len(span.text.strip()) + (0 if span.raised else 1)
        best = max(weights, key=lambda key: weights[key])
        return next(s for s in self.spans if (round(s.size, 1), s.bold, s.italic, s.font) == best)

    @property
    def size(self) -> float:
        """Of the font that most of it is set in."""
        return self.main.size

    @cached_property
    def top_size(self) -> float:
        """Of the largest letters: in small capitals, that of the capitals."""
        return max((s.size for s in self.spans if any(c.isalpha() for c in s.text) and not s.raised), default=self.size)

    @cached_property
    def bold(self) -> bool:
        """Whether most of its letters are."""
        letters = [(sum(map(str.isalnum, s.text)), s.bold) for s in self.spans]
        return sum(n for n, bold in letters if bold) * 2 > sum(n for n, _ in letters)

    @cached_property
    def italic(self) -> bool:
        """Whether most of its letters are."""
        letters = [(sum(map(str.isalpha, s.text)), s.italic) for s in self.spans]
        return sum(n for n, italic in letters if italic) * 2 > sum(n for n, _ in letters)

    @cached_property
    def capitals(self) -> bool:
        """Whether it has three letters at least, and none small, or is set in small capitals."""
        letters = [c for c in self.text if c.isalpha()]
        small = sum(c.islower() for c in letters)
        return len(letters) > 2 and (small == 0 or small <= 0.08 * len(letters) or bool(_SMALL_CAPS.search(self.main.font)))

    @property
    def width(self) -> float:
        """In points."""
        return self.box[2] - self.box[0]

    @property
    def height(self) -> float:
        """In points."""
        return self.box[3] - self.box[1]

    @property
    def middle(self) -> float:
        """Half way between top and bottom."""
        return (self.box[1] + self.box[3]) / 2

    @property
    def centred(self) -> bool:
        """Whether it stands in the middle of its column, and does not fill it."""
        left, right = self.box[0] - self.frame[0], self.frame[1] - self.box[2]
        return left > 0.06 * (self.frame[1] - self.frame[0]) and abs(left - right) < 0.06 * (self.frame[1] - self.frame[0])


def with_gaps(spans: list[Span], gap: float, between: str = " ") -> Iterator[tuple[str, Span]]:
    """Yield the spans' texts, `between` put in front of one that stands more than `gap` font sizes after the one before."""
    before: Span | None = None
    for span in spans:
        apart = before is not None and span.box[0] - before.box[2] > gap * max(before.size, span.size)
        spaced = before is not None and (before.text.endswith(" ") or span.text.startswith(" "))
        yield (between if apart and not (spaced and between == " ") else "") + span.text, span
        before = span


def cells(line: Line, gap: float = 1.0) -> list[list[Span]]:
    """Return a line's spans, apart where there is a gap of so many font sizes; spans of nothing but space are left out."""
    parts: list[list[Span]] = []
    for span in line.spans:
        if not span.text.strip():
            continue
        if parts and span.box[0] - parts[-1][-1].box[2] <= gap * max(span.size, parts[-1][-1].size):
            parts[-1].append(span)
        else:
            parts.append([span])
    return parts


def union(boxes: list[Box]) -> Box:
    """Return the smallest box around all of them."""
    return min(b[0] for b in boxes), min(b[1] for b in boxes), max(b[2] for b in boxes), max(b[3] for b in boxes)


def read_lines(page: Any, number: int) -> list[Line]:
    """Return the lines of a page of PyMuPDF, in the file's order, hidden ones included."""
    import pymupdf

    flags = pymupdf.TEXT_PRESERVE_WHITESPACE
    found = []
    for block in page.get_text("dict", flags=flags, clip=pymupdf.INFINITE_RECT())["blocks"]:
        for line in block.get("lines", ()):
            spans = _mark_first(_merged(line["spans"]))
            if any(span.text.strip() for span in spans):
                level = line["dir"][0] > 0.98  # the cosine of eleven degrees
                found.append(Line(number, union([s.box for s in spans if s.text.strip()]), spans, level))
    return found


def _merged(raw: list[dict[str, Any]]) -> list[Span]:
    """Return MuPDF's spans as ours; those of one font in a row become one, the spaces that it makes up included."""
    spans: list[Span] = []
    for one in raw:
        text, last = one["text"], spans[-1] if spans else None
        if last is not None and not text.strip():
            last.text += " " if not last.text.endswith(" ") else ""
            continue
        span = _span(one)
        if last is not None and (last.font, last.raised) == (span.font, span.raised) and _alike(last, span):
            last.text += span.text
            last.box = union([last.box, span.box])
        else:
            spans.append(span)
    return spans


def _mark_first(spans: list[Span]) -> list[Span]:
    """Say of a small first span whether it is raised: MuPDF takes the baseline of a line from its first letter."""
    if len(spans) > 1:
        first, largest = spans[0], max(spans[1:], key=lambda span: len(span.text) * span.size)
        smaller = first.size < 0.85 * largest.size
        first.raised = first.raised or (smaller and first.box[3] < largest.box[3] - 0.12 * largest.size)
    return spans


def _alike(a: Span, b: Span) -> bool:
    return abs(a.size - b.size) < 0.3 and (a.painted, a.colour, a.alpha) == (b.painted, b.colour, b.alpha)


def _span(one: dict[str, Any]) -> Span:
    flags, font, drawn = one["flags"], one["font"].rpartition("+")[2], one.get("char_flags", _PAINTED)
    x0, y0, x1, y1 = one["bbox"]
    return Span(
        text=from_t1(one["text"]) if _BITMAPS.fullmatch(font) else one["text"],
        box=(round(x0, 1), round(y0, 1), round(x1, 1), round(y1, 1)),
        size=round(one["size"], 1),
        font=font,
        bold=bool(flags & _BOLD_FLAG) or bool(_BOLD.search(font)),
        italic=bool(flags & _TILTED) or bool(_ITALIC.search(font)),
        raised=bool(flags & _RAISED),
        painted=bool(drawn & _PAINTED),
        colour=one.get("color", 0),
        alpha=one.get("alpha", 255),
    )


@dataclass(frozen=True, slots=True)
class Word:
    """A word and its box."""

    text: str
    box: Box


def read_words(page: Any) -> list[Word]:
    """Return a page's words, each with its box."""
    return [Word(mend(text), (x0, y0, x1, y1)) for x0, y0, x1, y1, text, *_ in page.get_text("words") if mend(text).strip()]


def read_rules(page: Any) -> tuple[list[Box], list[Box]]:
    """Return the horizontal and the vertical lines that are drawn on a page, as boxes; pieces of one line are joined."""
    across: list[Box] = []
    down: list[Box] = []
    for drawing in page.get_cdrawings():
        for item in drawing["items"]:
            for x0, y0, x1, y1 in _strokes(item):
                if y1 - y0 < _THIN and x1 - x0 > _SHORT:
                    across.append((x0, y0, x1, y1))
                elif x1 - x0 < _THIN and y1 - y0 > _THIN:
                    down.append((x0, y0, x1, y1))
    return _joined_rules(across), down


def _strokes(item: tuple[Any, ...]) -> Iterator[Box]:
    if item[0] == "l":
        (xa, ya), (xb, yb) = item[1], item[2]
        yield min(xa, xb), min(ya, yb), max(xa, xb), max(ya, yb)
    elif item[0] == "re":
        x0, y0, x1, y1 = item[1]
        if y1 - y0 < _THIN or x1 - x0 < _THIN:
            yield x0, y0, x1, y1
        else:
            yield x0, y0, x1, y0
            yield x0, y1, x1, y1
            yield x0, y0, x0, y1
            yield x1, y0, x1, y1


def _joined_rules(rules: list[Box]) -> list[Box]:
    joined: list[Box] = []
    for rule in sorted(rules, key=lambda rule: (round(rule[1]), rule[0])):
        last = joined[-1] if joined else None
        if last is not None and abs(last[1] - rule[1]) < _THIN and rule[0] <= last[2] + _THIN:
            joined[-1] = (last[0], last[1], max(last[2], rule[2]), max(last[3], rule[3]))
        else:
            joined.append(rule)
    return joined
