"""The one interface to every model: `chat` for a text, `stream` for its pieces, `complete` for everything known about it.

All three may be awaited on any event loop; the calls themselves run on the engine's.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

from workbench.errors import UnknownModelError, WorkbenchError
from workbench.loop import bridge, iterate
from workbench.models.card import ModelCard
from workbench.models.client import Client
from workbench.models.completion import Completion, Notice, Piece
from workbench.models.langchain.card import chat_card, is_chat
from workbench.models.presets import SamplingPresets
from workbench.models.provider import Sampling
from workbench.models.registry import ModelRegistry
from workbench.settings import load_settings

if TYPE_CHECKING:
    from langchain_core.language_models import BaseChatModel

    from workbench.models.langchain.chat import ChatWorkbench

Message = dict[str, str]
Context = str | Sequence[Message] | None


@dataclass(frozen=True)
class ModelConfig:
    """A model and who stands in for it.

    Args:
        primary: a card, or its name, or a LiteLLM id, or a LangChain chat model.
        fallbacks: tried in this order when the one before fails for good.
        api_base: an OpenAI-compatible endpoint for the ids among them.

    >>> ModelConfig(primary="deepseek-chat", fallbacks=["gpt-mini", "local"]).chain(ModelRegistry())[2].id
    'local/smollm2-135m'
    """

    primary: str | ModelCard | BaseChatModel
    fallbacks: Sequence[str | ModelCard | BaseChatModel] = ()
    api_base: str | None = None

    def chain(self, registry: ModelRegistry) -> tuple[ModelCard, ...]:
        """Return the cards, the one asked for first.

        Raises:
            UnknownModelError: a name means nothing.
        """
        return tuple(_card(given, registry, self.api_base) for given in (self.primary, *self.fallbacks))


def _card(given: str | ModelCard | BaseChatModel, registry: ModelRegistry, api_base: str | None) -> ModelCard:
    if isinstance(given, ModelCard):
        return given
    if isinstance(given, str):
        return registry.get(given, api_base=api_base)
    if is_chat(given):
        return chat_card(given, registry=registry)
    raise UnknownModelError(
        f"{type(given).__name__} is no model",
        hint="Give a name, a ModelCard, a ModelConfig, a Model, or a LangChain BaseChatModel (without what was bound to it).",
    )


class Model:
    """A model to talk to, with its fallbacks.

    Args:
        config: a name, a card, a LangChain chat model or a `ModelConfig`.
        registry: what names mean; by default the workspace's cards.
        client: makes the calls; by default one that the process shares.

    >>> model = Model("local")
    >>> text, tokens = await model.chat("Say hello.", temperature=0)  # doctest: +SKIP
    """

    def __init__(
        self,
        config: str | ModelCard | ModelConfig | BaseChatModel,
        *,
        registry: ModelRegistry | None = None,
        client: Client | None = None,
    ) -> None:
        config = config if isinstance(config, ModelConfig) else ModelConfig(config)
        self.chain = config.chain(registry or ModelRegistry())
        self._client = client or shared_client()

    @property
    def name(self) -> str:
        """Name of the card that is asked first."""
        return self.chain[0].name

    def __repr__(self) -> str:
        return f"Model({' -> '.join(card.name for card in self.chain)})"

    async def chat(
        self, prompt: str, *, context: Context = None, sampling: str | None = None, **fields: Any
    ) -> tuple[str, dict[str, int | None]]:
        """Ask, and return the answer with its tokens.

        Args:
            prompt: the question.
            context: a system prompt, or the messages before the question.
            sampling: name of a preset of the workspace.
            fields: of `Sampling`: temperature, top_p, top_k, max_tokens, seed, stop, schema; they come before the preset's.

        Returns:
            The text, and `{"prompt": …, "completion": …, "total": …, "cached": …, "reasoning": …}`.

        Raises:
            ModelError: no model of the chain gave an answer.
            WorkbenchError: there is no such preset.
        """
        completion = await self.complete(prompt, context=context, sampling=sampling, **fields)
        return completion.text, completion.tokens

    async def complete(self, prompt: str, *, context: Context = None, sampling: str | None = None, **fields: Any) -> Completion:
        """Ask, and return all that is known about the answer. Arguments as for `chat`."""
        model, drawing = self._drawing(sampling, fields)
        return await bridge(self._client.complete(model.chain, _messages(prompt, context), drawing, stream=False))

    async def stream(
        self, prompt: str, *, context: Context = None, sampling: str | None = None, **fields: Any
    ) -> AsyncIterator[str]:
        """Ask, and yield the answer's pieces as they come. Arguments as for `chat`.

        A retry after a broken stream starts the answer again; `complete` and the record tell half answers apart.
        """
        model, drawing = self._drawing(sampling, fields)
        async for notice in iterate(model.notices(_messages(prompt, context), drawing)):
            if isinstance(notice, Piece) and notice.text:
                yield notice.text

    def with_context_caching(self) -> Model:
        """Return the model with its provider asked to cache the beginning of prompts, where that must be asked for.

        Claude must be asked, and charges for writing to its cache; the others cache by themselves.

        >>> Model("claude-sonnet").with_context_caching().chain[0].context_caching
        True
        """
        first, *others = (card.model_copy(update={"context_caching": True}) for card in self.chain)
        return Model(ModelConfig(first, others), client=self._client)

    def to_langchain(self, **sampling: Any) -> ChatWorkbench:
        """Return the model as a LangChain `BaseChatModel`.

        Args:
            sampling: its defaults: temperature, top_p, max_tokens, seed, stop.

        Raises:
            WorkbenchError: the extra `langchain` is not installed.
        """
        try:
            from workbench.models.langchain.chat import ChatWorkbench
        except ImportError as error:
            raise WorkbenchError("LangChain is not installed", hint="pip install 'dialogue-workbench[langchain]'") from error
        return ChatWorkbench(model=self, **sampling)

    def _drawing(self, preset: str | None, fields: Mapping[str, Any]) -> tuple[Model, Sampling]:
        """Return the model and the sampling of one request: a preset may put others behind it, and have more patience."""
        if preset is None:
            return self, Sampling(**fields)
        found = SamplingPresets().get(preset)
        behind = ModelConfig(found.fallbacks[0], found.fallbacks[1:]).chain(ModelRegistry()) if found.fallbacks else ()
        first, *others = (
            card.model_copy(update={"timeout": found.timeout} if found.timeout else {}) for card in (*self.chain, *behind)
        )
        return Model(ModelConfig(first, others), client=self._client), Sampling(**{**found.drawing, **fields})

    async def notices(self, messages: Sequence[Message], sampling: Sampling) -> AsyncIterator[Notice]:
        """Ask, and yield what happens to the request as it happens; on the engine's loop only (see `loop.iterate`).

        Raises:
            ModelError: no model of the chain gave an answer.
        """
        notices: asyncio.Queue[Notice | None] = asyncio.Queue()
        asking = asyncio.ensure_future(self._client.complete(self.chain, messages, sampling, notify=notices.put_nowait))
        asking.add_done_callback(lambda _done: notices.put_nowait(None))
        try:
            while (notice := await notices.get()) is not None:
                yield notice
            await asking
        finally:
            if not asking.done():
                asking.cancel()
                await asyncio.wait([asking])


def _messages(prompt: str, context: Context) -> list[Message]:
    before = [{"role": "system", "content": context}] if isinstance(context, str) else list(context or ())
    return [*before, {"role": "user", "content": prompt}]


@cache
def shared_client() -> Client:
    """Return the process's client, made with the settings of the workspace it started in."""
    return Client(load_settings())
