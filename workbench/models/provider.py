"""What the client asks of a provider: one request in, chunks of an answer out.

A provider does one thing, translate. It neither retries nor limits nor prices; it raises `ModelError` with the right
`ErrorKind`, and closes its connection at once when its task is cancelled or its iterator closed.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator
from dataclasses import dataclass, field
from typing import Any, Protocol

from workbench.events import Timings, Usage


@dataclass(frozen=True, slots=True)
class Sampling:
    """How an answer is drawn. None leaves a setting to the provider.

    `top_k` draws from so many of the likeliest tokens; providers that do not know it are not told. `max_tokens` counts
    completion tokens; `schema` is a JSON Schema that the answer must satisfy.
    """

    temperature: float | None = None
    top_p: float | None = None
    max_tokens: int | None = None
    seed: int | None = None
    stop: tuple[str, ...] = ()
    schema: dict[str, Any] | None = None
    top_k: int | None = None


@dataclass(frozen=True, slots=True)
class Request:
    """One request to one model.

    Attributes:
        model: the id that the provider understands (`anthropic/claude-…`, `local/smollm2-135m`).
        messages: `{"role": "system" | "user" | "assistant", "content": …}`, oldest first.
        timeout: seconds without a byte after which the call counts as hung.
        stream: whether chunks are wanted as they come, or one at the end.
        api_base, api_key: where and as whom, if not the provider's default.
        extra: further parameters, passed through as they are.
        context_caching: whether to ask the provider to cache the beginning of the prompt.
        min_memory: bytes that must be free before the model's weights are loaded; None leaves it to an estimate.
    """

    model: str
    messages: tuple[dict[str, str], ...]
    sampling: Sampling = Sampling()
    timeout: float = 120.0
    stream: bool = True
    api_base: str | None = None
    api_key: str | None = field(default=None, repr=False)
    extra: dict[str, Any] = field(default_factory=dict)
    context_caching: bool = False
    min_memory: int | None = None


@dataclass(frozen=True, slots=True)
class Chunk:
    """A piece of an answer. What is None is not known yet; the last word on each field wins.

    `timings` is set only by a replay, which brings back those of the recorded call.
    """

    text: str = ""
    reasoning: str = ""
    finish_reason: str | None = None
    usage: Usage | None = None
    served: str | None = None
    timings: Timings | None = None


class Provider(Protocol):
    """Speaks one protocol. See `workbench.models.providers` for those that exist."""

    def stream(self, request: Request) -> AsyncGenerator[Chunk, None]:
        """Yield the answer's chunks; the last ones carry finish reason, usage and the serving model.

        Raises:
            ModelError: classified; also after some chunks, when the stream breaks.
        """
        ...

    async def aclose(self) -> None:
        """Release connections and weights."""
        ...
