"""The commands and their options."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from workbench.cli import paper_assess, paper_branch, paper_figures, paper_summaries  # noqa: F401 - its commands join `paper`
from workbench.cli.costs import costs, performance
from workbench.cli.experiments import experiment_app
from workbench.cli.find import find
from workbench.cli.logs import log
from workbench.cli.metrics import metrics
from workbench.cli.money import budget, sampling
from workbench.cli.options import (
    ApiBase,
    AsJson,
    DialogueId,
    Expected,
    Judge,
    Judgements,
    MaxCallCost,
    MaxCalls,
    MaxCost,
    MaxTokens,
    MaxTurns,
    Models,
    Parameters,
    Referee,
    Role,
    Rounds,
    Sampling,
    Timeout,
    Workspace,
)
from workbench.cli.papers import paper_app
from workbench.cli.pull import pull
from workbench.cli.routes import route_app
from workbench.cli.sync import sync

app = typer.Typer(
    name="workbench",
    help="Language models that argue under declared rules, recorded.",
    no_args_is_help=True,
    add_completion=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)
models_app = typer.Typer(help="Model cards, and weights for local models.", invoke_without_command=True)
mode_app = typer.Typer(help="Modes: check a file, print the schema.", no_args_is_help=True)
app.add_typer(models_app, name="models")
app.add_typer(mode_app, name="mode")
app.add_typer(route_app, name="route")
app.add_typer(paper_app, name="paper")
app.add_typer(experiment_app, name="experiment")
app.command(name="budget")(budget)
app.command(name="sampling")(sampling)
app.command(name="costs")(costs)
app.command(name="performance")(performance)
app.command(name="find")(find)
app.command(name="sync")(sync)
app.command(name="pull")(pull)
app.command(name="log")(log)
app.command(name="metrics")(metrics)


def _version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version

        typer.echo(f"workbench {version('dialogue-workbench')}")
        raise typer.Exit


@app.callback()
def root(
    version: Annotated[bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")] = False,
) -> None:
    """Language models that argue under declared rules, recorded."""


@app.command()
def demo(
    topic: Annotated[str, typer.Argument(help="What the debate is about.")] = "Cities should ban private cars.",
    rounds: Annotated[int, typer.Option("--rounds", min=1, help="Rounds of pro and con.")] = 3,
    workspace: Workspace = None,
) -> None:
    """Run a debate on a small local model: no key, no server, no cost."""
    from workbench.cli.demo import run_demo

    run_demo(topic, rounds, workspace)


@app.command()
def run(
    mode: Annotated[str, typer.Argument(help="Name of a mode, or a mode file.")],
    topic: Annotated[list[str], typer.Argument(help="What it is about; '-' reads stdin.")],
    participant: Role = None,
    models: Models = None,
    judge: Judge = None,
    rounds: Rounds = None,
    set_: Parameters = None,
    max_cost: MaxCost = None,
    max_call_cost: MaxCallCost = None,
    max_tokens: MaxTokens = None,
    max_turns: MaxTurns = None,
    max_calls: MaxCalls = None,
    timeout: Timeout = None,
    seed: Annotated[int | None, typer.Option("--seed", help="Makes a run repeatable where the models allow it.")] = None,
    approve: Annotated[
        list[str] | None, typer.Option("--approve", metavar="ROLE", help="You approve or edit its texts first. Repeatable.")
    ] = None,
    candidates: Annotated[
        str | None,
        typer.Option("--candidates", metavar="A,B,C", help="What a policy may choose from, where a model is 'route'."),
    ] = None,
    sampling_: Sampling = None,
    api_base: ApiBase = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show turns, models, cost and flow, and call nothing.")] = False,
    baselines: Annotated[bool, typer.Option("--baselines", help="Run the baselines too, at the same spend.")] = False,
    expected: Expected = None,
    referee: Referee = None,
    judgements: Judgements = 1,
    as_json: AsJson = False,
    workspace: Workspace = None,
) -> None:
    """Run a mode on a topic."""
    from workbench.cli.runs import Wanted, run_mode

    limits = {
        "max_cost": max_cost, "max_call_cost": max_call_cost, "max_tokens": max_tokens, "max_turns": max_turns,
        "max_calls": max_calls, "timeout": timeout,
    }  # fmt: skip
    said = (rounds, set_ or [], seed, approve or [], candidates, sampling_ or [])
    wanted = Wanted(participant or [], models, judge, api_base, limits, *said)
    if baselines and not dry_run:
        from workbench.cli.baselines import compare_on

        asked = {"referee": referee, "judgements": judgements}
        compare_on(mode, " ".join(topic), wanted, asked, expected=expected, as_json=as_json, workspace=workspace)
        return
    run_mode(mode, " ".join(topic), wanted, dry_run=dry_run, as_json=as_json, workspace=workspace)


@app.command(name="baselines")
def baselines_(
    mode: Annotated[str | None, typer.Argument(help="Name of a mode, or a mode file.")] = None,
    cases: Annotated[
        list[str] | None, typer.Argument(metavar="CASES", help="A file of cases (.csv, .jsonl, .json), or a topic.")
    ] = None,
    participant: Role = None,
    models: Models = None,
    judge: Judge = None,
    rounds: Rounds = None,
    set_: Parameters = None,
    max_cost: MaxCost = None,
    max_tokens: MaxTokens = None,
    timeout: Timeout = None,
    seed: Annotated[int | None, typer.Option("--seed", help="Makes a run repeatable where the models allow it.")] = None,
    api_base: ApiBase = None,
    only: Annotated[list[str] | None, typer.Option("--only", metavar="NAME", help="A baseline to run. Repeatable.")] = None,
    expected: Expected = None,
    referee: Referee = None,
    judgements: Judgements = 1,
    margin: Annotated[
        float, typer.Option("--margin", help="The smallest difference that matters: 0.05 is five points.")
    ] = 0.05,
    at_once: Annotated[int, typer.Option("--at-once", min=1, help="Cases that run at the same time.")] = 4,
    resume_: Annotated[str | None, typer.Option("--resume", metavar="ID", help="Go on with a comparison.")] = None,
    as_json: AsJson = False,
    workspace: Workspace = None,
) -> None:
    """Tell what a debate adds to what the same money buys without one; ceilings are those of each debate."""
    from workbench.cli.baselines import compare_on, resume_comparison
    from workbench.cli.runs import Wanted

    if resume_ is not None:
        resume_comparison(resume_, as_json=as_json, workspace=workspace)
        return
    if mode is None or not cases:
        raise typer.BadParameter("give a mode and cases, or --resume ID")
    limits = {"max_cost": max_cost, "max_tokens": max_tokens, "timeout": timeout}
    wanted = Wanted(participant or [], models, judge, api_base, limits, rounds, set_ or [], seed)
    asked: dict[str, object] = {"referee": referee, "judgements": judgements, "margin": margin, "at_once": at_once}
    asked |= {"baselines": only} if only else {}
    compare_on(mode, " ".join(cases), wanted, asked, expected=expected, as_json=as_json, workspace=workspace)


@app.command()
def resume(
    dialogue: DialogueId,
    participant: Role = None,
    models: Models = None,
    judge: Judge = None,
    max_cost: MaxCost = None,
    max_call_cost: MaxCallCost = None,
    max_tokens: MaxTokens = None,
    max_turns: MaxTurns = None,
    max_calls: MaxCalls = None,
    timeout: Timeout = None,
    api_base: ApiBase = None,
    as_json: AsJson = False,
    workspace: Workspace = None,
) -> None:
    """Go on with a dialogue that stopped; models, endpoints and limits are those it began with unless given."""
    from workbench.cli.runs import Wanted, resume_dialogue

    limits = {
        "max_cost": max_cost, "max_call_cost": max_call_cost, "max_tokens": max_tokens, "max_turns": max_turns,
        "max_calls": max_calls, "timeout": timeout,
    }  # fmt: skip
    wanted = Wanted(participant or [], models, judge, api_base, limits)
    resume_dialogue(dialogue, wanted, as_json=as_json, workspace=workspace)


@app.command()
def fork(
    source: Annotated[
        str,
        typer.Argument(metavar="ID@TURN", help="The dialogue and the last turn to keep; without @TURN all that is complete."),
    ],
    participant: Role = None,
    models: Models = None,
    judge: Judge = None,
    rounds: Rounds = None,
    set_: Parameters = None,
    max_cost: MaxCost = None,
    max_call_cost: MaxCallCost = None,
    max_tokens: MaxTokens = None,
    max_turns: MaxTurns = None,
    max_calls: MaxCalls = None,
    timeout: Timeout = None,
    api_base: ApiBase = None,
    as_json: AsJson = False,
    workspace: Workspace = None,
) -> None:
    """Go another way from a turn of a dialogue on, in a new one; the turns up to it are copied, not asked again."""
    from workbench.cli.runs import Wanted, fork_dialogue

    limits = {
        "max_cost": max_cost, "max_call_cost": max_call_cost, "max_tokens": max_tokens, "max_turns": max_turns,
        "max_calls": max_calls, "timeout": timeout,
    }  # fmt: skip
    wanted = Wanted(participant or [], models, judge, api_base, limits, rounds, set_ or [])
    fork_dialogue(source, wanted, as_json=as_json, workspace=workspace)


@app.command()
def diff(
    left: DialogueId,
    right: Annotated[str, typer.Argument(metavar="ID", help="Another one.")],
    workspace: Workspace = None,
) -> None:
    """Show how two dialogues differ, word by word."""
    from workbench.cli.reading import diff_dialogues

    diff_dialogues(left, right, workspace)


@app.command()
def dialogues(
    limit: Annotated[int, typer.Option("-n", "--limit", min=1, help="How many.")] = 20,
    status: Annotated[str | None, typer.Option("--status", help="Only those that are running, completed, failed …")] = None,
    as_json: AsJson = False,
    workspace: Workspace = None,
) -> None:
    """List dialogues, the newest first."""
    from workbench.cli.reading import list_dialogues

    list_dialogues(limit, status, as_json=as_json, workspace=workspace)


@app.command()
def show(dialogue: DialogueId, as_json: AsJson = False, workspace: Workspace = None) -> None:
    """Show a dialogue."""
    from workbench.cli.reading import show_dialogue

    show_dialogue(dialogue, as_json=as_json, workspace=workspace)


@app.command()
def export(
    dialogue: DialogueId,
    format_: Annotated[
        str | None, typer.Option("-f", "--format", help="json, markdown, html or pdf; by default from -o.")
    ] = None,
    output: Annotated[Path | None, typer.Option("-o", "--output", help="File; by default stdout.")] = None,
    workspace: Workspace = None,
) -> None:
    """Write a dialogue to a file."""
    from workbench.cli.reading import export_one

    export_one(dialogue, format_, output, workspace)


@app.command(name="import")
def import_(file: Annotated[Path, typer.Argument(help="A dialogue exported as JSON.")], workspace: Workspace = None) -> None:
    """Take an exported dialogue into the record."""
    from workbench.cli.reading import import_one

    import_one(file, workspace)


@models_app.callback()
def models_root(
    context: typer.Context,
    stats: Annotated[bool, typer.Option("--stats", help="What the record knows of them instead of the cards.")] = False,
    by: Annotated[str | None, typer.Option("--by", metavar="WHAT", help="With --stats: model, or task.")] = None,
    since: Annotated[str | None, typer.Option("--since", metavar="WHEN", help="With --stats: 7d, 12h or 2026-11-01.")] = None,
    baseline: Annotated[
        str | None, typer.Option("--baseline", metavar="MODEL", help="With --stats: what was saved against its prices.")
    ] = None,
    as_json: AsJson = False,
    workspace: Workspace = None,
) -> None:
    """List the model cards, or `pull` weights for a local model."""
    if context.invoked_subcommand is None:
        from workbench.cli.models import list_models
        from workbench.cli.stats import show_stats

        if stats or by or since or baseline:
            show_stats(by, since, baseline, asked=stats, as_json=as_json, workspace=workspace)
            return

        list_models(as_json=as_json, workspace=workspace)


@models_app.command("pull")
def models_pull(
    name: Annotated[str, typer.Argument(help="Name in the catalogue, hf:OWNER/REPO/FILE.gguf, or a URL.")],
    sha256: Annotated[str | None, typer.Option("--sha256", help="What the file must hash to.")] = None,
) -> None:
    """Fetch weights into the user's cache; an interrupted download goes on where it was."""
    from workbench.cli.models import pull_weights

    pull_weights(name, sha256)


