"""Many dialogues at once: wall time beside the same calls in bare LiteLLM, and how long the event loop is ever blocked."""

from __future__ import annotations

from field import Cost, Field, combined, each_round, interleaved
from figures import Figure

PACE = "250/0"
AIM_MS = 100
_LONG = 200


def measure(field: Field, *, quick: bool) -> list[Figure]:
    """Measure 100 dialogues of three turns."""
    size = {"dialogues": 10 if quick else 100, "turns": 3, "pace": PACE}
    first, long = _alone(field, rounds=1 if quick else 3)
    workers = {name: field.worker(name) for name in ("ours", "litellm")}
    rounds = 1 if quick else 7
    costs = interleaved(workers, rounds, "crowd", **size)
    busy = each_round(workers, rounds, "crowd", beat=True, **size)
    name = f"{size['dialogues']} dialogues of 3 turns"
    ours, bare = costs["ours"]["wall"], costs["litellm"]["wall"]
    return [
        Figure(f"wall of {name}, s", ours, bare, "bare LiteLLM", "≤ 1.1", ours / bare <= 1.1),
        Figure(f"CPU of {name}, s", costs["ours"]["cpu"], costs["litellm"]["cpu"], "bare LiteLLM"),
        *_blocked(name, busy),
        *_blocked("first use", first),
        *_blocked(f"one dialogue of {_LONG} turns after it", long),
    ]


def _alone(field: Field, rounds: int) -> tuple[dict[str, list[Cost]], dict[str, list[Cost]]]:
    """Return what the first turn of a fresh process costs, and a long dialogue after it.

    The bare library is imported before, as at the top of a script; we import it when it is first used. The first round makes
    the bytecode and does not count.
    """
    first: dict[str, list[Cost]] = {"ours": [], "litellm": []}
    long: dict[str, list[Cost]] = {"ours": [], "litellm": []}
    for _ in range(rounds + 1):
        for name, costs in first.items():
            worker = field.worker(name)
            costs.append(worker.do("sequence", beat=True, turns=1, stream=True, pace="0/0"))
            long[name].append(worker.do("sequence", beat=True, turns=_LONG, stream=False, pace="0/0"))
    return {name: costs[1:] for name, costs in first.items()}, {name: costs[1:] for name, costs in long.items()}


def _blocked(name: str, costs: dict[str, list[Cost]]) -> list[Figure]:
    """Return the longest block of all rounds, and the longest garbage collection: while it runs, no thread does."""
    worst = {who: combined(seen, max) for who, seen in costs.items()}
    ours, bare = (worst[who]["blocked"] * 1000 for who in ("ours", "litellm"))
    swept, swept_bare = (worst[who]["swept"] * 1000 for who in ("ours", "litellm"))
    return [
        Figure(f"longest block of the event loop, {name}, ms", ours, bare, "bare LiteLLM", f"≤ {AIM_MS}", ours <= AIM_MS),
        Figure(f"longest garbage collection, {name}, ms", swept, swept_bare, "bare LiteLLM"),
    ]
