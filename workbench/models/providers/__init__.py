"""Who answers: LiteLLM for hosted models, LangChain for its chat models, this process for local weights, or a cassette.

Each provider speaks `workbench.models.provider.Provider`; `Providers` picks one by a card's id and by the settings.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import TYPE_CHECKING

from workbench.models.card import ModelCard
from workbench.models.langchain.card import chat_of, must_be_given, without_its_model
from workbench.models.provider import Provider
from workbench.settings import Settings

if TYPE_CHECKING:
    from langchain_core.language_models import BaseChatModel

    from workbench.models.providers.langchain import LangChainProvider


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
        if not self.need_key(card) or without_its_model(card):
            return
        if (chat := chat_of(card)) is not None:
            await asyncio.to_thread(_import_langchain)
            with suppress(Exception):  # the call itself will meet it again, and say it as an error of the model
                await self._langchain(chat).ready()
            return
        from workbench.models.providers.quiet import library

        if not library.cache_info().currsize:
            await asyncio.to_thread(library)

    def of(self, card: ModelCard) -> Provider:
        """Return who answers for a card.

        Raises:
            ModelError: it is a LangChain model's, and this process does not have that.
        """
        if self._replay.cassette is None:
            return self._live(card)
        name = f"cassette:{_source(card)}" if self._replay.record else "cassette"
        if name not in self._made:
            self._made[name] = self._cassette(card)
        return self._made[name]

    async def aclose(self) -> None:
        """Close them all."""
        for provider in self._made.values():
            await provider.aclose()
        self._made.clear()

    def _live(self, card: ModelCard) -> Provider:
        if (chat := chat_of(card)) is not None:
            return self._langchain(chat)
        if without_its_model(card):
            raise must_be_given(card)
        source = _source(card)
        if source not in self._made:
            self._made[source] = _make(source)
        return self._made[source]

    def _langchain(self, chat: BaseChatModel) -> LangChainProvider:
        from workbench.models.providers.langchain import LangChainProvider

        source = f"langchain:{id(chat)}"  # its provider keeps the chat model, so no other one gets this number
        made = self._made.get(source)
        if not isinstance(made, LangChainProvider):
            made = self._made[source] = LangChainProvider(chat)
        return made

    def _cassette(self, card: ModelCard) -> Provider:
        from workbench.models.providers.replay import ReplayProvider, open_cassette

        assert self._replay.cassette is not None
        cassette = open_cassette(self._folder / self._replay.cassette)
        return ReplayProvider(cassette, self._replay.pace, live=self._live(card) if self._replay.record else None)


def _source(card: ModelCard) -> str:
    if (chat := chat_of(card)) is not None:
        return f"langchain:{id(chat)}"
    return "local" if card.local else "litellm"


def _import_langchain() -> None:
    from workbench.models.providers.quiet import unsearched

    with unsearched():
        import workbench.models.providers.langchain  # noqa: F401 - with all that it needs


def _make(source: str) -> Provider:
    if source == "local":
        from workbench.models.providers.local import LocalProvider

        return LocalProvider()
    from workbench.models.providers.litellm import LiteLLMProvider

    return LiteLLMProvider()
