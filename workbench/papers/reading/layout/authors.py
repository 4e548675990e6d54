"""Who wrote a paper: the names between its title and its abstract.

Names stand in a row, in a grid with affiliations below, or one a line with affiliations beside. What tells them from
affiliations: how names look, and that a line set like the affiliations is one of them.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

from workbench.papers.reading.layout.document import Document
from workbench.papers.reading.layout.front import Abstract
from workbench.papers.reading.layout.furniture import is_masthead
from workbench.papers.reading.layout.lines import Line, Span, cells
from workbench.papers.reading.layout.mending import ACCENTS, mend
from workbench.papers.reading.layout.names import affiliation_like, collective, is_name, is_single, tidy_name

_SYMBOLS: Final = "*∗†‡§¶‖□■⋄◇◆⋆★☆♣♠♥♦♡♢✉#⊥∥△▽△▲▼○●♯♮♭✝✠⊕⊗‹›⟂✦✧❖✩✪❋@"
_SPLIT: Final = re.compile(r"\s*(?:¦|;|·|•|\||\s&\s|\band\b|,\s*and\b|＆|\\)\s*", re.IGNORECASE)
_MARKS: Final = re.compile(rf"[{re.escape(_SYMBOLS)}]|(?<=[^\W\d_.])\d[\d,]*|\d+|\(\s*[a-z]?\s*\)|\[[^\]]*\]")
_MOST: Final = 600
"""Pieces between title and abstract that are looked at."""
_DEGREES: Final = re.compile(
    r",?\s*\b(?:Ph\.?\s?D\.?|M\.?D\.?|M\.?Sc\.?|B\.?Sc\.?|(?:Student |Senior |Life |Graduate |Associate "
    r")*(?:Member|Fellow)(?:,\s*(?:IEEE|ACM|OSA|SIAM))?|IEEE|MBBS|MPH)(?=[\s,;¦]|$)"
)
_EMAIL: Final = re.compile(r"\S*@\S*|\{[^}]*\}\S*|\S+\s?\(?(?:at|AT)\)?\s?\S+\.(?:edu|com|org)")
_STOP: Final = re.compile(
    r"^(?:key\s?words|index terms|ccs concepts|categories|received|accepted|submitted|\(?(?:dated?"
    r"|communicated)\b|for the full|editors?:)",
    re.IGNORECASE,
)


@dataclass(slots=True)
class _Row:
    line: Line
    style: tuple[float, bool, bool]
    parts: list[str]
    affiliation: bool
    beside: int = 0
    """How many pieces stand on its baseline, all of them names; 0 where one is something else."""


def find_authors(document: Document, title: Sequence[Line], abstract: Abstract | None) -> list[str]:
    """Return the authors' names in order, and mark the lines between title and abstract."""
    if not title:
        return []
    zone = _zone(document, title, abstract)
    rows = _rows(zone)
    names = _names(rows)
    if not names:
        names = _groups(rows)
    _mark(document, title, zone)
    return list(dict.fromkeys(names))


def _zone(document: Document, title: Sequence[Line], abstract: Abstract | None) -> list[Line]:
    """Return the pieces between title and abstract, from top to bottom."""
    page = title[0].page
    top = title[-1].box[3] - 0.3 * title[-1].height
    bottom = _bottom(document, page, top, abstract)
    notes = {id(line) for line in document.lines if document.part(line) in ("footnote", "caption", "heading")}
    hidden = [line.box for line in document.lines if id(line) in notes and line.page == page]
    found = []
    for piece in document.pieces[page - 1]:
        if not top <= piece.middle < bottom or not piece.text or is_masthead(piece.text):
            continue
        if any(b[1] - 1 <= piece.middle <= b[3] + 1 and b[0] - 2 <= piece.box[0] <= b[2] for b in hidden):
            continue
        found.append(piece)
    return _in_rows(found[:_MOST])


def _in_rows(pieces: list[Line]) -> list[Line]:
    """Sort pieces into rows; what stands on one baseline is read from left to right."""
    rows: list[list[Line]] = []
    for piece in sorted(pieces, key=lambda piece: piece.middle):
        lead = rows[-1][0] if rows else None
        if lead is not None and abs(piece.middle - lead.middle) < 0.45 * min(piece.height, lead.height) + 1.5:
            rows[-1].append(piece)
        else:
            rows.append([piece])
    return [piece for row in rows for piece in sorted(row, key=lambda piece: piece.box[0])]


