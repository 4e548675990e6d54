"""`workbench route`: the commands and their options."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from workbench.cli.options import AsJson, Models, Workspace

route_app = typer.Typer(help="Which model for which task, and what a policy would have reached.", no_args_is_help=True)


@route_app.command("choose")
def route_choose(
    task: Annotated[str, typer.Argument(metavar="TASK", help="What is to be done.")],
    policy: Annotated[str | None, typer.Option("--policy", metavar="NAME", help="By default that of [routing].")] = None,
    models: Models = None,
    kind: Annotated[str | None, typer.Option("--kind", help="Of task, where it is not to be found out.")] = None,
    willing_to_pay: Annotated[
        float | None, typer.Option("--willing-to-pay", metavar="USD", help="For a whole point of quality in one call.")
    ] = None,
    max_cost: Annotated[float | None, typer.Option("--max-cost", metavar="USD", help="Of the call.")] = None,
    max_latency: Annotated[float | None, typer.Option("--max-latency", metavar="SECONDS", help="To the first token.")] = None,
    local: Annotated[bool, typer.Option("--local", help="Only models on this machine.")] = False,
    prompt_tokens: Annotated[int, typer.Option("--prompt-tokens", min=1, help="For the expected cost.")] = 1000,
    output_tokens: Annotated[int, typer.Option("--output-tokens", min=1, help="Likewise.")] = 500,
    as_json: AsJson = False,
    workspace: Workspace = None,
) -> None:
    """Show which model a task should have, and what spoke for each."""
    from workbench.cli.routing import choose

    asked = {
        "policy": policy, "models": models, "kind": kind, "willing_to_pay": willing_to_pay, "max_cost": max_cost,
        "max_latency": max_latency, "local": local, "prompt_tokens": prompt_tokens, "output_tokens": output_tokens,
    }  # fmt: skip
    choose(task, asked, as_json=as_json, workspace=workspace)


@route_app.command("estimate")
def route_estimate(
    policy: Annotated[
        str, typer.Option("--policy", metavar="A,B,C", help="learned, capability, cheapest, random, fixed:MODEL …")
    ] = "learned,capability,cheapest",
    seed: Annotated[int, typer.Option("--seed", help="Of what policies draw.")] = 0,
    as_json: AsJson = False,
    workspace: Workspace = None,
) -> None:
    """Estimate from the record's routed and rated turns what other policies would have reached."""
    from workbench.cli.routing import estimate

    estimate(policy, seed, as_json=as_json, workspace=workspace)


@route_app.command("replay")
def route_replay(
    outcomes: Annotated[
        Path, typer.Argument(metavar="TABLE", help="Outcomes of every model on every prompt: .parquet or .csv.")
    ],
    policy: Annotated[
        str, typer.Option("--policy", metavar="A,B,C", help="learned, epsilon, thompson, linucb, random, fixed:MODEL …")
    ] = "learned,epsilon,thompson,linucb,random",
    seeds: Annotated[int, typer.Option("--seeds", min=1, help="Streams.")] = 20,
    length: Annotated[int, typer.Option("--length", min=1, help="Prompts in a stream.")] = 500,
    willing_to_pay: Annotated[
        float | None,
        typer.Option("--willing-to-pay", metavar="USD", help="For a whole point of quality in one call; by default any price."),
    ] = None,
    start: Annotated[str, typer.Option("--start", help="cold, declared (scores by task), warm (earlier outcomes).")] = "cold",
    held_out: Annotated[float, typer.Option("--held-out", metavar="SHARE", help="Of the prompts: the earlier ones.")] = 0.2,
    prompts: Annotated[
        Path | None, typer.Option("--prompts", metavar="FILE", help="Has task and text if TABLE lacks them.")
    ] = None,
    incomplete: Annotated[
        str, typer.Option("--incomplete", help="Where outcomes are missing: refuse, drop-prompts, drop-models.")
    ] = "refuse",
    text: Annotated[bool, typer.Option("--text/--no-text", help="Whether policies see what a prompt is about.")] = True,
    frontier: Annotated[
        bool, typer.Option("--frontier/--no-frontier", help="AIQ and APGR, from replays at other prices.")
    ] = True,
    as_json: AsJson = False,
) -> None:
    """Run routing policies over recorded outcomes, as if the prompts came in now."""
    from workbench.cli.route import replay

    asked = {
        "seeds": seeds, "length": length, "willing_to_pay": willing_to_pay, "start": start, "held_out": held_out,
        "prompts": prompts, "incomplete": incomplete, "text": text,
    }  # fmt: skip
    replay(outcomes, policy, asked, as_json=as_json, frontier=frontier)
