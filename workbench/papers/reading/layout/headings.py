"""Headings: which lines are, and how deep.

A paper's headings are told by their numbers where they have some, and by their style. The styles of the lines that are
surely headings (numbered 1, 2, 3 …, or called Introduction, Conclusion, References …) tell which other lines are.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from workbench.papers.reading.layout.document import Document
from workbench.papers.reading.layout.heading import APPENDIX, ARABIC, KNOWN, LETTER, LONGEST, NEVER, ROMAN, RUN_IN, Heading
from workbench.papers.reading.layout.lines import Line, cells
from workbench.papers.reading.layout.run_in import run_in_headings

Style = tuple[float, bool, bool, bool]
"""Size rounded to half points, bold, italic, capitals."""
_PARAGRAPH: Final = 5
"""Full lines in a row that no heading has."""


@dataclass(slots=True)
class _Candidate:
    start: int
    end: int
    lines: list[Line]
    style: Style
    centred: bool
    apart: bool
    text: str
    arabic: tuple[int, ...] = ()
    roman: int = 0
    letter: str = ""
    numbers: str | None = None
    skip: int = field(default=0)


def find_headings(document: Document, after: int = 0) -> list[Heading]:
    """Return the headings from line `after` on, in reading order, and mark their lines; that of references is among them."""
    candidates = [c for c in _candidates(document) if c.start >= after]
    chosen = (
        _numbered(document, candidates, "arabic")
        or _numbered(document, candidates, "roman")
        or run_in_headings(document, after)
        or _unnumbered(document, candidates)
    )
    for heading in chosen:
        document.mark(document.lines[heading.start : heading.end], "heading")
    return chosen


def style_of(line: Line) -> Style:
    """Return what headings of one level have in common."""
    return round(line.top_size * 2) / 2, line.bold, line.italic, line.capitals


def _candidates(document: Document) -> list[_Candidate]:
    """Return lines that may be headings, joined where a heading runs over several."""
    found: list[_Candidate] = []
    index = 0
    while index < len(document.lines):
        line = document.lines[index]
        if (behind := _behind_paragraph(document, index)) is not None:
            index = behind
            continue
        if document.part(line) != "text" or not _may_be(document, index):
            index += 1
            continue
        end = index + 1
        while end < len(document.lines) and end - index < 4 and _continues(document, index, end):
            end += 1
        found.append(_candidate(document, index, end))
        index = end
    return found


def _behind_paragraph(document: Document, start: int) -> int | None:
    """Return the index behind a paragraph that is set apart as headings are, such as an abstract in bold; None without one."""
    first = document.lines[start]
    if not (first.bold or first.italic or first.top_size > document.size + 0.4):
        return None
    end = start + 1
    while end < len(document.lines):
        line, before = document.lines[end], document.lines[end - 1]
        step = line.box[3] - before.box[3]
        alike = abs(line.size - first.size) < 0.6 and (line.bold, line.italic) == (first.bold, first.italic)
        if not alike or (line.page, line.column) != (first.page, first.column) or not 0 < step < 1.8 * first.top_size:
            break
        end += 1
    full = sum(line.width > 0.8 * (line.frame[1] - line.frame[0]) for line in document.lines[start:end])
    return end if full >= _PARAGRAPH else None


def _may_be(document: Document, index: int) -> bool:
    line = document.lines[index]
    text = line.text
    letters = sum(c.isalpha() for c in text)
    if letters < 3 or len(text) > LONGEST or letters < 0.5 * len(text.replace(" ", "")) or NEVER.match(text):
        return False
    if "@" in text or text.count(",") > 5 or text.endswith((",", ";")) or re.search(r"[=≤≥∈∑∫]", text):
        return False
    if text.endswith("-") and not _cut(document, index):
        return False
    if _closes(text) or line.top_size < document.size - 2.2 or _of_contents(line):
        return False
    stands_out = line.bold or line.top_size > document.size + 0.4 or line.capitals or line.italic
    numbered = ARABIC.match(text) or ROMAN.match(text) or LETTER.match(text)
    known = bool(KNOWN.match(_bare(text)))
    if not (stands_out or known or numbered):
        return False
    begins = text[0].isupper() or text[0].isdigit() or line.top_size > document.size + 1 or known
    return begins and (document.gap_above(index) > 0.12 * document.leading or stands_out)


def _cut(document: Document, index: int) -> bool:
    """Whether a heading's last word runs on to a second line, its last."""
    if index + 1 >= len(document.lines) or not _continues(document, index, index + 1):
        return False
    line, following = document.lines[index], document.lines[index + 1]
    distinct = line.bold or line.top_size > document.size + 1.4
    return distinct and following.width < 0.8 * (line.frame[1] - line.frame[0]) and not following.text.endswith("-")


