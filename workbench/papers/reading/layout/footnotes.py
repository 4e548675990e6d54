"""Notes at the foot of a column."""

from __future__ import annotations

import re
from itertools import groupby
from typing import Final

from workbench.papers.reading.layout.document import Document
from workbench.papers.reading.layout.furniture import is_masthead
from workbench.papers.reading.layout.lines import Line

_MARK: Final = re.compile(
    r"^(?:[*∗†‡§¶‖⋆★✉#♣♠♥♦♡♢□⋄]|\d{1,2}(?!\d)\s?(?=[^\W\d_(\[“\"])|\(?[a-z]\)\s|(?:e-?mail"
    r"|corresponding|correspondence)\b|this (?:work|research|paper|material)\b|manuscript|the "
    r"authors?\b|work (?:done|performed)\b)",
    re.IGNORECASE,
)
_ABSTRACT: Final = re.compile(r"^a\s?b\s?s\s?t\s?r\s?a\s?c\s?t\s*[.:]?$", re.IGNORECASE)
_SMALLER: Final = 0.7
"""Points by which a note is smaller than the text."""


def find_footnotes(document: Document) -> list[list[Line]]:
    """Return the notes, each with its lines, and mark them."""
    found: list[list[Line]] = []
    for _, group in groupby(document.lines, key=lambda line: (line.page, line.column)):
        column = list(group)
        notes = _at_the_foot(document, column)
        document.mark(notes, "footnote")
        found += _apart(notes)
    return found


def _at_the_foot(document: Document, column: list[Line]) -> list[Line]:
    """Return the lines of a column's notes: small ones at its end that begin with a mark, or say what notes say."""
    start = len(column)
    while start > 0 and _is_small(document, column[start - 1]):
        start -= 1
    while start < len(column) and not (_begins(column[start]) or _far_below(document, column, start)):
        start += 1
    if any(_ABSTRACT.match(line.text) for line in column[start:]):  # a front in small letters is no note
        start = _behind_abstract(document, column, start)
    tail = column[start:]
    text = [line for line in column[:start] if document.part(line) == "text" and abs(line.size - document.size) < 0.6]
    return tail if text and tail else []


def _behind_abstract(document: Document, column: list[Line], start: int) -> int:
    """Return where notes begin below an abstract: at a marked line that stands apart."""
    heads = [index for index in range(start, len(column)) if _ABSTRACT.match(column[index].text)]
    for index in range(heads[-1] + 1, len(column)):
        line = column[index]
        marked = line.spans[0].raised or bool(_MARK.match(line.text))
        if marked and line.box[1] - column[index - 1].box[3] > 0.3 * document.leading:
            return index
    return len(column)


def _is_small(document: Document, line: Line) -> bool:
    return (
        line.size <= document.size - _SMALLER
        and document.part(line) == "text"
        and line.middle > 0.3 * document.sizes[line.page - 1][1]
    )


def _begins(line: Line) -> bool:
    return line.spans[0].raised or bool(_MARK.match(line.text)) or is_masthead(line.text)


def _far_below(document: Document, column: list[Line], at: int) -> bool:
    """Whether a line stands well below the text above it, on the first page, where notes need no mark."""
    line = column[at]
    return line.page == 1 and (at == 0 or line.box[1] - column[at - 1].box[3] > 0.5 * document.leading)


def _apart(lines: list[Line]) -> list[list[Line]]:
    notes: list[list[Line]] = []
    for line in lines:
        if notes and not _begins(line):
            notes[-1].append(line)
        else:
            notes.append([line])
    return notes
