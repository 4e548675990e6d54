"""`%paper list`: what is on the shelf."""

from __future__ import annotations

from argparse import Namespace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from workbench.notebook.paper.command import Command, Parser
from workbench.notebook.paper.desk import Desk

if TYPE_CHECKING:
    from workbench.notebook.tables import Table


def _arguments(parser: Parser) -> None:
    parser.add_argument("text", nargs="*", metavar="TEXT", help="only papers whose title, authors, year or ids have it")


def _run(desk: Desk, wanted: Namespace) -> Table:
    from workbench.notebook.tables import Column, Table

    rows = [
        {
            "paper": row.id,
            "arxiv_id": row.arxiv_id,
            "year": row.year,
            "authors": ", ".join(row.authors) or None,
            "title": row.title,
            "pages": row.pages,
            "added": datetime.fromtimestamp(row.added_at, UTC).strftime("%Y-%m-%d"),
        }
        for row in desk.shelf.papers(" ".join(wanted.text))
    ]
    columns = [Column("paper"), Column("arxiv_id", "arXiv"), Column("year", type="Int64"), Column("authors"), Column("title")]
    notes = [] if rows else ["No papers. %paper add FILE puts one on the shelf."]
    return Table([*columns, Column("pages", type="Int64"), Column("added")], rows, notes=notes)


COMMAND = Command(
    name="list",
    help="List the papers on the shelf, the newest first.",
    run=_run,
    arguments=_arguments,
    examples=("%paper list attention",),
)
