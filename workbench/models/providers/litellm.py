"""Hosted models and OpenAI-compatible endpoints, through LiteLLM.

LiteLLM knows each provider's protocol; `quiet` keeps it to that, `failures` says what its exceptions mean. Here requests
become its parameters, and its chunks ours.
"""

from __future__ import annotations

import asyncio
import contextlib
import weakref
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from dataclasses import replace
from typing import Any, Final

from workbench.errors import ErrorKind, ModelError
from workbench.events import Usage
from workbench.models.answer_format import response_format
from workbench.models.provider import Chunk, Request
from workbench.models.providers.failures import classify
from workbench.models.providers.joined import joined
from workbench.models.providers.quiet import ask, library
from workbench.models.providers.rush import Rush
from workbench.models.providers.servers import guesses_counts, litellm_id, ollama_root, thinking_first, with_way_out
from workbench.models.providers.thinking import Thinking

_ROOTS: Final = {"anthropic": "/v1/messages"}
"""Providers whose `api_base` LiteLLM wants with the whole path at its end."""


def knows(model: str) -> bool:
    """Whether LiteLLM can tell which provider serves a model id."""
    try:
        library().get_llm_provider(model)
    except Exception:  # noqa: BLE001 - BadRequestError, whose import costs seconds
        return False
    return True


_closing: Final = asyncio.Lock()
_users: Final[weakref.WeakSet[LiteLLMProvider]] = weakref.WeakSet()
"""The providers that may have calls out: LiteLLM's connections belong to the process, and only the last one closes them."""


class LiteLLMProvider:
    """Speaks to hosted models. Its connections live until the last one of its kind is closed."""

    def __init__(self) -> None:
        self._door = asyncio.Lock()
        self._rush = Rush()

    async def stream(self, request: Request) -> AsyncGenerator[Chunk, None]:
        """Yield the answer's chunks; see `Provider.stream`."""
        if not _imported():
            await asyncio.to_thread(library)
        await self._in_line()
        async with _closing:
            _users.add(self)
        try:
            with self._rush:
                streamed = request.stream or guesses_counts(request.model)
                response = await ask(**_parameters(replace(request, stream=streamed)))
                if not streamed:
                    yield Thinking().parted(_whole(response))
                    return
                async with contextlib.aclosing(_chunks(response, request)) as chunks:
                    async for chunk in chunks if request.stream else joined(chunks):
                        yield chunk
        except Exception as error:  # noqa: BLE001 - all of it is classified and raised
            raise with_way_out(classify(error, request), request) from None

    async def _in_line(self) -> None:
        """Let one call through at a time: LiteLLM prepares each for a millisecond; a hundred at once would block the loop."""
        async with self._door:
            await asyncio.sleep(0)

    async def aclose(self) -> None:
        """Close LiteLLM's connections, unless another provider uses them: its answers would stop in the middle."""
        _users.discard(self)
        if not _imported():
            return
        async with _closing:
            if not _users:
                with contextlib.suppress(Exception):
                    await library().close_litellm_async_clients()


def _imported() -> bool:
    return bool(library.cache_info().currsize)


def _parameters(request: Request) -> dict[str, Any]:
    sampling = request.sampling
    parameters: dict[str, Any] = {
        "model": litellm_id(request.model),
        "messages": _messages(request),
        "timeout": request.timeout,
        "temperature": sampling.temperature,
        "top_p": sampling.top_p,
        "top_k": sampling.top_k,
        "max_tokens": sampling.max_tokens,
        "seed": sampling.seed,
        "stop": list(sampling.stop) or None,
        "api_key": request.api_key,
        "api_base": _address(request),
    }
    if sampling.schema is not None:
        parameters["response_format"] = response_format(sampling.schema)
    if request.stream:
        parameters |= {"stream": True, "stream_options": {"include_usage": True}}
    return {name: value for name, value in parameters.items() if value is not None} | request.extra


def _messages(request: Request) -> list[dict[str, Any]]:
    """Return the messages, with the ends of what stays the same marked for the provider's cache where one asked for that.

    That is the system prompt, and all before the last question: what is sent next begins with it. Up to a mark the provider
    caches, and reads from there for the next five minutes.
    """
    messages: list[dict[str, Any]] = list(request.messages)
    if not request.context_caching:
        return messages
    systems = [at for at, message in enumerate(messages) if message["role"] == "system"]
    for at in {*systems[-1:], len(messages) - 2} & set(range(len(messages))):
        if text := messages[at]["content"]:
            block = {"type": "text", "text": text, "cache_control": {"type": "ephemeral"}}
            messages[at] = messages[at] | {"content": [block]}
    return messages


def _address(request: Request) -> str | None:
    """Return the endpoint as LiteLLM wants it."""
    if request.api_base is None:
        return None
    if request.model.startswith("ollama/"):
        return ollama_root(request.api_base)
    path = _ROOTS.get(request.model.partition("/")[0], "")
    base = request.api_base.rstrip("/")
    return base if base.endswith(path) else base + path


