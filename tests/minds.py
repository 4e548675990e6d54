"""Models for comparisons: they know the answer or not, by the approach that asks, and say so many words."""

from __future__ import annotations

import json
import random
import re
from collections.abc import Callable

from workbench.events import Usage
from workbench.models import Chunk, Request

APPROACHES = {
    "debate": "after all that was said",
    "single": "without working it out",
    "chain_of_thought": "Your thoughts about it",
    "self_correction": "Your last words on it",
    "consultancy": "Your decision on it",
}
"""What the prompt of an approach's last turn says; a sample of self-consistency asks as a chain of thought does."""


class Mind:
    """Answers every question.

    Args:
        right: whether an approach is right on a case (its number stands in the topic); by default everybody always is.
        words: of a turn that gives no data.
        prefers: what a referee says, by the two answers in the order in which it sees them.
    """

    def __init__(
        self,
        right: Callable[[str, int], bool] = lambda _approach, _case: True,
        words: int = 60,
        prefers: Callable[[str, str], str] = lambda _a, _b: "A",
    ) -> None:
        self.right, self.words, self.prefers = right, words, prefers

    async def __call__(self, request: Request):
        prompt = request.messages[-1]["content"]
        text = self.say(prompt)
        size = sum(len(message["content"]) for message in request.messages) // 4
        yield Chunk(text=text)
        yield Chunk(finish_reason="stop", usage=Usage(prompt=size, completion=max(len(text) // 4, 1)), served="mind")

    def say(self, prompt: str) -> str:
        if "Which answer is better, A or B?" in prompt:
            a, b = re.search(r"Answer A:\n\n(.*?)\n\nAnswer B:\n\n(.*?)\n\nWhich answer", prompt, re.DOTALL).groups()
            return json.dumps({"reason": "so it is", "winner": self.prefers(a, b)})
        if "JSON" not in prompt:
            return "word " * self.words
        approach = next((name for name, mark in APPROACHES.items() if mark in prompt), "choice")
        case = int(re.search(r"case (\d+)", prompt)[1])
        return json.dumps({"answer": "42" if self.right(approach, case) else f"{approach} errs"})


def cases(number: int, expected: int | None = 42) -> list:
    """So many questions, with their answer or without."""
    topics = [f"What is 6 times 7, in case {n}?" for n in range(1, number + 1)]
    return topics if expected is None else [(topic, expected) for topic in topics]


def often(share: float, seed: int = 1) -> Callable[[int], bool]:
    """Whether a case is one of that share, drawn once for all."""
    rng = random.Random(seed)
    drawn = [rng.random() < share for _ in range(1000)]
    return lambda case: drawn[case]
