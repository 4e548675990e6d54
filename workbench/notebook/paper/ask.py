"""`%paper ask`: a question to a paper, answered with quotes that are looked up in it."""

from __future__ import annotations

from argparse import Namespace
from typing import TYPE_CHECKING

from workbench.notebook.paper.command import Command, Parser, add_model, add_output, add_paper
from workbench.notebook.paper.desk import Desk

if TYPE_CHECKING:
    from workbench.notebook.paper.pages import AnswerPage


def _arguments(parser: Parser) -> None:
    add_paper(parser)
    parser.add_argument("question", nargs="+", metavar="QUESTION", help="about the paper")
    parser.add_argument(
        "-n", "--limit", type=int, default=8, metavar="N", help="how many passages the model sees; 8 by default"
    )
    add_model(parser, "answers")
    add_output(parser, "the answer")


def _run(desk: Desk, wanted: Namespace) -> AnswerPage:
    from workbench.notebook.paper.pages import AnswerPage
    from workbench.papers.asking import ask_paper
    from workbench.papers.highlights import highlights_of

    desk.tell("Asking …")
    answer = ask_paper(
        desk.orchestrator,
        desk.shelf,
        wanted.paper,
        " ".join(wanted.question),
        models=wanted.models,
        most=wanted.limit,
        limits={"max_cost": wanted.budget},
        api_base=wanted.api_base,
    )
    desk.tell("Looking the quotes up …")
    page = AnswerPage(answer, highlights_of(desk.shelf, answer.paper.id, answer.quotes))
    desk.bind(wanted.output, answer)
    return page


COMMAND = Command(
    name="ask",
    help="Ask a model about a paper; each quote of its answer is checked against the PDF.",
    run=_run,
    arguments=_arguments,
    examples=('%paper ask 2308.08155 "How many agents talk to each other?" -m gpt-mini',),
    long=True,
)
