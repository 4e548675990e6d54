"""Who answers: LiteLLM for hosted models and endpoints, this process for local weights, a cassette for replays.

Each provider speaks `workbench.models.provider.Provider`; `Providers` picks one by a card's id and by the settings.
"""

from __future__ import annotations

import asyncio

from workbench.models.card import ModelCard
from workbench.models.provider import Provider
from workbench.settings import Settings


class Providers:
    """The providers of one client, each made on first use, because each is slow to import."""

    def __init__(self, settings: Settings) -> None:
        self._replay = settings.replay
        self._made: dict[str, Provider] = {}
        self._folder = settings.workspace

    def need_key(self, card: ModelCard) -> bool:
        """Whether a call to this card may leave the machine, and so needs its key."""
        return not card.local and self._replay.asks_models

    async def ready(self, card: ModelCard) -> None:
        """Import what a hosted model's first call needs, off the loop: it takes seconds, which are no part of that call."""
        if not self.need_key(card):
            return
        from workbench.models.providers.quiet import library

        if not library.cache_info().currsize:
            await asyncio.to_thread(library)

    def of(self, card: ModelCard) -> Provider:
        """Return who answers for a card."""
        source = "local" if card.local else "litellm"
        if self._replay.cassette is None:
            return self._live(source)
        name = f"cassette:{source}"
        if name not in self._made:
            self._made[name] = self._cassette(source)
        return self._made[name]

    async def aclose(self) -> None:
        """Close them all."""
        for provider in self._made.values():
            await provider.aclose()
        self._made.clear()

    def _live(self, source: str) -> Provider:
        if source not in self._made:
            self._made[source] = _make(source)
        return self._made[source]

    def _cassette(self, source: str) -> Provider:
        from workbench.models.providers.replay import ReplayProvider, open_cassette

        assert self._replay.cassette is not None
        cassette = open_cassette(self._folder / self._replay.cassette)
        return ReplayProvider(cassette, self._replay.pace, live=self._live(source) if self._replay.record else None)


def _make(source: str) -> Provider:
    if source == "local":
        from workbench.models.providers.local import LocalProvider

        return LocalProvider()
    from workbench.models.providers.litellm import LiteLLMProvider

    return LiteLLMProvider()