def _bottom(document: Document, page: int, top: float, abstract: Abstract | None) -> float:
    height = document.sizes[page - 1][1]
    begins = [abstract.top - 1] if abstract is not None and abstract.page == page and abstract.top > top else []
    heads = [
        line.box[1] for line in document.lines if line.page == page and document.part(line) == "heading" and line.box[1] > top
    ]
    prose = [
        line.box[1]
        for line in document.lines
        if line.page == page and line.box[1] > top and len(line.text.split()) > 9 and _small_words(line.text) > 0.5
    ]
    return min([*begins, *heads, *prose, height])


def _small_words(text: str) -> float:
    words = text.split()
    return sum(word[:1].islower() for word in words) / len(words)


def _rows(zone: Sequence[Line]) -> list[_Row]:
    rows = [_row(line) for line in zone]
    for row in rows:
        mates = [one for one in rows if abs(one.line.middle - row.line.middle) < 0.45 * row.line.height]
        if all(_share(one) == 1 for one in mates):
            row.beside = sum(len(one.parts) for one in mates)
    for row, following in pairwise(rows):
        _whole(row, following)
    return rows


def _whole(row: _Row, following: _Row) -> None:
    """Put a name together that runs over the end of a line."""
    if not (row.parts and following.parts) or row.style[0] != following.style[0]:
        return
    last, first = row.parts[-1], following.parts[0]
    several = len(row.parts) > 1 and (len(following.parts) > 1 or _has_marks(following.line))
    listed = several and not re.search(r"[,;&]\s*$|\band\s*$", row.line.text)
    cut = listed and not row.line.spans[-1].raised and is_name(tidy_name(last)) and is_single(tidy_name(first))
    if cut and is_name(tidy_name(f"{last} {first}")):
        row.parts[-1] = f"{last} {first}"
        following.parts.pop(0)
        return
    if not is_name(tidy_name(last)) and not is_name(tidy_name(first)) and is_name(tidy_name(f"{last} {first}")):
        row.parts[-1] = f"{last} {first}"
        following.parts.pop(0)


def _has_marks(line: Line) -> bool:
    return any(span.raised for span in line.spans)


def _row(line: Line) -> _Row:
    plain = Line(line.page, line.box, [span for span in line.spans if not span.raised] or line.spans)
    size, bold, italic = plain.size, plain.bold, plain.italic  # ORCIDs and marks may take more room than the names
    parts = _parts(line)
    persons = bool(parts) and all(is_name(tidy_name(part)) for part in parts)
    place = affiliation_like(_EMAIL.sub(" ", plain.text)) and not persons
    return _Row(line, (round(size * 2) / 2, bold, italic), parts, place or "@" in line.text)


def _parts(line: Line) -> list[str]:
    """Return what stands on a line, apart where commas, marks and gaps part it."""
    joined = " ¦ ".join(_marked(cell) for cell in cells(line, 1.15))
    joined = _EMAIL.sub(" ¦ ", joined)
    joined = _DEGREES.sub(" ", joined)
    joined = re.sub(r",\s*(?=(?:Jr|Sr|II|III)\b)", " ", joined)
    found = []
    for part in _SPLIT.split(joined):
        found += [_MARKS.sub(" ", one).strip() for one in part.split(",")]
    return [
        " ".join(one.split()).strip(" .:-–—'\"") + ("." if re.search(r"\b(?:Jr|Sr)\.$", one) else "")
        for one in found
        if any(map(str.isalpha, one))
    ]


def _marked(spans: Sequence[Span]) -> str:
    """Return the spans' text; what is raised or a mark parts names, because a mark stands behind each."""
    main = Counter[float]()
    for span in spans:
        main[span.size] += len(span.text.strip())
    size = max((span.size for span in spans if main[span.size] >= 3), default=spans[0].size)
    text = ""
    last: Span | None = None
    for span in spans:
        inner = mend(span.text)
        letters = sum(map(str.isalpha, inner))
        accent = bool(inner.strip()) and set(inner.strip()) <= ACCENTS  # it belongs to a letter beside it
        is_mark = (span.raised or span.size < 0.85 * size) and letters <= 3 and not _continues_capitals(text, inner, span)
        symbols = all(c in _SYMBOLS or not c.isalpha() for c in inner) and inner.strip(" ,.'’-–&")
        if (is_mark or symbols) and not accent:
            text += " ¦ " if inner.strip(" ,") or not text.rstrip().endswith("¦") else inner
            if inner.rstrip().endswith(","):
                text += ", "
        else:
            apart = last is not None and span.box[0] - last.box[2] > 0.18 * span.size
            text += (" " if apart and not text.endswith(" ") else "") + inner
        last = span
    return mend(text)


