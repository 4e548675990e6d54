"""What one more dialogue takes: resident memory and Python's own count, for dialogues that are held and that run."""

from __future__ import annotations

from field import Field, Worker
from figures import Figure

_TURNS = 6


def measure(field: Field, *, quick: bool) -> list[Figure]:
    """Measure in four processes: counting Python's memory takes memory, and what one job freed the next would use again."""
    held, running = (20, 10) if quick else (200, 100)
    figures = []
    for quantity, what, flags in (("rss", "resident", ()), ("traced", "Python's", ("--trace",))):
        kept = _grown(_warm(field, flags), quantity, "hold", dialogues=held, turns=_TURNS) / held
        busy = _grown(_warm(field, flags), quantity, "begin", dialogues=running, turns=_TURNS, pace="3000/0") / running
        figures += [
            Figure(f"{what} memory per finished dialogue that is held, kB", kept, None, "", "< 1000", kept < 1000),
            Figure(f"{what} memory per running dialogue, kB", busy, None, "", "< 1000", busy < 1000),
        ]
    return figures


def _warm(field: Field, flags: tuple[str, ...]) -> Worker:
    """Return a process that has imported everything and made its first dialogues."""
    worker = field.worker("ours", *flags)
    worker.do("hold", dialogues=5, turns=_TURNS)
    return worker


def _grown(worker: Worker, quantity: str, method: str, **options: object) -> float:
    before = worker.do("let_go")[quantity]
    return (worker.do(method, **options)[quantity] - before) / 1000
