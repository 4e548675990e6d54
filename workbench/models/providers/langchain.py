"""LangChain chat models: one provider for each, which asks a copy of it with connections of its own.

The copy tries once, because the client retries: SDKs made like OpenAI's and Anthropic's (as those of Groq, xAI, DeepSeek …)
are told so; other integrations keep the retries that they were given. And it keeps its connections to itself, because an HTTP
connection belongs to an event loop: shared with a cell that awaits the same model, it would break on either side.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Iterator, Mapping
from contextlib import aclosing, suppress
from importlib import import_module
from typing import TYPE_CHECKING, Any, Final

from workbench.errors import ErrorKind, ModelError, redact
from workbench.events import Usage
from workbench.models.provider import Chunk, Request, Sampling
from workbench.models.providers.failures import kind_of, register_found_keys, retry_after_of, words_of
from workbench.models.providers.quiet import unsearched

if TYPE_CHECKING:
    from langchain_core.language_models import BaseChatModel
    from langchain_core.messages import BaseMessage

_FIELDS: Final = {
    "temperature": ("temperature",),
    "top_p": ("top_p",),
    "top_k": ("top_k",),
    "max_tokens": ("max_tokens", "max_output_tokens", "num_predict", "max_new_tokens"),
    "seed": ("seed",),
}
"""Sampling to the fields that integrations keep it in; a model that has none of them is not told."""
_ENDED: Final = ("finish_reason", "stop_reason", "stopReason", "done_reason", "status")
"""Where integrations say why an answer ended."""
_FINISH: Final = {
    "end_turn": "stop",
    "stop_sequence": "stop",
    "completed": "stop",
    "max_tokens": "length",
    "incomplete": "length",
    "refusal": "content_filter",
    "safety": "content_filter",
}
_ALWAYS_END: Final = frozenset({"openai", "anthropic"})
"""Integrations whose streams always say why they ended: one that does not was cut."""
_KINDS: Final = {
    "ModelAuthenticationError": ErrorKind.AUTHENTICATION,
    "ModelPermissionDeniedError": ErrorKind.AUTHENTICATION,
    "ContextOverflowError": ErrorKind.CONTEXT_TOO_LONG,
    "ModelTimeoutError": ErrorKind.TIMEOUT,
    "APITimeoutError": ErrorKind.TIMEOUT,
    "TimeoutException": ErrorKind.TIMEOUT,
    "TimeoutError": ErrorKind.TIMEOUT,
    "APIConnectionError": ErrorKind.CAPACITY,
    "ModelConnectionError": ErrorKind.CAPACITY,
    "OpenAIRefusalError": ErrorKind.CONTENT_FILTER,
    "JSONDecodeError": ErrorKind.MALFORMED_ANSWER,
    "LookupError": ErrorKind.MALFORMED_ANSWER,
}
"""Exceptions of LangChain, of the SDKs behind it and of HTTP clients, by their names or those of their bases."""
_WANTED: Final = ("anyio._backends._asyncio", "langchain_core.tracers.langchain", "langchain_core.tracers.stdout")
"""What the first call would import on the event loop."""
_KEY_HINT: Final = "Check the key that the chat model was made with."
_NOTHING: Final = "No generation chunks"


class LangChainProvider:
    """Asks one chat model.

    Args:
        chat: as the user gave it; it stays as it is.
    """

    def __init__(self, chat: BaseChatModel) -> None:
        self._given, self._door = chat, asyncio.Lock()
        self._own: BaseChatModel | None = None
        self._connections: list[Any] = []

    async def ready(self) -> BaseChatModel:
        """Return the copy that is asked; made on a thread, because connections and their imports take a while."""
        async with self._door:
            if self._own is None:
                self._own = await asyncio.to_thread(self._copied)
        return self._own

    async def stream(self, request: Request) -> AsyncGenerator[Chunk, None]:
        """Yield the answer's chunks; see `Provider.stream`."""
        try:
            chat = _drawing(await self.ready(), request.sampling, request.model)
            stop = list(request.sampling.stop) or None
            if not request.stream:
                message = await chat.ainvoke(list(request.messages), stop=stop)
                yield _piece(message)
                yield _Ending(request.model).heard(message).chunk()
                return
            ending = _Ending(request.model)
            async with aclosing(chat.astream(list(request.messages), stop=stop)) as pieces:  # type: ignore[type-var]
                async for piece in pieces:
                    ending.heard(piece)
                    yield _piece(piece)
            yield ending.chunk()
        except Exception as error:  # noqa: BLE001 - all of it is classified and raised
            raise classify(error, request.model) from None

    async def aclose(self) -> None:
        """Close the connections of the copy; another one is made when it is asked again."""
        connections, self._connections, self._own = self._connections, [], None
        for http in connections:
            with suppress(Exception):  # whatever state they are in, they are given up
                await http.aclose()

    @unsearched()
    def _copied(self) -> BaseChatModel:
        for name in _WANTED:
            with suppress(ImportError):
                import_module(name)
        copied = self._given.model_copy()
        for name, made in _asynchronous(copied):
            sdk = made if _is_sdk(made) else made._client  # noqa: SLF001 - the resource's SDK
            once = self._once(sdk)
            copied.__dict__[name] = once if sdk is made else type(made)(once)
        return copied

    def _once(self, sdk: Any) -> Any:
        """Return an SDK's client that tries once, with connections of its own unless the user made or routed them."""
        http = sdk._client  # noqa: SLF001 - there is no other way to it
        proxied = any(getattr(self._given, name, None) for name in ("openai_proxy", "anthropic_proxy"))
        if proxied or type(http).__name__ != "_AsyncHttpxClientWrapper":
            return sdk.with_options(max_retries=0)
        own = next((c for c in self._connections if c.base_url == http.base_url and type(c) is type(http)), None)
        if own is None:
            own = type(http)(base_url=sdk.base_url, timeout=sdk.timeout)
            self._connections.append(own)
        return sdk.with_options(max_retries=0, http_client=own)


