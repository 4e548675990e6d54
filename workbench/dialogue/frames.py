"""Turns and calls of one dialogue as tidy DataFrames, typed as those of the record, over all dialogues, are."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Final

from workbench.dialogue.transcript import Turn, measure

if TYPE_CHECKING:
    import pandas as pd


_TURN: Final = {
    "turn": "string",
    "index": "Int64",
    "role": "string",
    "round": "Int64",
    "model": "string",
    "served": "string",
    "status": "string",
    "text": "string",
    "reasoning": "string",
    "prompt_tokens": "Int64",
    "completion_tokens": "Int64",
    "cost": "float64",
    "latency": "float64",
    "calls": "Int64",
    "error": "string",
}
"""Column to type, whether there are rows or not."""
_CALL: Final = {
    "call": "string",
    "turn": "string",
    "asked": "string",
    "model": "string",
    "served": "string",
    "provider": "string",
    "attempt": "Int64",
    "outcome": "string",
    "prompt_tokens": "Int64",
    "completion_tokens": "Int64",
    "cached_tokens": "Int64",
    "reasoning_tokens": "Int64",
    "cost": "float64",
    "queue": "float64",
    "first_token": "float64",
    "total": "float64",
    "finish_reason": "string",
    "fallback_reason": "string",
    "error": "string",
    "started_at": "datetime64[us, UTC]",
}


def turns_frame(turns: Iterable[Turn]) -> pd.DataFrame:
    """Return one row a turn.

    Columns: turn, index, role, round, model (asked for), served, status, text, reasoning, prompt_tokens, completion_tokens,
    cost (USD, missing when unknown), latency (seconds), calls, error.
    """
    import pandas as pd

    rows = []
    for turn in turns:
        metrics = measure([turn], turn.latency)
        rows.append(
            {
                "turn": turn.id,
                "index": turn.index,
                "role": turn.role,
                "round": turn.round,
                "model": turn.model,
                "served": turn.served,
                "status": str(turn.status),
                "text": turn.text,
                "reasoning": turn.reasoning,
                "prompt_tokens": metrics.prompt_tokens,
                "completion_tokens": metrics.completion_tokens,
                "cost": metrics.cost,
                "latency": metrics.latency,
                "calls": metrics.calls,
                "error": turn.error,
            }
        )
    return pd.DataFrame(rows, columns=list(_TURN)).astype(_TURN)


def calls_frame(turns: Iterable[Turn]) -> pd.DataFrame:
    """Return one row a call, failed ones included.

    Columns: call, turn, asked, model, served, provider, attempt, outcome, prompt_tokens, completion_tokens, cached_tokens,
    reasoning_tokens, cost (USD), queue, first_token, total (seconds), finish_reason, fallback_reason, error, started_at.
    """
    import pandas as pd

    rows = []
    for turn, call in [(each, call) for each in turns for call in each.calls]:
        usage, timings = call.usage, call.timings
        rows.append(
            {
                "call": call.id,
                "turn": turn.id,
                "asked": call.asked,
                "model": call.model,
                "served": call.served,
                "provider": call.provider,
                "attempt": call.attempt,
                "outcome": str(call.outcome),
                "prompt_tokens": usage.prompt if usage else None,
                "completion_tokens": usage.completion if usage else None,
                "cached_tokens": usage.cached if usage else None,
                "reasoning_tokens": usage.reasoning if usage else None,
                "cost": call.cost,
                "queue": timings.queue,
                "first_token": timings.first_token,
                "total": timings.total,
                "finish_reason": call.finish_reason,
                "fallback_reason": call.fallback_reason,
                "error": call.error,
                "started_at": pd.to_datetime(call.started_at, unit="s", utc=True),
            }
        )
    return pd.DataFrame(rows, columns=list(_CALL)).astype(_CALL)
