"""`workbench costs` and `workbench performance`: what calls took, in money and in time."""

from __future__ import annotations

import csv
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final, get_args

import typer

from workbench.cli.options import AsJson, Workspace

if TYPE_CHECKING:
    from workbench.dialogue import Orchestrator
    from workbench.dialogue.transcript import Metrics
    from workbench.observe.waterfall import What

Row = Mapping[str, Any]
AsCsv = Annotated[bool, typer.Option("--csv", help="Print CSV, and nothing else, on stdout.")]
Since = Annotated[str | None, typer.Option("--since", metavar="WHEN", help="Only from then on: 30d, 12h or 2026-11-01.")]
_SHOWN: Final = (
    "about", "mode", "calls", "failed", "fallbacks", "prompt_tokens", "cached_tokens", "completion_tokens", "reasoning_tokens",
    "cost", "unpriced_calls", "saved", "spared",
)  # fmt: skip
_MONEY: Final = ("cost", "saved", "baseline_cost", "spared")
_PACES: Final = (
    "model", "calls", "error_rate", "fallback_rate", "latency_p50", "latency_p95", "first_token_p50", "tokens_per_second",
    "cost", "unpriced_calls",
)  # fmt: skip


def costs(
    dialogue: Annotated[str | None, typer.Argument(metavar="[ID]", help="A dialogue: what it took, turn by turn.")] = None,
    by: Annotated[
        str, typer.Option("--by", metavar="WHAT", help="model, day, dialogue, experiment, provider or mode.")
    ] = "model",
    since: Since = None,
    baseline: Annotated[
        str | None, typer.Option("--baseline", metavar="MODEL", help="What was saved against paying this model's prices.")
    ] = None,
    limit: Annotated[
        int | None, typer.Option("-n", "--limit", min=1, help="Of dialogues: how many, the dearest first.")
    ] = None,
    waterfall: Annotated[bool, typer.Option("--waterfall", help="Of a dialogue: where its time went.")] = False,
    as_json: AsJson = False,
    as_csv: AsCsv = False,
    workspace: Workspace = None,
) -> None:
    """Show what was spent on what, what was saved, and what budgets have left."""
    from workbench.errors import WorkbenchError

    if as_json and as_csv:
        raise WorkbenchError("--json and --csv do not go together", hint="Give one of them.")
    if dialogue is not None:
        if since or baseline or limit or by != "model":
            raise WorkbenchError("options of sums do not go with a dialogue", hint="workbench costs ID, or with --waterfall.")
        _of_one(dialogue, waterfall=waterfall, as_json=as_json, as_csv=as_csv, workspace=workspace)
        return
    if waterfall:
        raise WorkbenchError("--waterfall needs a dialogue", hint="workbench costs last --waterfall")
    _by(by, since, baseline, limit, as_json=as_json, as_csv=as_csv, workspace=workspace)


def performance(
    since: Since = None,
    model: Annotated[str | None, typer.Option("--model", metavar="MODEL", help="Only this one.")] = None,
    as_json: AsJson = False,
    workspace: Workspace = None,
) -> None:
    """Show how fast and how reliably models answered, the slowest calls, and what failed most."""
    from workbench.cli.output import as_json as print_json
    from workbench.cli.output import table
    from workbench.dialogue import Orchestrator
    from workbench.records.moments import moment

    with Orchestrator(workspace) as orchestrator:
        begin, usage = None if since is None else moment(since), orchestrator.record.usage
        paces, slow, failed = usage.models(begin, model), usage.slowest(begin, model), usage.failures(begin, model)
    models = [asdict(pace) | {"error_rate": pace.error_rate, "fallback_rate": pace.fallback_rate} for pace in paces]
    slowest, failures = ([asdict(each) for each in rows] for rows in (slow, failed))
    if as_json:
        print_json({"models": models, "slowest": slowest, "failures": failures})
        return
    if not models:
        sys.stderr.write(_nothing(since))
        return
    table([{name: _said(name, value) for name, value in row.items()} for row in models], _PACES)
    for words, rows, columns in (
        ("The slowest calls:", slowest, ("seconds", "model", "turn", "outcome", "dialogue")),
        ("What failed most:", failures, ("calls", "model", "outcome")),
    ):
        if rows and sys.stdout.isatty():
            sys.stdout.write(f"\n{words}\n")
            table([{name: _said(name, value) for name, value in row.items()} for row in rows], columns)


