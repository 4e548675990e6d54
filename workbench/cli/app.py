"""The commands and their options."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

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
route_app = typer.Typer(help="Which model for which task: what a policy would have reached.", no_args_is_help=True)
app.add_typer(mode_app, name="mode")
app.add_typer(route_app, name="route")

Role = Annotated[
    list[str] | None,
    typer.Option(
        "-p", "--participant", metavar="ROLE=MODEL", help="Bind a role to a card, any LiteLLM id, or person. Repeatable."
    ),
]
Models = Annotated[str | None, typer.Option("-m", "--models", metavar="A,B,C", help="Models dealt out to the roles.")]
Judge = Annotated[str | None, typer.Option("--judge", metavar="MODEL", help="Model for the role that decides.")]
ApiBase = Annotated[
    str | None, typer.Option("--api-base", metavar="URL", help="OpenAI-compatible endpoint for models named by id.")
]
MaxCost = Annotated[float | None, typer.Option("--budget", "--max-cost", metavar="USD", help="Stop before this is passed.")]
MaxTokens = Annotated[int | None, typer.Option("--max-tokens", help="Stop before so many tokens are used in all.")]
MaxTurns = Annotated[int | None, typer.Option("--max-turns", help="Stop after so many turns.")]
MaxCalls = Annotated[int | None, typer.Option("--max-calls", help="Stop after so many calls.")]
Timeout = Annotated[float | None, typer.Option("--timeout", metavar="SECONDS", help="Stop after so long.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON, and nothing else, on stdout.")]
Rounds = Annotated[int | None, typer.Option("--rounds", min=1, help="The mode's parameter 'rounds'.")]
Parameters = Annotated[list[str] | None, typer.Option("--set", metavar="NAME=N", help="A parameter of the mode. Repeatable.")]
Expected = Annotated[str | None, typer.Option("--expected", metavar="ANSWER", help="The topic's right answer, for baselines.")]
Referee = Annotated[
    str | None, typer.Option("--referee", metavar="MODEL", help="Compares the answers of baselines where none is expected.")
]
Judgements = Annotated[int, typer.Option("--judgements", min=1, help="How often the referee compares two answers.")]
Workspace = Annotated[Path | None, typer.Option("-C", "--workspace", metavar="DIR", help="Folder with workbench.toml.")]
DialogueId = Annotated[str, typer.Argument(metavar="ID", help="Id, the beginning of one, or 'last'.")]


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
    budget: MaxCost = None,
    max_tokens: MaxTokens = None,
    max_turns: MaxTurns = None,
    max_calls: MaxCalls = None,
    timeout: Timeout = None,
    seed: Annotated[int | None, typer.Option("--seed", help="Makes a run repeatable where the models allow it.")] = None,
    approve: Annotated[
        list[str] | None, typer.Option("--approve", metavar="ROLE", help="You approve or edit its texts first. Repeatable.")
    ] = None,
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
        "max_cost": budget, "max_tokens": max_tokens, "max_turns": max_turns, "max_calls": max_calls, "timeout": timeout,
    }  # fmt: skip
    wanted = Wanted(participant or [], models, judge, api_base, limits, rounds, set_ or [], seed, approve or [])
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
    budget: MaxCost = None,
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
    limits = {"max_cost": budget, "max_tokens": max_tokens, "timeout": timeout}
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
    budget: MaxCost = None,
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
        "max_cost": budget, "max_tokens": max_tokens, "max_turns": max_turns, "max_calls": max_calls, "timeout": timeout,
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
    budget: MaxCost = None,
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
        "max_cost": budget, "max_tokens": max_tokens, "max_turns": max_turns, "max_calls": max_calls, "timeout": timeout,
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
def models_root(context: typer.Context, as_json: AsJson = False, workspace: Workspace = None) -> None:
    """List the model cards, or `pull` weights for a local model."""
    if context.invoked_subcommand is None:
        from workbench.cli.models import list_models

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
