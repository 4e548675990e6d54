"""What the tests of experiments share: an orchestrator before a wire, and small experiments."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

from wire import Asked, Wire

from workbench.dialogue import Orchestrator
from workbench.experiments import Experiment
from workbench.settings import RetrySettings, Settings

PRICES = {"input": 1000.0, "output": 1000.0}
"""USD per million tokens, so that a call of 13 tokens costs 1.3 cents."""


def workshop(folder: Path, wire: Wire, **retry: Any) -> Orchestrator:
    """An orchestrator whose model `m` is the wire, with a record in the folder."""
    card = {"id": "openai/m", "api_base": wire.openai, "concurrency": 8, "prices": PRICES}
    quick = RetrySettings(**{"base": 0.001, "cap": 0.01, "breaker_failures": 1000} | retry)
    return Orchestrator(
        settings=Settings(workspace=folder, retry=quick, models={"m": card, "other": card | {"id": "openai/n"}})
    )


def cases(count: int) -> list[dict[str, Any]]:
    """Sums, with their results."""
    return [{"id": f"c{number}", "question": f"{number} + 1?", "answer": number + 1} for number in range(count)]


def sums(orchestrator: Orchestrator, count: int = 6, **more: Any) -> Experiment:
    """An experiment of two prompts on sums."""
    given: dict[str, Any] = {
        "cases": cases(count),
        "arms": {
            "plain": {"model": "m", "prompt": "What is {question}"},
            "careful": {"model": "m", "prompt": "With care: what is {question}"},
        },
        "metrics": {"right": {"kind": "numeric", "expected": "answer"}, "latency": None, "cost": None},
        "plan": {"primary": "right", "control": "plain", "margin": 0.1},
    }
    return Experiment("sums", orchestrator=orchestrator, **given | more)


def adder(right: Callable[[str], bool]) -> Callable[[Asked], str]:
    """What a model says that adds, or does not, by the prompt."""

    def answer(asked: Asked) -> str:
        prompt = prompt_of(asked)
        found = re.search(r"(\d+) \+ 1", prompt)
        assert found, prompt
        return f"It is {int(found[1]) + (1 if right(prompt) else 2)}"

    return answer


def prompt_of(asked: Asked) -> str:
    """What a request asks."""
    text: str = asked.body["messages"][-1]["content"]
    return text


def careful(prompt: str) -> bool:
    """Whether a prompt asks for care."""
    return prompt.startswith("With care")
