"""`workbench pull`: data sets, prompts and people's scores from Langfuse and LangSmith.

What it does is imported when it runs.
"""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from workbench.cli.options import AsJson, Workspace


def pull(
    service: Annotated[str, typer.Argument(metavar="SERVICE", help="langfuse or langsmith.")],
    kind: Annotated[str, typer.Argument(metavar="KIND", help="dataset, prompt or scores.")],
    name: Annotated[str, typer.Argument(metavar="NAME", help="Of the data set or prompt.")] = "",
    *,
    target: Annotated[str, typer.Option("--as", metavar="NAME", help="The file of cases, or the mode.")] = "",
    version: Annotated[str, typer.Option("--version", help="Of a prompt; by default the newest.")] = "",
    topic: Annotated[str, typer.Option("--topic", metavar="VARIABLE", help="Which of a prompt's variables is the topic.")] = "",
    since: Annotated[
        str | None, typer.Option("--since", metavar="WHEN", help="Scores: only from then on: 7d, 2026-11-01.")
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Replace a file that says something else.")] = False,
    timeout: Annotated[float, typer.Option("--timeout", metavar="SECONDS", help="That the service may take.")] = 120.0,
    as_json: AsJson = False,
    workspace: Workspace = None,
) -> None:
    """Bring data sets as cases, prompts as modes and people's scores as ratings from a service."""
    from workbench.cli.output import as_json as print_json
    from workbench.dialogue import Orchestrator
    from workbench.observe.pull.pulling import Pulled, Wanted
    from workbench.observe.pull.pulling import pull as do

    wanted = Wanted(service, kind, name, target, version, topic, since, force, timeout)
    with Orchestrator(workspace) as orchestrator:
        found = do(orchestrator, wanted)
    if not as_json:
        sys.stdout.write(f"{found}\n")
    elif isinstance(found, Pulled):
        told = {"file": str(found.path), "name": found.name, "written": found.written, "parameters": list(found.parameters)}
        print_json(told | ({"cases": len(found.cases)} if found.cases else {}))
    else:
        print_json({"new": found.new, "known": found.known, "left_out": dict(found.left)})
