"""`%paper assess`: models debate whether a team can put a paper to use, watched live, and what they came to as a card."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from IPython.core.error import UsageError

from workbench.notebook.paper.command import Command, Parser, add_model, add_output, names
from workbench.notebook.paper.desk import Desk

if TYPE_CHECKING:
    from workbench.dialogue import Dialogue
    from workbench.notebook.dry_run import DryRun
    from workbench.papers.assessing.assessment import Assessment


class AssessmentPage:
    """An assessment on display, with the pages that its quotes stand on; `assessment` is what to go on with.

    Args:
        assessment: as made.
        pictures: for each claim a PNG in base64, or None.
        outcomes: what was entered of it.
    """

    def __init__(self, assessment: Assessment, pictures: list[str | None], outcomes: list[Any]) -> None:
        self.assessment, self.pictures, self.outcomes = assessment, pictures, outcomes

    @property
    def text(self) -> str:
        """For a terminal."""
        from workbench.papers.assessing.report import as_text

        return as_text(self.assessment, self.outcomes)

    def __repr__(self) -> str:
        return self.text

    def _repr_mimebundle_(self, include: object = None, exclude: object = None) -> dict[str, str]:  # noqa: ARG002 - IPython's
        from workbench.papers.assessing.report import as_card, as_markdown

        html = as_card(self.assessment, self.outcomes, self.pictures)
        return {"text/plain": self.text, "text/markdown": as_markdown(self.assessment, self.outcomes), "text/html": html}


def page_of(desk: Desk, made: Assessment) -> AssessmentPage:
    """Return the card of an assessment."""
    from workbench.papers.highlights import highlights_of

    desk.tell("Looking the quotes up …")
    pictures = highlights_of(desk.shelf, made.paper.id, [claim.quote for claim in made.claims])
    return AssessmentPage(made, pictures, desk.orchestrator.record.assessments.outcomes(made.id))


def _arguments(parser: Parser) -> None:
    parser.add_argument(
        "paper", nargs="?", metavar="ID", help="a paper: its id, the beginning of it, an arXiv id, a DOI, or last"
    )
    parser.add_argument(
        "--question", default="", metavar="TEXT", help="what to decide; by default whether you can put it to use"
    )
    parser.add_argument("--context", metavar="FILE", help="a Markdown file on your stack, skills, hardware and deadline")
    parser.add_argument("--voices", type=names, metavar="A,B", help="the assessors; by default advocate,sceptic,engineer")
    parser.add_argument("--judge", metavar="MODEL", help="who decides")
    parser.add_argument("--resume", metavar="DIALOGUE", help="go on with a debate that stopped; no paper is named then")
    parser.add_argument("--dry-run", action="store_true", help="show who would speak and what it would cost; call nothing")
    parser.add_argument("--report", metavar="FILE", help="write it to a file that ends in .md or .html as well")
    add_model(parser, "debates; several are dealt out to the assessors and the judge")
    add_output(parser, "the assessment")


def _run(desk: Desk, wanted: Namespace) -> AssessmentPage | DryRun:
    from workbench.papers.assessing.feasibility import conclude, go_on, inquire, read_context
    from workbench.papers.assessing.report import write_report

    if bool(wanted.resume) == bool(wanted.paper):
        raise UsageError("%paper assess needs a paper, or --resume with a dialogue\n  %paper assess last --context TEAM.md")
    options = _options(wanted)
    if wanted.resume:
        dialogue: Dialogue = go_on(desk.orchestrator, desk.shelf, wanted.resume, **options)
    else:
        desk.tell("Choosing passages …")
        context = read_context(wanted.context) if wanted.context else ""
        parameters = {"voices": wanted.voices} if wanted.voices else {}
        asked = (wanted.paper, wanted.question, context)
        inquiry = inquire(desk.orchestrator, desk.shelf, *asked, parameters=parameters, **options)
        if wanted.dry_run:
            from workbench.notebook.dry_run import DryRun

            return DryRun(inquiry.spec, inquiry.parts, desk.orchestrator.record)
        dialogue = inquiry.begin(desk.orchestrator)
    made = conclude(desk.orchestrator, desk.shelf, desk.see_through(dialogue) if dialogue.running else dialogue)
    desk.bind(wanted.output, made)
    page = page_of(desk, made)
    if wanted.report:
        write_report(made, wanted.report, page.outcomes, page.pictures)
    return page


def _options(wanted: Namespace) -> Mapping[str, Any]:
    limits = {"max_cost": wanted.budget}
    return {"models": wanted.models, "judge": wanted.judge, "limits": limits, "api_base": wanted.api_base}


COMMAND = Command(
    name="assess",
    help="Have models debate whether your team can put a paper to use; every quote is looked up in it.",
    run=_run,
    arguments=_arguments,
    examples=(
        "%paper assess 2308.08155 --context TEAM.md -m gpt-mini,claude,gemini --budget 0.50 -o a",
        '%paper assess last --question "Can it replace our ranker?" --dry-run',
        "%paper assess --resume last",
    ),
    long=True,
)
