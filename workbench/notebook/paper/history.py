"""`%paper history`: what happened to a paper."""

from __future__ import annotations

from argparse import Namespace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from workbench.notebook.paper.command import Command, Parser, add_output, add_paper
from workbench.notebook.paper.desk import Desk

if TYPE_CHECKING:
    from workbench.notebook.tables import Table


def _arguments(parser: Parser) -> None:
    add_paper(parser)
    add_output(parser, "the list of happenings")


def _run(desk: Desk, wanted: Namespace) -> Table:
    from workbench.dialogue.export.facts import money
    from workbench.notebook.tables import Column, Table
    from workbench.papers.history import history

    paper = desk.shelf.find(wanted.paper)
    found = history(desk.orchestrator.record, paper.id)
    desk.bind(wanted.output, found)
    rows = [
        {
            "at": datetime.fromtimestamp(each.at, UTC),
            "what": each.what,
            "text": each.text,
            "who": each.who or None,
            "cost": each.cost,
            "link": each.link or None,
        }
        for each in found
    ]
    columns = [
        Column("at", "when (UTC)", "datetime64[us, UTC]", lambda at: f"{at:%Y-%m-%d %H:%M}"),
        Column("what"),
        Column("text", "of it"),
        Column("who"),
        Column("cost", type="float64", show=money),
        Column("link", "look at"),
    ]
    return Table(columns, rows, caption=paper.title)


COMMAND = Command(
    name="history",
    help="Tell what happened to a paper, from the shelf to a decision.",
    run=_run,
    arguments=_arguments,
    examples=("%paper history last",),
)
