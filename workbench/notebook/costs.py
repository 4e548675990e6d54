"""What a dialogue took, by turn and model. A cost that nobody knows is unknown, and makes a sum a lower bound."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

from workbench.dialogue.export.facts import ending, money, title
from workbench.dialogue.transcript import Transcript
from workbench.events import Call
from workbench.notebook.tables import Column, Table

_COLUMNS: Final = (
    Column("turn", ""),
    Column("title", "turn"),
    Column("role", ""),
    Column("model"),
    Column("calls", type="Int64"),
    Column("unanswered", type="Int64"),
    Column("prompt_tokens", "tokens in", "Int64", "{:,}".format),
    Column("cached_tokens", "cached", "Int64", "{:,}".format),
    Column("completion_tokens", "out", "Int64", "{:,}".format),
    Column("reasoning_tokens", "reasoning", "Int64", "{:,}".format),
    Column("cost", "cost", "float64", money),
    Column("unpriced_calls", "", "Int64"),
)


def cost_table(transcript: Transcript) -> Table:
    """Return a row for each turn and each model that was called for it, and totals by model and of all."""
    rows = []
    for turn in transcript.turns:
        for model in dict.fromkeys(call.model for call in turn.calls):
            calls = [call for call in turn.calls if call.model == model]
            rows.append({"turn": turn.id, "title": title(turn), "role": turn.role, "model": model, **_sums(calls)})
    calls = [call for turn in transcript.turns for call in turn.calls]
    models = list(dict.fromkeys(call.model for call in calls))
    by_model = [{"title": "", "model": model, **_words(call for call in calls if call.model == model)} for model in models]
    totals = [*(by_model if len(models) > 1 else []), {"title": "all", "model": "", **_words(calls)}]
    caption = f"{transcript.mode}, {ending(transcript)}. Dialogue {transcript.id}."
    return Table(
        _COLUMNS, rows, caption=caption, notes=list(_notes(calls, transcript)), totals=totals, unknown={"cost": "unknown"}
    )


def _sums(calls: list[Call]) -> dict[str, Any]:
    """Add up calls. Tokens are those that providers counted, the cost is what is known of it."""
    usages = [call.usage for call in calls if call.usage]
    costs = [call.cost for call in calls if call.cost is not None]
    return {
        "calls": len(calls),
        "unanswered": sum(not call.ok for call in calls) or None,
        "prompt_tokens": sum(usage.prompt for usage in usages) if usages else None,
        "cached_tokens": sum(usage.cached for usage in usages) or None,
        "completion_tokens": sum(usage.completion for usage in usages) if usages else None,
        "reasoning_tokens": sum(usage.reasoning for usage in usages) or None,
        "cost": sum(costs) if costs else None,
        "unpriced_calls": sum(map(_unpriced, calls)),
    }


def _words(calls: Iterable[Call]) -> dict[str, str]:
    """Return sums as a row of totals shows them."""
    sums = _sums(list(calls))
    cost = money(sums["cost"]) if sums["cost"] is not None else "unknown" if sums["calls"] else ""
    if sums["unpriced_calls"] and sums["cost"] is not None:
        cost = f"at least {money(sums['cost'])}" if sums["cost"] else "unknown"
    counts = {name: f"{value:,}" for name, value in sums.items() if value is not None}
    return counts | {"cost": cost}


def _unpriced(call: Call) -> bool:
    """Whether a call may have cost something that nobody knows: it brought text or was counted, and has no cost."""
    return call.cost is None and bool(call.ok or call.usage or call.text or call.reasoning)


def _notes(calls: list[Call], transcript: Transcript) -> Iterable[str]:
    unpriced = sum(map(_unpriced, calls))
    if not calls:
        yield "No calls were made."
    if unpriced:
        yield f"The cost of {unpriced} call{'s' * (unpriced != 1)} is not known; unknown is not zero."
    if transcript.unended:
        yield f"{len(transcript.unended)} more began and never came back; they may have been charged."
