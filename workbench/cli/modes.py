"""`mode`: check a file, list what there is, print the schema."""

from __future__ import annotations

import sys
from pathlib import Path

from workbench.cli.output import as_json as print_json
from workbench.cli.output import table
from workbench.dialogue.figures.flow import flow_of
from workbench.dialogue.planning.compiling import compile_mode
from workbench.dialogue.rules.loader import ModeLoader
from workbench.dialogue.rules.mode import json_schema
from workbench.settings import load_settings


def validate(file: Path) -> None:
    """Check a mode file, and print its turns on stdout and how they flow on stderr."""
    plan = compile_mode(ModeLoader.from_file(file))
    rows = [
        {
            "turn": turn.id,
            "role": turn.role,
            "model": spec.model
            if (spec := plan.roles.get(turn.role))
            else f"hook {turn.hook.name}"
            if turn.hook
            else "counted",
            "after": ", ".join(turn.depends_on),
        }
        for turn in plan.turns
    ]
    sys.stderr.write(f"{file}: {plan.mode.name} is valid, {len(plan.turns)} turns, {len(plan.roles)} roles.\n")
    table(rows, ["turn", "role", "model", "after"])
    sys.stdout.flush()
    flow = flow_of(plan)
    sys.stderr.write(f"\n{flow.headline}\n{flow.text()}\n")


def list_modes(workspace: Path | None) -> None:
    """Print the modes that can be run by name."""
    modes = ModeLoader(load_settings(workspace).mode_folders).modes()
    table([{"mode": m.name, "roles": ", ".join(m.roles), "description": m.description} for m in modes],
          ["mode", "roles", "description"])  # fmt: skip


def print_schema() -> None:
    """Print the JSON Schema of a mode file."""
    print_json(json_schema())
