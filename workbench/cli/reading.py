"""`dialogues`, `show`, `diff`, `export`, `import`: reading the record."""

from __future__ import annotations

import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from workbench.cli.output import as_json as print_json
from workbench.cli.output import table
from workbench.cli.watch import watch
from workbench.dialogue import Orchestrator
from workbench.dialogue.export import Format
from workbench.dialogue.export.facts import money
from workbench.errors import ExportError
from workbench.records import DialogueSummary


def list_dialogues(limit: int, status: str | None, *, as_json: bool, workspace: Path | None) -> None:
    """Print dialogues, the newest first."""
    with Orchestrator(workspace) as orchestrator:
        found = orchestrator.record.summaries(limit=limit, status=status, observations=False)
    if as_json:
        print_json([_row(each) for each in found])
        return
    if not found:
        sys.stderr.write("No dialogues yet. `workbench demo` makes one.\n")
    shown = [
        _row(each)
        | {"began": _began(each)[:16].replace("T", " "), "status": each.standing}
        | {"cost": money(each.cost), "topic": each.topic[:60]}
        for each in found
    ]
    table(shown, ["id", "began", "mode", "status", "turns", "cost", "topic"])


def show_dialogue(dialogue: str, *, as_json: bool, workspace: Path | None) -> None:
    """Print one dialogue."""
    with Orchestrator(workspace) as orchestrator:
        found = orchestrator.load(dialogue)
        if as_json:
            print_json(found.to_dict())
        else:
            watch(found)


def diff_dialogues(left: str, right: str, workspace: Path | None) -> None:
    """Print how two dialogues differ."""
    from workbench.dialogue.diff import DialogueDiff

    with Orchestrator(workspace) as orchestrator:
        sys.stdout.write(DialogueDiff(orchestrator.load(left), orchestrator.load(right)).text + "\n")


def export_one(dialogue: str, name: str | None, output: Path | None, workspace: Path | None) -> None:
    """Write one dialogue in a format, to a file or to stdout."""
    fmt = Format.parse(name or (output.suffix.lstrip(".") if output else "markdown"))
    with Orchestrator(workspace) as orchestrator:
        content = orchestrator.load(dialogue).export(fmt, output)
    if output is not None:
        sys.stderr.write(f"Wrote {output}.\n")
        return
    sys.stdout.buffer.write(content if isinstance(content, bytes) else content.encode() + b"\n")


def import_one(file: Path, workspace: Path | None) -> None:
    """Take an exported dialogue into the record."""
    try:
        text = file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ExportError(f"{file} cannot be read: {error}") from None
    with Orchestrator(workspace) as orchestrator:
        dialogue = orchestrator.import_json(text)
    sys.stdout.write(f"{dialogue.id}\n")


def _began(row: DialogueSummary) -> str:
    return datetime.fromtimestamp(row.created_at, UTC).isoformat(timespec="seconds")


def _row(row: DialogueSummary) -> dict[str, Any]:
    return {
        "id": row.id,
        "created_at": _began(row),
        "mode": row.mode,
        "status": str(row.status),
        "interrupted": row.interrupted,
        "reason": row.reason,
        "topic": row.topic,
        "turns": row.turns_completed,
        "cost": row.cost,
    }
