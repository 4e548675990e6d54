"""Ceilings that are never passed: what a call may cost at most is reserved before it, what it did cost is settled after.

The most that a call can cost is known: no tokeniser makes more tokens than there are bytes, and `max_tokens` bounds the answer.
While other calls hold reservations a call waits for them to settle; alone, it gets what is left: of a cheaper model where the
mode allows that (`downgrade`), else with a smaller `max_tokens`. A call whose usage stays unknown (cut off, timed out,
cancelled) keeps its reservation: the provider may charge it.

Budgets nest: a sub-dialogue's is part of its parent's, and a dialogue's of the day's and the workspace's (`purse`). A call is
held against all of them at once or against none.
"""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Final, Literal, Protocol

from workbench.dialogue.casting.run import RunSpec
from workbench.dialogue.rules.mode import LimitsSpec
from workbench.dialogue.transcript import Transcript, Turn
from workbench.errors import UNCHARGED, BudgetExceededError
from workbench.events import Call, CallStarted, Usage
from workbench.models import ModelCard, Request
from workbench.models.completion import Settle, TooDearError

LEAST_ANSWER: Final = 16
"""Tokens; a call that could not even say this much is not made."""
_OVERHEAD: Final = 16
"""Tokens that a chat template may put around a message."""
_made: Final = itertools.count()


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
    return bound_of(card, prompt_bound(messages), max_tokens)


def bound_of(card: ModelCard, prompt: int, max_tokens: int) -> Amount:
    """Return the most that a call can cost, with a prompt of so many tokens at most."""
    usages = [Usage(prompt=prompt, completion=max_tokens)]
    if card.context_caching:
        usages.append(Usage(prompt=prompt, completion=max_tokens, cache_write=prompt))  # writing costs more than reading
    return Amount(max(card.cost(usage) or 0.0 for usage in usages), usages[0].total, 1)


def charge(call: Call, reserved: Amount) -> Amount:
    """Return what a call that has ended counts for."""
    if call.usage is not None:
        cost = reserved.cost if call.cost is None else call.cost
        return Amount(cost, call.usage.total, 1)
    if call.outcome in UNCHARGED and not (call.text or call.reasoning):
        return Amount(calls=1)
    return reserved


def charges(transcript: Transcript, runs: Sequence[RunSpec]) -> Iterator[tuple[Call | CallStarted, Amount]]:
    """Yield each call of a dialogue with what it counts for: what is known, or its bound where its usage was lost.

    Args:
        transcript: of the dialogue.
        runs: all its runs so far, the last one last; a lost call may be one of an earlier run's models.
    """
    plan = runs[-1].plan()

    def most(turn: Turn, model: str) -> Amount:
        bounds = [
            bound(card, turn.messages, run.longest(plan.by_id[turn.id], card))
            for run in runs
            for card in run.models_of(turn.role)
            if card.name == model
        ]
        return max(bounds, key=lambda amount: (amount.cost, amount.tokens), default=Amount(calls=1))

    for turn in transcript.turns:
        for call in turn.calls:
            yield call, charge(call, most(turn, call.model))
    for lost in transcript.unended.values():
        yield lost, most(transcript[lost.turn], lost.model)


def spent(transcript: Transcript, runs: Sequence[RunSpec]) -> Amount:
    """Return what a dialogue has spent at most; arguments as for `charges`."""
    return sum((amount for _, amount in charges(transcript, runs)), Amount())


@dataclass(frozen=True, slots=True)
class Kept:
    """USD that are kept back: `cost`, and `per_token` more for each token that the answer bought now may have."""

    cost: float = 0.0
    per_token: float = 0.0


class Keeper(Protocol):
    """A run that keeps money back for the turns that must still come. See `downgrade.Saving`."""

    order: int
    """Of its budget: nobody takes what a run keeps that began earlier, or that is part of the same dialogue."""

    def kept(self, run: Keeper | None = None, turn: str | None = None) -> Kept:
        """Return what is kept back while a turn of a run buys its answer: of this run, or of one that is part of it."""
        ...


@dataclass(frozen=True, slots=True)
class Buyer:
    """Who buys: a turn of a run.

    Attributes:
        run: it belongs to.
        turn: its id.
        offers: what may be asked instead of a model that is too dear, in groups; an earlier group comes before a cheaper card.
        longest: tokens that the answer may have when a card gives it.
        need: tokens below which an answer of a card's is hardly one.
    """

    run: Keeper
    turn: str
    offers: tuple[tuple[ModelCard, ...], ...]
    longest: Callable[[ModelCard], int]
    need: Callable[[ModelCard], int]


