"""Reading order: where a page's columns are, and its lines from the first to the last.

A gutter is a strip that few lines cross and many stand beside. Lines that cross it (titles, wide figures and their
captions) part the page into bands; within a band the left column comes before the right one.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from statistics import median
from typing import Final

from workbench.papers.reading.layout.lines import Line, Span, union

_SLACK: Final = 2.0
"""Points by which a line may reach into a gutter."""


def in_reading_order(pages: Sequence[list[Line]], sizes: Sequence[tuple[float, float]]) -> list[list[Line]]:
    """Return each page's lines in reading order, pieces of one line joined, with their columns filled in."""
    found = [_gutters(lines, width) for lines, (width, _) in zip(pages, sizes, strict=True)]
    usual = _usual([gutters for gutters in found if gutters])
    ordered = []
    for lines, gutters in zip(pages, found, strict=True):
        settled = gutters or (usual if usual and _fits(lines, usual) else ())
        ordered.append(_ordered(lines, settled))
    return ordered


def _usual(found: list[tuple[float, ...]]) -> tuple[float, ...]:
    if not found:
        return ()
    number = Counter(map(len, found)).most_common(1)[0][0]
    alike = [gutters for gutters in found if len(gutters) == number]
    return tuple(median(gutters[i] for gutters in alike) for i in range(number))


def _prose(lines: list[Line]) -> list[Line]:
    return [line for line in lines if len(line.text) > 3]


def _gutters(lines: list[Line], width: float) -> tuple[float, ...]:
    """Return where the page's gutters are; none where it has one column."""
    prose = _prose(lines)
    long = [line for line in prose if line.width > 0.1 * width]
    places = [float(x) for x in range(int(0.22 * width), int(0.78 * width), 2)]
    scored = [(score, x) for x in places if (score := _score(x, prose, long, width))]
    if not scored:
        return ()
    chosen: list[tuple[float, float]] = []
    for score, x in sorted(scored, reverse=True):
        if len(chosen) < 2 and all(abs(x - other) > 0.2 * width for _, other in chosen):  # three columns at most
            chosen.append((score, x))
    if len(chosen) == 2 and chosen[1][0] < 0.6 * chosen[0][0]:
        chosen = chosen[:1]
    xs = sorted(_middle_of_gap(x, prose) for _, x in chosen)
    return tuple(xs)


def _score(x: float, prose: list[Line], long: list[Line], width: float) -> float:
    """Say how well x parts the page: twice the lines that stand beside another one, less those that cross."""
    left = [line for line in long if line.box[2] <= x + _SLACK]
    right = [line for line in long if line.box[0] >= x - _SLACK]
    if len(left) < 4 or len(right) < 4:
        return 0.0
    crossing = sum(1 for line in prose if line.box[0] < x - _SLACK and line.box[2] > x + _SLACK)
    rows = {round(line.middle / 6) for line in right if line.width > 0.18 * width}
    beside = sum(
        1 for line in left if line.width > 0.18 * width and any(round(line.middle / 6) + d in rows for d in (-1, 0, 1))
    )
    if beside < 5 or crossing > 2.0 * min(len(left), len(right)) or crossing > 3.5 * beside:
        return 0.0
    return max(0.0, 3.0 * beside - crossing)


def _middle_of_gap(x: float, prose: list[Line]) -> float:
    """Return the middle of the strip around x that no line beside it reaches into."""
    left = max((line.box[2] for line in prose if line.box[2] <= x + _SLACK), default=x)
    right = min((line.box[0] for line in prose if line.box[0] >= x - _SLACK), default=x)
    return (left + right) / 2 if right > left else x


def _fits(lines: list[Line], gutters: tuple[float, ...]) -> bool:
    """Whether a page with few lines is set in the columns of the others."""
    prose = _prose(lines)
    crossing = [line for line in prose if any(line.box[0] < x - 6 and line.box[2] > x + 6 for x in gutters)]
    return bool(prose) and len(crossing) < 0.3 * len(prose)


