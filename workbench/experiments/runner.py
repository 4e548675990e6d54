"""Runs an experiment: each case once an arm and repeat, arms side by side, each observation durable when it is complete.

One producer goes through the cases in order, and waits for a seat at each arm's provider before it starts the next
observation; so arms stay in step, and drift of a provider meets all of them. Within a case and repeat, chance (seeded) decides
which arm goes first. Cases come from the record a few at a time, and observations go there in batches, so that memory does not
grow with either. Pairs are judged in a second pass, over what is kept.
"""

from __future__ import annotations

import asyncio
import json
import random
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import islice
from typing import Any, Final

from workbench.errors import RecordError, WorkbenchError
from workbench.experiments.arms import FUNCTIONS_AT_ONCE, Arm, Unit
from workbench.experiments.definition import Definition
from workbench.experiments.judging import Judge
from workbench.experiments.keeping import Halt, Keeper
from workbench.experiments.lanes import Lane
from workbench.experiments.making import Making, Pair, open_judges, seed_of
from workbench.experiments.money import RunBudget
from workbench.experiments.progress import Pace, Progress
from workbench.records.experiments import CaseRow, ExperimentRows, RunRow, Tally

CHUNK: Final = 100
"""Cases that are looked at together."""


@dataclass(slots=True)
class Runner:
    """Runs one run, on the engine's loop.

    Args:
        rows: the record.
        run: that is claimed by this process.
        definition: what is run.
        experiment: id of the definition's row.
        arms: by name.
        judges: metrics that ask a model.
        lanes: seats at each provider.
        budget: of the run.
        keeper: of the run; counts what is kept.
        making: makes the observations.
        before: how far the run is already.
        retry: whether failed observations are made again.
        notify: is told how far it is, on the engine's loop.
    """

    rows: ExperimentRows
    run: RunRow
    definition: Definition
    experiment: str
    arms: Mapping[str, Arm]
    judges: Mapping[str, Judge]
    lanes: Mapping[str, Lane]
    budget: RunBudget
    keeper: Keeper
    making: Making
    before: Tally
    retry: bool = False
    notify: Callable[[Progress], None] = lambda _progress: None
    _tasks: set[asyncio.Task[None]] = field(default_factory=set, init=False)
    _halted: BaseException | None = field(default=None, init=False)
    _main: asyncio.Task[Any] | None = field(default=None, init=False)
    _leaving: bool = field(default=False, init=False)
    _room: asyncio.Semaphore = field(init=False)
    _pace: Pace = field(default_factory=Pace, init=False)

    def __post_init__(self) -> None:
        """Make room for what is under way, and listen to the keeper."""
        self._room = asyncio.Semaphore(2 * sum(lane.ceiling for lane in self.lanes.values()))
        self.keeper.tell, self.keeper.halt = self._tell, self.halt
        self.keeper.ok, self.keeper.failed = self.before.ok, self.before.failed
        self._pace.done = self.keeper.done

    async def go(self) -> str:
        """Make what is missing, and return the run's status.

        Raises:
            WorkbenchError: the record cannot keep up, or the engine does not start. What is complete is kept, and a resume
                goes on.
            CancelledError: it was stopped; what was under way is resumed with the run.
        """
        self._main = asyncio.current_task()
        keeping = asyncio.create_task(self.keeper.work())
        status, reason = "failed", None
        try:
            await self.making.open()
            await self._observe()
            await self._compare()
            status = "completed"
        except asyncio.CancelledError:
            status, reason = "cancelled", None
            if self._halted is None:
                raise
            assert self._main is not None
            self._main.uncancel()
            if not isinstance(self._halted, Halt):
                status, reason = "failed", str(self._halted)
                raise self._halted from None
            status, reason = self._halted.status, self._halted.reason
        except WorkbenchError as error:
            reason = error.message
            raise
        finally:
            self._leaving = True
            await self._leave(keeping)
            await asyncio.to_thread(self.rows.end, self.run.id, status, reason)
            self._tell(status)
        return status

    async def _observe(self) -> None:
        async for cases in self._chunks():
            for unit in await asyncio.to_thread(self._missing, cases):
                await self._room.acquire()
                lane = self.lanes[self.arms[unit.arm].lane]
                try:
                    entered = await lane.enter()
                except BaseException:
                    self._room.release()
                    raise
                self._start(self._one(unit, lane, entered))
        await self._idle()

    async def _one(self, unit: Unit, lane: Lane, entered: float) -> None:
        seated = True

        def left(congested: bool) -> None:  # noqa: FBT001 - the only thing there is to say
            nonlocal seated
            if seated:
                seated = False
                lane.leave(entered, congested=congested)

        try:
            ok = await self.making.observe(unit, left)
        finally:
            left(False)  # noqa: FBT003 - as above
        self.keeper.count(ok=ok, again=unit.attempt > 1)

    async def _compare(self) -> None:
        """Judge the pairs that are kept and not judged yet: each arm beside the control, on the same case and repeat."""
        if not any(judge.spec.kind == "pairwise" for judge in self.judges.values()):
            return
        async for cases in self._chunks():
            for pair in await asyncio.to_thread(self._pairs, cases):
                await self._room.acquire()
                self._start(self.making.compare(pair))
        await self._idle()

    async def _chunks(self) -> AsyncIterator[list[CaseRow]]:
        cases = self.rows.cases(self.experiment, self.definition.planned().cases)
        while some := await asyncio.to_thread(lambda: list(islice(cases, CHUNK))):
            yield some

    def _missing(self, cases: list[CaseRow]) -> list[Unit]:
        """Return the observations of some cases that are still to be made, in the order to make them. Reads the record."""
        first, last = cases[0].number, cases[-1].number + 1
        known = {(row.number, row.arm, row.repeat): row for row in self.rows.observations(self.run.id, (first, last))}
        units = []
        for case in cases:
            data = json.loads(case.data)
            for repeat, arm in self._order(case.number):
                row = known.get((case.number, arm, repeat))
                if row is None or (self.retry and row.status == "failed"):
                    attempt, seed = (row.attempt + 1 if row else 1), seed_of(self.definition, case.case_id, repeat)
                    units.append(Unit(self.run.id, case.number, case.case_id, data, arm, repeat, attempt, seed))
        there = self.rows.dialogues_there([unit.dialogue for unit in units])
        for unit in units:
            unit.there = unit.dialogue in there
        return units

    def _order(self, number: int) -> Iterator[tuple[int, str]]:
        for repeat in range(self.definition.repeats):
            arms = list(self.arms)
            random.Random(f"{self.definition.seed}:{number}:{repeat}").shuffle(arms)  # noqa: S311 - no cryptography
            yield from ((repeat, arm) for arm in arms)

    def _pairs(self, cases: list[CaseRow]) -> list[Pair]:
        control = self.definition.planned().control
        data = {case.number: json.loads(case.data) for case in cases}
        rows = [row for row in self.rows.observations(self.run.id, (min(data), max(data) + 1)) if row.status == "ok"]
        controls = {(row.number, row.repeat): row for row in rows if row.arm == control}
        return [
            Pair(controls[row.number, row.repeat], row, data[row.number])
            for row in rows
            if row.arm != control and (row.number, row.repeat) in controls and open_judges(self.judges, row)
        ]

    def _start(self, work: Any) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        self._room.release()
        if not task.cancelled() and (error := task.exception()) is not None:
            self.halt(error)

    def halt(self, why: BaseException) -> None:
        """Stop the whole run, from wherever it is noticed; the first reason counts."""
        if self._halted is None and self._main is not None and not self._leaving:
            self._halted = why
            self._main.cancel()

    async def _idle(self) -> None:
        while self._tasks:
            await asyncio.wait(self._tasks)

    async def _leave(self, keeping: asyncio.Task[None]) -> None:
        """Leave nothing behind: stop what is under way, and keep what is complete."""
        while self._tasks:
            for task in self._tasks:
                task.cancel()
            await asyncio.wait(self._tasks)
        await self.making.close()
        self.keeper.close()
        await asyncio.wait([keeping])
        with suppress(RecordError):
            now = await asyncio.to_thread(self.rows.tally, self.run.id)
            self.keeper.ok, self.keeper.failed = now.ok, now.failed

    def _tell(self, status: str = "running") -> None:
        kept = self.keeper
        seats = {name: int(lane.seats) for name, lane in self.lanes.items()}
        eta = self._pace.eta(kept.done, self.run.total)
        name, cost = self.definition.name, self.budget.spent.cost
        self.notify(Progress(self.run.id, name, kept.done, kept.failed, self.run.total, cost, seats, eta, status))


def lanes_of(definition: Definition, arms: Mapping[str, Arm], judges: Mapping[str, Judge]) -> dict[str, Lane]:
    """Return a lane for each provider; its ceiling is what the cards allow together, or less where the experiment says so."""
    seats: dict[str, dict[str, int]] = {}
    for arm in arms.values():
        mine = seats.setdefault(arm.lane, {})
        mine.update({card.name: card.concurrency for card in arm.cards} or {"": definition.concurrency or FUNCTIONS_AT_ONCE})
    for judge in judges.values():
        seats.setdefault(judge.lane, {})[judge.card.name] = judge.card.concurrency
    most = definition.concurrency
    ceilings = {name: min(sum(mine.values()), most or sum(mine.values())) for name, mine in seats.items()}
    return {name: Lane(ceiling, definition.limits.per_minute) for name, ceiling in ceilings.items()}
