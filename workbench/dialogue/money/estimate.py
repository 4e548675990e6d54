"""What a run will probably take, and what it can take at most, before anything is asked.

Expected: a prompt has a token for every four bytes of what is known of it, and the expected answers of the turns that it
shows; an answer is as long as this model's answers in this mode usually were, or 300 tokens where the record does not say.
At most: what the budget would reserve for each call if every answer before it were as long as it may be.
Both count one call a turn, by the first model of each role. Unknown is not zero: without prices there is no cost.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from math import ceil
from statistics import median
from typing import Final

from workbench.dialogue.casting.run import RunSpec
from workbench.dialogue.export.facts import money
from workbench.dialogue.money.budget import prompt_bound
from workbench.dialogue.planning.gates import item_of
from workbench.dialogue.planning.plan import Plan, PlannedTurn
from workbench.dialogue.prompts.context import Message, messages_for
from workbench.events import Usage
from workbench.models import ModelCard

ASSUMED: Final = 300
"""Tokens of an answer where the record does not say."""
ENOUGH: Final = 5
"""So many recorded answers make a habit."""
BYTES_PER_TOKEN: Final = 4
PER_MESSAGE: Final = 4
"""Tokens that a chat template usually puts around a message."""
_RECENT: Final = 5000
_MARKS: Final = 0xF0000
"""The first of the private characters that stand for texts not yet spoken while prompts are measured."""
_MARK: Final = re.compile("[\U000f0000-\U000ffffd]")


@dataclass(frozen=True, slots=True)
class Habit:
    """How long a model's answers usually are: the median, in tokens, of so many."""

    tokens: int
    answers: int


@dataclass(frozen=True, slots=True)
class TurnEstimate:
    """What one turn will take.

    Attributes:
        turn: its id.
        model: the card that is asked first.
        prompt_tokens: expected, like `completion_tokens` and `cost` (USD; None when the price is unknown).
        answers: how many recorded answers the expectation rests on; 0 when it is assumed.
        most_tokens: what a budget would reserve at most, like `most_cost`.
    """

    turn: str
    model: str
    prompt_tokens: int
    completion_tokens: int
    cost: float | None
    answers: int
    most_tokens: int
    most_cost: float | None


@dataclass(frozen=True, slots=True)
class Estimate:
    """What a run will take, turn by turn; and `within` it so many sub-dialogues at most, with what one of them will take."""

    turns: tuple[TurnEstimate, ...]
    within: tuple[tuple[int, Estimate], ...] = ()

    @property
    def everything(self) -> tuple[TurnEstimate, ...]:
        """Its turns, and those of as many sub-dialogues as may open."""
        return self.turns + tuple(turn for number, each in self.within for turn in each.everything * number)

    @property
    def prompt_tokens(self) -> int:
        """Expected, of everything."""
        return sum(turn.prompt_tokens for turn in self.everything)

    @property
    def completion_tokens(self) -> int:
        """Expected, of everything."""
        return sum(turn.completion_tokens for turn in self.everything)

    @property
    def cost(self) -> float | None:
        """Expected USD of the turns whose price is known; None when none is."""
        return _sum(turn.cost for turn in self.everything)

    @property
    def most_tokens(self) -> int:
        """Reserved at most, of everything."""
        return sum(turn.most_tokens for turn in self.everything)

    @property
    def most_cost(self) -> float | None:
        """Reserved USD at most, of the turns whose price is known; None when none is."""
        return _sum(turn.most_cost for turn in self.everything)

    @property
    def unpriced(self) -> int:
        """Turns whose price is unknown."""
        return sum(turn.cost is None for turn in self.everything)

    @property
    def total(self) -> str:
        """The sums in one sentence."""
        tokens = f"{self.prompt_tokens:,} tokens in and {self.completion_tokens:,} out"
        most = f" and {money(self.most_cost)}" if self.most_cost and not self.unpriced else ""
        return f"Expected: {tokens}, {self._price}. At most {self.most_tokens:,} tokens{most} would be reserved."

    @property
    def _price(self) -> str:
        if not self.unpriced or self.cost is None:
            return money(self.cost)
        unknown = f"{self.unpriced} of {len(self.everything)} turns have no known price"
        return f"at least {money(self.cost)} ({unknown})" if self.cost else f"cost unknown ({unknown}, the others are free)"

    @property
    def basis(self) -> str:
        """What it rests on, in one line."""
        known = {turn.model: turn.answers for turn in self.everything if turn.answers}
        assumed = dict.fromkeys(turn.model for turn in self.everything if not turn.answers)
        parts = [f"the median of {answers} recorded answers of {model}" for model, answers in known.items()]
        if assumed:
            parts.append(f"up to {ASSUMED} tokens assumed for {', '.join(assumed)}")
        opened = sum(number for number, _ in self.within)
        counted = f" Counted with {opened} sub-dialogues, which is as many as may open." if opened else ""
        return (
            f"Answers: {'; '.join(parts)}. Prompts: a token for every {BYTES_PER_TOKEN} bytes. "
            f"Prices of the model cards, without retries and fallbacks.{counted}"
        )


