"""Makes one observation, or judges one pair: asks the arm, finds out what the answer is worth, and has it kept.

A `Maker` does so in this process. A run may have many of them, in other processes (`engines.cluster`); what they share (seats,
money) they are given.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from workbench.errors import BudgetExceededError, WorkbenchError
from workbench.experiments.arms import Arm, Case, Outcome, Unit
from workbench.experiments.definition import MEASURED, Definition
from workbench.experiments.judging import Judge, Judgement
from workbench.experiments.keeping import Halt, Keeper
from workbench.experiments.lanes import Seats
from workbench.experiments.metrics import score
from workbench.experiments.money import Uncut
from workbench.records.experiments import ExperimentRows, ObservationRow

Left = Callable[[bool], None]
"""Is called once the arm has answered, so that its seat is free: with whether a provider complained."""


@dataclass(frozen=True, slots=True)
class Pair:
    """Two observations of a case and repeat that are kept and are to be judged side by side."""

    control: ObservationRow
    treatment: ObservationRow
    case: Case


class Making(Protocol):
    """Makes the observations of a run, here or elsewhere."""

    async def open(self) -> None:
        """Make ready."""
        ...

    async def observe(self, unit: Unit, left: Left) -> bool:
        """Make an observation; return, once it is on disk, whether it has an answer. Cancelling it stops its calls.

        Raises:
            Halt: the run cannot go on.
            RecordError: the observation cannot be kept.
        """
        ...

    async def compare(self, pair: Pair) -> None:
        """Judge a pair, and return once that is on disk. Raises the same."""
        ...

    async def close(self) -> None:
        """Leave nothing behind."""
        ...


@dataclass(slots=True)
class Maker:
    """Makes observations in this process, on the engine's loop.

    Args:
        rows: the record.
        run: id.
        definition: what is run.
        arms: by name.
        judges: metrics that ask a model.
        functions: metrics that are functions.
        lanes: seats at each provider.
        budget: of the run.
        keeper: writes what is complete.
    """

    rows: ExperimentRows
    run: str
    definition: Definition
    arms: Mapping[str, Arm]
    judges: Mapping[str, Judge]
    functions: Mapping[str, Callable[..., Any]]
    lanes: Mapping[str, Seats]
    budget: Uncut
    keeper: Keeper

    async def open(self) -> None:
        """Do nothing: everything is here."""

    async def close(self) -> None:
        """Do nothing, as `open`."""

    async def observe(self, unit: Unit, left: Left) -> bool:
        """Make an observation; see `Making`."""
        outcome: Outcome | None = None
        try:
            outcome = await self.arms[unit.arm].take(unit, self.budget)
        except BudgetExceededError as error:
            raise Halt("cost_limited", self.budget.reached or error.message) from None
        finally:
            left(outcome is not None and outcome.congested)
        if outcome.stopped:
            raise Halt("cancelled", f"dialogue {outcome.dialogue} was stopped")
        scores, notes = await self._scores(unit, outcome)
        if self.budget.reached and not (outcome.ok and notes.get("errors") is None):
            raise Halt("cost_limited", self.budget.reached)
        await self.keeper.keep(row_of(unit, outcome, scores, notes))
        return outcome.ok

    async def compare(self, pair: Pair) -> None:
        """Judge a pair by every metric that has not judged it yet; see `Making`."""
        control, treatment, found = pair.control, pair.treatment, {}
        for judge in open_judges(self.judges, treatment):
            ids = judge.ids(self.run, treatment.number, treatment.arm, treatment.repeat, treatment.attempt)
            there = await asyncio.to_thread(self.rows.dialogues_there, ids)
            outputs = (control.output or "", treatment.output or "")
            seed = seed_of(self.definition, treatment.case_id, treatment.repeat)
            lane = self.lanes[judge.lane]
            found[judge.name] = await judge.compare(outputs, pair.case, seed, ids, lane, self.budget, there=there)
            if self.budget.reached and found[judge.name].error is not None:
                raise Halt("cost_limited", self.budget.reached)
        await self.keeper.compared(treatment, found)

    async def _scores(self, unit: Unit, outcome: Outcome) -> tuple[dict[str, Any], dict[str, Any]]:
        """Return what an outcome is worth by each metric that looks at it alone, and what is to be said of it."""
        scores: dict[str, Any] = {}
        notes: dict[str, Any] = {}
        if not outcome.ok:
            return scores, notes
        for name, spec in self.definition.metrics.items():
            if spec.kind in (*MEASURED, "pairwise", "human"):
                continue
            try:
                if spec.kind == "judge":
                    scores[name] = self._marked(name, await self._mark(unit, outcome, self.judges[name]), notes)
                else:
                    scores[name] = await score(spec, self.functions.get(name), outcome.output or "", unit.case)
            except WorkbenchError as error:
                notes.setdefault("errors", {})[name] = error.message
            except Exception as error:  # noqa: BLE001 - a user's function may raise anything
                notes.setdefault("errors", {})[name] = f"{type(error).__name__}: {error}"
        return scores, notes

    async def _mark(self, unit: Unit, outcome: Outcome, judge: Judge) -> Judgement:
        (dialogue,) = judge.ids(self.run, unit.number, unit.arm, unit.repeat, unit.attempt)
        there = bool(await asyncio.to_thread(self.rows.dialogues_there, [dialogue]))
        lane = self.lanes[judge.lane]
        return await judge.mark(outcome.output or "", unit.case, unit.seed, dialogue, lane, self.budget, there=there)

    def _marked(self, name: str, found: Judgement, notes: dict[str, Any]) -> Any:
        about = {"dialogues": list(found.dialogues), "cost": found.cost}
        notes.setdefault("judges", {})[name] = about | ({"reason": found.reason} if found.reason else {})
        if found.error is not None:
            notes.setdefault("errors", {})[name] = found.error
        return found.value


def open_judges(judges: Mapping[str, Judge], treatment: ObservationRow) -> list[Judge]:
    """Return the judges of pairs that have not judged a treatment's observation yet."""
    judged = json.loads(treatment.notes).get("pairs", {})
    return [judge for judge in judges.values() if judge.spec.kind == "pairwise" and judge.name not in judged]


def seed_of(definition: Definition, case: str, repeat: int) -> int:
    """Return the seed of an observation: the same for all arms, another for each repeat unless answers may be reused."""
    text = json.dumps([definition.seed, case, 0 if definition.cache else repeat])
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:4], "big") >> 1


def row_of(unit: Unit, outcome: Outcome, scores: dict[str, Any], notes: dict[str, Any]) -> ObservationRow:
    """Return an observation as the record keeps it."""
    return ObservationRow(
        number=unit.number,
        arm=unit.arm,
        repeat=unit.repeat,
        case_id=unit.case_id,
        attempt=unit.attempt,
        status="ok" if outcome.ok else "failed",
        error=outcome.error,
        fallback=int(outcome.fallback),
        dialogue_id=outcome.dialogue,
        started_at=outcome.started_at,
        latency=outcome.latency,
        cost=outcome.cost,
        tokens=outcome.tokens,
        output=outcome.output,
        scores=json.dumps(scores),
        notes=json.dumps(notes),
    )