def _closes(text: str) -> bool:
    """Whether a line goes on with something in brackets that began above it; `1)` does not."""
    before, bracket, _ = text.partition(")")
    return bool(bracket) and "(" not in before and len(before) > 4


def _of_contents(line: Line) -> bool:
    """Whether a line is one of a table of contents: points lead to a page number, or it stands far to the right."""
    if re.search(r"(?:\.\s?){4,}", line.text):
        return True
    parts = cells(line, 2.0)
    return len(parts) > 1 and "".join(span.text for span in parts[-1]).strip().isdigit() and len(parts[-1]) == 1


def _continues(document: Document, start: int, end: int) -> bool:
    """Whether the line at `end` goes on with a heading that begins at `start`."""
    first, line, before = document.lines[start], document.lines[end], document.lines[end - 1]
    if document.part(line) != "text" or style_of(line)[:3] != style_of(first)[:3] or line.capitals < first.capitals:
        return False
    same = (line.page, line.column) == (before.page, before.column)
    gap = line.box[1] - before.box[3]
    if not same or gap > 0.5 * first.height or gap < -0.7 * first.height or len(line.text) > LONGEST:
        return False
    if not (first.bold or first.italic or first.capitals or first.top_size > document.size + 0.4):
        return False
    if ARABIC.match(line.text) or ROMAN.match(line.text) or (LETTER.match(line.text) and line.text[1] in ".:"):
        return False
    if KNOWN.match(_bare(line.text)) or KNOWN.match(_bare(before.text)) or before.text.endswith("."):
        return False
    full = before.width > 0.55 * (before.frame[1] - before.frame[0]) or line.centred
    return full and (any(c.isalpha() for c in line.text)) and "@" not in line.text


def _bare(text: str) -> str:
    """Return a heading's text without its number."""
    for pattern in (ARABIC, ROMAN, LETTER):
        if found := pattern.match(text):
            rest = text[found.end() :].strip()
            return rest or text
    return text.strip()


def _candidate(document: Document, start: int, end: int) -> _Candidate:
    lines = document.lines[start:end]
    first = lines[0]
    text = document.text(lines).text
    gap = document.gap_above(start)
    one = _Candidate(
        start, end, lines, style_of(first), any(line.centred for line in lines), gap > 0.3 * document.leading, text
    )
    if found := ARABIC.match(text):
        one.arabic = tuple(int(n) for n in found.group(1).split("."))
        one.numbers, one.skip = found.group(1), found.end()
    elif (found := ROMAN.match(text)) and (value := _roman(found.group(1))):
        one.roman, one.numbers, one.skip = value, found.group(1), found.end()
    if not one.arabic and (found := LETTER.match(text)):
        one.letter = found.group(1)
        if not one.roman:
            one.numbers, one.skip = found.group(1), found.end()
    return one


def _roman(text: str) -> int:
    values = {"I": 1, "V": 5, "X": 10}
    total = 0
    for a, b in zip(text, text[1:] + " ", strict=True):
        total += -values[a] if values.get(b, 0) > values[a] else values[a]
    return total


def _numbered(document: Document, candidates: Sequence[_Candidate], scheme: str) -> list[Heading]:
    """Return the headings of a paper whose sections are numbered; nothing where they are not."""
    tops = [c for c in candidates if (len(c.arabic) == 1 if scheme == "arabic" else c.roman)]
    chain = _chain(document, tops, scheme)
    if len(chain) < 2:
        return []
    walk = _Walk(document, chain, scheme)
    begin = 0 if _wants(candidates, walk.style, chain) else chain[0].start
    found = [walk.heading(c) for c in candidates if c.start >= begin]
    return [heading for heading in found if heading is not None]


