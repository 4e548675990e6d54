"""What the sync costs a dialogue while the service is down, and how fast, and in how much memory, a record is copied."""

from __future__ import annotations

from statistics import median
from typing import Final

from field import Field, each_round
from figures import Figure

TURNS: Final = 10
"""Of a dialogue that is copied."""


def measure(field: Field, *, quick: bool) -> list[Figure]:
    """Measure both."""
    return [*_beside_a_dialogue(field, quick=quick), *_throughput(field, quick=quick)]


def _beside_a_dialogue(field: Field, *, quick: bool) -> list[Figure]:
    """Pair each dialogue with one of the same round that is copied nowhere; the ratios' median counts."""
    figures = []
    turns, rounds = (10, 2) if quick else (50, 31)
    for pace, answers in (("0/0", "at once"), ("20/0", "after 20 ms"))[: 1 if quick else 2]:
        workers = {"off": field.worker("ours"), "down": field.worker("copied")}
        costs = each_round(workers, rounds, "sequence", turns=turns, pace=pace)
        pairs = list(zip(costs["down"], costs["off"], strict=True))
        for quantity in ("wall", "cpu"):
            ours, beside = (median(cost[quantity] for cost in costs[name]) * 1000 for name in ("down", "off"))
            ratio = median(down[quantity] / off[quantity] for down, off in pairs)
            aimed = quantity == "wall" and pace != "0/0"
            name = f"{quantity} of a dialogue of {turns} turns, answers {answers}, sync on and the service down, ms"
            figures.append(Figure(name, ours, beside, "sync off"))
            aim, met = ("≤ 1.01", ratio <= 1.01) if aimed else ("", None)
            figures.append(Figure(f"ratio of that, median of {rounds} pairs", ratio, None, "", aim, met))
    return figures


def _throughput(field: Field, *, quick: bool) -> list[Figure]:
    """Copy a small record and a large one to a service that takes everything."""
    small, large = (50, 100) if quick else (1_000, 10_000)
    figures = []
    for target in ("otlp", "langfuse", "langsmith")[: 1 if quick else 3]:
        gained = {}
        for turns in (small, large):
            worker = field.worker("copied")
            worker.do("deliver", dialogues=1, turns=TURNS, target=target)  # imports
            worker.do("fill", dialogues=turns // TURNS, turns=TURNS, target=target)
            before = worker.do("let_go")["rss"]
            cost = worker.do("deliver", dialogues=0, turns=TURNS, target=target, beat=True)
            gained[turns] = (cost["rss"] - before) / 1e6
        blocked = cost["blocked"] * 1000
        figures += [
            Figure(f"{target}: {large} turns copied, turns per second", large / cost["wall"]),
            Figure(f"{target}: CPU per turn copied, ms", cost["cpu"] / large * 1000),
            Figure(f"{target}: memory gained by {large} turns, MB", gained[large], gained[small], f"{small} turns"),
            Figure(f"{target}: longest block of the dialogues' loop meanwhile, ms", blocked, None, "", "≤ 100", blocked <= 100),
        ]
    return figures
