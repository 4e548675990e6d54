"""Tables as results: something to look at in a cell, and `frame` to go on with, so that `x = %models` is of use.

A row keeps its values as they are; a column says how they are shown and which type they have in the DataFrame. What is
unknown is missing there, and never zero.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from html import escape
from typing import TYPE_CHECKING, Any, Final

from workbench.dialogue.export.facts import visible
from workbench.notebook.pages import render

if TYPE_CHECKING:
    import pandas as pd
    from markupsafe import Markup

_WIDEST: Final = 60
_NUMBERS: Final = frozenset({"Int64", "float64"})
_MARKUP: Final = re.compile(r"([\\`*_\[\]|~#])")


@dataclass(frozen=True, slots=True)
class Column:
    """A column.

    Attributes:
        name: in rows and in the DataFrame.
        title: in its head; by default the name in words, empty for a column of the DataFrame alone.
        type: of the DataFrame's column.
        show: returns the text of a value that is not None.
        html: returns it as HTML, which is safe; by default its text.
    """

    name: str
    title: str | None = None
    type: str = "string"
    show: Callable[[Any], str] = str
    html: Callable[[Any], Markup] | None = None

    @property
    def head(self) -> str:
        """What stands above it."""
        return self.name.replace("_", " ") if self.title is None else self.title

    @property
    def number(self) -> bool:
        """Whether its values stand to the right."""
        return self.type in _NUMBERS

    @property
    def kind(self) -> str:
        """Of its values, for the style: `number`, `when`, or nothing."""
        return "number" if self.number else "when" if self.type.startswith("datetime64") else ""


class Table:
    """Rows on display.

    Args:
        columns: from left to right.
        rows: by column name; one that is absent is None.
        caption: one line above.
        notes: lines below.
        totals: rows below a line, as texts by column name; they are not in the DataFrame.
        unknown: what stands for None, by column; by default nothing.
    """

    _style = ""
    """More of it than all tables have, as safe HTML."""

    def __init__(
        self,
        columns: Sequence[Column],
        rows: Sequence[Mapping[str, Any]],
        *,
        caption: str = "",
        notes: Sequence[str] = (),
        totals: Sequence[Mapping[str, str]] = (),
        unknown: Mapping[str, str] | None = None,
    ) -> None:
        self.rows, self.caption, self.notes = list(rows), caption, list(notes)
        self._columns, self._totals, self._unknown = columns, totals, unknown or {}

    @property
    def frame(self) -> pd.DataFrame:
        """The rows as a DataFrame, one row a row, with a type for each column whether there are rows or not."""
        import pandas as pd

        values = {column.name: [row.get(column.name) for row in self.rows] for column in self._columns}
        return pd.DataFrame({c.name: pd.Series(values[c.name], dtype=c.type) for c in self._columns})

    @property
    def html(self) -> str:
        """The table for a notebook; its style reaches only itself."""
        return render(
            "table.html.j2",
            caption=self.caption,
            notes=self.notes,
            columns=self._shown,
            rows=self._marked_up,
            totals=self._sums,
            style=self._style,
        )

    @property
    def text(self) -> str:
        """The table for a terminal: columns below each other, long values shortened."""
        lines = [[column.head for column in self._shown], *self._cells, *self._sums]
        grid = [[_short(cell) for cell in line] for line in lines]
        widths = [max(map(len, cells)) for cells in zip(*grid, strict=True)]
        body = [self._line(line, widths) for line in grid] if self.rows else []
        return "\n".join([*map(_one_line, filter(None, [self.caption])), *body, *map(_one_line, self.notes)])

    @property
    def markdown(self) -> str:
        """The table for GitHub."""
        heads = [_marked(column.head) for column in self._shown]
        rules = ["--:" if column.number else "---" for column in self._shown]
        lines = [heads, rules, *([_marked(cell) for cell in line] for line in [*self._cells, *self._sums])]
        body = ["| " + " | ".join(line) + " |" for line in lines] if self.rows else []
        parts = [_marked(self.caption), "\n".join(body), *map(_marked, self.notes)]
        return "\n\n".join(filter(None, parts))

    def __len__(self) -> int:
        return len(self.rows)

    def __repr__(self) -> str:
        return self.text

    def _repr_mimebundle_(self, include: object = None, exclude: object = None) -> dict[str, str]:  # noqa: ARG002 - IPython's
        return {"text/plain": self.text, "text/html": self.html}

    @property
    def _shown(self) -> list[Column]:
        """Columns on display: those with a head, and with anything in them."""
        headed = [column for column in self._columns if column.head]
        return [c for c in headed if not self.rows or any(self._cell(row.get(c.name), c) for row in self.rows)]

    @property
    def _cells(self) -> list[list[str]]:
        return [[self._cell(row.get(column.name), column) for column in self._shown] for row in self.rows]

    @property
    def _marked_up(self) -> list[list[str | Markup]]:
        """The cells for HTML: what is not marked up is escaped where it is filled in."""
        plain = zip(self.rows, self._cells, strict=True)
        return [
            [
                cell if column.html is None or row.get(column.name) is None else column.html(row[column.name])
                for cell, column in zip(cells, self._shown, strict=True)
            ]
            for row, cells in plain
        ]

    @property
    def _sums(self) -> list[list[str]]:
        return [[total.get(column.name, "") for column in self._shown] for total in self._totals]

    def _cell(self, value: Any, column: Column) -> str:
        return self._unknown.get(column.name, "") if value is None else column.show(value)

    def _line(self, cells: Sequence[str], widths: Sequence[int]) -> str:
        sides = zip(cells, widths, self._shown, strict=True)
        return "  ".join(cell.rjust(width) if column.number else cell.ljust(width) for cell, width, column in sides).rstrip()


def _one_line(text: str) -> str:
    return visible(" ".join(text.split()))


def _short(text: str) -> str:
    line = _one_line(text)
    return line if len(line) <= _WIDEST else line[: _WIDEST - 1] + "…"


def _marked(text: str) -> str:
    """Return text that Markdown shows as it is."""
    return _MARKUP.sub(r"\\\1", escape(_one_line(text), quote=False))
