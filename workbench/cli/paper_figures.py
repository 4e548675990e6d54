"""`paper figure`: a figure or a table of a paper as a picture."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from workbench.cli.options import Workspace
from workbench.cli.papers import PaperId, on_shelf, paper_app, tell


@paper_app.command()
def figure(
    paper: PaperId,
    label: Annotated[list[str], typer.Argument(help="Figure 2, Table 1, or a number for a figure.")],
    *,
    output: Annotated[Path, typer.Option("-o", "--output", metavar="FILE", help="The PNG that is written.")],
    dpi: Annotated[int, typer.Option("--dpi", min=20, max=1200, help="Pixels an inch.")] = 200,
    workspace: Workspace = None,
) -> None:
    """Write a figure or a table of a paper as a PNG, cut from its page."""
    from workbench.errors import WorkbenchError

    with on_shelf(workspace) as (_, shelf):
        picture = shelf.figure(paper, " ".join(label), dpi=dpi)
    try:
        output.write_bytes(picture)
    except OSError as error:
        raise WorkbenchError(f"{output} cannot be written: {error.strerror}", hint="Check the folder.") from None
    tell(f"Wrote {output}.")