def estimate_run(spec: RunSpec, habits: Mapping[str, Habit] | None = None) -> Estimate:
    """Estimate a run.

    Args:
        spec: as `Orchestrator.prepare` returns it.
        habits: of each model in this mode, see `habits_in`; models that it does not name are assumed to say 300 tokens.
    """
    plan, habits = spec.plan(), habits or {}
    longest = {turn.id: _longest(spec, turn, _first(spec, turn)) for turn in plan.spoken}
    expected = {turn.id: min(_habit(habits, _first(spec, turn)).tokens, longest[turn.id]) for turn in plan.spoken}
    topic, background = _MARK.sub("?", spec.topic), _MARK.sub("?", spec.background)
    marks = {turn.id: chr(_MARKS + turn.index) for turn in plan.turns}
    said = {mark: turn_id for turn_id, mark in marks.items()}
    items = {turn.id: _MARK.sub("?", item) for turn in plan.spoken if (item := _item(turn, plan))}
    messages = {turn.id: messages_for(turn, plan, marks, topic, items, background=background) for turn in plan.spoken}
    return Estimate(
        tuple(_turn(_first(spec, turn), turn, messages[turn.id], said, expected, longest, habits) for turn in plan.spoken),
        within=tuple(
            (
                turn.over.number if turn.over else 1,
                estimate_run(spec.spawns[turn.role].model_copy(update={"topic": spec.topic})),
            )
            for turn in plan.turns
            if turn.role in spec.spawns
        ),
    )


def prompts_of(plan: Plan, topic: str, background: str = "") -> dict[str, list[Message]]:
    """Return the messages of each turn before anything is said: what is not yet known stands as `{turn_id}`."""
    unknown = {turn.id: f"{{{turn.id}}}" for turn in plan.turns}
    return {turn.id: messages_for(turn, plan, unknown, topic, background=background) for turn in plan.spoken}


def habits_in(record: str | None, mode: str) -> dict[str, Habit]:
    """Return how long the answers of each model usually are in a mode, from its latest complete turns.

    Args:
        record: its URL; nothing is known where there is no record yet, and none is made.
        mode: its name.

    Raises:
        RecordError: the record cannot be read.
    """
    if record is None:
        return {}
    from workbench.records.queries import glance

    with glance(record) as reader:
        found = reader.answer_lengths(mode, _RECENT) if reader else {}
    return {model: Habit(round(median(said)), len(said)) for model, said in found.items() if len(said) >= ENOUGH}


def _turn(
    card: ModelCard,
    turn: PlannedTurn,
    messages: list[Message],
    said: Mapping[str, str],
    expected: Mapping[str, int],
    longest: Mapping[str, int],
    habits: Mapping[str, Habit],
) -> TurnEstimate:
    """Estimate a turn whose messages have a mark for each text that is not yet spoken."""
    marks = (mark for message in messages for mark in _MARK.findall(message["content"]))
    texts = [said[mark] for mark in marks if said.get(mark) in expected]  # a mode may have private characters of its own
    known = [message | {"content": _MARK.sub("", message["content"])} for message in messages]
    written = sum(len(message["content"].encode(errors="surrogatepass")) for message in known)
    usage = Usage(
        prompt=ceil(written / BYTES_PER_TOKEN) + PER_MESSAGE * len(messages) + sum(expected[name] for name in texts),
        completion=expected[turn.id],
    )
    most = Usage(
        prompt=prompt_bound(known) + sum(BYTES_PER_TOKEN * longest[name] for name in texts),
        completion=longest[turn.id],
    )
    return TurnEstimate(
        turn=turn.id,
        model=card.name,
        prompt_tokens=usage.prompt,
        completion_tokens=usage.completion,
        cost=card.cost(usage),
        answers=_habit(habits, card).answers,
        most_tokens=most.total,
        most_cost=card.cost(most),
    )


def _item(turn: PlannedTurn, plan: Plan) -> str:
    """Return the item that a turn is about, where a parameter lists it; nothing where a turn will."""
    gate = turn.item
    listed = plan.parameters.get(gate.expression) if gate else None
    return item_of(gate, {}, plan.parameters) if gate and isinstance(listed, list) and gate.number <= len(listed) else ""


def _first(spec: RunSpec, turn: PlannedTurn) -> ModelCard:
    return spec.cast[turn.role][0]


def _habit(habits: Mapping[str, Habit], card: ModelCard) -> Habit:
    return habits.get(card.name, Habit(ASSUMED, 0))


def _longest(spec: RunSpec, turn: PlannedTurn, card: ModelCard) -> int:
    """Return how long an answer may be: what the run asks for, within what the model can produce."""
    wished = spec.longest(turn, card)
    return min(wished, card.max_output) if card.max_output else wished


def _sum(costs: Iterable[float | None]) -> float | None:
    known = [cost for cost in costs if cost is not None]
    return sum(known) if known else None
