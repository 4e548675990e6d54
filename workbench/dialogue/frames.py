"""Turns and calls of one dialogue as tidy DataFrames. The record has the same columns over all dialogues."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from workbench.dialogue.transcript import Turn, measure

if TYPE_CHECKING:
    import pandas as pd


def turns_frame(turns: Iterable[Turn]) -> pd.DataFrame:
    """Return one row a turn.

    Columns: turn, index, role, round, model (asked for), served, status, text, reasoning, prompt_tokens, completion_tokens,
    cost (USD, missing when unknown), latency (seconds), calls, error.
    """
    import pandas as pd

    columns = (
        "turn index role round model served status text reasoning prompt_tokens completion_tokens cost latency calls error"
    )
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
    frame = pd.DataFrame(rows, columns=columns.split())
    return frame.astype({"round": "Int64", "cost": "float64", "latency": "float64"})


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
    frame = pd.DataFrame(rows)
    tokens = [column for column in frame.columns if column.endswith("_tokens")]
    return frame.astype(dict.fromkeys(tokens, "Int64") | ({"cost": "float64"} if rows else {}))
