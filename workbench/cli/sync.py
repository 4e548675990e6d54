"""`workbench sync`: copies the record to Langfuse, LangSmith and OTLP. What it does is imported when it runs."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from workbench.cli.options import AsJson, Workspace

if TYPE_CHECKING:
    from workbench.observe.sync.deliver import Progress
    from workbench.observe.sync.target import Target
    from workbench.records import Record

_APART: Final = 5.0
"""Seconds between two lines on how far it is, where lines cannot be changed."""
_STATUS: Final = [
    "target",
    "pending",
    "in_flight",
    "unsure",
    "sent",
    "dead",
    "last_success",
    "waits_since",
    "copies",
    "trouble",
]


def sync(
    target: Annotated[
        list[str] | None,
        typer.Argument(metavar="TARGET", help="langfuse, langsmith, otlp; by default all that are set up; or status."),
    ] = None,
    *,
    since: Annotated[
        str | None, typer.Option("--since", metavar="WHEN", help="Copy what was written from then on too: 7d, 2026-11-01.")
    ] = None,
    watch: Annotated[bool, typer.Option("--watch", help="Go on until interrupted.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would go and what is there, and ask nobody.")] = False,
    retry_dead: Annotated[bool, typer.Option("--retry-dead", help="Try once more what was refused for good.")] = False,
    off: Annotated[bool, typer.Option("--off", help="Put nothing more into these targets' outboxes.")] = False,
    as_json: AsJson = False,
    workspace: Workspace = None,
) -> None:
    """Copy the record to the services that the environment names, each thing once."""
    from workbench.observe.sync.syncing import would_go
    from workbench.observe.sync.targets import targets_from_environment
    from workbench.records import Record
    from workbench.settings import load_settings

    settings = load_settings(workspace)
    named = target or []
    targets = [] if named == ["status"] else targets_from_environment(settings, named)
    with Record.open(settings.record_url) as record:
        if dry_run and targets:
            _print(would_go(record, targets, since), ["target", "kind", "would_go", "sent", "dead"], as_json=as_json)
            return
        if off:
            for each in targets:
                record.outbox.switch_off(each.id)
            targets = []
        failed = bool(targets) and not _see_through(record, targets, since=since, retry_dead=retry_dead, stay=watch)
        _show(record, as_json=as_json)
    if failed:
        from workbench.cli.failure import FAILED

        raise typer.Exit(FAILED)


def _see_through(record: Record, targets: Sequence[Target], **options: Any) -> bool:
    """Deliver, telling on stderr how far it is; return whether every target could be used."""
    from workbench.cli.failure import INTERRUPTED, explain
    from workbench.loop import run
    from workbench.observe.sync.syncing import sync as deliver

    try:
        problems = run(deliver(record, targets, tell=_teller(), **options))
    except KeyboardInterrupt:
        sys.stderr.write("\nStopped. What is left waits in the outbox; `workbench sync` goes on.\n")
        raise typer.Exit(INTERRUPTED) from None
    for problem in problems.values():
        explain(problem)
    return not problems


def _teller() -> Callable[[Progress], None]:
    """Return what tells on stderr how far it is: in place on a terminal, elsewhere a line every few seconds."""
    on_terminal, told = sys.stderr.isatty(), time.monotonic()
    latest: dict[str, Progress] = {}

    def tell(progress: Progress) -> None:
        nonlocal told
        latest[progress.title] = progress
        text, now = "; ".join(map(str, latest.values())), time.monotonic()
        if on_terminal:
            sys.stderr.write(f"\r\x1b[K{text}")
        elif now - told >= _APART:
            told = now
            sys.stderr.write(f"{text}\n")
        sys.stderr.flush()

    return tell


def _show(record: Record, *, as_json: bool) -> None:
    from workbench.observe.sync.syncing import lost_lines, status_rows

    rows = status_rows(record)
    shown = [row | {"lost": list(map(asdict, row["lost"]))} for row in rows] if as_json else [
        row | {name: _when(at) for name, at in (("last_success", row["last_success"]), ("waits_since", row["oldest"]))}
        for row in rows
    ]  # fmt: skip
    _print(shown, _STATUS, as_json=as_json)
    if not rows:
        sys.stderr.write("The record is copied nowhere. `workbench sync langfuse` (langsmith, otlp) begins.\n")
    for line in lost_lines(rows):
        sys.stderr.write(f"{line}\n")


def _when(at: float | None) -> str | None:
    return None if at is None else time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(at))


def _print(rows: list[dict[str, Any]], columns: list[str], *, as_json: bool) -> None:
    from workbench.cli.output import as_json as print_json
    from workbench.cli.output import table

    if as_json:
        print_json(rows)
    else:
        table(rows, columns)
