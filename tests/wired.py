"""What the tests of the model client share: cards that lead to the local server, and quick settings."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from wire import Wire

from workbench.events import Call
from workbench.loop import run
from workbench.models import Client, Completion, ModelCard, Sampling
from workbench.models.completion import Notice, Piece, Started
from workbench.settings import RetrySettings, Settings

PROTOCOLS = ("openai", "anthropic", "gemini")
KEYS = {"openai": "OPENAI_API_KEY", "anthropic": "ANTHROPIC_API_KEY", "gemini": "GEMINI_API_KEY"}
IDS = {"openai": "openai/wire", "anthropic": "anthropic/wire", "gemini": "gemini/gemini-2.5-flash"}
QUESTION = [{"role": "user", "content": "Which weighs more?"}]


def card(wire: Wire, protocol: str = "openai", **fields: Any) -> ModelCard:
    """Return a card whose calls go to the server."""
    return ModelCard(**{"name": protocol, "id": IDS[protocol], "api_base": getattr(wire, protocol)} | fields)


def quick(folder: Path, **retry: Any) -> Settings:
    """Return settings with which a retry waits next to nothing."""
    return Settings(workspace=folder, retry=RetrySettings(**{"base": 0.01, "cap": 0.02, "breaker_failures": 1000} | retry))


class Clock:
    """Seconds that pass when told to."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


class Heard:
    """What a client told about one request."""

    def __init__(self) -> None:
        self.notices: list[Notice] = []

    def __call__(self, notice: Notice) -> None:
        self.notices.append(notice)

    @property
    def calls(self) -> list[Call]:
        return [notice for notice in self.notices if isinstance(notice, Call)]

    @property
    def started(self) -> list[Started]:
        return [notice for notice in self.notices if isinstance(notice, Started)]

    @property
    def pieces(self) -> list[Piece]:
        return [notice for notice in self.notices if isinstance(notice, Piece)]


def ask(client: Client, chain: ModelCard | Sequence[ModelCard], heard: Heard | None = None, **options: Any) -> Completion:
    """Ask the question and return the answer; sampling goes by name."""
    chain = [chain] if isinstance(chain, ModelCard) else chain
    stream, messages = options.pop("stream", True), options.pop("messages", QUESTION)
    sampling = Sampling(**options)
    return run(client.complete(chain, messages, sampling, stream=stream, notify=heard or Heard()))


async def until(condition: Callable[[], bool], seconds: float = 10.0) -> None:
    """Wait until a condition holds; fail after `seconds`."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it never came true"
        await asyncio.sleep(0.002)
