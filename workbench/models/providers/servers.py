"""Servers of open models: what Ollama and vLLM are asked in, and what to do when they cannot answer.

`ollama/NAME` is asked in Ollama's own protocol (`/api/chat`), `hosted_vllm/NAME` in OpenAI's. Where they listen unless somebody
says otherwise stands in `workbench.models.card`.
"""

from __future__ import annotations

from typing import Any, Final

from workbench.errors import ErrorKind, ModelError
from workbench.models.provider import Chunk, Request
from workbench.models.providers.thinking import Thinking

_OLLAMA: Final = "ollama"
_STARTED: Final = {_OLLAMA: "ollama serve", "hosted_vllm": "vllm serve {name}"}
_UNREACHABLE: Final = ("connect", "refused", "name or service", "getaddrinfo", "unreachable")
_ABSENT: Final = ("not found", "does not exist")


def litellm_id(model: str) -> str:
    """Return a model's id as LiteLLM has it: its `ollama_chat/` leaves the chat template to Ollama, its `ollama/` does not.

    >>> litellm_id("ollama/llama3.2"), litellm_id("openai/gpt-5")
    ('ollama_chat/llama3.2', 'openai/gpt-5')
    """
    return model.replace(f"{_OLLAMA}/", f"{_OLLAMA}_chat/", 1) if model.startswith(f"{_OLLAMA}/") else model


def guesses_counts(model: str) -> bool:
    """Whether LiteLLM makes up the counts that a whole answer lacks (Ollama's, of a cached prompt); of streams it does not."""
    return model.startswith(f"{_OLLAMA}/")


def ollama_root(address: str) -> str:
    """Return Ollama's address, given that or the one of its OpenAI-compatible half."""
    return address.rstrip("/").removesuffix("/v1")


def with_way_out(error: ModelError, request: Request) -> ModelError:
    """Return the error of a call; where a server of open models was asked, with the command that mends it."""
    server, _, name = request.model.partition("/")
    if server not in _STARTED:
        return error
    words, start = error.message.lower(), _STARTED[server].format(name=name)
    if any(word in words for word in _ABSENT) and error.kind is ErrorKind.BAD_REQUEST:
        ways = f"Run: ollama pull {name}" if server == _OLLAMA else f"It serves another model. Run: {start}"
    elif error.kind is ErrorKind.CAPACITY and any(word in words for word in _UNREACHABLE):
        message = f"no server answers at {request.api_base}"
        return ModelError(
            error.kind, message, model=error.model, retry_after=error.retry_after, hint=f"Start it: {start}; or set api_base."
        )
    else:
        return error
    return ModelError(error.kind, error.message.removeprefix(f"{error.model}: "), model=error.model, hint=ways)


def thinking_first(source: Any) -> None:
    """Have the thinking in an Ollama answer told apart before LiteLLM reads it, which takes its tags out and loses count.

    Args:
        source: LiteLLM's reader of the stream.
    """
    parse, thinking = source.chunk_parser, Thinking()

    def parted(chunk: dict[str, Any]) -> Any:  # by this name LiteLLM gives it
        message = chunk.get("message") or {}
        end = "stop" if chunk.get("done") else None
        told = thinking.parted(Chunk(message.get("content") or "", message.get("thinking") or "", finish_reason=end))
        return parse(chunk | {"message": message | {"content": told.text, "thinking": told.reasoning}})

    source.chunk_parser = parted


async def pulled(http: Any, address: str) -> list[str]:
    """Return the names of the models that an Ollama server has, sorted.

    Args:
        http: an `httpx.AsyncClient`.
        address: of the server.

    Raises:
        httpx.HTTPError, ValueError, KeyError, TypeError: it does not answer as Ollama does.
    """
    answer = (await http.get(f"{ollama_root(address)}/api/tags")).raise_for_status()
    return sorted(str(model["name"]) for model in answer.json()["models"])
