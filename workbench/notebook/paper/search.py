"""`%paper search`: passages on the shelf, or papers on arXiv."""

from __future__ import annotations

from argparse import Namespace
from typing import TYPE_CHECKING

from workbench.notebook.paper.command import Command, Parser
from workbench.notebook.paper.desk import Desk

if TYPE_CHECKING:
    from workbench.notebook.tables import Table


def _arguments(parser: Parser) -> None:
    parser.add_argument("text", nargs="+", metavar="TEXT", help="what to look for")
    parser.add_argument("-n", "--limit", type=int, default=8, metavar="N", help="how many; 8 by default")
    parser.add_argument("--paper", metavar="ID", help="only in this paper")
    parser.add_argument("--arxiv", action="store_true", help="on arXiv instead of the shelf")


def _run(desk: Desk, wanted: Namespace) -> Table:
    text = " ".join(wanted.text)
    return _on_arxiv(text, wanted.limit) if wanted.arxiv else _on_shelf(desk, text, wanted)


def _on_shelf(desk: Desk, text: str, wanted: Namespace) -> Table:
    from workbench.notebook.tables import Column, Table

    titles = {row.id: row.title for row in desk.shelf.papers()}
    rows = [
        {
            "paper": hit.paper,
            "title": titles.get(hit.paper),
            "page": hit.chunk.page,
            "section": hit.chunk.heading or None,
            "text": hit.chunk.body.text,
        }
        for hit in desk.shelf.search(text, paper=wanted.paper, most=wanted.limit)
    ]
    columns = [Column("paper"), Column("title"), Column("page", type="Int64"), Column("section"), Column("text")]
    return Table(columns, rows, notes=[] if rows else ["Nothing fits."])


def _on_arxiv(text: str, most: int) -> Table:
    from workbench.notebook.tables import Column, Table
    from workbench.papers.reading.arxiv import Arxiv

    rows = [
        {"arxiv_id": e.id, "year": e.year, "authors": ", ".join(e.authors), "title": e.title, "abstract": e.abstract}
        for e in Arxiv().search(text, most)
    ]
    columns = [
        Column("arxiv_id", "arXiv"),
        Column("year", type="Int64"),
        Column("authors"),
        Column("title"),
        Column("abstract", ""),
    ]
    return Table(columns, rows, notes=["%paper add ID puts one on the shelf."] if rows else ["Nothing fits."])


COMMAND = Command(
    name="search",
    help="Find passages on the shelf, or papers on arXiv.",
    run=_run,
    arguments=_arguments,
    examples=("%paper search frozen gauges", "%paper search --arxiv au:bengio -n 20"),
    long=True,
)
