"""What a dialogue took, by turn and model. A cost that nobody knows is unknown, and makes a sum a lower bound."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Any, Final

from workbench.dialogue.export.facts import ending, money, title
from workbench.dialogue.fallbacks import fallbacks_of
from workbench.dialogue.transcript import Transcript, Turn, measure
from workbench.notebook.tables import Column, Table


def _gain(usd: float) -> str:
    """Return USD that were saved, or lost: writing to a cache may cost more than reading from it gave."""
    return "$0" if usd == 0 else f"{'-' * (usd < 0)}{money(abs(usd))}"


_COLUMNS: Final = (
    Column("turn", ""),
    Column("title", "turn"),
    Column("role", ""),
    Column("model"),
    Column("instead_of"),
    Column("calls", type="Int64"),
    Column("unanswered", type="Int64"),
    Column("prompt_tokens", "tokens in", "Int64", "{:,}".format),
    Column("cached_tokens", "cached", "Int64", "{:,}".format),
    Column("completion_tokens", "out", "Int64", "{:,}".format),
    Column("reasoning_tokens", "reasoning", "Int64", "{:,}".format),
    Column("cost", "cost", "float64", money),
    Column("saved", "saved by caching", "float64", _gain),
    Column("unpriced_calls", "", "Int64"),
)


def cost_table(transcript: Transcript) -> Table:
    """Return a row for each turn and each model that was called for it, and totals by model and of all."""
    turns = transcript.turns
    rows = [
        {
            "turn": turn.id,
            "title": title(turn),
            "role": turn.role,
            "model": model,
            "instead_of": _instead_of(model, turn),
            **_sums([_by(model, turn)]),
        }
        for turn in turns
        for model in _models([turn])
    ]
    by_model = [{"title": "", "model": model, **_words([_by(model, turn) for turn in turns])} for model in _models(turns)]
    totals = [*(by_model if len(by_model) > 1 else []), {"title": "all", "model": "", **_words(turns)}]
    caption = f"{transcript.mode}, {ending(transcript)}. Dialogue {transcript.id}."
    return Table(_COLUMNS, rows, caption=caption, notes=list(_notes(transcript)), totals=totals, unknown={"cost": "unknown"})


def _models(turns: Iterable[Turn]) -> list[str]:
    return list(dict.fromkeys(call.model for turn in turns for call in turn.calls))


def _by(model: str, turn: Turn) -> Turn:
    """Return a turn with the calls of one model alone."""
    return replace(turn, calls=[call for call in turn.calls if call.model == model])


def _instead_of(model: str, turn: Turn) -> str | None:
    """Return the models that were asked for before this one, and why they did not serve."""
    return next((call.fallback_reason for call in reversed(turn.calls) if call.model == model and call.fallback_reason), None)


def _sums(turns: list[Turn]) -> dict[str, Any]:
    """Add up the calls of turns. Tokens are those that providers counted, the cost is what is known of it."""
    metrics = measure(turns, None)
    counted = any(call.usage for turn in turns for call in turn.calls)
    return {
        "calls": metrics.calls,
        "unanswered": metrics.lost_calls or None,
        "prompt_tokens": metrics.prompt_tokens if counted else None,
        "cached_tokens": metrics.cached_tokens or None,
        "completion_tokens": metrics.completion_tokens if counted else None,
        "reasoning_tokens": metrics.reasoning_tokens or None,
        "cost": metrics.cost,
        "saved": _saved(turns),
        "unpriced_calls": metrics.unpriced_calls,
    }


def _saved(turns: list[Turn]) -> float | None:
    """Return the USD that providers' caches took off the cost; None where nothing was cached, or prices are unknown."""
    known = [call.saved for turn in turns for call in turn.calls if call.saved is not None]
    return sum(known) if known else None


def _words(turns: list[Turn]) -> dict[str, str]:
    """Return sums as a row of totals shows them."""
    sums = _sums(turns)
    cost = money(sums["cost"]) if sums["cost"] is not None else "unknown" if sums["calls"] else ""
    if sums["unpriced_calls"] and sums["cost"] is not None:
        cost = f"at least {money(sums['cost'])}" if sums["cost"] else "unknown"
    saved = {} if sums["saved"] is None else {"saved": _gain(sums["saved"])}
    counts = {name: f"{value:,}" for name, value in sums.items() if value is not None}
    return counts | {"cost": cost} | saved


def _notes(transcript: Transcript) -> Iterable[str]:
    metrics = transcript.metrics
    if not metrics.calls:
        yield "No calls were made."
    if fell := len([each for each in fallbacks_of(transcript) if each.served]):
        yield f"Another model than was asked for served {fell} turn{'s' * (fell != 1)}."
    if unpriced := metrics.unpriced_calls:
        yield f"The cost of {unpriced} call{'s' * (unpriced != 1)} is not known; unknown is not zero."
    if transcript.unended:
        yield f"{len(transcript.unended)} more began and never came back; they may have been charged."
