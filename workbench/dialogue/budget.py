"""Ceilings that are never passed: what a call may cost at most is reserved before it, what it did cost is settled after.

The most that a call can cost is known: no tokeniser makes more tokens than there are bytes, and `max_tokens` bounds the answer.
While other calls hold reservations a call waits for them to settle; alone, it gets what is left, with a smaller `max_tokens`
if need be. A call whose usage stays unknown (cut off, timed out, cancelled) keeps its reservation: the provider may charge it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Final

from workbench.dialogue.mode import LimitsSpec
from workbench.dialogue.run import RunSpec
from workbench.dialogue.transcript import Transcript, Turn
from workbench.errors import BudgetExceededError, ErrorKind
from workbench.events import Call, Usage
from workbench.models import ModelCard, Request
from workbench.models.completion import Settle

LEAST_ANSWER: Final = 16
"""Tokens; a call that could not even say this much is not made."""
_OVERHEAD: Final = 16
"""Tokens that a chat template may put around a message."""
_UNCHARGED: Final = frozenset({ErrorKind.RATE_LIMIT, ErrorKind.CAPACITY, ErrorKind.AUTHENTICATION, ErrorKind.BAD_REQUEST})


@dataclass(frozen=True, slots=True)
class Amount:
    """Money in USD, tokens, and calls."""

    cost: float = 0.0
    tokens: int = 0
    calls: int = 0

    def __add__(self, other: Amount) -> Amount:
        return Amount(self.cost + other.cost, self.tokens + other.tokens, self.calls + other.calls)

    def __sub__(self, other: Amount) -> Amount:
        return Amount(self.cost - other.cost, self.tokens - other.tokens, self.calls - other.calls)


def prompt_bound(messages: Iterable[dict[str, str]]) -> int:
    """Return a number of tokens that the messages cannot exceed."""
    return sum(len(message["content"].encode(errors="surrogatepass")) + _OVERHEAD for message in messages)


def bound(card: ModelCard, messages: Iterable[dict[str, str]], max_tokens: int) -> Amount:
    """Return the most that a call can cost; 0 USD where the price is unknown, which the orchestrator refuses beforehand."""
    usage = Usage(prompt=prompt_bound(messages), completion=max_tokens)
    return Amount(card.cost(usage) or 0.0, usage.total, 1)


def charge(call: Call, reserved: Amount) -> Amount:
    """Return what a call that has ended counts for."""
    if call.usage is not None:
        cost = reserved.cost if call.cost is None else call.cost
        return Amount(cost, call.usage.total, 1)
    if call.outcome in _UNCHARGED and not (call.text or call.reasoning):
        return Amount(calls=1)
    return reserved


def spent(transcript: Transcript, runs: Sequence[RunSpec]) -> Amount:
    """Return what a dialogue has spent at most: what is known, and the bound of each call whose usage was lost.

    Args:
        transcript: of the dialogue.
        runs: all its runs so far, the last one last; a lost call may be one of an earlier run's models.
    """
    plan, total = runs[-1].plan(), Amount()

    def most(turn: Turn, model: str) -> Amount:
        bounds = [
            bound(card, turn.messages, run.longest(plan.by_id[turn.id], card))
            for run in runs
            for card in run.cast.get(turn.role, ())
            if card.name == model
        ]
        return max(bounds, key=lambda amount: (amount.cost, amount.tokens), default=Amount(calls=1))

    for turn in transcript.turns:
        for call in turn.calls:
            total += charge(call, most(turn, call.model))
    for lost in transcript.unended.values():
        total += most(transcript[lost.turn], lost.model)
    return total


class Budget:
    """What one dialogue may still spend.

    Args:
        limits: the ceilings.
        spent: what it spent before, when it is resumed.
        whole: the budget of the dialogue that it is part of, whose ceilings hold as well.
    """

    def __init__(self, limits: LimitsSpec, spent: Amount | None = None, whole: Budget | None = None) -> None:
        self.limits = limits
        self.whole = whole
        self.spent = spent or Amount()
        self._held = Amount()
        self._settled = asyncio.Event()
        self._bounded = any(v is not None for v in (limits.max_cost, limits.max_tokens, limits.max_calls))

    async def reserve(self, card: ModelCard, request: Request) -> tuple[Request, Settle]:
        """Reserve the most that a call can cost; wait while other calls hold what it needs.

        Raises:
            BudgetExceededError: nothing is held by others and not even a short answer fits.
        """
        request, settle, release = await self._hold(card, request)
        if self.whole is None:
            return request, settle
        try:
            request, settle_whole = await self.whole.reserve(card, request)
        except BaseException:
            release()
            raise

        def settle_both(call: Call) -> None:
            settle(call)
            settle_whole(call)

        return request, settle_both

    async def _hold(self, card: ModelCard, request: Request) -> tuple[Request, Settle, Callable[[], None]]:
        """Reserve here; return the request, how to settle the call, and how to give the reservation back without one."""
        if not self._bounded:
            return request, self._count, lambda: None
        wanted = request.sampling.max_tokens or card.max_output or LEAST_ANSWER
        amount = bound(card, request.messages, wanted)
        while self._over(amount):
            if not self._held.calls:
                wanted = self._affordable(card, request, wanted)
                amount = bound(card, request.messages, wanted)
                break
            self._settled.clear()
            await self._settled.wait()
        self._held += amount

        def release() -> None:
            self._held -= amount
            self._settled.set()

        def settle(call: Call) -> None:
            self.spent += charge(call, amount)
            release()

        return replace(request, sampling=replace(request.sampling, max_tokens=wanted)), settle, release

    def _count(self, call: Call) -> None:
        self.spent += charge(call, Amount(calls=1))

    def _over(self, amount: Amount) -> str | None:
        """Return the name of the ceiling that `amount` would pass, None if it fits."""
        after, limits = self.spent + self._held + amount, self.limits
        if limits.max_cost is not None and after.cost > limits.max_cost:
            return "max_cost"
        if limits.max_tokens is not None and after.tokens > limits.max_tokens:
            return "max_tokens"
        if limits.max_calls is not None and after.calls > limits.max_calls:
            return "max_calls"
        return None

    def _affordable(self, card: ModelCard, request: Request, wanted: int) -> int:
        """Return the longest answer that fits, by bisection: the price of a card need not be a line."""
        least, most = LEAST_ANSWER - 1, wanted
        if limit := self._over(bound(card, request.messages, min(LEAST_ANSWER, wanted))):
            raise BudgetExceededError(limit, self._explain(limit, card))
        while most - least > 1:
            middle = (least + most) // 2
            fits = not self._over(bound(card, request.messages, middle))
            least, most = (middle, most) if fits else (least, middle)
        return least

    def _explain(self, limit: str, card: ModelCard) -> str:
        if limit == "max_cost":
            return (
                f"the next call to {card.name} could pass max_cost={self.limits.max_cost:g} USD ({self.spent.cost:.6f} spent)"
            )
        if limit == "max_tokens":
            return f"the next call to {card.name} could pass max_tokens={self.limits.max_tokens} ({self.spent.tokens} spent)"
        return f"max_calls={self.limits.max_calls} are made"
