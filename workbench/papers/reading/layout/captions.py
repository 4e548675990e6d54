"""Captions of figures and tables."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from workbench.papers.reading.layout.document import Document
from workbench.papers.reading.layout.lines import Line

_LABEL: Final = re.compile(
    r"^(?P<kind>fig(?:ure|\.)?|table|tab\.|scheme|chart)\s*(?P<number>(?:[A-Z]{1,2}\.?)?\d{1,3}(?:\.\d{1,2})?[a-z]?|[IVXL]{1,6})"
    r"\s*(?P<end>[.:|]|[—–-]+(?=\s|[A-Z])|$|(?=\s))\s*",
    re.IGNORECASE,
)
_MOST: Final = 30
"""Lines of a caption."""


@dataclass(slots=True)
class Caption:
    """A caption: what it belongs to, its lines, and how much of the first line is the label."""

    kind: str
    label: str
    lines: list[Line]
    skip: int


def find_captions(document: Document) -> list[Caption]:
    """Return the captions, in reading order, and mark their lines."""
    found: list[Caption] = []
    index = 0
    lines = document.lines
    while index < len(lines):
        match = _LABEL.match(lines[index].text)
        if match and _begins_caption(document, index, match):
            end = _end(document, index)
            kind = "table" if match["kind"].lower().startswith("tab") else "figure"
            label = f"{'Table' if kind == 'table' else match['kind'].capitalize()} {match['number']}"
            label = re.sub(r"^Fig\.? ", "Figure ", label)
            found.append(Caption(kind, label, lines[index:end], match.end()))
            document.mark(lines[index:end], "caption")
            index = end
        else:
            index += 1
    return found


def _begins_caption(document: Document, index: int, match: re.Match[str]) -> bool:
    """Tell a caption from a sentence that begins with "Figure 3"."""
    line = document.lines[index]
    number = match["number"]
    if not number.isascii() or (number.isalpha() and not number.isupper()):
        return False
    apart = document.gap_above(index) > 0.35 * line.height or _fresh(document, index)
    first = line.spans[0]
    differs = (first.bold and not _bold_before(document, index)) or line.size < document.size - 0.4
    if match["end"] in (":", "|") or match["end"].startswith(("—", "–")):
        return apart or differs
    if match["end"] == ".":
        return differs or apart
    if not line.text[match.end() :].strip():
        return line.capitals or differs or (apart and line.centred)
    rest = line.text[match.end() :].lstrip()
    return (differs or line.capitals) and apart and (rest[:1].isupper() or first.bold)


def _fresh(document: Document, index: int) -> bool:
    """Whether the line before is none of running text that goes on."""
    before = document.lines[index - 1] if index else None
    return before is None or document.part(before) == "caption" or abs(before.size - document.size) > 0.4


def _bold_before(document: Document, index: int) -> bool:
    return index > 0 and document.lines[index - 1].bold


def _end(document: Document, start: int) -> int:
    """Return the index behind a caption's last line."""
    lines, first = document.lines, document.lines[start]
    usual: float | None = None
    size = first.top_size
    index = start + 1
    while index < len(lines) and index - start < _MOST:
        line, before = lines[index], lines[index - 1]
        if (line.page, line.column) != (first.page, first.column) or (_LABEL.match(line.text) and _is_new(line, before)):
            break
        step = line.main.box[3] - before.main.box[3]
        if index == start + 1 and _is_label(first):
            size = line.top_size  # a title below its label may be set in another size
        if abs(line.top_size - size) > 0.6 and abs(line.size - first.size) > 0.6:
            break
        if step > (1.5 * size + 2 if usual is None or _is_label(before) else max(usual, 1.25 * size) + 0.7 * size) or step < 0:
            break
        if index - start > 1 and before.width < 0.75 * first.width and line.box[0] > first.box[0] + 4 and not first.centred:
            break
        usual = step if usual is None or _is_label(before) else usual
        index += 1
    return index


def _is_new(line: Line, before: Line) -> bool:
    return line.box[1] - before.box[3] > 0.3 * line.height or before.text.endswith(".")


def _is_label(line: Line) -> bool:
    """Whether a label stands on a line of its own, above a title, as IEEE's tables have it."""
    return len(line.text) < 12 and line.capitals
