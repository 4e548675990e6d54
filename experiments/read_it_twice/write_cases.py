"""Writes `cases.csv`: 80 word problems with whole numbers, half of one operation, half of two, each with its answer.

python experiments/read_it_twice/write_cases.py
"""

from __future__ import annotations

import csv
import random
from collections.abc import Callable, Iterator
from pathlib import Path

NAMES = ("Ada", "Ben", "Chen", "Dina", "Emeka", "Fatma", "Goran", "Hana")
THINGS = ("pencils", "stamps", "apples", "marbles", "cards", "shells", "coins", "buttons")
ONE: tuple[tuple[str, Callable[[int, int], int]], ...] = (
    ("{name} has {a} {thing} and finds {b} more. How many {thing} does {name} have now?", lambda a, b: a + b),
    ("{name} has {a} {thing} and gives away {b}. How many {thing} are left?", lambda a, b: a - b),
    ("A box holds {b} {thing}. How many {thing} do {a} boxes hold?", lambda a, b: a * b),
    ("{name} reads {a} pages on Monday and {b} fewer on Tuesday. How many on Tuesday?", lambda a, b: a - b),
)
TWO: tuple[tuple[str, Callable[[int, int, int], int]], ...] = (
    ("{name} has {a} {thing}, finds {b} more and then gives away {c}. How many are left?", lambda a, b, c: a + b - c),
    ("{name} buys {c} boxes of {b} {thing} and already has {a}. How many is that in all?", lambda a, b, c: a + b * c),
    ("A ticket costs {b} euros. {name} buys {c} and gives {a} euros besides. How much is that?", lambda a, b, c: a + b * c),
    ("{name} has {a} {thing}. A friend has {b} fewer. How many do both have?", lambda a, b, _: 2 * a - b),
)


def problems(each: int = 40) -> Iterator[dict[str, object]]:
    """Yield the cases, the same in every run."""
    draw = random.Random(20)
    for number in range(each):
        text, result = ONE[number % len(ONE)]
        a, b = (draw.randint(3, 9), draw.randint(6, 19)) if "box" in text else (draw.randint(40, 120), draw.randint(11, 39))
        told = text.format(name=draw.choice(NAMES), thing=draw.choice(THINGS), a=a, b=b)
        yield {"id": f"one-{number + 1:02}", "operations": 1, "question": told, "answer": result(a, b)}
    for number in range(each):
        text, result = TWO[number % len(TWO)]
        a, b, c = draw.randint(30, 90), draw.randint(6, 19), draw.randint(3, 9)
        told = text.format(name=draw.choice(NAMES), thing=draw.choice(THINGS), a=a, b=b, c=c)
        yield {"id": f"two-{number + 1:02}", "operations": 2, "question": told, "answer": result(a, b, c)}


if __name__ == "__main__":
    rows = list(problems())
    with (Path(__file__).parent / "cases.csv").open("w", newline="", encoding="utf-8") as file:
        table = csv.DictWriter(file, rows[0].keys(), lineterminator="\n")
        table.writeheader()
        table.writerows(rows)
