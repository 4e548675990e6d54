"""The downgrade path: what a run does before it would pass a ceiling in USD, as its mode declares it.

`cheaper` asks a cheaper model: the role's own fallbacks first, then other models that declare what the role requires. The
record has it as a fallback whose reason is the budget. `fewer_rounds` leaves out the rounds that do not fit, and keeps back
from every other turn what the turns that must still come take at least (`rest`), so that the judge, or whoever closes, is
heard. What still does not fit gets a shorter answer, and where not even that fits the run stops.
"""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Final

from workbench.dialogue.casting.persons import is_person
from workbench.dialogue.money.budget import Budget, Buyer, Keeper, Kept, bound_of
from workbench.dialogue.money.rest import BYTES, SHORT, Rest
from workbench.dialogue.planning.plan import PlannedTurn
from workbench.dialogue.prompts.context import part_of_larger
from workbench.events import Call
from workbench.models import ModelCard, Request
from workbench.models.answer_format import takes_schema
from workbench.models.completion import Reserve, Settle

if TYPE_CHECKING:
    from workbench.dialogue.running.floor import Floor

REASON: Final = "budget: "
"""How the reason of a turn begins that was left out to save money."""


class Saving:
    """How a run saves money. It keeps money back from the moment it joins its budgets until it leaves them.

    Args:
        floor: what the turns of the run share.
    """

    def __init__(self, floor: Floor) -> None:
        path = floor.spec.limits.downgrade
        self.order = floor.budget.order
        self._floor, self._keeps, self._cheaper = floor, "fewer_rounds" in path, "cheaper" in path
        self._cheaper_first = self._cheaper and (not self._keeps or path.index("cheaper") < path.index("fewer_rounds"))
        self._started: set[str] = set()
        self._tokens: dict[str, int] = {}
        self._paid: set[str] = set()
        self._known: tuple[object, dict[str | None, Kept]] = (None, {})
        self._rest = _rest_of(floor, cheaper=self._cheaper)
        before = (event.reason for event in floor.past.skipped.values() if event.reason.startswith(REASON))
        self._cut = next(before, None)

    @property
    def rest(self) -> Rest:
        """The turns that are not over, those that people have added among them."""
        if self._rest.plan is not self._floor.plan:
            self._rest = _rest_of(self._floor, cheaper=self._cheaper)
        return self._rest

    def join(self) -> None:
        """Begin to keep money back."""
        if self._keeps and self._floor.budget.in_money:
            for budget in self._floor.budget.line:
                budget.keepers.append(self)

    def leave(self) -> None:
        """Keep nothing back any more."""
        for budget in self._floor.budget.line:
            if self in budget.keepers:
                budget.keepers.remove(self)

    def kept(self, run: Keeper | None = None, turn: str | None = None) -> Kept:
        """Return what is kept back while a turn buys its answer; worked out again only after something has changed.

        Args:
            run: whose turn it is: this one, or a sub-dialogue of it, what closes there being heard here; None for no turn.
            turn: its id.
        """
        floor, speaking = self._floor, turn if run is self else self._opened(run, turn)
        bought = self._bought()
        state = (len(floor.results), len(floor.plan.turns), len(self._started), tuple(bought.items()), frozenset(self._paid))
        if self._known[0] != state:
            self._known = (state, {})
        known = self._known[1]
        if speaking not in known:
            known[speaking] = self.rest.least(speaking, self._started, bought, self._paid)
        return known[speaking]

    def _opened(self, run: Keeper | None, turn: str | None) -> str | None:
        """Return the turn that opened a sub-dialogue whose closing turn is given."""
        for opener, spawning in self._floor.spawning.items():
            for engine in spawning.live.values():
                if engine.saving is run and turn is not None and engine.saving.rest.closes(turn):
                    return opener
        return None

    def _bought(self) -> dict[str, int]:
        """Return the bytes at most of answers that are being bought, and of what sub-dialogues come to."""
        bought = {turn: BYTES * tokens for turn, tokens in self._tokens.items()}
        for turn, spawning in self._floor.spawning.items():
            live = [engine.saving.comes_to for engine in spawning.live.values()]
            bought[turn] = sum(live) + SHORT * (len(spawning.topics) - len(live))
        return bought

    @property
    def comes_to(self) -> int:
        """The bytes at most of the text that closes the run."""
        rest, said = self.rest, self._floor.said
        sizes = [
            len(said[turn.id].encode(errors="surrogatepass")) if turn.id in said else BYTES * self._tokens.get(turn.id, 0)
            for turn in self._floor.plan.turns
            if rest.closes(turn.id)
        ]
        return max(SHORT, *sizes)

    def reserve_for(self, turn: PlannedTurn) -> Reserve:
        """Return what a turn's calls reserve by."""
        return partial(self._reserve, turn)

    async def _reserve(self, turn: PlannedTurn, card: ModelCard, request: Request) -> tuple[Request, Settle]:
        floor, rest = self._floor, self.rest
        if not floor.budget.in_money:
            return await floor.budget.reserve(card, request)
        behind = floor.spec.cast[turn.role][1:]
        offers = (behind, floor.spec.cheaper.get(turn.role, ())) if self._cheaper else ()
        buyer = Buyer(
            run=self,
            turn=turn.id,
            offers=tuple(floor.spec.patient(turn, group) for group in offers),
            longest=partial(rest.longest, turn),
            need=partial(rest.need, turn),
        )
        if any(card.name == offer.name for offer in floor.spec.cheaper.get(turn.role, ())):
            request = _fitting(card, request, rest.longest(turn, card))
        request, settle = await floor.budget.reserve(card, request, buyer)
        self._started.add(turn.id)
        self._tokens[turn.id] = request.sampling.max_tokens or 0
        self._paid.add(turn.id)

        def settled(call: Call) -> None:
            if not call.ok:  # else it is paid for, and about to be over
                self._paid.discard(turn.id)
            settle(call)

        return request, settled

    def skip(self, turn: PlannedTurn) -> str | None:
        """Return why a turn that is about to begin is left out; None if it is not."""
        if not self._keeps or not self._floor.budget.in_money or turn.vote is not None or turn.hook is not None:
            return None
        rest = self.rest
        if turn.spawn is not None:
            return self._unaffordable(turn, _children(rest, turn))
        if is_person(self._floor.spec.cast[turn.role][0]):
            return None
        if not rest.must_come(turn, self._started):
            self._cut = self._cut or self._too_much(turn, rest)
            if self._cut is not None:
                return self._cut
        self._started.add(turn.id)
        return None

    def _too_much(self, turn: PlannedTurn, rest: Rest) -> str | None:
        """Return why another round does not fit: its first turn whole, its others and all that must come as short as may be."""
        prompt, started = rest.prompt(turn), self._started | set(rest.round_of(turn))
        own = rest.least(turn.id, started, self._bought(), self._paid)

        def whole(card: ModelCard) -> float:
            tokens = rest.longest(turn, card)
            return bound_of(card, prompt, tokens).cost + own.per_token * tokens

        cards = rest.cards(turn) if self._cheaper_first else rest.cards(turn)[:1]
        return self._unaffordable(turn, own.cost + min(map(whole, cards)), started)

    def _unaffordable(self, turn: PlannedTurn, wanted: float, started: set[str] | None = None) -> str | None:
        """Return why a turn does not fit.

        Args:
            turn: that is about to begin.
            wanted: USD that it takes, with what is kept back; calls that are under way will leave some of what they hold.
            started: turns that must come once it has begun, if it adds any.
        """
        least = self.rest.least(None, started or self._started, self._bought(), self._paid).cost
        wanted += 0.0 if started else least
        for budget in self._floor.budget.line:
            ceiling = budget.limits.max_cost
            if ceiling is None:
                continue
            others = sum(keeper.kept().cost for keeper in budget.keepers if keeper.order <= self.order and keeper is not self)
            spent = budget.spent.cost + others
            if spent + wanted > ceiling or spent + budget.held.cost + least > ceiling:
                so_far = f"{budget.spent.cost:.6f} spent, {others + least:.6f} kept back for what must still come"
                return f"{REASON}{turn.id} could pass {_name(budget)}={ceiling:g} USD ({so_far})"
        return None


def _rest_of(floor: Floor, *, cheaper: bool) -> Rest:
    return Rest(floor.spec, floor.plan, floor.said, floor.results, cheaper=cheaper)


def _name(budget: Budget) -> str:
    return "max_cost" if budget.name == "dialogue" else f"[budget] {budget.name}"


def _children(rest: Rest, turn: PlannedTurn) -> float:
    """Return what the sub-dialogues of a turn take at least."""
    if turn.role not in rest.spec.spawns:
        return 0.0
    spec = rest.spec.spawns[turn.role]
    spec = spec.model_copy(update={"topic": rest.spec.topic, "background": part_of_larger("x" * rest.told)})
    child = Rest(spec, spec.plan(), {}, {}, cheaper="cheaper" in spec.limits.downgrade)
    return (turn.over.number if turn.over else 1) * child.least(None, (), {}, ()).cost


def _fitting(card: ModelCard, request: Request, longest: int) -> Request:
    """Return a request that was made for another model as this one takes it."""
    sampling = request.sampling
    schema = sampling.schema if sampling.schema and takes_schema(card, sampling.schema) else None
    tokens = min(sampling.max_tokens or longest, longest)
    return replace(request, sampling=replace(sampling, schema=schema, max_tokens=tokens))
