"""Headings that begin a paragraph, the text behind them on the same line."""

from __future__ import annotations

from workbench.papers.reading.layout.document import Document
from workbench.papers.reading.layout.heading import ARABIC, LONGEST, Heading
from workbench.papers.reading.layout.lines import Line


def run_in_headings(document: Document, after: int) -> list[Heading]:
    """Return numbered headings at the beginning of paragraphs, set apart by bold or slanted letters."""
    found: list[tuple[int, str, tuple[int, ...], int]] = []
    for index, line in enumerate(document.lines[after:], after):
        if document.part(line) == "text" and (prefix := _set_apart(line)):
            match = ARABIC.match(prefix)
            if match:
                number = tuple(int(n) for n in match.group(1).split("."))
                found.append((index, prefix[match.end() :].strip(" .:"), number, len(prefix)))
    tops, last = [], 0
    for one in found:
        if len(one[2]) == 1 and one[2][0] == last + 1:
            tops.append(one)
            last += 1
    if len(tops) < 3:
        return []
    headings, current = [], 0
    for index, title, number, length in found:
        if (index, title, number, length) in tops:
            current = number[0]
        elif len(number) == 1 or number[0] != current:
            continue
        headings.append(Heading(index, index + 1, title, ".".join(map(str, number)), len(number), run_in=length))
    return headings


def _set_apart(line: Line) -> str:
    """Return the beginning of a line that is set in bold or slanted letters and ends with a point; empty without one."""
    first = line.spans[0]
    if not (first.bold or first.italic):
        return ""
    mine = []
    for span in line.spans:
        if (span.bold, span.italic) != (first.bold, first.italic):
            break
        mine.append(span)
    prefix = Line(line.page, line.box, mine).text
    short = len(mine) < len(line.spans) and 4 < len(prefix) < LONGEST
    return prefix if short and prefix.endswith((".", ":")) else ""
