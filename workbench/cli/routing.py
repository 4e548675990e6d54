"""`route choose` and `rate`: who should have a task, and how good a turn was."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from workbench.cli.output import as_json as print_json
from workbench.cli.output import table as print_table
from workbench.dialogue import Orchestrator
from workbench.dialogue.feedback import parse_quality

_COLUMNS = ("model", "chosen", "probability", "expected", "declared", "usd", "first_token_s", "out")


def choose(task: str, asked: Mapping[str, Any], *, as_json: bool, workspace: Path | None) -> None:
    """Print which model a task should have.

    Args:
        task: what is to be done.
        asked: the options of `Orchestrator.route`; `models` with commas.
        as_json: print JSON.
        workspace: folder.

    Raises:
        WorkbenchError: a policy, a model or an option does not exist.
    """
    models = [name.strip() for name in (asked["models"] or "").split(",") if name.strip()]
    with Orchestrator(workspace) as orchestrator:
        found = orchestrator.route(task, **{**asked, "models": models})
    if as_json:
        print_json(asdict(found))
        return
    rows = [
        {
            "model": each.model,
            "chosen": "chosen" if each.chosen else "",
            "probability": "" if each.propensity is None else f"{each.propensity:.0%}",
            "expected": f"{each.expected[0]:.2f} ± {each.expected[1]:.2f}" if each.expected else "",
            "declared": "" if each.declared is None else f"{each.declared:g}",
            "usd": "unknown" if each.cost_usd is None else f"{each.cost_usd:.2g}",
            "first_token_s": "" if each.latency is None else f"{each.latency:g}",
            "out": each.out or "",
        }
        for each in found.considered
    ]
    print_table(rows, _COLUMNS)
    reason = f"{found.choice.model}: {found.choice.reason}" if found.choice else "no model can be chosen"
    sys.stdout.write(f"\n{reason} (a task of the kind {found.task.kind})\n")


def rate_turns(dialogue: str, quality: str, comment: str, by: str, workspace: Path | None) -> None:
    """Keep a person's word on a turn or on all of a dialogue, and say so.

    Raises:
        WorkbenchError: there is no such dialogue or turn, or the quality is none.
    """
    name, _, turn = dialogue.partition("@")
    value = parse_quality(quality)
    with Orchestrator(workspace) as orchestrator:
        found = orchestrator.load(name).id
        count = orchestrator.rate(found, value, turn or None, by=by, comment=comment)
    sys.stdout.write(f"{count} turn{'s' * (count != 1)} of {found} rated {value:g}.\n")
