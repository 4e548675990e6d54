"""A stage for dialogues: an orchestrator on a record of its own, before a wire or with actors who say what a test wants.

An actor is a `Provider` in this process, for what no server can do on demand: finish in a given order, spend a given number
of tokens, or break in ways that a protocol cannot express.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable
from pathlib import Path
from typing import Any

from workbench.dialogue import Orchestrator
from workbench.events import Usage
from workbench.models import Chunk, Client, ModelCard, Prices, Request
from workbench.models.providers import Providers
from workbench.settings import RetrySettings, Settings

Act = Callable[[Request], AsyncGenerator[Chunk, None]]


def quick(folder: Path, **more: Any) -> Settings:
    """Settings of a workspace whose retries do not keep a test waiting."""
    return Settings(workspace=folder, retry=RetrySettings(base=0.001, cap=0.01, breaker_seconds=0.05), **more)


class Actors(Providers):
    """One act plays every model. `on` counts the calls that run now, `most` how many ran at once, `asked` keeps them all."""

    def __init__(self, act: Act) -> None:
        super().__init__(Settings())
        self.act = act
        self.on = self.most = 0
        self.asked: list[Request] = []

    def need_key(self, card: ModelCard) -> bool:
        return False

    def of(self, card: ModelCard) -> Actors:
        return self

    async def stream(self, request: Request) -> AsyncGenerator[Chunk, None]:
        self.asked.append(request)
        self.on += 1
        self.most = max(self.most, self.on)
        try:
            async for chunk in self.act(request):
                yield chunk
        finally:
            self.on -= 1

    async def aclose(self) -> None:
        pass


def orchestra(folder: Path, act: Act, **more: Any) -> tuple[Orchestrator, Actors]:
    """An orchestrator whose models are played by `act`, and its actors."""
    settings, actors = quick(folder), Actors(act)
    return Orchestrator(settings=settings, client=Client(settings, actors, seed=1), **more), actors


async def yes(request: Request) -> AsyncGenerator[Chunk, None]:
    """Answer at once, with what was asked."""
    await asyncio.sleep(0)
    yield Chunk(text=f"You said: {request.messages[-1]['content']}")
    yield Chunk(finish_reason="stop", usage=Usage(prompt=10, completion=5), served="actor")


def card(name: str = "actor", price: float | None = 1.0, **more: Any) -> ModelCard:
    """A model that an actor plays; its tokens cost `price` USD per million."""
    prices = None if price is None else Prices(input=price, output=price)
    return ModelCard(name=name, id=f"openai/{name}", prices=prices, **{"concurrency": 100} | more)


def mode_of(*turns: dict[str, Any], structure: str = "sequential") -> dict[str, Any]:
    """A mode of these turns."""
    return {"name": "stage", "structure": structure, "turns": list(turns)}


def chorus(voices: int) -> dict[str, Any]:
    """A mode in which many voices speak at once."""
    return mode_of(*({"role": f"v{n}", "template": f"voice {n}"} for n in range(1, voices + 1)), structure="parallel")


def line(turns: int) -> dict[str, Any]:
    """A mode in which one speaks after the other, seeing the one before."""
    return mode_of(*({"role": f"v{n}", "template": f"turn {n}: {{previous}}"} for n in range(1, turns + 1)))
