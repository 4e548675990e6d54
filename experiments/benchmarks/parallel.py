"""Whether turns that may run at once do: a dialogue of parallel turns beside a dialogue of one, with a slow provider."""

from __future__ import annotations

from field import Field, interleaved
from figures import Figure

PACE = "300/0"


def measure(field: Field, *, quick: bool) -> list[Figure]:
    """Measure 3, 10 and 100 turns, and the same calls gathered in bare LiteLLM."""
    workers = {name: field.worker(name) for name in ("ours", "litellm")}
    rounds = 1 if quick else 7
    one = interleaved(workers, rounds, "parallel", width=1, pace=PACE)
    figures = []
    for width in (3,) if quick else (3, 10, 100):
        many = interleaved(workers, rounds, "parallel", width=width, pace=PACE)
        ours, bare = (many[name]["wall"] / one[name]["wall"] for name in ("ours", "litellm"))
        aim = {"aim": "≤ 1.1", "met": ours <= 1.1} if width == 3 else {}
        figures.append(Figure(f"wall of {width} parallel turns / wall of one", ours, bare, "bare LiteLLM", **aim))
    return figures
