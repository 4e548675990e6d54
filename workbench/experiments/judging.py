"""Judges: models that mark an output by a rubric, or say which of two outputs is better.

A pair is shown in both orders, without names; where the two disagree, or one says so, it is a tie. Each judgement is a dialogue
of its own, with an id that follows from what is judged.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from workbench.dialogue.baselines.referee import ORDERS, REFEREE_MODE, pair_shown, winner_of
from workbench.dialogue.casting.run import RunSpec
from workbench.dialogue.dialogue import Dialogue
from workbench.dialogue.money.budget import Budget
from workbench.dialogue.orchestrator import Orchestrator
from workbench.dialogue.rules.documents import read_document
from workbench.experiments.arms import as_text, complained, dialogue_id, filled, held_as
from workbench.experiments.definition import Definition, MetricSpec
from workbench.experiments.lanes import Seats
from workbench.models import ModelCard

_RUBRIC_MODE: Final = Path(__file__).with_name("rubric.yaml")
_MARK: Final = """\
The rubric:

{rubric}

The lowest mark is {low}, the highest {high}.

The case:

{case}

The answer:

{answer}"""
_SIDES: Final[Mapping[str, str]] = {"debate": "control", "baseline": "treatment", "tie": "tie"}


@dataclass(frozen=True, slots=True)
class Judgement:
    """What a judge found.

    Attributes:
        value: the mark; `control`, `treatment` or `tie` for a pair; None where the judge gave no answer.
        reason: of a mark.
        error: why there is no value.
        dialogues: ids.
        cost: USD of all judging calls; None is unknown.
    """

    value: float | str | None
    dialogues: tuple[str, ...]
    reason: str = ""
    error: str | None = None
    cost: float | None = None


@dataclass(slots=True)
class Judge:
    """A metric that asks a model.

    Args:
        name: of the metric.
        spec: of the metric.
        orchestrator: holds the dialogues.
        run: settled but for topic and seed.
    """

    name: str
    spec: MetricSpec
    orchestrator: Orchestrator
    run: RunSpec
    lane: str = field(init=False)

    def __post_init__(self) -> None:
        """Find out whose seats it takes."""
        self.lane = self.card.provider

    @property
    def card(self) -> ModelCard:
        """The model that is asked first."""
        return self.run.cast["judge"][0]

    def ids(self, run: str, number: int, arm: str, repeat: int, attempt: int) -> tuple[str, ...]:
        """Return the ids of the dialogues that judge an observation."""
        orders = ORDERS if self.spec.kind == "pairwise" else ("",)
        return tuple(dialogue_id(run, number, arm, repeat, attempt, self.name, order) for order in orders)

    async def mark(
        self, output: str, case: Mapping[str, Any], seed: int, dialogue: str, lane: Seats, budget: Budget, *, there: bool
    ) -> Judgement:
        """Return the mark of an output."""
        low, high = self.spec.scale
        shown = "\n".join(f"{name}: {as_text(value)}" for name, value in case.items())
        rubric = filled(self.spec.rubric, case)
        topic = _MARK.format_map({"rubric": rubric, "low": low, "high": high, "case": shown, "answer": output})
        held = await self._asked(topic, seed, dialogue, lane, budget, there=there)
        data = held.snapshot().data.get("mark") or {}
        mark = data.get("mark")
        error = None if mark is not None else held.reason or "the judge gave no mark"
        return Judgement(
            None if mark is None else float(mark), (dialogue,), str(data.get("reason", "")), error, held.metrics.cost
        )

    async def compare(
        self,
        outputs: tuple[str, str],
        case: Mapping[str, Any],
        seed: int,
        ids: tuple[str, ...],
        lane: Seats,
        budget: Budget,
        *,
        there: Collection[str],
    ) -> Judgement:
        """Return which of two outputs is better, the control's and the treatment's. Equal ones are a tie and cost nothing."""
        if outputs[0].strip() == outputs[1].strip():
            return Judgement("tie", ())
        question = "\n".join(f"{name}: {as_text(value)}" for name, value in case.items())
        if self.spec.rubric:
            question += f"\n\nWhat counts: {filled(self.spec.rubric, case)}"
        both = []
        for order, dialogue in zip(ORDERS, ids, strict=True):
            topic = pair_shown(question, outputs, order)
            both.append(await self._asked(topic, seed, dialogue, lane, budget, there=dialogue in there))
        costs = [held.metrics.cost for held in both if held.metrics.cost is not None]
        spent = sum(costs) if costs else None
        if failed := next((held for held in both if not held.status.succeeded), None):
            return Judgement(None, ids, error=failed.reason or "the judge gave no answer", cost=spent)
        return Judgement(_SIDES[winner_of((both[0], both[1]))], ids, cost=spent)

    async def _asked(self, topic: str, seed: int, dialogue: str, lane: Seats, budget: Budget, *, there: bool) -> Dialogue:
        """Return the judge's dialogue, at its end."""
        entered, congested = await lane.enter(), False
        try:
            run = self.run.model_copy(update={"topic": topic, "seed": seed})
            held = await held_as(self.orchestrator, run, dialogue, budget, there=there)
            congested = complained(held)
        finally:
            lane.leave(entered, congested=congested)
        return held


def judges_of(definition: Definition, orchestrator: Orchestrator) -> dict[str, Judge]:
    """Return the metrics that ask a model, settled; nothing is called.

    Raises:
        WorkbenchError: a model is unknown, or a price that a ceiling needs is not known.
    """
    limits = {} if definition.limits.max_cost is None else {"max_cost": definition.limits.max_cost}
    found = {}
    for name, spec in definition.metrics.items():
        if spec.kind not in {"judge", "pairwise"}:
            continue
        mode = dict(read_document(REFEREE_MODE if spec.kind == "pairwise" else _RUBRIC_MODE).data)
        if spec.kind == "judge":
            mark = mode["turns"][0]["output_schema"]["properties"]["mark"]
            mark["minimum"], mark["maximum"] = spec.scale
        run, _ = orchestrator.prepare(
            mode, "settled for each case", participants={"judge": spec.model or ""}, limits=limits, stream=False
        )
        found[name] = Judge(name, spec, orchestrator, run)
    return found
