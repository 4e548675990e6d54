"""`log`: the tail of the workspace's log, and its new lines as they come."""

from __future__ import annotations

import sys
from itertools import chain
from typing import Annotated

import typer

from workbench.cli.options import AsJson, Workspace


def log(
    *,
    level: Annotated[str, typer.Option("--level", metavar="LEVEL", help="debug, info, warning or error, and above.")] = "debug",
    dialogue: Annotated[
        str | None, typer.Option("--dialogue", metavar="ID", help="Only of this dialogue, or with this correlation id.")
    ] = None,
    since: Annotated[str | None, typer.Option("--since", metavar="WHEN", help="10m, 12h, 7d, or a date.")] = None,
    limit: Annotated[int, typer.Option("-n", "--limit", min=1, help="How many of the newest lines.")] = 50,
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Go on with new lines, until Ctrl-C.")] = False,
    as_json: AsJson = False,
    workspace: Workspace = None,
) -> None:
    """Show the newest lines of the workspace's log."""
    from workbench.observe.logs.reading import Wanted, end_of, log_file, tail
    from workbench.observe.logs.reading import follow as go_on
    from workbench.records.moments import moment
    from workbench.settings import load_settings

    file = log_file(load_settings(workspace))
    wanted = Wanted(level, dialogue, moment(since) if since else None, limit)
    end = end_of(file)
    for entry in chain(tail(file, wanted), go_on(file, wanted, end) if follow else ()):
        _print(entry, as_json=as_json)


def _print(entry: dict[str, object], *, as_json: bool) -> None:
    import json

    from workbench.observe.logs.reading import in_words

    if as_json:
        typer.echo(json.dumps(entry, ensure_ascii=False))
        return
    line = in_words(entry)
    if sys.stdout.isatty():
        colour = _COLOURS.get(str(entry.get("level")))
        line = typer.style(line, fg=colour) if colour else line
    typer.echo(line)


_COLOURS = {"debug": "bright_black", "warning": "yellow", "error": "red"}
