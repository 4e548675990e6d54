"""Whether a quote is printed in a paper, word for word, and where.

A quote is verified where it is part of a text of the paper once both are treated alike in these ways, and in no other: runs
of whitespace are one space; ligatures are spelled out; quotation marks of all kinds are straight; dashes of all kinds are
hyphens, and a hyphen between letters is left out, because a line may have ended there. Case, words, figures and punctuation
count. A quote that leaves something out, marked or not, is not verbatim.
"""

from __future__ import annotations

import unicodedata
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import Final, Literal

from workbench.papers.reading.paper import Box, Paper, Text

Standing = Literal["verified", "near miss", "not found"]
_NEAR: Final = 0.8
"""Share of characters in order that makes another wording a near miss."""
_MARKS: Final = {ord(mark): '"' for mark in "“”„‟«»″"} | {ord(mark): "'" for mark in "‘’‚‛‹›′`´"}  # noqa: RUF001 - as meant
_DASHES: Final = frozenset("-‐‑‒–—−\u00ad")  # noqa: RUF001 - as meant
_AROUND: Final = "\"' "


@dataclass(frozen=True, slots=True)
class CheckedQuote:
    """A quote, and where it stands.

    Attributes:
        quote: as it was given.
        status: only `verified` is verbatim.
        page: where it begins; of a near miss, where that does; None where nothing was found.
        boxes: page and box of each line that it runs over.
        found: what the paper says there.
        likeness: of `found` to the quote, 0 to 1; 1 means verified.
    """

    quote: str
    status: Standing
    page: int | None = None
    boxes: tuple[tuple[int, Box], ...] = ()
    found: str = ""
    likeness: float = 0.0


@dataclass(frozen=True, slots=True)
class _Folded:
    """A text as quotes are compared; `places` leads from each of its characters to the text's own."""

    source: Text
    text: str
    places: tuple[int, ...]


def verify_quote(paper: Paper, text: str) -> CheckedQuote:
    """Look a quote up in a paper.

    >>> verify_quote(Paper(abstract=Text("We find 3 ef\ufb01cient meth-ods.")), "3 efficient methods").status
    'verified'
    >>> verify_quote(Paper(abstract=Text("We find 3 methods.")), "4 methods").status
    'not found'
    """
    return QuoteFinder(paper).check(text)


class QuoteFinder:
    """Looks quotes up in one paper, which is prepared once.

    Args:
        paper: all of its texts are searched, the lines as printed last.
    """

    def __init__(self, paper: Paper) -> None:
        self._texts = [_folded(text) for text in _texts(paper) if text.text]

    def check(self, quote: str) -> CheckedQuote:
        """Return where a quote stands."""
        wanted = _folded(Text(quote)).text.strip(_AROUND)
        if not any(map(str.isalnum, wanted)):
            return CheckedQuote(quote, "not found")
        for text in self._texts:
            if (at := _find_whole(text.text, wanted)) >= 0:
                return _standing(quote, "verified", text, at, at + len(wanted), 1.0)
        return self._near(quote, wanted)

    def _near(self, quote: str, wanted: str) -> CheckedQuote:
        """Return the stretch that is most like a quote, if it is like enough."""
        best: tuple[float, _Folded, int, int] | None = None
        for text in self._texts:
            for start, end in _windows(text.text, wanted):
                likeness = SequenceMatcher(None, wanted, text.text[start:end], autojunk=False).ratio()
                if likeness > (best[0] if best else _NEAR):
                    best = (likeness, text, start, end)
        if best is None or len(wanted.split()) < 3:  # noqa: PLR2004 - of two words, one that differs is all
            return CheckedQuote(quote, "not found")
        likeness, text, start, end = best
        return _standing(quote, "near miss", text, start, end, round(min(likeness, 0.999), 3))


def _texts(paper: Paper) -> Iterator[Text]:
    yield paper.abstract
    for section in paper.sections:
        yield section.body
    yield from (figure.caption for figure in paper.figures)
    yield from (table.caption for table in paper.tables)
    yield from paper.footnotes
    for reference in paper.references:
        yield reference.body
    yield paper.lines