def _ordered(lines: list[Line], gutters: tuple[float, ...]) -> list[Line]:
    for line in lines:
        line.column = _column_of(line, gutters)
    rows = _joined(lines)
    _frame(rows)
    if not gutters:
        return sorted(rows, key=lambda row: (row.box[1] + row.box[3], row.box[0]))
    return _by_bands(rows)


def _column_of(line: Line, gutters: tuple[float, ...]) -> int:
    for x in gutters:
        if line.box[0] < x - 2 * _SLACK and line.box[2] > x + 2 * _SLACK:
            return -1
    centre = (line.box[0] + line.box[2]) / 2
    return sum(centre > x for x in gutters)


def _by_bands(rows: list[Line]) -> list[Line]:
    """Return rows band by band; a row that crosses the gutter ends the band above it."""
    wide = sorted((row for row in rows if row.column < 0), key=lambda row: row.middle)
    rest = sorted((row for row in rows if row.column >= 0), key=lambda row: row.middle)
    ordered: list[Line] = []
    for row in wide:
        above = [one for one in rest if one.middle < row.middle]
        rest = [one for one in rest if one.middle >= row.middle]
        ordered += [*sorted(above, key=lambda one: (one.column, one.middle)), row]
    return ordered + sorted(rest, key=lambda one: (one.column, one.middle))


def _joined(lines: list[Line]) -> list[Line]:
    """Join the pieces of each line; a mark above the line and a capital that hangs over two belong to it too."""
    rows: list[list[Line]] = []
    for line in sorted(lines, key=lambda line: (line.column, _first_row(line)[0], line.box[0])):
        top, bottom = _first_row(line)
        home = None
        for row in rows[-4:]:
            lead = max(row, key=lambda one: one.width)
            if lead.column != line.column:
                continue
            over = min(bottom, _first_row(lead)[1]) - max(top, _first_row(lead)[0])
            if over > 0.5 * min(bottom - top, _first_row(lead)[1] - _first_row(lead)[0]) and not _covered(line, row):
                home = row
        if home is None:
            rows.append([line])
        else:
            home.append(line)
    return [_one(row) for row in rows]


def _first_row(line: Line) -> tuple[float, float]:
    """Return top and bottom; of a dropped capital, those of the line that it begins."""
    if len(line.text) == 1 and line.text.isupper() and line.size > 20:
        return line.box[1] + 0.12 * line.height, line.box[1] + 0.45 * line.height
    return line.box[1], line.box[3]


def _covered(line: Line, row: list[Line]) -> bool:
    """Whether it stands where a piece of the row stands already: then it is another line."""
    return any(min(line.box[2], one.box[2]) - max(line.box[0], one.box[0]) > 0.35 * min(line.width, one.width) for one in row)


def _one(row: list[Line]) -> Line:
    if len(row) == 1:
        return row[0]
    pieces = sorted(row, key=lambda line: line.box[0])
    spans: list[Span] = []
    for piece in pieces:
        if spans and len(spans) == 1 and len(spans[0].text.strip()) == 1 and spans[0].size > 1.6 * piece.size:
            first = piece.spans[0]  # a dropped capital: the rest of its word follows without a space
            first.text, first.box = spans[0].text.strip() + first.text.lstrip(), union([spans[0].box, first.box])
            spans = []
        spans += piece.spans
    lead = max(pieces, key=lambda line: line.width)
    x0, _, x1, _ = union([piece.box for piece in pieces])
    return Line(lead.page, (x0, lead.box[1], x1, lead.box[3]), spans, column=lead.column)


def _frame(rows: list[Line]) -> None:
    """Fill in the edges of each row's column, as its text reaches them."""
    for column in {row.column for row in rows}:
        mine = [row for row in rows if row.column == column]
        prose = sorted(mine, key=lambda row: -row.width)[: max(3, len(mine) // 3)]
        left, right = median(row.box[0] for row in prose), median(row.box[2] for row in prose)
        if column < 0:
            left, right = min([left, *(row.box[0] for row in rows)]), max([right, *(row.box[2] for row in rows)])
        for row in mine:
            row.frame = (left, right)