async def _chunks(wrapper: Any, request: Request) -> AsyncGenerator[Chunk, None]:
    """Yield the chunks of LiteLLM's stream wrapper.

    Its own iteration keeps and adds up every chunk for logs that nobody reads, which costs most of a stream's time; its
    `chunk_creator` is the translation alone. A stream that ends without the provider's own finish reason was cut. Usage is
    told at the end alone: what providers count on the way there is less than what they charge for.
    """
    heard, last, usage, source, thinking = False, Chunk(), None, None, Thinking()
    try:
        source = wrapper.completion_stream or await wrapper.fetch_stream()
        finished = _finish_watch(source)
        if request.model.startswith("ollama/"):
            thinking_first(source)
        async for made, raw in _translated(wrapper, source):
            last = _raw_facts(raw)
            chunk = replace(_piece(made), served=last.served)
            usage = _usage(getattr(made, "usage", None)) or last.usage or usage
            heard = heard or bool(chunk.text or chunk.reasoning or chunk.served)
            yield thinking.parted(chunk)
        finish = _finish(getattr(wrapper, "received_finish_reason", None)) or last.finish_reason
        if finish is None or not finished():
            kind, what = (
                (ErrorKind.CAPACITY, "the stream broke off") if heard else (ErrorKind.MALFORMED_ANSWER, "an empty stream")
            )
            raise ModelError(kind, what, model=request.model)
        yield thinking.parted(Chunk(finish_reason=finish, usage=usage))
    finally:
        await _close(wrapper, source)


def _finish_watch(source: Any) -> Callable[[], bool]:
    """Return what tells, after the stream, whether the provider itself ended it.

    LiteLLM gives every piece of a Gemini stream the finish reason `stop`, the last one of a broken stream too; what Gemini
    said is only in the events that it parses.
    """
    parse = getattr(source, "chunk_parser", None)
    if parse is None or "gemini" not in type(source).__module__:
        return lambda: True
    ends: list[bool] = []

    def watched(chunk: dict[str, Any]) -> Any:
        ends.extend(bool(candidate.get("finishReason")) for candidate in chunk.get("candidates") or ())
        ends.append("promptFeedback" in chunk)
        return parse(chunk)

    source.chunk_parser = watched
    return lambda: any(ends)


async def _translated(wrapper: Any, source: Any) -> AsyncIterator[tuple[Any, Any]]:
    """Yield LiteLLM's chunk and what it was made from."""
    if not hasattr(source, "__aiter__"):
        async for chunk in wrapper:
            yield chunk, chunk
        return
    over = False
    async for raw in source:
        if raw is None:
            continue
        made = None
        if not over:
            try:
                made = wrapper.chunk_creator(chunk=raw)
            except StopIteration:
                over = True
        yield made, raw


def _raw_facts(raw: Any) -> Chunk:
    """Return what LiteLLM's chunk loses of the provider's: the serving model, Gemini's usage and finish reason."""
    choices = getattr(raw, "choices", None)
    return Chunk(
        finish_reason=_finish(choices[0].finish_reason) if choices else None,
        usage=_usage(getattr(raw, "usage", None)),
        served=getattr(raw, "model", None),
    )


async def _close(wrapper: Any, source: Any) -> None:
    """Hang up, so that a provider stops writing (and charging) at once. Who holds the connection differs by provider."""
    holders = (source, wrapper, getattr(source, "http_response", None), getattr(source, "streaming_response", None))
    for holder in holders:
        with contextlib.suppress(Exception):
            await holder.aclose()  # type: ignore[union-attr]


def _whole(response: Any) -> Chunk:
    if not getattr(response, "choices", None):
        raise ModelError(ErrorKind.MALFORMED_ANSWER, "the answer has no choices", model=str(getattr(response, "model", "")))
    choice = response.choices[0]
    return Chunk(
        text=choice.message.content or "",
        reasoning=getattr(choice.message, "reasoning_content", None) or "",
        finish_reason=_finish(choice.finish_reason) or "stop",
        usage=_usage(getattr(response, "usage", None)),
        served=getattr(response, "model", None),
    )


def _piece(chunk: Any) -> Chunk:
    if chunk is None or not chunk.choices:
        return Chunk()
    delta = chunk.choices[0].delta
    return Chunk(text=delta.content or "", reasoning=getattr(delta, "reasoning_content", None) or "")


def _finish(reason: Any) -> str | None:
    return str(reason) if reason else None


def _usage(usage: Any) -> Usage | None:
    if usage is None or not (usage.prompt_tokens or usage.completion_tokens):
        return None
    prompt, completion = getattr(usage, "prompt_tokens_details", None), getattr(usage, "completion_tokens_details", None)
    return Usage(
        prompt=usage.prompt_tokens or 0,
        completion=usage.completion_tokens or 0,
        cached=getattr(prompt, "cached_tokens", None) or 0,
        reasoning=getattr(completion, "reasoning_tokens", None) or 0,
        cache_write=getattr(usage, "cache_creation_input_tokens", None) or 0,
    )
