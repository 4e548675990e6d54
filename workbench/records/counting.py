"""What `usage`, `usage_quarters` and `usage_tasks` count of a call, with no database in sight."""

from __future__ import annotations

import math
from typing import Any, Final

from workbench.events import CallEnded

QUARTER: Final = 900
"""Seconds of a quarter of an hour."""
DAY: Final = 86_400
LAST: Final = 2.5e11
"""Unix seconds; what is said to have begun later (in the year 9892), or before 1970, falls into the first day."""
TOKENS: Final = ("prompt_tokens", "cached_tokens", "completion_tokens", "reasoning_tokens")


def number_of(at: float, span: int) -> int:
    """Return the number of the day, or quarter of an hour, in which a time lies, counted from 1970, UTC.

    >>> number_of(1800.5, QUARTER)
    2
    """
    return int(at / span) if 0 < at < LAST else 0


def quarter_of(at: float) -> int:
    """Return the number of the quarter of an hour in which a time lies."""
    return number_of(at, QUARTER)


def usage_values(event: CallEnded) -> dict[str, Any]:
    """Return what the statements `count_usage` and `count_quarter` are told of a call, and `count_task`."""
    call = event.call
    used, priced = call.usage, call.cost is not None
    tokens = (used.prompt, used.cached, used.completion, used.reasoning) if used else (0, 0, 0, 0)
    wrote = call.ok and used is not None
    return {
        "in_dialogue": event.dialogue,
        "call": call.id,
        "began": call.started_at if math.isfinite(call.started_at) else 0.0,
        "day": number_of(call.started_at, DAY),
        "quarter": quarter_of(call.started_at),
        "model": call.model,
        "asked": call.asked,
        "provider": call.provider,
        "outcome": str(call.outcome),
        "calls": 1,
        "answered": int(call.ok),
        "cancelled": int(call.outcome == "cancelled"),
        "fallbacks": int(call.ok and call.asked != call.model),
        **dict(zip(TOKENS, tokens, strict=True)),
        **{f"priced_{name}": value if priced else 0 for name, value in zip(TOKENS[:3], tokens[:3], strict=True)},
        "cost": call.cost or 0.0,
        "priced_calls": int(priced),
        "unpriced_calls": int(call.unpriced),
        "saved": call.saved or 0.0,
        "cached_calls": int(call.saved is not None),
        "written": tokens[2] if wrote else 0,
        "writing": call.timings.total if wrote else 0.0,
    }
