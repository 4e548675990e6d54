"""Tables and JSON on stdout. A terminal gets aligned columns; a pipe gets tab-separated lines."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping, Sequence
from typing import Any

from workbench.dialogue.export.facts import visible


def table(rows: Sequence[Mapping[str, Any]], columns: Sequence[str]) -> None:
    """Print rows."""
    cells = [[_cell(row.get(column)) for column in columns] for row in rows]
    if not sys.stdout.isatty():
        sys.stdout.writelines("\t".join(line) + "\n" for line in cells)
        return
    from rich.console import Console
    from rich.table import Table

    grid = Table(box=None, pad_edge=False, header_style="bold")
    for column in columns:
        grid.add_column(column.replace("_", " "), overflow="fold")
    for line in cells:
        grid.add_row(*line)
    Console(highlight=False, markup=False).print(grid)


def as_json(value: Any) -> None:
    """Print JSON, indented."""
    sys.stdout.write(json.dumps(value, indent=2, default=str) + "\n")


def _cell(value: Any) -> str:
    if value is None:
        return ""
    return visible(" ".join(str(value).split()))