@dataclass(frozen=True, slots=True)
class _Wish:
    """A call that somebody wants to make."""

    prompt: int
    tokens: int
    kept: dict[int, Kept]
    """Position of a budget in the line to what is kept back there."""
    by_itself: bool = False
    """Whether only the ceiling of a single call matters."""

    def amount(self, card: ModelCard, tokens: int) -> Amount:
        return bound_of(card, self.prompt, tokens)


class Budget:
    """What one dialogue, one day or one workspace may still spend.

    Args:
        limits: the ceilings.
        spent: what was spent before.
        whole: the budget that it is part of, whose ceilings hold as well.
        name: whose it is.
    """

    def __init__(
        self,
        limits: LimitsSpec,
        spent: Amount | None = None,
        whole: Budget | None = None,
        name: Literal["dialogue", "day", "workspace"] = "dialogue",
    ) -> None:
        self.limits, self.whole, self.name = limits, whole, name
        self.spent = spent or Amount()
        self.held = Amount()
        self.keepers: list[Keeper] = []
        self.order: int = whole.order if whole and whole.name == "dialogue" else next(_made)
        self._settled = asyncio.Event()

    @property
    def line(self) -> list[Budget]:
        """It and those that it is part of, the nearest first."""
        return [self, *(self.whole.line if self.whole else ())]

    @property
    def in_money(self) -> bool:
        """Whether a ceiling in USD holds."""
        return any(each.limits.max_cost is not None or each.limits.max_call_cost is not None for each in self.line)

    def kept(self, buyer: Buyer | None, *, own: bool = True) -> Kept:
        """Return what is kept back from a buyer: for the run's own turns, and for runs that began earlier."""
        if self.limits.max_cost is None:
            return Kept()
        found = [
            keeper.kept(buyer.run, buyer.turn) if buyer else keeper.kept()
            for keeper in self.keepers
            if buyer is None or (keeper.order <= buyer.run.order and (own or keeper is not buyer.run))
        ]
        return Kept(sum(each.cost for each in found), sum(each.per_token for each in found))

    async def reserve(self, card: ModelCard, request: Request, buyer: Buyer | None = None) -> tuple[Request, Settle]:
        """Reserve the most that a call can cost; wait while other calls hold what it needs.

        Raises:
            TooDearError: another card is to be asked instead.
            BudgetExceededError: nothing is held by others and not even a short answer fits.
        """
        line = self.line
        bounded = any(each.bounded for each in line)
        tokens = request.sampling.max_tokens or card.max_output or LEAST_ANSWER
        prompt = prompt_bound(request.messages) if bounded else 0
        if any(each.too_dear(bound_of(card, prompt, tokens)) for each in line):
            tokens = self._settle_for(card, _Wish(prompt, tokens, {}, by_itself=True), buyer)
        while bounded:
            wish = _Wish(prompt, tokens, {place: each.kept(buyer) for place, each in enumerate(line)})
            over = [each for each, _ in self._over(card, wish, tokens)]
            if not over:
                break
            busy = next((each for each in over if each.held.calls), None)
            if busy is None:
                tokens = self._settle_for(card, wish, buyer)
                break
            busy._settled.clear()  # noqa: SLF001 - of this class
            await busy._settled.wait()  # noqa: SLF001 - as above
        amount = bound_of(card, prompt, tokens) if bounded else Amount(calls=1)
        for each in line:
            each.held += amount

        def settle(call: Call) -> None:
            for each in line:
                each.settle(call, amount)

        return (replace(request, sampling=replace(request.sampling, max_tokens=tokens)) if bounded else request), settle

    def settle(self, call: Call, amount: Amount) -> None:
        """Count a call that has ended, and let go of what was reserved for it."""
        self.spent += charge(call, amount)
        self.held -= amount
        self._settled.set()

    @property
    def bounded(self) -> bool:
        """Whether it has any ceiling that calls count against."""
        limits = self.limits
        return any(v is not None for v in (limits.max_cost, limits.max_call_cost, limits.max_tokens, limits.max_calls))

    def too_dear(self, amount: Amount) -> bool:
        """Whether a single call may not cost so much."""
        return self.limits.max_call_cost is not None and amount.cost > self.limits.max_call_cost

    def passed(self, amount: Amount, kept: float = 0.0) -> str | None:
        """Return the name of the ceiling that `amount` would pass, None if it fits."""
        after, limits = self.spent + self.held + amount, self.limits
        if limits.max_cost is not None and after.cost + kept > limits.max_cost:
            return "max_cost"
        if limits.max_tokens is not None and after.tokens > limits.max_tokens:
            return "max_tokens"
        if limits.max_calls is not None and after.calls > limits.max_calls:
            return "max_calls"
        return None

    def _over(self, card: ModelCard, wish: _Wish, tokens: int) -> list[tuple[Budget, str]]:
        """Return the budgets of the line that an answer of so many tokens would pass, and which of their ceilings."""
        amount = wish.amount(card, tokens)
        if wish.by_itself:
            return [(each, "max_call_cost") for each in self.line if each.too_dear(amount)]
        kept = [wish.kept[place].cost + wish.kept[place].per_token * tokens for place in range(len(wish.kept))]
        over = ((each, each.passed(amount, kept[place])) for place, each in enumerate(self.line))
        return [(each, limit) for each, limit in over if limit is not None]

    def _settle_for(self, card: ModelCard, wish: _Wish, buyer: Buyer | None) -> int:
        """Return the longest answer that fits; what cannot be kept back for the run's own turns is not kept back.

        Raises:
            TooDearError: another card gives a whole answer, or a longer one.
            BudgetExceededError: no card gives any.
        """
        tries = [wish]
        if buyer is not None and not wish.by_itself:
            tries.append(replace(wish, kept={n: each.kept(buyer, own=False) for n, each in enumerate(self.line)}))
        for each in tries:
            if buyer is not None and (instead := self._instead(card, each, buyer)) is not None:
                raise TooDearError(instead)
            if (tokens := self._affordable(card, each, each.tokens)) >= min(LEAST_ANSWER, each.tokens):
                return tokens
        last = tries[-1]
        budget, limit = self._over(card, last, min(LEAST_ANSWER, last.tokens))[0]
        raise budget._exceeded(limit, card)  # noqa: SLF001 - of this class

    def _instead(self, card: ModelCard, wish: _Wish, buyer: Buyer) -> ModelCard | None:
        """Return the card to ask instead: the cheapest that gives a whole answer, else the one that gives most of one."""
        price = wish.amount(card, wish.tokens).cost
        groups = [
            sorted((o for o in group if _fits_window(o, wish)), key=lambda o: wish.amount(o, wish.tokens).cost)
            for group in buyer.offers
        ]
        offers = [o for group in groups for o in group if wish.amount(o, wish.tokens).cost < price]
        for offer in offers:
            if not self._over(offer, wish, min(wish.tokens, buyer.longest(offer))):
                return offer

        def share(each: ModelCard) -> float:
            tokens = self._affordable(each, wish, min(wish.tokens, buyer.longest(each)))
            return min(tokens / max(buyer.need(each), 1), 1.0) if tokens >= LEAST_ANSWER else 0.0

        best = max((card, *offers), key=share)  # the first of equals: the card itself
        return None if best is card else best

    def _affordable(self, card: ModelCard, wish: _Wish, most: int) -> int:
        """Return the longest answer that fits, by bisection: the price of a card need not be a line. 0 for none."""
        if self._over(card, wish, min(LEAST_ANSWER, most)):
            return 0
        least, most = min(LEAST_ANSWER, most), most + 1
        while most - least > 1:
            middle = (least + most) // 2
            least, most = (least, middle) if self._over(card, wish, middle) else (middle, most)
        return least

    def _exceeded(self, limit: str, card: ModelCard) -> BudgetExceededError:
        name, limits, spent = card.name, self.limits, self.spent
        if limit == "max_call_cost":
            return BudgetExceededError(
                limit, f"a call to {name} could cost more than max_call_cost={limits.max_call_cost:g} USD"
            )
        if limit == "max_cost" and self.name != "dialogue":
            whose = "today's budget" if self.name == "day" else "the workspace's budget"
            way_out = f"[budget] {self.name} in workbench.toml raises it" + (", or wait until tomorrow" * (self.name == "day"))
            return BudgetExceededError(
                f"budget.{self.name}",
                f"the next call to {name} could pass {whose} of {limits.max_cost:g} USD ({spent.cost:.6f} spent); {way_out}",
                hint=f"{way_out}; then resume.",
            )
        if limit == "max_cost":
            left = f"the next call to {name} could pass max_cost={limits.max_cost:g} USD ({spent.cost:.6f} spent)"
            return BudgetExceededError(limit, left)
        if limit == "max_tokens":
            left = f"the next call to {name} could pass max_tokens={limits.max_tokens} ({spent.tokens} spent)"
            return BudgetExceededError(limit, left)
        return BudgetExceededError(limit, f"max_calls={limits.max_calls} are made")


def _fits_window(card: ModelCard, wish: _Wish) -> bool:
    """Whether a prompt probably fits a card's window: four bytes make a token, roughly."""
    return card.context_window is None or wish.prompt / 4 + LEAST_ANSWER <= card.context_window