class _Walk:
    """Goes through the candidates of a numbered paper, and knows at each how far the numbers are.

    Args:
        document: that they are of.
        chain: the numbered headings of the top level.
        scheme: `arabic` or `roman`.
    """

    def __init__(self, document: Document, chain: Sequence[_Candidate], scheme: str) -> None:
        self._document, self._chain, self._scheme = document, chain, scheme
        self._tops = {c.start for c in chain}
        self.style = Counter(c.style for c in chain).most_common(1)[0][0]
        self._centred = sum(c.centred for c in chain) * 2 > len(chain)
        self._number = 0
        self._letter = ""
        self._appendix = False

    def heading(self, c: _Candidate) -> Heading | None:
        """Return the heading that a candidate is, None where it is none."""
        if c.start in self._tops:
            self._number = _value(c, self._scheme)
            return _heading(c, 1)
        if found := APPENDIX.match(c.text):
            return self._named_appendix(c, found)
        if self._scheme == "arabic" and len(c.arabic) > 1:
            in_turn = c.arabic[0] in (self._number, self._number + 1) or self._number == 0
            return _heading(c, len(c.arabic)) if in_turn and _distinct(self._document, c) else None
        if c.letter and _is_appendix_letter(c, self._chain, self.style, self._letter, self._document):
            return self._lettered_appendix(c)
        inside = c.start > self._chain[0].start
        if self._scheme == "roman" and c.letter and c.style != self.style and _distinct(self._document, c) and inside:
            return _heading(c, 2)
        return self._unnumbered(c) if inside else None

    def _named_appendix(self, c: _Candidate, found: re.Match[str]) -> Heading | None:
        if not (_similar(c.style, self.style) or c.style[0] >= self.style[0] or c.style[1]):
            return None
        number = found.group(1)
        self._appendix = True
        self._letter = number[:1].upper() if number and number.isalpha() else self._letter
        return Heading(c.start, c.end, c.text[found.end() :].strip() or c.text, number, 1, appendix=True)

    def _lettered_appendix(self, c: _Candidate) -> Heading:
        parts = c.letter.split(".")
        self._letter = parts[0]
        self._appendix = True
        return _heading(c, len(parts), appendix=True)

    def _unnumbered(self, c: _Candidate) -> Heading | None:
        """Return a heading without a number: one in the style of the top level, or one that papers usually have."""
        known = KNOWN.match(c.text)
        larger = c.style[0] > self._document.size + 0.9
        if not c.arabic and not c.roman and _like_top(c, self.style, centred=self._centred):
            stands = (c.apart and (larger or c.style[1])) or (larger and c.style[1])
            return Heading(c.start, c.end, c.text, None, 1, appendix=self._appendix) if known or stands else None
        if known and c.apart and _short(c) and _distinct(self._document, c):
            level = 1 if c.style[0] >= self.style[0] - 1.1 else 2
            return Heading(c.start, c.end, c.text, None, level, appendix=self._appendix)
        return None


def _wants(candidates: Sequence[_Candidate], style: Style, chain: Sequence[_Candidate]) -> bool:
    """Whether headings before number 1 count: a paper may call its introduction by name and number from there."""
    first = chain[0]
    value = first.arabic[0] if first.arabic else first.roman
    return value > 1 and any(c.start < first.start and c.style == style for c in candidates)


def _short(c: _Candidate) -> bool:
    return len(c.text) < 60 and len(c.lines) == 1


def _chain(document: Document, tops: Sequence[_Candidate], scheme: str) -> list[_Candidate]:
    """Return the best run of top-level candidates whose numbers rise by one and whose styles agree."""
    best: list[_Candidate] = []
    best_score = 0.0
    for style in {c.style for c in tops}:
        mine = [c for c in tops if _similar(c.style, style)]
        for begin in [c for c in mine if _value(c, scheme) in (1, 2)]:
            chain = [begin]
            for c in mine:
                if c.start > chain[-1].start and _value(c, scheme) == _value(chain[-1], scheme) + 1:
                    chain.append(c)
            distinct = sum(_distinct(document, c) for c in chain) / len(chain)
            score = (len(chain) + 0.5 * (_value(begin, scheme) == 1)) * distinct + 0.3 * sum(
                bool(KNOWN.match(_bare(c.text))) for c in chain
            )
            span = chain[-1].start - chain[0].start
            if distinct < 0.6 or span < 8:
                continue
            if score > best_score:
                best, best_score = chain, score
    return best


