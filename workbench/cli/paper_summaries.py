"""`paper summarize`: a paper at one of four lengths, or at several."""

from __future__ import annotations

import sys
from dataclasses import asdict
from typing import Annotated, Any

import typer

from workbench.cli.options import ApiBase, AsJson, MaxCost, Workspace
from workbench.cli.papers import OneModel, PaperId, on_shelf, paper_app, tell


@paper_app.command()
def summarize(
    paper: PaperId,
    *,
    level: Annotated[
        str, typer.Option("--level", help="sentence, paragraph, detailed, technical, several with commas, or all.")
    ] = "paragraph",
    models: OneModel = None,
    budget: MaxCost = None,
    api_base: ApiBase = None,
    fresh: Annotated[bool, typer.Option("--fresh", help="Write again what is kept.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what it would cost, and call nothing.")] = False,
    as_json: AsJson = False,
    workspace: Workspace = None,
) -> None:
    """Sum a paper up in a sentence, a paragraph, in detail, or for those who build it."""
    from workbench.cli.output import as_json as print_json
    from workbench.dialogue.export.facts import money
    from workbench.papers.summaries.lengths import LEVELS
    from workbench.papers.summaries.summarize import facts_of, plan_summaries
    from workbench.papers.summaries.summarize import summarize as write

    names = [name.strip() for name in (models or "").split(",") if name.strip()]
    options: dict[str, Any] = {"models": names, "fresh": fresh, "limits": {"max_cost": budget}, "api_base": api_base}
    with on_shelf(workspace) as (orchestrator, shelf):
        if dry_run:
            tell(plan_summaries(orchestrator, shelf, paper, level, **options).text)
            return
        found = write(orchestrator, shelf, paper, level, tell=_progress, **options)
    if as_json:
        print_json([asdict(each) for each in found.all])
        return
    for each in found.all:
        tell(f"{LEVELS[each.level].title} ({facts_of(each)}):\n{each.text}\n")
    kept = f" {len(found.kept)} of them from before." if found.kept else ""
    sys.stderr.write(f"{len(found.all)} by {found.model}, {money(found.cost)}.{kept}\n")


def _progress(line: str) -> None:
    sys.stderr.write(f"{line}\n")
