"""Models that run in this process: no key, no server, nothing leaves the machine.

`local/NAME` speaks with the weights that `workbench models pull NAME` fetched, `local/PATH.gguf` with any GGUF file, and
`transformers/NAME` with a model of Hugging Face Transformers. What is in memory at a time is `residents`' business.
The chunks come from a `Generation`'s thread over a queue; leaving the stream, for whatever reason, stops the thread.
"""

from __future__ import annotations

import asyncio
import struct
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, Final, Protocol

from workbench.errors import ErrorKind, ModelError, WeightsError, WorkbenchError
from workbench.events import Usage
from workbench.models.answer_format import response_format
from workbench.models.capacity import estimated_need, gguf_cache_size
from workbench.models.provider import Chunk, Request, Sampling
from workbench.models.providers.joined import joined
from workbench.models.providers.llama import CONTEXT, SLOTS, Generation, Raw, engine_for
from workbench.models.providers.residents import Residents, Wanted, shared
from workbench.models.providers.thinking import Thinking
from workbench.models.vocabulary import read_header
from workbench.models.weights import is_source, weights_path

DEFAULT_MAX_TOKENS: Final = 1024
"""Completion tokens of a request that sets no limit: small models do not know when to end."""

_KINDS: Final = {
    "exceed_context_size_error": ErrorKind.CONTEXT_TOO_LONG,
    "invalid_request_error": ErrorKind.BAD_REQUEST,
    "not_supported_error": ErrorKind.BAD_REQUEST,
    "unavailable_error": ErrorKind.CAPACITY,
}


class LocalProvider:
    """Speaks with weights on this machine. Loads them on first use and keeps them while there is room, until it is closed.

    Args:
        residents: the models in memory; by default those of this process.
    """

    def __init__(self, residents: Residents = shared) -> None:
        self._residents = residents
        self._generations: set[Generation] = set()

    async def stream(self, request: Request) -> AsyncGenerator[Chunk, None]:
        """Yield the answer's chunks; empty ones tell that the prompt is still being read.

        Raises:
            ModelError: classified; weights that are missing are a bad request, and the hint says how to get them.
            CapacityError: there is no room for them in memory.
        """
        loop = asyncio.get_running_loop()
        queue: asyncio.Queue[Raw | Exception | None] = asyncio.Queue()

        def deliver(what: Raw | Exception | None) -> None:
            loop.call_soon_threadsafe(queue.put_nowait, what)

        generation = Generation(lambda hear: self._compute(request, hear), deliver)
        self._generations = {one for one in self._generations if one.running} | {generation}
        try:
            chunks = _translate(queue, request.model, _served(request.model))
            async for chunk in chunks if request.stream else joined(chunks):
                yield chunk
        finally:
            generation.stop()

    async def aclose(self) -> None:
        """Stop what still runs and let go of the weights."""
        for generation in self._generations:
            generation.stop()
        for generation in self._generations:
            await asyncio.to_thread(generation.join)
        self._residents.release(self)

    def _compute(self, request: Request, hear: Callable[[Raw], bool]) -> None:
        with self._residents.using(_wanted(request), self) as engine:
            engine.answer(_body(request), hear)


class _Engine(Protocol):
    def answer(self, body: Raw, hear: Callable[[Raw], bool]) -> None: ...


def _wanted(request: Request) -> Wanted[_Engine]:
    backend, _, name = request.model.partition("/")
    if backend == "transformers":
        from workbench.models.providers import transformers

        return transformers.wanted(name, request)
    path = _find(name)
    return Wanted(path.resolve(), request.model, lambda: request.min_memory or _need(path), lambda: engine_for(path))


def _need(path: Path) -> int:
    try:
        cache = gguf_cache_size(read_header(path), SLOTS * CONTEXT)
    except (KeyError, ValueError, struct.error):  # llama.cpp says it better when it loads the file
        cache = None
    return estimated_need(path.stat().st_size, cache)


