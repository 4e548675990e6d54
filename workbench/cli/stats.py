"""`models --stats`: what the record knows of each model."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any, Final, get_args

from workbench.cli.output import as_json as print_json
from workbench.cli.output import table
from workbench.dialogue import Orchestrator
from workbench.dialogue.export.facts import money
from workbench.errors import WorkbenchError
from workbench.records.model_stats import By

_SHOWN: Final = (
    "model", "task", "calls", "success", "fallbacks", "latency_p50", "latency_p95", "first_token_p50", "tokens_per_second",
    "prompt_tokens", "completion_tokens", "cost", "unpriced_calls", "quality", "within", "ratings", "saved",
)  # fmt: skip
_MONEY: Final = ("cost", "saved")


def show_stats(
    by: str | None, since: str | None, baseline: str | None, *, asked: bool, as_json: bool, workspace: Path | None
) -> None:
    """Print a row for each model, or for each model and kind of task.

    Args:
        by: `model` or `task`; by default the first.
        since: only what happened from then on.
        baseline: the model whose prices everything is compared with.
        asked: whether `--stats` was given; the other options need it.
        as_json: print JSON, with every column.
        workspace: folder with `workbench.toml`.

    Raises:
        WorkbenchError: an option is wrong.
    """
    if not asked:
        raise WorkbenchError("--by, --since and --baseline need --stats", hint="workbench models --stats --by task")
    grouping: By = "task" if by == "task" else "model"
    if by not in (None, *get_args(By)):
        raise WorkbenchError(f"--by {by} is not known", hint=f"It is one of {', '.join(get_args(By))}.")
    with Orchestrator(workspace) as orchestrator:
        card = orchestrator.models.get(baseline) if baseline else None
        frame = orchestrator.record.model_stats(grouping, since, card)
    known = frame.astype(object).where(frame.notna(), None)
    rows = [{str(name): value for name, value in row.items()} for row in known.to_dict("records")]
    if as_json:
        print_json(rows)
        return
    if not rows:
        sys.stderr.write("Nothing is recorded yet.\n" if since is None else f"Nothing was called or rated since {since}.\n")
    shown = [{name: _said(name, value) for name, value in _with_interval(row).items()} for row in rows]
    table(shown, [name for name in _SHOWN if name == "within" or name in frame])


def _with_interval(row: dict[str, Any]) -> dict[str, Any]:
    low, high = row["quality_low"], row["quality_high"]
    return row | {"within": None if low is None else f"{low:.2f} to {high:.2f}"}


def _said(name: str, value: Any) -> str | None:
    if value is None:
        return None
    if name in _MONEY:
        return f"-{money(-value)}" if value < 0 else money(value)
    if name == "success":
        return f"{value:.0%}"
    return f"{value:.3g}" if isinstance(value, float) else str(value)
