"""`paper assess`, `assessments`, `outcome` and `calibration`: whether a paper can be put to use, and who knows."""

from __future__ import annotations

from dataclasses import asdict
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from workbench.cli.options import ApiBase, AsJson, Judge, MaxCost, Models, Workspace
from workbench.cli.papers import on_shelf, paper_app, tell

if TYPE_CHECKING:
    from workbench.papers import Shelf
    from workbench.papers.assessing.assessment import Assessment

_Text = Annotated[str, typer.Option("--question", metavar="TEXT", help="What to decide; by default whether you can use it.")]
_Context = Annotated[
    Path | None, typer.Option("--context", metavar="FILE", help="Markdown on your stack, skills, hardware and deadline.")
]
_Voices = Annotated[
    str | None, typer.Option("--voices", metavar="A,B", help="The assessors; by default advocate,sceptic,engineer.")
]
_Resume = Annotated[
    str | None, typer.Option("--resume", metavar="DIALOGUE", help="Go on with a debate that stopped; name no paper then.")
]
_Report = Annotated[Path | None, typer.Option("--report", metavar="FILE", help="Write it to a .md or .html file as well.")]
_DryRun = Annotated[bool, typer.Option("--dry-run", help="Show who would speak and what it would cost; call nothing.")]


class _Answer(StrEnum):
    YES = "yes"
    NO = "no"


_Worked = Annotated[_Answer, typer.Option("--worked", help="Whether it did what was hoped for.")]
_Paper = Annotated[str | None, typer.Argument(metavar="ID", help="Id, the beginning of one, an arXiv id, a DOI, or 'last'.")]
_Assessment = Annotated[str, typer.Argument(metavar="ASSESSMENT", help="Its id, the beginning of it, or 'last'.")]


@paper_app.command()
def assess(
    paper: _Paper = None,
    *,
    question: _Text = "",
    context: _Context = None,
    voices: _Voices = None,
    models: Models = None,
    judge: Judge = None,
    budget: MaxCost = None,
    api_base: ApiBase = None,
    resume: _Resume = None,
    dry_run: _DryRun = False,
    report: _Report = None,
    as_json: AsJson = False,
    workspace: Workspace = None,
) -> None:
    """Have models debate whether your team can put a paper to use; every quote is looked up in it."""
    from workbench.cli.dry_run import show_dry_run
    from workbench.cli.watch import watch
    from workbench.papers.assessing.feasibility import conclude, go_on, inquire, read_context
    from workbench.papers.assessing.report import write_report

    if (resume is None) == (paper is None):
        raise typer.BadParameter("name a paper, or --resume a dialogue")
    options: dict[str, Any] = {
        "models": _names(models),
        "judge": judge,
        "limits": {"max_cost": budget},
        "api_base": api_base,
    }
    with on_shelf(workspace) as (orchestrator, shelf):
        if resume is not None:
            dialogue = go_on(orchestrator, shelf, resume, **options)
        else:
            said = read_context(context) if context else ""
            parameters = {"voices": _names(voices)} if voices else {}
            inquiry = inquire(orchestrator, shelf, str(paper), question, said, parameters=parameters, **options)
            if dry_run:
                show_dry_run(inquiry.spec, inquiry.parts, orchestrator.record.url, as_json=as_json)
                return
            dialogue = inquiry.begin(orchestrator)
        if not as_json:
            watch(dialogue)
        made = conclude(orchestrator, shelf, dialogue.wait())
        if report:
            write_report(made, report, (), _highlights(shelf, made))
    _show(made, as_json=as_json)