def _find(name: str) -> Path:
    if is_source(name) or not name.endswith(".gguf"):
        return weights_path(name)
    path = Path(name).expanduser().resolve()
    if not path.is_file():
        raise WeightsError(f"There is no file {path}", hint="Check the path after local/.")
    return path


def _served(model: str) -> str:
    name = model.partition("/")[2]
    if name.endswith(".gguf"):
        return Path(name).stem
    folder = Path(name).expanduser()
    return folder.resolve().name if model.startswith("transformers/") and folder.is_dir() else name


def _body(request: Request) -> Raw:
    """Spell a request as llama.cpp reads it.

    >>> from workbench.models.provider import Sampling
    >>> body = _body(Request(model="local/x", messages=(), sampling=Sampling(seed=1, stop=("END",))))
    >>> body["seed"], body["stop"], body["max_tokens"], body["cache_prompt"]
    (1, ['END'], 1024, False)
    """
    return {
        "messages": list(request.messages),
        "stream": True,
        "stream_options": {"include_usage": True},
        "return_progress": True,
        **_drawing(request.sampling),
        **request.extra,
    }


def _drawing(sampling: Sampling) -> Raw:
    drawing: Raw = {"max_tokens": sampling.max_tokens or DEFAULT_MAX_TOKENS}
    drawing |= {
        key: value for key in ("temperature", "top_p", "top_k", "seed") if (value := getattr(sampling, key)) is not None
    }
    if sampling.seed is not None:
        drawing["cache_prompt"] = False  # a prompt read in other portions rounds differently, and draws other words
    if sampling.stop:
        drawing["stop"] = list(sampling.stop)
    if sampling.schema is not None:
        drawing["response_format"] = response_format(sampling.schema)
    return drawing


async def _translate(queue: asyncio.Queue[Raw | Exception | None], model: str, served: str) -> AsyncIterator[Chunk]:
    last, thinking = Chunk(served=served), Thinking()
    while (raw := await queue.get()) is not None:
        if isinstance(raw, Exception):
            raise _failure(raw, model) from raw
        if "error" in raw:
            raise _refusal(raw["error"], model)
        last = replace(last, finish_reason=_finish(raw) or last.finish_reason, usage=_usage(raw) or last.usage)
        yield thinking.parted(_delta(raw))
    if last.finish_reason is None:
        raise ModelError(ErrorKind.MALFORMED_ANSWER, "the answer broke off", model=model)
    yield thinking.parted(last)


def _delta(raw: Raw) -> Chunk:
    delta = _choice(raw).get("delta") or {}
    return Chunk(text=delta.get("content") or "", reasoning=delta.get("reasoning_content") or "")


def _finish(raw: Raw) -> str | None:
    reason = _choice(raw).get("finish_reason")
    return None if reason is None else "length" if reason == "length" else "stop"


def _choice(raw: Raw) -> dict[str, Any]:
    choices = raw.get("choices") or [{}]
    return dict(choices[0])


def _usage(raw: Raw) -> Usage | None:
    if not (usage := raw.get("usage")):
        return None
    cached = (usage.get("prompt_tokens_details") or {}).get("cached_tokens") or 0
    return Usage(prompt=usage["prompt_tokens"], completion=usage["completion_tokens"], cached=cached)


def _refusal(error: dict[str, Any], model: str) -> ModelError:
    kind = _KINDS.get(error.get("type", ""), ErrorKind.MALFORMED_ANSWER)
    return ModelError(kind, str(error.get("message") or error), model=model)


def _failure(error: Exception, model: str) -> ModelError:
    if isinstance(error, ModelError):
        return error
    if isinstance(error, WorkbenchError):
        return ModelError(ErrorKind.BAD_REQUEST, error.message, model=model, hint=error.hint)
    kind = ErrorKind.BAD_REQUEST if isinstance(error, (ValueError, TypeError)) else ErrorKind.MALFORMED_ANSWER
    if isinstance(error, MemoryError) or type(error).__name__ == "OutOfMemoryError":  # the latter is PyTorch's
        kind = ErrorKind.CAPACITY
    return ModelError(kind, str(error), model=model)
