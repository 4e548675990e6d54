"""`find`: what was asked, said, read, tried or decided."""

from __future__ import annotations

import sys
import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Any

import typer

from workbench.cli.options import AsJson, Workspace

if TYPE_CHECKING:
    from workbench.records.search.finding import Asked, Found, Hit


def find(
    text: Annotated[
        list[str] | None,
        typer.Argument(metavar="TEXT", help="Words; in quotes for the shell: '\"a phrase\" begin* this OR that -without'."),
    ] = None,
    *,
    kind: Annotated[
        str | None,
        typer.Option("--kind", help="dialogue, turn, paper, experiment, summary, assessment, decision; several with commas."),
    ] = None,
    model: Annotated[
        str | None, typer.Option("--model", help="Turns and summaries that it was asked for or wrote; 'gpt*' for several.")
    ] = None,
    mode: Annotated[str | None, typer.Option("--mode", help="Dialogues of this mode, and their turns.")] = None,
    role: Annotated[str | None, typer.Option("--role", help="Turns of this role.")] = None,
    status: Annotated[str | None, typer.Option("--status", help="completed, failed, cancelled, interrupted …")] = None,
    since: Annotated[str | None, typer.Option("--since", metavar="WHEN", help="Such as 7d, 12h or 2026-11-01.")] = None,
    cost_over: Annotated[
        float | None, typer.Option("--cost-over", metavar="USD", help="What cost more; unknown is not more.")
    ] = None,
    sort: Annotated[str, typer.Option("--sort", help="newest or relevance.")] = "newest",
    limit: Annotated[int, typer.Option("-n", "--limit", min=1, help="How many.")] = 20,
    as_json: AsJson = False,
    workspace: Workspace = None,
) -> None:
    """Find dialogues, turns, papers, experiments, summaries, assessments and decisions."""
    from workbench.cli.output import as_json as print_json
    from workbench.dialogue import Orchestrator
    from workbench.records.search.finding import Asked

    asked = Asked(
        text=" ".join(text or []),
        kinds=tuple(each.strip() for each in (kind or "").split(",") if each.strip()),
        model=model,
        since=since,
        status=status.replace("-", "_") if status else None,
        cost_over=cost_over,
        mode=mode,
        role=role,
        sort=sort,
        limit=limit,
    )
    with Orchestrator(workspace) as orchestrator:
        found = orchestrator.record.search(asked, _tell())
    if as_json:
        print_json([_plain(hit) for hit in found.hits])
    else:
        _show(asked, found)


def _show(asked: Asked, found: Found) -> None:
    from workbench.cli.output import table
    from workbench.dialogue.export.facts import money

    if not found.hits:
        sys.stderr.write("Nothing has all of these words.\n" if asked.text else "Nothing is like that.\n")
    rows = [_plain(hit) for hit in found.hits]
    shown = [
        row
        | {"when": row["at"][:16].replace("T", " "), "found": row["text"], "of": row["title"][:60]}
        | {"cost": None if row["cost"] is None else money(row["cost"])}
        for row in rows
    ]
    table(shown, ["kind", "id", "part", "when", "of", "found", "model", "status", "cost"])
    if found.more:
        sys.stderr.write(f"There are more: -n N shows N of them; these are {len(rows)}.\n")


def _plain(hit: Hit) -> dict[str, Any]:
    source = hit.source
    return {
        "kind": source.kind,
        "id": source.item,
        "part": "" if source.kind == "paper" else source.part,
        "at": datetime.fromtimestamp(source.at, UTC).isoformat(timespec="seconds"),
        "title": source.title,
        "text": "".join(piece.text for piece in hit.snippet),
        "mode": source.mode,
        "role": source.role,
        "model": source.model,
        "served": source.served,
        "status": hit.status,
        "cost": source.cost,
    }


def _tell() -> Any:
    """Return what says how far the index is, where that takes long."""
    began = time.monotonic()

    def tell(done: int, total: int) -> None:
        if time.monotonic() - began > 1 and sys.stderr.isatty():
            sys.stderr.write(f"\rIndexing what is new: {done:,} of {total:,} …" + "\n" * (done == total))

    return tell
