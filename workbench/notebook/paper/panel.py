"""`%paper panel`: the shelf, or one paper with its pages, to read and to ask."""

from __future__ import annotations

from argparse import Namespace
from typing import TYPE_CHECKING

from workbench.notebook.paper.command import Command, Parser, add_output
from workbench.notebook.paper.desk import Desk

if TYPE_CHECKING:
    from workbench.panels.paper_panel import PaperPanel


def _arguments(parser: Parser) -> None:
    parser.add_argument("paper", metavar="ID", nargs="?", help="the paper that it opens with; by default the shelf")
    add_output(parser, "the panel")


def _run(desk: Desk, wanted: Namespace) -> PaperPanel:
    from workbench.panels.paper_panel import PaperPanel

    panel = PaperPanel(desk.shelf, wanted.paper, desk.orchestrator)
    desk.bind(wanted.output, panel)
    return panel


COMMAND = Command(
    name="panel",
    help="Open the shelf, or a paper with its pages, summaries, assessments and debates.",
    run=_run,
    arguments=_arguments,
    examples=("%paper panel", "%paper panel 2308.08155"),
)
