"""What a model says in tests of modes: by what it is asked, by the schema it is asked for, else `answer` and a number."""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator
from typing import Any

from workbench.events import Usage
from workbench.models import Chunk, Request

USUAL = {
    "Does_it_hold?": {"holds": True, "problem": ""},
    "Vote:_the": {"choice": "2", "ranking": ["2", "1", "3"], "confidence": 0.8},
    "Mark_it:": {"score": 8, "feedback": "none"},
    "Who_goes_next": {"next": "done", "task": "stop"},
    "Divide_it": {"parts": ["the left half", "the right half"]},
    "Bid_for_it": {"confidence": 0.5, "price": 10},
    "on_which_this_debate_turns": {"questions": ["Is it dear?", "Is it slow?"]},
    "Judge_between": {"reason": "So.", "quotes": [], "scores": {"A": 7, "B": 5}, "winner": "A"},
}
"""Answers with which the built-in modes take the usual way."""


class Script:
    """Answers; it is an act of `stage`, and `say` serves a `Wire`.

    Args:
        answers: what is said where a prompt holds the key (with `_` for spaces): a text, JSON, or what a function makes of the
            prompt. The first that fits.
    """

    def __init__(self, **answers: Any) -> None:
        self.answers = answers
        self.asked: list[str] = []

    def say(self, prompt: str) -> str:
        """Return the answer to a prompt, and keep the prompt in `asked`."""
        self.asked.append(prompt)
        answer = next((answer for key, answer in self.answers.items() if key.replace("_", " ") in prompt), None)
        if callable(answer):
            answer = answer(prompt)
        if answer is None:
            schema = schema_in(prompt)
            answer = f"answer {len(self.asked)}" if schema is None else least(schema)
        return answer if isinstance(answer, str) else json.dumps(answer)

    async def __call__(self, request: Request) -> AsyncGenerator[Chunk, None]:
        yield Chunk(text=self.say(request.messages[-1]["content"]))
        yield Chunk(finish_reason="stop", usage=Usage(prompt=10, completion=5), served="actor")


def schema_in(prompt: str) -> dict[str, Any] | None:
    """Return the JSON Schema at the end of a prompt that asks for data."""
    _, asked, schema = prompt.rpartition("Give the data, not the schema.\n\n")
    return json.loads(schema) if asked else None


def least(schema: dict[str, Any]) -> Any:
    """Return a small value that fits a schema of the built-in modes: what is required, and one of each list."""
    if "enum" in schema:
        return schema["enum"][0]
    kind = schema.get("type", "object")
    match kind if isinstance(kind, str) else kind[0]:
        case "object":
            return {
                name: least(schema.get("properties", {}).get(name, {"type": "string"})) for name in schema.get("required", ())
            }
        case "array":
            return [least(schema.get("items", {"type": "string"}))]
        case "boolean":
            return True
        case "number" | "integer":
            return schema.get("minimum", 1)
        case _:
            return "yes"