def _folded(text: Text) -> _Folded:
    characters: list[str] = []
    places: list[int] = []
    source = text.text
    for index, raw in enumerate(source):
        if raw in _DASHES:
            if _between_letters(source, index):
                continue
            raw_text = "-"
        elif raw.isspace():
            raw_text = " "
        else:
            raw_text = unicodedata.normalize("NFKC", raw.translate(_MARKS))
        for character in raw_text:
            if character == " " and (not characters or characters[-1] == " "):
                continue
            characters.append(character)
            places.append(index)
    return _Folded(text, "".join(characters), tuple(places))


def _between_letters(text: str, index: int) -> bool:
    """Whether a dash joins two parts of a word; one at the end of a line does too."""
    if text[index] in "—–−" or index == 0 or not text[index - 1].isalpha():  # noqa: RUF001 - as meant
        return False
    return text[index + 1 : index + 2].isalpha()


def _find_whole(text: str, wanted: str) -> int:
    """Return where a quote begins in a text, not in the middle of a word or a number; -1 where it does not."""
    at = text.find(wanted)
    while at >= 0:
        end = at + len(wanted)
        if not _cuts(text, at, wanted[0]) and not _cuts(text[::-1], len(text) - end, wanted[-1]):
            return at
        at = text.find(wanted, at + 1)
    return -1


def _cuts(text: str, at: int, edge: str) -> bool:
    """Whether a place in a text, with `edge` behind it, is in the middle of a word or of a number such as 3.5."""
    if at == 0 or not edge.isalnum():
        return False
    before = text[at - 1]
    return before.isalnum() or (edge.isdigit() and before in ".," and at > 1 and text[at - 2].isdigit())


def _windows(text: str, wanted: str) -> Iterator[tuple[int, int]]:
    """Yield the stretches of a text, as many words long as the quote, that share most words with it."""
    words, spans = _words(text)
    quoted, _ = _words(wanted)
    size = len(quoted)
    if not size or len(words) < size:
        return
    need = Counter(quoted)
    have: Counter[str] = Counter()
    shared = 0
    scores = []
    for index, word in enumerate(words):
        have[word] += 1
        shared += have[word] <= need[word]
        if index >= size:
            gone = words[index - size]
            shared -= have[gone] <= need[gone]
            have[gone] -= 1
        if index >= size - 1:
            scores.append((shared, index - size + 1))
    for score, first in sorted(scores, key=lambda one: -one[0])[:3]:
        if score >= 0.6 * size:
            yield spans[first][0], spans[first + size - 1][1]


def _words(text: str) -> tuple[list[str], list[tuple[int, int]]]:
    words, spans, at = [], [], 0
    for word in text.split(" "):
        if word:
            words.append(word.strip(".,;:()[]\"'").lower())
            spans.append((at, at + len(word)))
        at += len(word) + 1
    return words, spans


def _standing(quote: str, status: Standing, text: _Folded, start: int, end: int, likeness: float) -> CheckedQuote:
    first, last = text.places[start], text.places[end - 1] + 1
    boxes = boxes_of(text.source, first, last)
    return CheckedQuote(quote, status, boxes[0][0] if boxes else None, boxes, text.source.text[first:last], likeness)


def boxes_of(text: Text, start: int, end: int) -> tuple[tuple[int, Box], ...]:
    """Return page and box of each line that a part of a text runs over; a line that it covers in part is cut in proportion."""
    found = []
    anchors = text.anchors
    for index, anchor in enumerate(anchors):
        until = anchors[index + 1].start if index + 1 < len(anchors) else len(text.text)
        first, last = max(start, anchor.start), min(end, until)
        if first >= last or not text.text[first:last].strip():
            continue
        x0, y0, x1, y1 = anchor.box
        width = (x1 - x0) / max(1, len(text.text[anchor.start : until].rstrip()))
        left, right = x0 + (first - anchor.start) * width, x0 + (last - anchor.start) * width
        found.append((anchor.page, (round(left, 1), y0, round(min(right, x1), 1), y1)))
    return tuple(found)
