"""`run --dry-run`: who would speak, by which model and why, what it takes and how it flows, without a call."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from workbench.cli.output import as_json as print_json
from workbench.cli.output import table
from workbench.dialogue.casting.cast import Part
from workbench.dialogue.casting.fairness import dry_run_warnings
from workbench.dialogue.casting.run import RunSpec
from workbench.dialogue.export.facts import money
from workbench.dialogue.figures.flow import flow_of
from workbench.dialogue.money.estimate import Estimate, estimate_run, habits_in


def show_dry_run(spec: RunSpec, parts: Mapping[str, Part], record: str, *, as_json: bool) -> None:
    """Print a run on paper: the turns on stdout; sums and flow on stderr, or all of it as JSON.

    Args:
        spec: the run, as `Orchestrator.prepare` returns it.
        parts: each role's models, and why.
        record: URL of the record, which tells how long answers usually are.
        as_json: print JSON.
    """
    estimate = estimate_run(spec, habits_in(record, spec.mode.name))
    turns, warnings = _turns(spec, parts, estimate), dry_run_warnings(spec)
    if as_json:
        shown = {"mode": spec.mode.name, "topic": spec.topic, "turns": turns, "estimate": _sums(estimate)}
        print_json(shown | ({"warnings": warnings} if warnings else {}))
        return
    rows = [turn | {"cost": "unknown" if turn["cost"] is None else money(turn["cost"])} for turn in turns]
    table(rows, ["turn", "role", "model", "why", "prompt_tokens", "completion_tokens", "cost"])
    sys.stdout.flush()
    flow = flow_of(spec.plan())
    sys.stderr.writelines(f"\nWarning: {warning}\n" for warning in warnings)
    sys.stderr.write(f"\n{estimate.total}\n{estimate.basis}\n\n{flow.headline}\n{flow.text()}\n")


def _turns(spec: RunSpec, parts: Mapping[str, Part], estimate: Estimate) -> list[dict[str, Any]]:
    return [
        {"turn": turn.id, "role": turn.role, "model": parts[turn.role].chain[0].name, "why": parts[turn.role].why,
         "after": list(turn.depends_on), "fallbacks": [card.name for card in parts[turn.role].chain[1:]]}
        | {name: value for name, value in asdict(taken).items() if name not in ("turn", "model")}
        for turn, taken in zip(spec.plan().spoken, estimate.turns, strict=True)
    ]  # fmt: skip


def _sums(estimate: Estimate) -> dict[str, Any]:
    names = ("prompt_tokens", "completion_tokens", "cost", "unpriced", "most_tokens", "most_cost", "total", "basis")
    return {name: getattr(estimate, name) for name in names}
