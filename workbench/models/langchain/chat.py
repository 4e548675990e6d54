"""One of our models as a LangChain `BaseChatModel`: text in, text out, with the client's retries, fallbacks and prices.

It may be used on any event loop and on any thread but the engine's own; the calls run on the engine's. Tools and structured
output are not supported, and raise LangChain's `NotImplementedError`.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import aclosing, closing
from typing import Any, Final

from langchain_core.callbacks import AsyncCallbackManagerForLLMRun, CallbackManagerForLLMRun
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, AIMessageChunk, BaseMessage, ChatMessage
from langchain_core.messages.ai import UsageMetadata
from langchain_core.outputs import ChatGeneration, ChatGenerationChunk, ChatResult
from pydantic import Field, field_validator

from workbench.errors import ErrorKind, ModelError
from workbench.events import Call, Usage
from workbench.loop import drain, iterate
from workbench.models.completion import Notice, Piece, Started
from workbench.models.model import Message, Model
from workbench.models.provider import Sampling

_ROLES: Final = {"system": "system", "human": "user", "ai": "assistant"}
_TAKEN: Final = ("temperature", "top_p", "max_tokens", "seed")


class ChatWorkbench(BaseChatModel):
    """A model of ours in LangChain.

    Args:
        model: a name, a card, a `ModelConfig` or a `Model`.
        temperature, top_p, max_tokens, seed, stop: defaults; a call may give others.

    >>> chat = ChatWorkbench(model="claude-sonnet", max_tokens=200)             # doctest: +SKIP
    >>> chat.invoke("Which weighs more?").text                                  # doctest: +SKIP
    """

    model: Any = Field(repr=False)
    temperature: float | None = None
    top_p: float | None = None
    max_tokens: int | None = None
    seed: int | None = None
    stop: list[str] | None = None

    @field_validator("model")
    @classmethod
    def _as_model(cls, value: Any) -> Model:
        return value if isinstance(value, Model) else Model(value)

    @property
    def _llm_type(self) -> str:
        return "workbench"

    @property
    def _identifying_params(self) -> dict[str, Any]:
        return {"model": self._name} | {name: getattr(self, name) for name in (*_TAKEN, "stop")}

    @property
    def _name(self) -> str:
        name: str = self.model.name
        return name

    def _get_ls_params(self, stop: list[str] | None = None, **kwargs: Any) -> Any:
        return super()._get_ls_params(stop=stop, **kwargs) | {"ls_provider": "workbench", "ls_model_name": self._name}

    def _generate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,  # noqa: ARG002 - LangChain's signature
        **kwargs: Any,
    ) -> ChatResult:
        source = self.model.notices(_plain(messages), self._sampling(stop, kwargs))
        return _result([notice for notice in drain(source) if isinstance(notice, Call)])

    async def _agenerate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: AsyncCallbackManagerForLLMRun | None = None,  # noqa: ARG002 - LangChain's signature
        **kwargs: Any,
    ) -> ChatResult:
        source = self.model.notices(_plain(messages), self._sampling(stop, kwargs))
        return _result([notice async for notice in iterate(source) if isinstance(notice, Call)])

    def _stream(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> Iterator[ChatGenerationChunk]:
        pieces = _Pieces(self._name)
        source = self.model.notices(_plain(messages), self._sampling(stop, kwargs))
        with closing(drain(source)) as notices:  # type: ignore[type-var]
            for notice in notices:
                if (chunk := pieces.chunk(notice)) is not None:
                    if run_manager:
                        run_manager.on_llm_new_token(chunk.text, chunk=chunk)
                    yield chunk

    async def _astream(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: AsyncCallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> AsyncIterator[ChatGenerationChunk]:
        pieces = _Pieces(self._name)
        source = self.model.notices(_plain(messages), self._sampling(stop, kwargs))
        async with aclosing(iterate(source)) as notices:  # type: ignore[type-var]
            async for notice in notices:
                if (chunk := pieces.chunk(notice)) is not None:
                    if run_manager:
                        await run_manager.on_llm_new_token(chunk.text, chunk=chunk)
                    yield chunk

    def _sampling(self, stop: list[str] | None, given: dict[str, Any]) -> Sampling:
        if unknown := given.keys() - {*_TAKEN, "stream"}:
            raise NotImplementedError(f"ChatWorkbench does not take {', '.join(sorted(unknown))}; it takes {', '.join(_TAKEN)}")
        values = {name: given.get(name, getattr(self, name)) for name in _TAKEN}
        return Sampling(**values, stop=tuple(stop or self.stop or ()))


class _Pieces:
    """Makes LangChain's chunks of what happens to a request.

    Args:
        name: of the model asked, for errors.
    """

    def __init__(self, name: str) -> None:
        self._name = name
        self._said = False
        self._calls: list[Call] = []

    def chunk(self, notice: Notice) -> ChatGenerationChunk | None:
        """Return a chunk for a notice; None for one that LangChain has no word for.

        Raises:
            ModelError: the answer broke off after a part of it went out, which LangChain cannot take back.
        """
        if isinstance(notice, Piece):
            self._said = True
            thinking = {"reasoning_content": notice.reasoning} if notice.reasoning else {}
            return ChatGenerationChunk(message=AIMessageChunk(content=notice.text, additional_kwargs=thinking))
        if isinstance(notice, Started):
            return None
        self._calls.append(notice)
        if not notice.ok:
            if self._said:
                raise self._broken(notice)
            return None
        told = _told(self._calls)
        return ChatGenerationChunk(message=AIMessageChunk(content="", chunk_position="last", **told))

    def _broken(self, broke: Call) -> ModelError:
        kind = ErrorKind(broke.outcome) if broke.outcome in set(ErrorKind) else ErrorKind.CAPACITY
        return ModelError(
            kind,
            f"the answer broke off, and a part of it is out already ({broke.error})",
            model=self._name,
            hint="Ask again; `invoke` retries by itself.",
        )


def _result(calls: list[Call]) -> ChatResult:
    answer = calls[-1]
    thinking = {"reasoning_content": answer.reasoning} if answer.reasoning else {}
    message = AIMessage(content=answer.text, additional_kwargs=thinking, **_told(calls))
    return ChatResult(generations=[ChatGeneration(message=message)])


def _told(calls: Sequence[Call]) -> dict[str, Any]:
    """Return what LangChain's messages carry about an answer."""
    answer = calls[-1]
    metadata = {
        "model_name": answer.served or answer.model,
        "model": answer.model,
        "asked": answer.asked,
        "finish_reason": answer.finish_reason,
        "cost": answer.cost,
        "attempts": len(calls),
        "fallback_reason": answer.fallback_reason,
    }
    return {"response_metadata": metadata, "usage_metadata": _usage(answer.usage)}


def _usage(usage: Usage | None) -> UsageMetadata | None:
    if usage is None:
        return None
    return UsageMetadata(
        input_tokens=usage.prompt,
        output_tokens=usage.completion,
        total_tokens=usage.total,
        input_token_details={"cache_read": usage.cached},
        output_token_details={"reasoning": usage.reasoning},
    )


def _plain(messages: Sequence[BaseMessage]) -> list[Message]:
    """Return LangChain's messages as ours, which carry text only."""
    return [{"role": _role(message), "content": _text(message)} for message in messages]


def _role(message: BaseMessage) -> str:
    role = message.role if isinstance(message, ChatMessage) else _ROLES.get(message.type)
    if role not in _ROLES.values() or getattr(message, "tool_calls", None):
        raise NotImplementedError(f"ChatWorkbench takes system, human and AI messages without tools, not {message.type!r}")
    return str(role)


def _text(message: BaseMessage) -> str:
    if isinstance(message.content, str):
        return message.content
    others = {block["type"] for block in message.content_blocks} - {"text", "reasoning"}
    if others:
        raise NotImplementedError(f"ChatWorkbench takes text only, not {', '.join(sorted(others))}")
    return str(message.text)
