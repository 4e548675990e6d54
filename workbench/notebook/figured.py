"""Figures beside tables in a cell's output. JupyterLab draws them, so a saved notebook needs neither kernel nor network."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final

from IPython.core.getipython import get_ipython
from IPython.display import display

from workbench.notebook.live import How, how_to_show
from workbench.notebook.tables import Table

if TYPE_CHECKING:
    import plotly.graph_objects as go

PLOTLY: Final = "application/vnd.plotly.v1+json"


class Figured:
    """Tables with a figure; the last expression of a cell shows all of it, a terminal the tables.

    Args:
        tables: from top to bottom; those without rows are left out, but for their notes.
        figure: that goes with them; None where there is nothing to draw.
    """

    def __init__(self, tables: Sequence[Table], figure: go.Figure | None) -> None:
        self.tables, self.figure = list(tables), figure

    @property
    def text(self) -> str:
        """The tables for a terminal."""
        return "\n\n".join(table.text for table in self.tables)

    @property
    def html(self) -> str:
        """The tables for a notebook."""
        return "\n".join(table.html for table in self.tables)

    def __repr__(self) -> str:
        return self.text

    def _ipython_display_(self) -> None:
        if how_to_show(get_ipython()) is How.TEXT:
            print(self.text)  # noqa: T201 - a terminal draws no figures
            return
        first, rest = self.tables[0], self.tables[1:]
        display({"text/html": first.html, "text/plain": first.text}, raw=True)
        if self.figure is not None:
            show_figure(self.figure, "A figure of the table above.")
        for table in rest:
            display({"text/html": table.html, "text/plain": table.text}, raw=True)


def show_figure(figure: go.Figure, text: str) -> None:
    """Display a figure as it is now; programs without figures get a text."""
    bundle: dict[str, Any] = {PLOTLY: json.loads(figure.to_json()), "text/plain": text}
    display(bundle, raw=True)
