"""What the turns that must still come take at least: how much money a run keeps back so that its closing words are said.

A turn must come unless it belongs to a later round of a block, or to a further instance of a parallel one that others follow;
once one turn of a round has begun, the round's other turns must come as well. Each is measured by its prompt, as far as it is
known, a short answer, and the cheapest model that may be asked. A text that is not yet said counts eight bytes a token, which
is more than tokenisers put into one on average, in any language that we know of.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from typing import Final

from workbench.dialogue.casting.persons import is_person
from workbench.dialogue.casting.run import RunSpec
from workbench.dialogue.money.budget import Kept, bound_of, prompt_bound
from workbench.dialogue.planning.gates import Result, item_of
from workbench.dialogue.planning.plan import Plan, PlannedTurn
from workbench.dialogue.prompts.context import messages_for
from workbench.dialogue.rules.structured import instruction
from workbench.errors import WorkbenchError
from workbench.models import ModelCard

LEAST_TURN: Final = 256
"""Tokens of an answer for which money is kept back."""
BYTES: Final = 8
"""Of a token, at most, on average over an answer."""
SHORT: Final = BYTES * LEAST_TURN
"""Bytes of a short text."""
_THINKS: Final = 4
"""A model that thinks first gets at least this part of its usual answer, because thoughts count too."""
_MARKS: Final = 0xF0000
"""The first of the private characters that stand for texts while prompts are measured."""


@dataclass(frozen=True, slots=True)
class _Shape:
    """A prompt without the texts of other turns: its bytes, and how often it has each of those."""

    size: int
    has: Counter[str]


class Rest:
    """The turns of a run that are not over, and what they take at least.

    Args:
        spec: the run.
        plan: its turns.
        said: turn id to text; it may grow, and `results` with it.
        results: turn id to result; None for a turn that was skipped.
        cheaper: whether models that are asked to save money count.
    """

    def __init__(
        self, spec: RunSpec, plan: Plan, said: Mapping[str, str], results: Mapping[str, Result | None], *, cheaper: bool
    ) -> None:
        self.spec, self.plan = spec, plan
        self._said, self._results, self._cheaper = said, results, cheaper
        self._followed = {name for turn in plan.turns for name in turn.depends_on}
        self._rounds = _rounds(plan)
        self._marks = {turn.id: chr(_MARKS + number) for number, turn in enumerate(plan.turns)}
        self._to_speak = [turn for turn in plan.spoken if turn.role in spec.cast]  # the others are people's own words
        self._shapes: dict[str, tuple[tuple[int, int, int], _Shape]] = {}

    def must_come(self, turn: PlannedTurn, begun: Collection[str]) -> bool:
        """Whether a turn may not be left out to save money."""
        if turn.round is None or turn.round == 1:
            return True
        if turn.before is None and turn.id not in self._followed:
            return True  # an instance of a parallel block at the end: it may be the one that closes
        return any(name in begun or self._results.get(name) is not None for name in self.round_of(turn))

    def round_of(self, turn: PlannedTurn) -> tuple[str, ...]:
        """Return the turns of the same round of the same block."""
        return self._rounds.get(turn.id, (turn.id,))

    def closes(self, turn: str) -> bool:
        """Whether nothing waits for a turn."""
        return turn not in self._followed

    def least(self, speaking: str | None, begun: Collection[str], bought: Mapping[str, int], paid: Collection[str]) -> Kept:
        """Return what must be kept back.

        Args:
            speaking: the turn whose text is bought now; nothing is kept back for it.
            begun: turns that have begun.
            bought: turns to the bytes of the answers that are bought, or of what their sub-dialogues come to, at most.
            paid: turns whose answers are paid for, or reserved.
        """
        coming = [turn for turn in self._to_speak if turn.id not in self._results and self.must_come(turn, begun)]
        sizes, spoken = self._sizes(coming, bought), {turn.id for turn in coming}
        cost = per_token = 0.0
        for turn in coming:
            if turn.id == speaking or turn.id in paid or is_person(self.spec.cast[turn.role][0]):
                continue
            shape = self._shape(turn, sizes)
            known = ((sizes.get(name, 0), times) for name, times in shape.has.items() if name != speaking or name not in spoken)
            prompt = shape.size + sum(size * times for size, times in known)
            prices = [(bound_of(card, prompt, self.need(turn, card)).cost, card) for card in self.cards(turn)]
            price, card = min(prices, key=lambda each: each[0])
            cost += price
            per_token += shape.has[speaking or ""] * BYTES * bound_of(card, 1_000_000, 0).cost / 1e6
        return Kept(cost, per_token)

    def cards(self, turn: PlannedTurn) -> tuple[ModelCard, ...]:
        """Return the models that may be asked for a turn: where the mode says so, cheaper ones than the one asked for too."""
        chain = self.spec.cast[turn.role]
        return self.spec.models_of(turn.role) if self._cheaper else chain if turn.role in self.spec.routes else chain[:1]

    def prompt(self, turn: PlannedTurn) -> int:
        """Return the bytes of a turn's prompt as it stands."""
        shape = self._measured(turn, self._said)
        return shape.size + sum(self._length(name) * times for name, times in shape.has.items())

    def longest(self, turn: PlannedTurn, card: ModelCard) -> int:
        """Return the tokens that a turn's answer may have."""
        most = self.spec.longest(turn, card)
        return min(most, card.max_output) if card.max_output else most

    def need(self, turn: PlannedTurn, card: ModelCard) -> int:
        """Return the tokens of a short answer."""
        return min(self.longest(turn, card), max(LEAST_TURN, (card.default_output or 0) // _THINKS))

    @property
    def told(self) -> int:
        """The bytes of all that was said."""
        return sum(map(self._length, self._said))

    def _length(self, name: str) -> int:
        return len(self._said.get(name, "").encode(errors="surrogatepass"))

    def _sizes(self, coming: list[PlannedTurn], bought: Mapping[str, int]) -> dict[str, int]:
        """Return the bytes of each text that is or will be there, at most."""
        sizes = {turn.id: max(bought.get(turn.id, 0), SHORT) for turn in coming}
        for turn in self.plan.turns:
            if turn.id in self._said:
                sizes[turn.id] = self._length(turn.id)
            elif turn.id not in self._results and (turn.vote is not None or turn.hook is not None):
                sizes[turn.id] = SHORT
            elif turn.id not in self._results and turn.role in self.spec.spawns:
                sizes[turn.id] = bought.get(turn.id, SHORT * (turn.over.number if turn.over else 1))
        return sizes

    def _shape(self, turn: PlannedTurn, there: Collection[str]) -> _Shape:
        """Return the shape of a prompt, where so many texts are or will be there; measured again once that has changed."""
        skipped = sum(result is None for result in self._results.values())
        state = (len(there), skipped, len(self._results) if turn.item else 0)
        if turn.id not in self._shapes or self._shapes[turn.id][0] != state:
            self._shapes[turn.id] = (state, self._measured(turn, there))
        return self._shapes[turn.id][1]

    def _measured(self, turn: PlannedTurn, there: Collection[str]) -> _Shape:
        added = [each.id for each in self.plan.turns if each.added and each.id in self._said]
        turn = replace(turn, sees=tuple(dict.fromkeys((*turn.sees, *added))))
        texts = {name: self._marks[name] for name in there}
        items, has = {}, Counter[str]()
        for each in (turn, *(self.plan.by_id[name] for name in turn.sees if name in texts)):
            if each.item is None:
                continue
            try:
                items[each.id] = item_of(each.item, self._results, self.plan.parameters)
            except (WorkbenchError, TypeError, LookupError):  # the list is not there yet; an item is no longer than the list
                items[each.id] = ""
                has.update(each.item.turns)
        messages = messages_for(turn, self.plan, texts, self.spec.topic, items, background=self.spec.background)
        names = {mark: name for name, mark in self._marks.items()}
        has.update(names[letter] for message in messages for letter in message["content"] if letter in names)
        asks = 0 if turn.output_schema is None else len(instruction(turn.output_schema).encode()) + 2
        return _Shape(prompt_bound(messages) + asks, has)


def _rounds(plan: Plan) -> dict[str, tuple[str, ...]]:
    """Return the turns of each turn's round: those of one round of a block stand together and share its number."""
    groups: list[list[PlannedTurn]] = []
    for turn in plan.turns:
        if turn.round is not None and groups and groups[-1][-1].round == turn.round:
            groups[-1].append(turn)
        else:
            groups.append([turn])
    return {turn.id: tuple(each.id for each in group) for group in groups for turn in group}
