"""What a caller of a model sees: the pieces as they come, each call as it ends, and the completion at the end."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from workbench.events import Call, Timings, Usage
from workbench.models.card import ModelCard
from workbench.models.provider import Request


@dataclass(frozen=True, slots=True)
class Started:
    """A request goes out to `card`; `attempt` counts from 1 for each model of the chain."""

    call: str
    card: ModelCard
    attempt: int


@dataclass(frozen=True, slots=True)
class Piece:
    """A piece of the answer, or of the thinking before it."""

    call: str
    text: str = ""
    reasoning: str = ""


@dataclass(frozen=True, slots=True)
class Completion:
    """A whole answer.

    Attributes:
        text: the answer.
        reasoning: the model's thinking, where the provider shows it; never part of `text`.
        asked: name of the card that was asked for.
        model: name of the card that answered; another one than `asked` after a fallback.
        served: the model that the provider says answered.
        usage: tokens; None when the provider did not say.
        cost: USD of the answering call; None, never 0, when unknown.
        saved: USD that the provider's cache took off it; None where nothing was cached, or prices are unknown.
        timings: seconds.
        attempts: calls made in all, failed ones included.
        finish_reason: `stop`, `length`, `content_filter`, …
        fallback_reason: why the model asked for did not serve; None when it did.
    """

    text: str
    reasoning: str
    asked: str
    model: str
    served: str | None
    usage: Usage | None
    cost: float | None
    timings: Timings
    attempts: int
    finish_reason: str | None
    fallback_reason: str | None = None
    saved: float | None = None

    @property
    def tokens(self) -> dict[str, int | None]:
        """`prompt`, `completion`, `total`, `cached` and `reasoning` tokens; None when the provider did not say."""
        names = ("prompt", "completion", "total", "cached", "reasoning")
        return {name: getattr(self.usage, name) if self.usage else None for name in names}


Notice = Started | Piece | Call
Notify = Callable[[Notice], None]
"""Told of everything that happens to a request, on the event loop; must not block."""

Settle = Callable[[Call], None]
Reserve = Callable[[ModelCard, Request], Awaitable[tuple[Request, Settle]]]
"""Asked before each call; raises `BudgetExceededError` to forbid it, `TooDearError` to have another model asked, else returns
the request, perhaps with a smaller `max_tokens`, and whom to tell when the call has ended."""


class TooDearError(Exception):
    """A call does not fit what may be spent, but one to another model does. Never seen by users: the client turns to that one.

    Args:
        instead: the card to ask.
    """

    def __init__(self, instead: ModelCard) -> None:
        super().__init__(instead.name)
        self.instead = instead
