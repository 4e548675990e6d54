"""`%paper summarize`: a paper at one of four lengths, or at several."""

from __future__ import annotations

from argparse import Namespace
from typing import TYPE_CHECKING

from workbench.notebook.paper.command import Command, Parser, add_model, add_output, add_paper
from workbench.notebook.paper.desk import Desk

if TYPE_CHECKING:
    from workbench.notebook.paper.pages import SummaryPage


def _arguments(parser: Parser) -> None:
    add_paper(parser)
    parser.add_argument(
        "--level",
        default="paragraph",
        metavar="LEVEL",
        help="sentence (30 words), paragraph (150, the default), detailed (500), technical (1,500); several, or all",
    )
    parser.add_argument("--fresh", action="store_true", help="write again what is kept")
    parser.add_argument("--dry-run", action="store_true", help="say what it would cost, and call nothing")
    add_model(parser, "writes")
    add_output(parser, "the summaries")


def _run(desk: Desk, wanted: Namespace) -> SummaryPage | None:
    from workbench.notebook.paper.pages import SummaryPage
    from workbench.papers.summaries.summarize import plan_summaries, summarize

    options = {"models": wanted.models, "fresh": wanted.fresh, "api_base": wanted.api_base}
    limits = {"max_cost": wanted.budget}
    if wanted.dry_run:
        desk.tell(plan_summaries(desk.orchestrator, desk.shelf, wanted.paper, wanted.level, limits=limits, **options).text)
        return None
    found = summarize(desk.orchestrator, desk.shelf, wanted.paper, wanted.level, tell=desk.tell, limits=limits, **options)
    desk.bind(wanted.output, found.all)
    return SummaryPage(found)


COMMAND = Command(
    name="summarize",
    help="Sum a paper up in a sentence, a paragraph, in detail, or for those who build it.",
    run=_run,
    arguments=_arguments,
    examples=("%paper summarize 2308.08155 --level sentence,technical -m gpt-mini --budget 0.10",),
    long=True,
)
