"""How large a baseline may be for the debate's money: so many samples, or so many rounds.

The size is the one whose expected spend comes closest to what the debate took; the dry run's estimate says what to expect, and
is scaled by what runs took beside their estimates before. The engine's budget holds the run. Since it reserves upper bounds,
its ceiling lies above the target by what the largest call reserves beyond what it is expected to take: at first by no more than
the target again, and where the run stops there without an answer, by all of it.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final, NamedTuple

from workbench.dialogue.baselines.approaches import BASELINES, baseline_run
from workbench.dialogue.baselines.spend import Unit
from workbench.dialogue.casting.run import RunSpec
from workbench.dialogue.money.estimate import BYTES_PER_TOKEN, Habit, TurnEstimate, estimate_run
from workbench.dialogue.planning.plan import PlannedTurn
from workbench.dialogue.rules.mode import LimitsSpec
from workbench.dialogue.rules.structured import instruction
from workbench.events import Usage
from workbench.models import ModelCard

MOST: Final = 64
"""Samples or rounds that a baseline has at most, however much the debate took."""


class Lengths(NamedTuple):
    """Tokens of an answer: of one in words, and of one that is data; None where nobody knows."""

    words: int | None = None
    data: int | None = None


@dataclass(frozen=True, slots=True)
class Sized:
    """A baseline's run.

    Attributes:
        run: ready, with its first ceiling.
        expected: what it will take by the estimate alone, in the comparison's unit.
        wider: the ceiling with which it goes on where the first one leaves it without an answer.
    """

    run: RunSpec
    expected: float
    wider: dict[str, float | int | None]


def sized(debate: RunSpec, name: str, topic: str, target: float, unit: Unit, lengths: Lengths, scale: float) -> Sized:
    """Return a baseline whose spend comes as close to the debate's as whole samples or rounds allow.

    Args:
        debate: whose models play it.
        name: of the baseline.
        topic: of the case.
        target: what the debate took on it, in the unit.
        unit: in which spends are equal.
        lengths: of answers here.
        scale: what this approach takes for every 1 that is expected.
    """
    best: tuple[RunSpec, float, float] | None = None
    for size in (None,) if BASELINES[name] is None else range(1, MOST + 1):
        run = baseline_run(debate, name, topic, size)
        expected, slack = forecast(run, unit, lengths)
        if best is not None and abs(expected * scale - target) > abs(best[1] * scale - target):
            break
        best = run, expected, slack
        if expected * scale >= target:
            break
    assert best is not None
    run, expected, slack = best
    limits = LimitsSpec.model_validate(_ceiling(target + min(slack, target), unit))
    return Sized(run.model_copy(update={"limits": limits}), expected, _ceiling(target + slack, unit))


def forecast(run: RunSpec, unit: Unit, lengths: Lengths) -> tuple[float, float]:
    """Return what a run will take by the estimate, and the most that one of its calls reserves beyond that.

    Turns that take place on a condition only are left out: in a baseline they break ties.

    Args:
        run: of a baseline.
        unit: of both numbers.
        lengths: of answers; where they are not known the estimate assumes some.
    """
    plan = run.plan()
    habits = {} if lengths.words is None else {chain[0].name: Habit(lengths.words, 1) for chain in run.cast.values()}
    expected, slack = 0.0, 0.0
    for taken in estimate_run(run, habits).turns:
        turn = plan.by_id[taken.turn]
        if all(gate.kind != "when" for gate in turn.gates):
            usual, most = _amounts(taken, turn, run.cast[turn.role][0], unit, lengths)
            expected, slack = expected + usual, max(slack, most - usual)
    return expected, slack


def _amounts(taken: TurnEstimate, turn: PlannedTurn, card: ModelCard, unit: Unit, lengths: Lengths) -> tuple[float, float]:
    """Return what a turn will take, and what it reserves at most.

    One that gives data is asked for it at the end of its prompt, gives a short answer, and may be asked once more.
    """
    usual, most = Usage(taken.prompt_tokens, taken.completion_tokens), Usage(taken.most_tokens, 0)
    if turn.output_schema is not None:
        asked = len(instruction(turn.output_schema))
        usual = Usage(usual.prompt + asked // BYTES_PER_TOKEN, lengths.data or usual.completion)
        most = Usage(2 * (most.prompt + asked), 0)
    if unit == "tokens":
        return usual.total, most.total
    factor = most.total / taken.most_tokens if taken.most_tokens else 1.0
    return card.cost(usual) or 0.0, (taken.most_cost or 0.0) * factor


def _ceiling(amount: float, unit: Unit) -> dict[str, float | int | None]:
    return {"max_cost": amount} if unit == "USD" else {"max_tokens": math.ceil(amount)}