def _by(
    by: str, since: str | None, baseline: str | None, limit: int | None, *, as_json: bool, as_csv: bool, workspace: Path | None
) -> None:
    from workbench.dialogue import Orchestrator
    from workbench.dialogue.leftover import budgets_left
    from workbench.errors import WorkbenchError
    from workbench.records.costs import DEAREST, By
    from workbench.records.moments import moment

    if by not in get_args(By):
        raise WorkbenchError(f"--by {by} is not known", hint=f"It is one of {', '.join(get_args(By))}.")
    if limit is not None and by != "dialogue":
        raise WorkbenchError("-n goes with --by dialogue", hint="The others have a row for each.")
    with Orchestrator(workspace) as orchestrator:
        card = orchestrator.models.get(baseline) if baseline else None
        begin, usage = None if since is None else moment(since), orchestrator.record.usage
        found = usage.by(by, begin, card, dearest=limit or DEAREST)  # type: ignore[arg-type]
        total = usage.total(begin, card)
        left = budgets_left(orchestrator.record, orchestrator.settings.budget)
    rows = [{by: each.of} | _facts(asdict(each) | {"spared": each.spared}, by) for each in found]
    budgets = [asdict(each) | {"left": each.left} for each in left]
    together = _facts(asdict(total) | {"spared": total.spared}, by)
    whole = {"by": by, "rows": rows, "total": together, "budgets": budgets}
    if not rows and not (as_json or as_csv):
        sys.stderr.write(_nothing(since))
    shown = [name for name in _SHOWN if name != by and any(row.get(name) is not None for row in rows)]
    _print(whole, [*rows, {by: "all", **together}] if rows else [], [by, *shown], rows, as_json=as_json, as_csv=as_csv)
    if not (as_json or as_csv):
        sys.stderr.writelines(each.sentence + "\n" for each in left)


def _of_one(dialogue: str, *, waterfall: bool, as_json: bool, as_csv: bool, workspace: Path | None) -> None:
    from workbench.dialogue import Orchestrator
    from workbench.dialogue.transcript import measure

    with Orchestrator(workspace) as orchestrator:
        if waterfall:
            rows, sentence = _timed(orchestrator, dialogue)
        else:
            turns, sentence = orchestrator.load(dialogue).snapshot().turns, ""
            rows = [_spoken(turn.id, turn.served or turn.model, measure([turn], turn.latency)) for turn in turns]
    whole = {"sentence": sentence, "turns": rows} if waterfall else {"turns": rows}
    columns = [name for name in rows[0] if any(row[name] is not None for row in rows)] if rows else []
    _print(whole, rows, columns, rows, as_json=as_json, as_csv=as_csv)
    if sentence and not (as_json or as_csv):
        sys.stderr.write(sentence + "\n")


def _timed(orchestrator: Orchestrator, dialogue: str) -> tuple[list[dict[str, Any]], str]:
    """Return what the turns of a dialogue spent their time on, in seconds, and the sentence about it."""
    from workbench.observe.spans import trace_of
    from workbench.observe.waterfall import waterfall_of

    record = orchestrator.record
    found = waterfall_of(trace_of(record, record.find(dialogue)))
    kinds: tuple[What, ...] = ("queue", "first token", "answer", "failed", "pause", "person")
    rows = [
        {"turn": "  " * row.depth + row.title, "model": ", ".join(row.models), "began": row.begin, "took": row.end - row.begin}
        | {what.replace(" ", "_"): row.took(what) or None for what in kinds}
        | {"tokens": row.tokens, "cost": row.cost, "critical": row.critical or None}
        for row in found.rows
    ]
    return rows, found.sentence


def _spoken(turn: str, model: str, metrics: Metrics) -> dict[str, Any]:
    names = ("calls", "lost_calls", "prompt_tokens", "cached_tokens", "completion_tokens", "reasoning_tokens", "cost")
    facts = {name: getattr(metrics, name) for name in (*names, "unpriced_calls")}
    return {"turn": turn, "model": model, **facts, "seconds": metrics.latency}


def _print(
    whole: Any, shown: Sequence[Row], columns: Sequence[str], rows: Sequence[Row], *, as_json: bool, as_csv: bool
) -> None:
    """Print JSON, CSV with every column, or a table."""
    from workbench.cli.output import as_json as print_json
    from workbench.cli.output import table

    if as_json:
        print_json(whole)
    elif as_csv:
        names = list(rows[0]) if rows else list(columns)
        writer = csv.DictWriter(sys.stdout, names, lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
    else:
        table([{name: _said(name, row.get(name)) for name in columns} for row in shown], columns)


def _facts(row: dict[str, Any], by: str) -> dict[str, Any]:
    left_out = {"of", by} if by == "dialogue" else {"of", "about", "mode"}
    return {name: value for name, value in row.items() if name not in left_out}


def _said(name: str, value: Any) -> str | None:
    from workbench.dialogue.export.facts import money

    if value is None:
        return None
    if name in _MONEY:
        return f"-{money(-value)}" if value < 0 else money(value)
    if name.endswith("_rate"):
        return f"{value:.1%}"
    return f"{value:.3g}" if isinstance(value, float) else str(value)


def _nothing(since: str | None) -> str:
    return "Nothing is recorded yet.\n" if since is None else f"Nothing was called since {since}.\n"
