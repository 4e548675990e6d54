"""`paper branch`, `paper decide` and `paper history`: from an assessed paper to a decision."""

from __future__ import annotations

import sys
from dataclasses import asdict
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from workbench.cli.options import AsJson, Workspace
from workbench.cli.papers import PaperId, on_shelf, paper_app

Repo = Annotated[Path | None, typer.Option("--repo", metavar="DIR", help="Folder in the git repository.")]
AssessmentId = Annotated[str | None, typer.Option("--assessment", metavar="A", help="Assessment that it rests on.")]
NoVerify = Annotated[bool, typer.Option("--no-verify", help="Do not run the hooks pre-commit and commit-msg.")]


@paper_app.command()
def branch(
    paper: PaperId,
    *,
    assessment: AssessmentId = None,
    repo: Repo = None,
    name: Annotated[str | None, typer.Option("--name", metavar="SLUG", help="Short name instead of the title's.")] = None,
    force: Annotated[bool, typer.Option("--force", help="Also without an assessment, or against one.")] = False,
    checkout: Annotated[bool, typer.Option("--checkout", help="Switch to it, if no tracked file has changes.")] = False,
    worktree: Annotated[Path | None, typer.Option("--worktree", metavar="DIR", help="Check it out there.")] = None,
    no_verify: NoVerify = False,
    as_json: AsJson = False,
    workspace: Workspace = None,
) -> None:
    """Make a git branch with README, definition and notebook for the experiment on a paper."""
    from workbench.cli.output import as_json as print_json
    from workbench.papers.deciding.branch import make_branch

    with on_shelf(workspace) as (orchestrator, shelf):
        made = make_branch(
            orchestrator.record,
            orchestrator.settings.workspace,
            shelf.find(paper).id,
            assessment=assessment,
            repository=repo,
            slug=name,
            force=force,
            checkout=checkout,
            worktree=worktree,
            verify=not no_verify,
        )
    _note(*made.notes)
    if as_json:
        print_json(asdict(made.row) | {"place": made.place, "notes": made.notes})
        return
    sys.stdout.write(f"{made.name}\n{made.row.folder}\n")
    _note(f"Go on with: {made.next}")


@paper_app.command()
def decide(
    paper: PaperId,
    kind: Annotated[str, typer.Argument(metavar="KIND", help="merge, reject, archive or needs_more_research.")],
    *,
    because: Annotated[str, typer.Option("--because", metavar="TEXT", help="The reasons.")],
    experiment: Annotated[str | None, typer.Option("--experiment", metavar="E", help="Experiment that it rests on.")] = None,
    assessment: AssessmentId = None,
    repo: Repo = None,
    no_verify: NoVerify = False,
    as_json: AsJson = False,
    workspace: Workspace = None,
) -> None:
    """Decide about a paper; a merge prints the text of a pull request, and nothing is merged or pushed."""
    from workbench.cli.output import as_json as print_json
    from workbench.experiments.in_brief import in_brief
    from workbench.papers.deciding import decisions

    with on_shelf(workspace) as (orchestrator, shelf):
        made = decisions.decide(
            orchestrator.record,
            orchestrator.settings.workspace,
            shelf.find(paper).id,
            kind,
            because,
            assessment=assessment,
            experiment=experiment,
            results=partial(in_brief, orchestrator=orchestrator),
            repository=repo,
            verify=not no_verify,
        )
    _note(*made.notes)
    if as_json:
        print_json(asdict(made) | {"paper": made.paper.id})
        return
    where = f"; it is in {made.branch}" if made.branch else ""
    _note(f"Decided: {made.kind.replace('_', ' ')} ({made.id}){where}")
    sys.stdout.write(made.pull_request)


@paper_app.command()
def history(paper: PaperId, *, as_json: AsJson = False, workspace: Workspace = None) -> None:
    """Tell what happened to a paper, from the shelf to a decision."""
    from workbench.cli.output import as_json as print_json
    from workbench.cli.output import table
    from workbench.dialogue.export.facts import money
    from workbench.papers.history import history

    with on_shelf(workspace) as (orchestrator, shelf):
        happenings = history(orchestrator.record, shelf.find(paper).id)
    if as_json:
        print_json([asdict(each) for each in happenings])
        return
    rows = [
        asdict(each)
        | {"when": f"{datetime.fromtimestamp(each.at, UTC):%Y-%m-%d %H:%M}"}
        | {"cost": None if each.cost is None else money(each.cost)}
        for each in happenings
    ]
    table(rows, ["when", "what", "text", "who", "cost", "link"])


def _note(*lines: str) -> None:
    from workbench.dialogue.export.facts import visible

    sys.stderr.writelines(f"{visible(line)}\n" for line in lines)
