"""`route choose`, `route estimate` and `rate`: who should have a task, who should have had it, and how good a turn was."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from statistics import fmean
from typing import Any

from workbench.cli.output import as_json as print_json
from workbench.cli.output import table as print_table
from workbench.dialogue import Orchestrator
from workbench.dialogue.prompts.feedback import parse_quality
from workbench.routing.logs import routed_turns
from workbench.routing.named import policy_named
from workbench.routing.off_policy import Value, evaluate
from workbench.routing.policy import RoutingError

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


def estimate(policies: str, seed: int, *, as_json: bool, workspace: Path | None) -> None:
    """Print what policies would have reached on the record's routed turns, or why nothing can be said of them.

    Raises:
        RoutingError: there is no such policy, or no turn was routed and rated.
    """
    names = [name.strip() for name in policies.split(",") if name.strip()]
    with Orchestrator(workspace) as orchestrator:
        log = routed_turns(orchestrator.record, orchestrator.models)
    if not log:
        raise RoutingError(
            "no turn of this record was both routed and rated",
            hint="Run dialogues with -m route:random or route:learned, and rate them: docs/routing.md.",
        )
    found = {name: evaluate(log, policy_named(name, seed)) for name in names}
    if as_json:
        print_json({name: asdict(estimates) for name, estimates in found.items()})
        return
    rows = [
        {
            "policy": name,
            "effective": f"{each.effective:.0f} of {each.logged}",
            **{kind: _value(getattr(each, kind)) for kind in ("ips", "snips", "dr")},
            "refused": each.refused or "",
        }
        for name, each in found.items()
    ]
    print_table(rows, ("policy", "effective", "ips", "snips", "dr", "refused"))
    reached = fmean(row.quality for row in log)
    sys.stdout.write(f"\n{len(log)} turns were routed and rated; they reached {reached:.3f}.\n")


def _value(value: Value | None) -> str:
    return "" if value is None else f"{value.mean:.3f} ({value.low:.3f} to {value.high:.3f})"


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
