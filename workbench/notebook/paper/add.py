"""`%paper add`: read PDFs and put them on the shelf."""

from __future__ import annotations

from argparse import Namespace
from functools import partial
from typing import TYPE_CHECKING

from workbench.notebook.paper.command import Command, Parser
from workbench.notebook.paper.desk import Desk

if TYPE_CHECKING:
    from workbench.notebook.tables import Table
    from workbench.papers.shelf import Added


def _arguments(parser: Parser) -> None:
    parser.add_argument("what", nargs="+", metavar="PDF", help="a PDF, a folder of them, a URL, or an arXiv id; repeatable")
    parser.add_argument("--more", action="store_true", help="ask Semantic Scholar and Crossref too")
    parser.add_argument("--offline", action="store_true", help="ask nobody about files that are here")
    parser.add_argument("--ocr", action="store_true", help="recognise the text of pages that are pictures, by Tesseract")
    parser.add_argument("--language", default="eng", metavar="LANG", help="that --ocr reads: eng (the default), deu, deu+eng …")


def _run(desk: Desk, wanted: Namespace) -> Table:
    done: list[Added] = []
    for what in wanted.what:
        desk.tell(f"Reading {what} …")
        options = {"more": wanted.more, "offline": wanted.offline, "ocr": wanted.language if wanted.ocr else None}
        done += desk.shelf.adding(what, **options, notify=partial(_tell, desk))
    return _table(done)


def _tell(desk: Desk, added: Added, number: int, total: int) -> None:
    desk.tell(f"{number}/{total} {added.error.message if added.error else added.source}")


def _table(done: list[Added]) -> Table:
    from workbench.notebook.tables import Column, Table

    rows = [
        {
            "paper": each.row.id if each.row else None,
            "what": "refused" if each.error else "added" if each.new else "there already",
            "title": each.row.title if each.row else None,
            "authors": ", ".join(each.row.authors) if each.row else None,
            "note": each.error.message if each.error else "; ".join(each.notes) or None,
        }
        for each in done
    ]
    return Table([Column("paper"), Column("what"), Column("title"), Column("authors"), Column("note")], rows)


COMMAND = Command(
    name="add",
    help="Read PDFs, folders of them, URLs or arXiv ids, and put them on the shelf.",
    run=_run,
    arguments=_arguments,
    examples=("%paper add 2308.08155", "%paper add ~/papers --offline"),
    long=True,
)
