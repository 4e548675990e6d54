"""Options that several commands have."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

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
MaxCallCost = Annotated[float | None, typer.Option("--max-call-cost", metavar="USD", help="What a single call may cost.")]
Sampling = Annotated[
    list[str] | None,
    typer.Option("--sampling", metavar="PRESET", help="How all roles draw, or ROLE=PRESET for one. Repeatable."),
]
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
