"""`%paper show`: one paper, to look at and to go on with."""

from __future__ import annotations

from argparse import Namespace
from typing import TYPE_CHECKING

from workbench.notebook.paper.command import Command, Parser, add_output, add_paper
from workbench.notebook.paper.desk import Desk

if TYPE_CHECKING:
    from workbench.notebook.paper.pages import PaperPage


def _arguments(parser: Parser) -> None:
    add_paper(parser)
    add_output(parser, "the paper")


def _run(desk: Desk, wanted: Namespace) -> PaperPage:
    from workbench.notebook.paper.pages import PaperPage
    from workbench.papers.summaries.summarize import summaries_of

    row = desk.shelf.find(wanted.paper)
    page = PaperPage(row, desk.shelf.paper(row.id), summaries_of(desk.orchestrator.record, row.id))
    desk.bind(wanted.output, page.paper)
    return page


COMMAND = Command(
    name="show",
    help="Show a paper: what is known of it, its abstract, its sections, and its summaries.",
    run=_run,
    arguments=_arguments,
    examples=("%paper show last -o p",),
)