@paper_app.command()
def assessments(paper: _Paper = None, *, as_json: AsJson = False, workspace: Workspace = None) -> None:
    """List assessments, the newest first; of all papers, or of one."""
    from workbench.cli.output import as_json as print_json
    from workbench.cli.output import table
    from workbench.papers.assessing.assessment import assessments_of
    from workbench.papers.assessing.report import told_outcome

    with on_shelf(workspace) as (orchestrator, shelf):
        chosen = shelf.find(paper).id if paper else None
        found = assessments_of(orchestrator.record, chosen)
        last = {each.assessment_id: told_outcome(each) for each in orchestrator.record.assessments.outcomes()}
    rows: list[dict[str, Any]] = [
        {"assessment": made.id, "paper": made.paper.id, "implementable": made.implementable, "difficulty": made.difficulty,
         "weeks": made.weeks.likely, "confidence": made.confidence, "verified": f"{len(made.verified)}/{len(made.claims)}",
         "outcome": last.get(made.id), "title": made.paper.title}
        for made in found
    ]  # fmt: skip
    if as_json:
        print_json(rows)
        return
    shown = [row | {"title": row["title"][:60], "outcome": row["outcome"] or "", "implementable": _yes(row)} for row in rows]
    table(shown, ["assessment", "paper", "implementable", "difficulty", "weeks", "confidence", "verified", "outcome", "title"])


@paper_app.command()
def assessment(name: _Assessment, *, report: _Report = None, as_json: AsJson = False, workspace: Workspace = None) -> None:
    """Show an assessment."""
    from workbench.papers.assessing.assessment import find_assessment
    from workbench.papers.assessing.report import write_report

    with on_shelf(workspace) as (orchestrator, shelf):
        made = find_assessment(orchestrator.record, name)
        if report:
            write_report(made, report, orchestrator.record.assessments.outcomes(made.id), _highlights(shelf, made))
    _show(made, as_json=as_json)


@paper_app.command()
def outcome(
    name: _Assessment,
    *,
    worked: _Worked,
    weeks: Annotated[float | None, typer.Option("--weeks", metavar="N", help="Weeks of work really spent.")] = None,
    note: Annotated[str, typer.Option("--note", metavar="TEXT", help="What is worth knowing.")] = "",
    workspace: Workspace = None,
) -> None:
    """Say what came of an assessment, once you know; a later word counts instead of an earlier one."""
    from workbench.papers.assessing.outcomes import enter_outcome
    from workbench.papers.assessing.report import told_outcome

    with on_shelf(workspace) as (orchestrator, _shelf):
        entered = enter_outcome(orchestrator.record, name, worked=worked is _Answer.YES, weeks=weeks, note=note)
    tell(f"Assessment {entered.assessment_id}: {told_outcome(entered)}")


@paper_app.command()
def calibration(*, as_json: AsJson = False, workspace: Workspace = None) -> None:
    """Show how well each model's estimates were, from the outcomes entered."""
    from workbench.cli.output import as_json as print_json
    from workbench.cli.output import table
    from workbench.papers.assessing.calibration import calibrate, forecasts

    with on_shelf(workspace) as (orchestrator, _shelf):
        rows = [asdict(each) | {"verdict": each.verdict} for each in calibrate(forecasts(orchestrator.record))]
    if as_json:
        print_json(rows)
        return
    if not rows:
        tell("No outcomes yet. `workbench paper outcome ASSESSMENT --worked yes` enters one.")
        return
    shown = [row | {name: "" if row[name] is None else f"{row[name]:.3f}" for name in _SCORES} for row in rows]
    table(shown, ["who", "n", *_SCORES, "timed", "verdict"])


_SCORES = ("brier", "reference", "coverage", "coverage_low", "coverage_high", "log_ratio")


def _show(made: Assessment, *, as_json: bool) -> None:
    from workbench.cli.output import as_json as print_json
    from workbench.papers.assessing.report import as_text

    if as_json:
        print_json(asdict(made) | {"paper": made.paper.id})
        return
    tell(f"\n{as_text(made)}")


def _highlights(shelf: Shelf, made: Assessment) -> list[str | None]:
    from workbench.papers.highlights import highlights_of

    return highlights_of(shelf, made.paper.id, [claim.quote for claim in made.claims])


def _yes(row: dict[str, Any]) -> str:
    return "yes" if row["implementable"] else "no"


def _names(text: str | None) -> list[str]:
    return [name.strip() for name in (text or "").split(",") if name.strip()]