def _continues_capitals(text: str, inner: str, span: Span) -> bool:
    """Whether a smaller span goes on with a word in small capitals."""
    return not span.raised and ((text[-1:].isupper() and inner[:1].isupper()) or len(inner.strip()) > 3)


def _names(rows: Sequence[_Row]) -> list[str]:
    named = [row for row in rows if _share(row) >= 0.5]
    if not named:
        return [tidy_name(row.parts[0]) for row in rows if _leads(row)]
    styles = _name_styles(rows, named)
    found: list[str] = []
    for index, row in enumerate(rows):
        if _STOP.match(row.line.text):
            break
        if row.style not in styles and row.beside < 2:
            continue
        found += _from_row(rows, index, row)
    return [tidy_name(name) for name in found]


def _leads(row: _Row) -> bool:
    """Whether a row is one person with an affiliation behind."""
    return len(row.parts) > 1 and is_name(tidy_name(row.parts[0])) and affiliation_like(row.parts[1])


def _share(row: _Row) -> float:
    """Return which share of a row's parts are names."""
    return sum(is_name(tidy_name(part)) for part in row.parts) / len(row.parts) if row.parts else 0.0


def _name_styles(rows: Sequence[_Row], named: Sequence[_Row]) -> set[tuple[float, bool, bool]]:
    """Return the styles in which names are set: that of the first row of names, and others that hold hardly anything else."""
    total, affiliated = Counter[tuple[float, bool, bool]](), Counter[tuple[float, bool, bool]]()
    for row in rows:
        total[row.style] += 1
        affiliated[row.style] += row.affiliation
    first = named[0].style
    styles = {first}
    for style, count in Counter(row.style for row in named).items():
        if not affiliated[style] and (count >= 0.6 * total[style]) and style[0] >= first[0] - 1.1:
            styles.add(style)
    return styles


def _from_row(rows: Sequence[_Row], index: int, row: _Row) -> list[str]:
    """Return the names on a row: all of them or, where an affiliation begins in it, those before it."""
    if not row.parts:
        return []
    found: list[str] = []
    for part in row.parts:
        name = tidy_name(part)
        if is_name(name):
            found.append(name)
        elif affiliation_like(part) or (part.isupper() and len(part) <= 3 and found):
            break
        elif is_single(name) and len(row.parts) > 2 and _share(row) >= 0.6:
            found.append(name)
    if row.affiliation and found and not _begins_with_name(rows, index, row):
        return []
    return found


def _begins_with_name(rows: Sequence[_Row], index: int, row: _Row) -> bool:
    """On a row that names a place too, whether its first part is a person and not a town: nothing above it said where."""
    first = tidy_name(row.parts[0])
    if not is_name(first):
        return False
    if re.search(r"\b[A-Z]\.", first):
        return True
    above = rows[index - 1] if index else None
    return (
        above is None
        or not above.affiliation
        or above.style != row.style
        or (len(row.parts) > 2 and affiliation_like(row.parts[1]))
    )


def _groups(rows: Sequence[_Row]) -> list[str]:
    """Return the collective or single name that signs where no person's name was found."""
    for row in rows[:3]:
        whole = tidy_name(_MARKS.sub(" ", row.line.text))
        if collective(whole):
            first = whole.split(",")[0].strip()
            return [first if collective(first) else whole]
    first_row = rows[0] if rows else None
    if first_row and len(first_row.parts) == 1 and is_single(tidy_name(first_row.parts[0])):
        return [tidy_name(first_row.parts[0])]
    return []


def _mark(document: Document, title: Sequence[Line], zone: Sequence[Line]) -> None:
    boxes = [piece.box for piece in zone]
    page = title[0].page
    for line in document.lines:
        if line.page == page and document.part(line) == "text" and any(_inside(line, box) for box in boxes):
            document.mark([line], "author")


def _inside(line: Line, box: tuple[float, float, float, float]) -> bool:
    return box[1] - 1 <= line.middle <= box[3] + 1 and line.box[0] - 1 <= box[0] <= line.box[2]