def _asynchronous(chat: BaseChatModel) -> Iterator[tuple[str, Any]]:
    """Yield what a chat model makes its asynchronous calls with, where that is an SDK of the kind that OpenAI's is."""
    for name in dict.fromkeys((*vars(chat), "_async_client")):
        if "async" in name:
            made = getattr(chat, name, None)
            if _is_sdk(made) or _is_sdk(getattr(made, "_client", None)):
                yield name, made


def _is_sdk(value: object) -> bool:
    return callable(getattr(value, "with_options", None)) and hasattr(value, "max_retries")


def _drawing(chat: BaseChatModel, sampling: Sampling, model: str) -> BaseChatModel:
    """Return the chat model with its settings replaced by those of the request, as far as it has such settings."""
    if sampling.schema is not None:
        raise ModelError(
            ErrorKind.BAD_REQUEST,
            "a LangChain model takes no schema here",
            model=model,
            hint="Ask for JSON in the prompt, as a mode's output_schema does.",
        )
    fields = type(chat).model_fields
    changes = {
        field: value
        for name, fields_of_it in _FIELDS.items()
        if (value := getattr(sampling, name)) is not None
        and (field := next((field for field in fields_of_it if field in fields), None)) is not None
    }
    return chat.model_copy(update=changes) if changes else chat


class _Ending:
    """Adds up what the pieces of an answer say about the whole: usage, the serving model, and why it ended."""

    def __init__(self, model: str) -> None:
        self._model = model
        self._usage: Usage | None = None
        self._finish: str | None = None
        self._served: str | None = None
        self._by: str | None = None
        self._words = False

    def heard(self, message: BaseMessage) -> _Ending:
        told = message.response_metadata
        self._by = told.get("model_provider") or self._by
        self._served = told.get("model_name") or told.get("model") or self._served
        self._finish = next((str(told[name]) for name in _ENDED if told.get(name)), None) or self._finish
        self._usage = _sum(self._usage, getattr(message, "usage_metadata", None))
        self._words = self._words or bool(message.content)
        return self

    def chunk(self) -> Chunk:
        """Return the last chunk.

        Raises:
            ModelError: the stream broke off, or there was nothing in it.
        """
        if self._finish is None and self._by in _ALWAYS_END:
            kind, what = (
                (ErrorKind.CAPACITY, "the stream broke off") if self._words else (ErrorKind.MALFORMED_ANSWER, "an empty stream")
            )
            raise ModelError(kind, what, model=self._model)
        finish = (self._finish or "stop").lower()
        usage = self._usage if self._usage and self._usage.prompt else None  # every prompt has tokens: 0 is "not said"
        return Chunk(finish_reason=_FINISH.get(finish, finish), usage=usage, served=self._served)


def _sum(before: Usage | None, told: Mapping[str, Any] | None) -> Usage | None:
    """Add what a piece says of the usage: pieces tell parts of it, as LangChain's own adding up has it."""
    if not told:
        return before
    usage = before or Usage(0, 0)
    of_input, of_output = told.get("input_token_details") or {}, told.get("output_token_details") or {}
    return Usage(
        prompt=usage.prompt + (told.get("input_tokens") or 0),
        completion=usage.completion + (told.get("output_tokens") or 0),
        cached=usage.cached + (of_input.get("cache_read") or 0),
        reasoning=usage.reasoning + (of_output.get("reasoning") or 0),
        cache_write=usage.cache_write + (of_input.get("cache_creation") or 0),
    )


def _piece(message: BaseMessage) -> Chunk:
    """Return the text of a message, and the thinking before it."""
    if isinstance(message.content, str) and "reasoning_content" not in message.additional_kwargs:
        return Chunk(text=message.content)
    blocks = message.content_blocks
    text = "".join(str(block.get("text", "")) for block in blocks if block["type"] == "text")
    return Chunk(text=text, reasoning="".join(str(b.get("reasoning", "")) for b in blocks if b["type"] == "reasoning"))


def classify(error: Exception, model: str) -> ModelError:
    """Return what an exception of a chat model means.

    Args:
        error: of LangChain, of the SDK behind it, or of its HTTP client.
        model: that was asked.
    """
    if isinstance(error, ModelError):
        return error
    register_found_keys()
    kind = _kind(error)
    hint = _KEY_HINT if kind is ErrorKind.AUTHENTICATION else None
    return ModelError(kind, _words(error), model=model, retry_after=retry_after_of(error), hint=hint)


def _kind(error: Exception) -> ErrorKind:
    bases = [base.__name__ for base in type(error).__mro__]
    if _NOTHING in str(error):
        return ErrorKind.MALFORMED_ANSWER
    if "RateLimitError" in bases or "ModelRateLimitError" in bases:
        return ErrorKind.AUTHENTICATION if "insufficient_quota" in str(error) else ErrorKind.RATE_LIMIT
    named = next((_KINDS[name] for name in bases if name in _KINDS), None)
    return named or kind_of(error, None)


def _words(error: Exception) -> str:
    """Return the provider's own words, in one line."""
    body = getattr(error, "body", None)
    inner = body.get("error", body) if isinstance(body, Mapping) else None
    message = inner.get("message") if isinstance(inner, Mapping) else None
    return redact(" ".join(message.split()))[:500] if isinstance(message, str) and message else words_of(error)
