"""What a turn costs beyond the call itself: CPU and wall time of one long dialogue, whole answers and streamed ones."""

from __future__ import annotations

from field import Cost, Field, interleaved
from figures import Figure

_BESIDE = {
    "litellm": "bare LiteLLM",
    "client": "our client alone",
    "engine": "our engine without record",
    "langgraph": "LangGraph, SQLite",
}


def measure(field: Field, *, quick: bool) -> list[Figure]:
    """Measure both ways of answering."""
    workers = {name: field.worker(name) for name in ("litellm", "client", "engine", "ours", "langgraph")}
    turns, rounds = (10, 2) if quick else (50, 9)
    whole = interleaved(workers, rounds, "sequence", turns=turns, stream=False, pace="0/0")
    streamed = interleaved(workers, rounds, "sequence", turns=turns, stream=True, pace="0/1")
    return [*_figures("whole answers", turns, whole), *_figures("20 deltas", turns, streamed)]


def _figures(kind: str, turns: int, costs: dict[str, Cost]) -> list[Figure]:
    cpu = {name: cost["cpu"] / turns * 1000 for name, cost in costs.items()}
    wall = {name: cost["wall"] / turns * 1000 for name, cost in costs.items()}
    ours, beside = cpu["ours"], [(cpu[name], than) for name, than in _BESIDE.items()]
    added, over_client, record = (ours - cpu[name] for name in ("litellm", "client", "engine"))
    return [
        *(Figure(f"CPU per turn, {kind}, ms", ours, other, than) for other, than in beside),
        Figure(f"CPU added to bare LiteLLM, {kind}, ms", added, None, "", "≤ 1", added <= 1),
        Figure(f"CPU added to our client, {kind}, ms", over_client),
        Figure(f"of that the record's share, {kind}, ms", record),
        *(Figure(f"wall per turn, {kind}, ms", wall["ours"], wall[name], than) for name, than in _BESIDE.items()),
    ]