@mode_app.command("validate")
def mode_validate(file: Annotated[Path, typer.Argument(help="A mode file, YAML or JSON.")]) -> None:
    """Check a mode file and show its turns."""
    from workbench.cli.modes import validate

    validate(file)


@mode_app.command("list")
def mode_list(workspace: Workspace = None) -> None:
    """List the modes that can be run by name."""
    from workbench.cli.modes import list_modes

    list_modes(workspace)


@mode_app.command("schema")
def mode_schema() -> None:
    """Print the JSON Schema of a mode file, for editors."""
    from workbench.cli.modes import print_schema

    print_schema()


@app.command()
def rate(
    dialogue: Annotated[str, typer.Argument(metavar="ID[@TURN]", help="Id, its beginning, or last; @TURN for one turn.")],
    quality: Annotated[str, typer.Argument(help="From 0 (useless) to 1 (perfect): 0.8, 80%, 8/10, good, bad.")],
    comment: Annotated[str, typer.Option("--comment", help="Why.")] = "",
    by: Annotated[str, typer.Option("--by", metavar="NAME", help="Who says so.")] = "",
    workspace: Workspace = None,
) -> None:
    """Say how good a turn was, or all turns of a dialogue; routing learns from it."""
    from workbench.cli.routing import rate_turns

    rate_turns(dialogue, quality, comment, by, workspace)


@app.command()
def init(folder: Annotated[Path, typer.Argument(help="Folder to lay out.")] = Path()) -> None:
    """Lay out a workspace: workbench.toml, modes/, notebooks/, papers/, experiments/."""
    from workbench.cli.workspace import init_workspace

    init_workspace(folder)


@app.command(context_settings={"ignore_unknown_options": True})
def lab(
    arguments: Annotated[
        list[str] | None, typer.Argument(metavar="[NOTEBOOK] [OPTIONS]", help="A notebook; options go to JupyterLab.")
    ] = None,
) -> None:
    """Open JupyterLab on the quickstart, or on another notebook."""
    from workbench.cli.workspace import open_lab

    named = [word for word in arguments or [] if word.endswith(".ipynb")]
    open_lab(Path(named[0]) if named else None, [word for word in arguments or [] if word not in named])


@app.command()
def doctor(
    as_json: AsJson = False,
    network: Annotated[bool, typer.Option("--network/--no-network", help="Ask the models' endpoints, or not.")] = True,
    workspace: Workspace = None,
) -> None:
    """Check keys, models, endpoints, record and versions, and say what to do."""
    from workbench.cli.doctor import examine

    examine(as_json=as_json, workspace=workspace, network=network)
