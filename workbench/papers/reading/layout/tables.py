"""Tables: where one is, given its caption, and what stands in its cells.

A table is what lies between the rules next to its caption or, without rules, the rows next to it that have gaps in them.
Columns are where the cells of most rows stand above each other; a full grid of rules gives rows and columns itself.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

from workbench.papers.reading.layout.lines import Word, union
from workbench.papers.reading.paper import Box

_NEAR: Final = 45.0
"""Points between a caption and its table."""
_TALLEST: Final = 620.0
Rows = tuple[tuple[str, ...], ...]


@dataclass(frozen=True, slots=True)
class Sheet:
    """What tables of a page are read from."""

    words: list[Word]
    across: list[Box]
    down: list[Box]


@dataclass(slots=True)
class _Cell:
    words: list[Word]

    @property
    def text(self) -> str:
        return " ".join(word.text for word in self.words)

    @property
    def x0(self) -> float:
        return self.words[0].box[0]

    @property
    def x1(self) -> float:
        return self.words[-1].box[2]

    @property
    def top(self) -> float:
        return self.words[0].box[1]


def read_table(sheet: Sheet, caption: Box, others: Sequence[Box], frame: tuple[float, float]) -> tuple[Rows, Box] | None:
    """Return a table's rows and its box; None where there is none that can be told from text.

    Args:
        sheet: of its page.
        caption: where its caption stands.
        others: where other captions on the page stand; no table reaches beyond one.
        frame: left and right edge of the column that the caption is in.
    """
    for rules in _ruled(sheet, caption, others):
        box = (min(r[0] for r in rules) - 2, rules[0][1] - 1, max(r[2] for r in rules) + 2, rules[-1][3] + 1)
        rows = _rows(sheet, rules, box)
        if len(rows) >= 2 and len(rows[0]) >= 2:
            return rows, box
    return _unruled(sheet, caption, others, frame)


def _rows(sheet: Sheet, rules: Sequence[Box], box: Box) -> Rows:
    """Return the rows that a grid of rules makes, or those that the words make where they tell more columns apart."""
    aligned = _aligned(_inside(sheet.words, box))
    grid = _grid(sheet, rules, box)
    return grid if grid and len(grid[0]) >= (len(aligned[0]) if aligned else 0) else aligned


def _ruled(sheet: Sheet, caption: Box, others: Sequence[Box]) -> list[list[Box]]:
    """Return the runs of rules below and above the caption, the nearer first."""
    found: list[tuple[float, list[Box]]] = []
    for below in (True, False):
        rules = _run(sheet.across, caption, others, below=below)
        if len(rules) >= 2:
            found.append((rules[0][1] - caption[3] if below else caption[1] - rules[-1][3], rules))
    return [rules for distance, rules in sorted(found, key=lambda one: one[0])]


def _run(across: Sequence[Box], caption: Box, others: Sequence[Box], *, below: bool) -> list[Box]:
    """Return the rules of the table next to a caption, from top to bottom: those as wide as the nearest, and those within."""
    if below:
        limit = min((o[1] for o in others if o[1] > caption[3] and _overlap(o, caption)), default=1e9)
        side = sorted((r for r in across if caption[3] - 2 <= r[1] < limit), key=lambda r: r[1])
        near = [r for r in side if r[1] - caption[3] < _NEAR and _overlap(r, caption)]
    else:
        limit = max((o[3] for o in others if o[3] < caption[1] and _overlap(o, caption)), default=-1e9)
        side = sorted((r for r in across if limit < r[1] <= caption[1] + 2), key=lambda r: -r[1])
        near = [r for r in side if caption[1] - r[1] < _NEAR and _overlap(r, caption)]
    near = [r for r in near if r[2] - r[0] > 40]
    if not near:
        return []
    first = max(near[:3], key=lambda r: r[2] - r[0])
    mine = [r for r in side if r[0] >= first[0] - 6 and r[2] <= first[2] + 6 and abs(r[1] - first[1]) < _TALLEST]
    wide = [r for r in mine if r[2] - r[0] > 0.9 * (first[2] - first[0])]
    end = wide[-1] if wide else first
    span = [r for r in mine if (r[1] <= end[1] + 1 if below else r[1] >= end[1] - 1)]
    return sorted(span, key=lambda r: r[1])


def _overlap(a: Box, b: Box) -> bool:
    return min(a[2], b[2]) - max(a[0], b[0]) > 0.2 * min(a[2] - a[0], b[2] - b[0])


def _inside(words: Sequence[Word], box: Box) -> list[Word]:
    return [
        word
        for word in words
        if box[0] <= (word.box[0] + word.box[2]) / 2 <= box[2] and box[1] <= (word.box[1] + word.box[3]) / 2 <= box[3]
    ]


def _grid(sheet: Sheet, rules: Sequence[Box], box: Box) -> Rows:
    """Return the rows of a table with rules on all sides of its cells; nothing where there are not."""
    tall = [r for r in sheet.down if box[0] - 2 <= r[0] <= box[2] + 2 and r[1] < box[3] and r[3] > box[1]]
    xs = _places([r[0] for r in tall if _reach(sheet.down, r[0], box) > 0.6 * (box[3] - box[1])])
    xs = _places([box[0] + 2, *xs, box[2] - 2])
    ys = _places([r[1] for r in rules if r[2] - r[0] > 0.9 * (box[2] - box[0])])
    if len(xs) < 4 or len(ys) < 3:
        return ()
    words = _inside(sheet.words, box)
    rows: list[tuple[str, ...]] = []
    for top, bottom in pairwise(ys):
        bands = [_lines(_inside(words, (left, top, right, bottom))) for left, right in pairwise(xs)]
        counts = [len(band) for band in bands if band]
        most = max(counts, default=0)
        if most > 1 and sum(count == most for count in counts) > 0.6 * len(counts) and len(counts) > 1:
            rows += _aligned_to(_inside(words, (box[0], top, box[2], bottom)), xs)  # rows without a rule between them
        else:
            rows.append(tuple(" ".join(word.text for line in band for word in line) for band in bands))
    return tuple(row for row in rows if any(row))


def _aligned_to(words: Sequence[Word], xs: Sequence[float]) -> list[tuple[str, ...]]:
    columns = list(pairwise(xs))
    return [_row(_cells(line), columns) for line in _lines(words)]


def _reach(down: Sequence[Box], x: float, box: Box) -> float:
    return sum(min(r[3], box[3]) - max(r[1], box[1]) for r in down if abs(r[0] - x) < 2 and r[1] < box[3] and r[3] > box[1])


def _places(values: Sequence[float]) -> list[float]:
    found: list[float] = []
    for value in sorted(values):
        if not found or value - found[-1] > 4:
            found.append(value)
    return found


def _lines(words: Sequence[Word]) -> list[list[Word]]:
    """Return words line by line."""
    lines: list[list[Word]] = []
    for word in sorted(words, key=lambda word: (word.box[1] + word.box[3]) / 2):
        middle = (word.box[1] + word.box[3]) / 2
        last = lines[-1] if lines else None
        if last and middle - sum(w.box[1] + w.box[3] for w in last) / (2 * len(last)) < 0.45 * (word.box[3] - word.box[1]):
            last.append(word)
        else:
            lines.append([word])
    return [sorted(line, key=lambda word: word.box[0]) for line in lines]


def _cells(line: Sequence[Word]) -> list[_Cell]:
    cells: list[_Cell] = []
    for word in line:
        gap = 0.52 * (word.box[3] - word.box[1])
        if cells and word.box[0] - cells[-1].x1 < gap:
            cells[-1].words.append(word)
        else:
            cells.append(_Cell([word]))
    return cells


def _aligned(words: Sequence[Word]) -> Rows:
    """Return rows whose cells stand above each other; a line that only goes on with cells above it is joined to them."""
    lines = [_cells(line) for line in _lines(words)]
    columns = _columns(lines)
    if len(columns) < 2:
        return ()
    rows = [_row(line, columns) for line in lines]
    return tuple(_level_heads(rows, [min(cell.top for cell in line) for line in lines]))


def _row(line: Sequence[_Cell], columns: Sequence[tuple[float, float]]) -> tuple[str, ...]:
    row = [""] * len(columns)
    for cell in (part for whole in line for part in _apart(whole, columns)):
        at = _column_of(cell, columns)
        row[at] = f"{row[at]} {cell.text}".strip()
    return tuple(row)


def _apart(cell: _Cell, columns: Sequence[tuple[float, float]]) -> list[_Cell]:
    """Return a cell, or its words where each stands over a column of its own: heads may be set closer than their columns."""
    over = [right for left, right in columns if min(cell.x1, right) - max(cell.x0, left) > 0]
    single = [_Cell([word]) for word in cell.words]
    return (
        single if len(over) == len(single) > 1 and len({_column_of(one, columns) for one in single}) == len(single) else [cell]
    )


def _level_heads(rows: list[tuple[str, ...]], tops: Sequence[float]) -> list[tuple[str, ...]]:
    """Join a row to the one above it where it stands half a line lower and fills its empty cells only."""
    steps = sorted(b - a for a, b in pairwise(tops))
    usual = steps[len(steps) // 2] if steps else 0.0
    joined: list[tuple[str, ...]] = []
    for index, row in enumerate(rows):
        half = index > 0 and tops[index] - tops[index - 1] < 0.75 * usual
        if half and joined and not any(a and b for a, b in zip(joined[-1], row, strict=True)):
            joined[-1] = tuple(a or b for a, b in zip(joined[-1], row, strict=True))
        else:
            joined.append(row)
    return joined


def _columns(lines: Sequence[Sequence[_Cell]]) -> list[tuple[float, float]]:
    """Return left and right edge of each column: the stretches that cells of full rows cover."""
    most = max((len(line) for line in lines), default=0)
    full = [line for line in lines if len(line) >= max(2, 0.6 * most)]
    if not full:
        return []
    edges = sorted((x, step) for line in full for cell in line for x, step in ((cell.x0, 1), (cell.x1, -1)))
    least = max(1, round(0.13 * len(full)))
    columns: list[tuple[float, float]] = []
    depth, start = 0, 0.0
    for x, step in edges:
        before, depth = depth, depth + step
        if before < least <= depth:
            start = x
        elif before >= least > depth:
            columns.append((start, x))
    merged: list[tuple[float, float]] = []
    for left, right in columns:
        if merged and left - merged[-1][1] < 2:
            merged[-1] = (merged[-1][0], right)
        else:
            merged.append((left, right))
    return merged


def _column_of(cell: _Cell, columns: Sequence[tuple[float, float]]) -> int:
    def overlap(index: int) -> float:
        left, right = columns[index]
        return min(cell.x1, right) - max(cell.x0, left)

    return max(range(len(columns)), key=overlap)


def _unruled(sheet: Sheet, caption: Box, others: Sequence[Box], frame: tuple[float, float]) -> tuple[Rows, Box] | None:
    """Return the rows with gaps next to a caption; rows of running text and wide spaces end them."""
    left, right = min(frame[0], caption[0]) - 4, max(frame[1], caption[2]) + 4
    mine = [word for word in sheet.words if left <= word.box[0] and word.box[2] <= right]
    for below in (True, False):
        lines = [
            line for line in _lines(mine) if (line[0].box[1] >= caption[3] - 2 if below else line[0].box[3] <= caption[1] + 2)
        ]
        lines = lines if below else lines[::-1]
        edge = caption[3] if below else caption[1]
        taken: list[list[Word]] = []
        for line in lines:
            top, bottom = min(w.box[1] for w in line), max(w.box[3] for w in line)
            gap = top - edge if below else edge - bottom
            crossed = any(o[1] <= (top + bottom) / 2 <= o[3] for o in others)
            if gap > (_NEAR if not taken else 1.6 * (bottom - top)) or len(_cells(line)) < 2 or crossed:
                break
            taken.append(line)
            edge = bottom if below else top
        words = [word for line in taken for word in line]
        rows = _aligned(words) if len(taken) >= 3 else ()
        if rows and len(rows[0]) >= 2 and _short(rows):
            return rows, union([word.box for word in words])
    return None


def _short(rows: Rows) -> bool:
    """Whether cells are as short as those of tables are: two columns of text look like a table otherwise."""
    lengths = sorted(len(cell) for row in rows for cell in row if cell)
    return lengths[len(lengths) // 2] < 26 and lengths[-1] < 90
