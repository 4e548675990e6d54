"""`%paper figure`: a figure or a table of a paper, cut from its page."""

from __future__ import annotations

from argparse import Namespace
from typing import Any

from workbench.notebook.paper.command import Command, Parser, add_paper
from workbench.notebook.paper.desk import Desk


def _arguments(parser: Parser) -> None:
    add_paper(parser)
    parser.add_argument("label", nargs="+", metavar="LABEL", help="Figure 2, Table 1, or a number for a figure")
    parser.add_argument("--dpi", type=int, default=150, metavar="N", help="pixels an inch; 150 by default")


def _run(desk: Desk, wanted: Namespace) -> Any:
    from IPython.display import Image

    return Image(desk.shelf.figure(wanted.paper, " ".join(wanted.label), dpi=wanted.dpi), format="png")


COMMAND = Command(
    name="figure",
    help="Show a figure or a table of a paper, cut from its page.",
    run=_run,
    arguments=_arguments,
    examples=("%paper figure last Figure 2",),
    long=True,
)