def _value(c: _Candidate, scheme: str) -> int:
    return c.arabic[0] if scheme == "arabic" else c.roman


def _similar(a: Style, b: Style) -> bool:
    return abs(a[0] - b[0]) <= 0.6 and a[1] == b[1] and a[2] == b[2] and (a[3] == b[3] or a[1])


def _like_top(c: _Candidate, style: Style, *, centred: bool) -> bool:
    return _similar(c.style, style) and c.style[3] == style[3] and (not centred or c.centred) and not RUN_IN.search(c.text)


def _distinct(document: Document, c: _Candidate) -> bool:
    """Whether a line's style tells it from running text, or it stands apart and is short."""
    size, bold, italic, capitals = c.style
    if bold or size > document.size + 0.4 or capitals or italic:
        return True
    line = c.lines[-1]
    return c.apart and line.width < 0.8 * (line.frame[1] - line.frame[0]) and not c.text.endswith(".")


def _is_appendix_letter(c: _Candidate, chain: Sequence[_Candidate], style: Style, last: str, document: Document) -> bool:
    """Whether "A Proofs" heads an appendix: behind the last numbered section, in its turn, styled like a heading."""
    if c.start < chain[-1].start or not _distinct(document, c):
        return False
    parts = c.letter.split(".")
    if len(parts) > 1:
        return bool(last) and parts[0] == last
    expected = chr(ord(last) + 1) if last else "A"
    return c.letter in (expected, last if last and c.style == style else expected) and (
        _similar(c.style, style) or c.style[0] >= style[0] - 0.6
    )


def _heading(c: _Candidate, level: int, *, appendix: bool = False) -> Heading:
    return Heading(c.start, c.end, c.text[c.skip :].strip() or c.text, c.numbers, level, appendix=appendix)


def _unnumbered(document: Document, candidates: Sequence[_Candidate]) -> list[Heading]:
    """Return the headings of a paper without numbers: those in the style of lines that are surely headings."""
    sure = [
        c
        for c in candidates
        if KNOWN.match(c.text) and _distinct(document, c) and (c.apart or c.style[0] > document.size + 0.4)
    ]
    headings = [
        line
        for line in document.lines
        if re.match(r"^references\s*$", line.text, re.IGNORECASE) and document.part(line) != "caption"
    ]
    styles = Counter(c.style for c in sure)
    styles.update(style_of(line) for line in headings[-1:])
    if not styles:
        return []
    top = max(styles, key=lambda style: (styles[style], style[0]))
    rival = [style for style in styles if style[0] > top[0] + 0.9 and styles[style] >= 2]
    top = max(rival, key=lambda style: style[0]) if rival else top
    centred = _mostly_centred(sure, top)
    chosen = []
    appendix = False
    for c in candidates:
        if APPENDIX.match(c.text) and _similar(c.style, top):
            appendix = True
        if _similar(c.style, top) and c.style[3] == top[3] and (centred is None or c.centred == centred or KNOWN.match(c.text)):
            if _standing(document, c):
                chosen.append(Heading(c.start, c.end, c.text, None, 1, appendix=appendix))
        elif KNOWN.match(c.text) and c in sure:
            alike = c.style[0] > top[0] + 0.6 or (c.style[0] >= top[0] - 0.6 and c.style[1:3] == top[1:3])
            chosen.append(Heading(c.start, c.end, c.text, None, 1 if alike else 2, appendix=appendix))
        elif c.apart and _standing(document, c) and (c.style[1] or c.style[0] > document.size + 0.4) and c.style[0] <= top[0]:
            chosen.append(Heading(c.start, c.end, c.text, None, 2, appendix=appendix))
    return chosen


def _mostly_centred(sure: Sequence[_Candidate], top: Style) -> bool | None:
    """Whether headings of the top style are centred; None where they differ."""
    mine = [c.centred for c in sure if _similar(c.style, top)]
    if len(mine) < 2:
        return None
    share = sum(mine) / len(mine)
    return True if share > 0.8 else False if share < 0.2 else None


def _standing(document: Document, c: _Candidate) -> bool:
    """Whether a candidate stands on its own, and is no beginning of a paragraph."""
    return (c.apart or c.style[0] > document.size + 0.9) and not c.text.endswith((".", ",")) and not RUN_IN.search(c.text)
