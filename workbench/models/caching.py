"""What providers' prompt caches saved, over any number of calls in a record.

What one call saved stands in it (`Call.saved`), at the prices of its time: tokens read from the cache, times what they cost
less than fresh ones; what writing to the cache cost more (`Prices.cache_write`) is taken off. Cost and savings together are
what the call would have cost without a cache.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pandas as pd


def cache_savings(events: pd.DataFrame) -> pd.DataFrame:
    """Return what caching saved, model by model, the most first.

    Columns: calls, prompt_tokens, cached_tokens, cache_write_tokens, hit_rate (cached tokens to prompt tokens), cost and saved
    (USD). Only calls whose usage is known count; cost and saved are sums of what is known, and missing where nothing is.

    Args:
        events: of a record or of a dialogue, as `Record.events_frame` returns them.
    """
    import pandas as pd

    ended = (json.loads(payload)["call"] for payload in events.loc[events["type"] == "call_ended", "payload"])
    rows = [_row(call) for call in ended if call.get("usage")]
    sums = pd.DataFrame(rows, columns=list(_COLUMNS)).astype(_COLUMNS).groupby("model").sum(min_count=1)
    sums.insert(4, "hit_rate", (sums["cached_tokens"] / sums["prompt_tokens"]).astype("float64"))
    return sums.sort_values(["saved", "cost"], ascending=False)


_COLUMNS = {
    "model": "string",
    "calls": "Int64",
    "prompt_tokens": "Int64",
    "cached_tokens": "Int64",
    "cache_write_tokens": "Int64",
    "cost": "float64",
    "saved": "float64",
}


def _row(call: dict[str, Any]) -> tuple[Any, ...]:
    usage = call["usage"]
    cached, written = usage.get("cached", 0), usage.get("cache_write", 0)
    saved = call.get("saved") if cached or written else 0.0
    return call["model"], 1, usage["prompt"], cached, written, call.get("cost"), saved
