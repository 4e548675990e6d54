"""Asks both bundled local models the same small questions and writes what came of it to `outcomes.csv`.

    python experiments/local_models/record.py

Six kinds of task, up to twenty questions each (105 in all), made from a seed; every answer is checked by a rule, so quality
is 0 or 1. The models cost nothing; so that there is something to weigh, a million tokens count as 0.1 USD for each billion
parameters, about what small hosted models cost. The table serves the routing notebook and benchmark; it is small, and says
little of the models.
"""

from __future__ import annotations

import asyncio
import csv
import random
import re
import sys
from dataclasses import dataclass
from pathlib import Path

from workbench.models import Client, ModelCard, ModelRegistry, Sampling
from workbench.settings import load_settings

BILLIONS = {"local": 0.135, "local-qwen": 1.54}
"""Parameters of each model."""
USD_PER_TOKEN = 0.1e-6
"""For a billion parameters."""
EACH = 20
LONGEST = 60
"""Tokens of an answer."""
WHERE = Path(__file__).with_name("outcomes.csv")


@dataclass(frozen=True)
class Question:
    """A question, and the pattern that a right answer has."""

    task: str
    text: str
    right: str


def questions(seed: int = 7) -> list[Question]:
    """Return the questions, kind after kind."""
    draw = random.Random(seed)
    made = [(kind, make) for kind, make in MAKERS.items() for _ in range(EACH)]
    return list(dict.fromkeys(Question(kind, *make(draw)) for kind, make in made))


def _maths(draw: random.Random) -> tuple[str, str]:
    a, b, sign = draw.randint(11, 99), draw.randint(3, 60), draw.choice("+-*")
    return f"What is {a} {sign} {b}? Answer with the number alone.", rf"(?<![\d.]){eval(f'{a}{sign}{b}')}(?![\d.])"


def _extract(draw: random.Random) -> tuple[str, str]:
    name, city = draw.choice(NAMES), draw.choice(list(CAPITALS.values()))
    day, price = draw.randint(1, 28), draw.randint(12, 480)
    text = f"{name} flew to {city} on {day} March and paid {price} euros for the ticket, though the hotel asked for less."
    asked, answer = draw.choice(
        [("Who flew", name), ("To which city did the person fly", city), ("How many euros did the ticket cost", str(price))]
    )
    return f"{text}\n\n{asked}? Extract the answer from the text, nothing else.", rf"\b{answer}\b"


def _code(draw: random.Random) -> tuple[str, str]:
    numbers = [draw.randint(1, 9) for _ in range(4)]
    code = draw.choice(["len({n})", "max({n})", "sum({n})", "sorted({n})[0]", "{n}[1]", "{n}[::-1][0]"]).format(n=numbers)
    answer = str(eval(code))
    return (
        f"What does this Python code print?\n\n```python\nprint({code})\n```\n\nGive the output alone.",
        rf"(?<!\d){answer}(?!\d)",
    )


def _question(draw: random.Random) -> tuple[str, str]:
    country = draw.choice(list(CAPITALS))
    return f"What is the capital of {country}? Answer with the city alone.", rf"\b{CAPITALS[country]}\b"


def _reasoning(draw: random.Random) -> tuple[str, str]:
    a, b, c = draw.sample(NAMES, 3)
    order = draw.choice(
        [f"{a} is taller than {b}. {b} is taller than {c}.", f"{b} is taller than {c}. {a} is taller than {b}."]
    )
    asked, answer = draw.choice([("tallest", a), ("shortest", c)])
    return (
        f"{order} Who is the {asked}? Reason about it, then answer with one name.",
        rf"\b{answer}\b(?!.*\b({b}|{c if answer == a else a})\b)",
    )


def _translate(draw: random.Random) -> tuple[str, str]:
    word = draw.choice(list(FRENCH))
    return f"Translate the English word “{word}” into French. Answer with the French word alone.", rf"(?i)\b{FRENCH[word]}\b"


NAMES = ["Anna", "Boris", "Carla", "David", "Elena", "Felix", "Greta", "Hugo", "Irina", "Jonas"]
CAPITALS = {
    "France": "Paris", "Italy": "Rome", "Spain": "Madrid", "Japan": "Tokyo", "Norway": "Oslo",
    "Egypt": "Cairo", "Peru": "Lima", "Kenya": "Nairobi", "Austria": "Vienna", "Greece": "Athens",
    "Poland": "Warsaw", "Cuba": "Havana", "Chile": "Santiago", "Portugal": "Lisbon", "Hungary": "Budapest",
    "Finland": "Helsinki", "Ireland": "Dublin", "Canada": "Ottawa", "Iran": "Tehran", "Vietnam": "Hanoi",
    "Nepal": "Kathmandu", "Ghana": "Accra", "Latvia": "Riga", "Bulgaria": "Sofia",
}  # fmt: skip
FRENCH = {
    "water": "eau", "bread": "pain", "house": "maison", "cat": "chat", "dog": "chien", "book": "livre", "sun": "soleil",
    "night": "nuit", "tree": "arbre", "milk": "lait", "apple": "pomme", "red": "rouge", "school": "[ée]cole", "horse": "cheval",
    "window": "fen[êe]tre", "key": "cl(?:é|ef)", "church": "[ée]glise", "snow": "neige", "bird": "oiseau", "green": "vert",
    "sea": "mer", "hand": "main", "friend": "amie?", "street": "rue",
}  # fmt: skip
MAKERS = {
    "maths": _maths,
    "extract": _extract,
    "code": _code,
    "question": _question,
    "reasoning": _reasoning,
    "translate": _translate,
}


async def ask(client: Client, card: ModelCard, question: Question) -> tuple[int, float]:
    """Return whether a model answers rightly, and what that costs in USD."""
    messages = [{"role": "user", "content": question.text}]
    answer = await client.complete([card], messages, Sampling(temperature=0, max_tokens=LONGEST, seed=1), stream=False)
    right = re.search(question.right, answer.text, re.DOTALL) is not None
    assert answer.usage is not None
    return int(right), answer.usage.total * USD_PER_TOKEN * BILLIONS[card.name]


async def record() -> None:
    """Ask everything, and write the table."""
    registry, client, rows = ModelRegistry(), Client(load_settings()), []
    for number, question in enumerate(questions(), 1):
        for name in BILLIONS:
            right, cost = await ask(client, registry.get(name), question)
            rows.append([f"q{number:03}", question.task, question.text, name, right, f"{cost:.9f}"])
        sys.stderr.write(f"\r{number} questions")
    await client.aclose()
    with WHERE.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([["prompt_id", "task", "prompt_text", "model", "quality", "cost_usd"], *rows])


if __name__ == "__main__":
    asyncio.run(record())
