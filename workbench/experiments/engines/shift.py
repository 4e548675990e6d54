"""A batch of observations, made on a worker: all at once, in seats that the driver took for them.

Whoever dies in the middle leaves the rest to another worker, which gets the same batch. So each shift first looks what is on
disk already: an observation that is there is not made again, and a dialogue that is there is gone on with, once nobody runs it.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import astuple, dataclass
from functools import partial
from typing import Any, Final

from workbench.dialogue.driving import runs_here
from workbench.dialogue.money.budget import Amount
from workbench.dialogue.orchestrator import Orchestrator
from workbench.errors import WorkbenchError, redact
from workbench.events import Status
from workbench.events.correlation import correlate
from workbench.experiments.arms import Arm, Unit
from workbench.experiments.engines.lease import Lease
from workbench.experiments.engines.order import Order
from workbench.experiments.engines.threads import in_thread
from workbench.experiments.judging import Judge
from workbench.experiments.keeping import Halt, Keeper
from workbench.experiments.making import Maker, Pair, open_judges, seed_of
from workbench.records.owners import is_alive, is_here, presume_gone

SILENCE: Final = 10.0
"""Seconds without an event after which a dialogue is taken over from a worker on another host: the scheduler gave it up."""
PATIENCE: Final = 60.0
"""Seconds to wait for a process of this host to let go of a dialogue."""
_LOOK: Final = 0.2

Job = tuple[str, int, str, int, int]
"""`observe` or `compare`, the number of the case, arm, repeat and attempt."""
Post = Callable[..., None]


@dataclass(frozen=True, slots=True)
class Bench:
    """What shifts of a worker process share."""

    order: Order
    orchestrator: Orchestrator
    arms: Mapping[str, Arm]
    judges: Mapping[str, Judge]
    functions: Mapping[str, Callable[..., Any]]
    keeper: Keeper


@dataclass(frozen=True, slots=True)
class Batch:
    """What is left of a batch: what is done, with whether it has an answer, and what is to be made, by place in it.

    Attributes:
        there: ids of those of its dialogues that the record has.
    """

    done: dict[int, bool]
    todo: dict[int, Unit | Pair]
    there: set[str]


class Shift:
    """Makes one batch, on the engine's loop.

    Args:
        bench: of this process.
        jobs: of the batch.
        post: tells the driver something: a word, and what belongs to it.
        later: has a function called just before what is posted goes out.
    """

    def __init__(self, bench: Bench, jobs: Sequence[Job], post: Post, later: Callable[[Callable[[], None]], None]) -> None:
        self._bench, self._jobs, self._post, self._later = bench, jobs, post, later
        order, orchestrator = bench.order, bench.orchestrator
        self.lease = Lease(order.ceilings, lambda: later(self._account))
        self.lanes = {judge.lane: FarLane(judge.lane, post) for judge in bench.judges.values()}
        rows = orchestrator.record.experiments
        self._maker = Maker(
            rows,
            order.run,
            order.definition,
            bench.arms,
            bench.judges,
            bench.functions,
            self.lanes,
            self.lease,
            bench.keeper,
        )

    async def work(self) -> None:
        """Make the batch. What goes wrong is told, not raised; cancelling it stops its calls."""
        bound = self._bench.order.correlation
        try:
            with correlate(bound) if bound else nullcontext():
                batch = await in_thread(self._look)
                for place, ok in batch.done.items():
                    self._post("kept", place, ok)
                async with asyncio.TaskGroup() as group:
                    for place, work in batch.todo.items():
                        group.create_task(self._one(place, work, batch.there))
        except WorkbenchError as error:
            self._wrong(error)
        finally:
            self._account()
            self._post("over")

    def hear(self, word: str, *said: Any) -> None:
        """Take an answer of the driver's."""
        match word:
            case "granted":
                self.lease.grant(Amount(*said))
            case "refused":
                self.lease.refuse(*said)
            case "seat":
                lane, *rest = said
                self.lanes[lane].hear(*rest)

    async def _one(self, place: int, work: Unit | Pair, there: set[str]) -> None:
        try:
            for dialogue in there.intersection(self._dialogues(work)):
                await self._freed(dialogue)
            if isinstance(work, Unit):
                ok = await self._maker.observe(work, partial(self._post, "left", place))
            else:
                ok = True
                await self._maker.compare(work)
        except Halt as why:
            self._post("halt", why.status, why.reason)
        except WorkbenchError as error:
            self._wrong(error)
        except Exception as error:  # noqa: BLE001 - a defect must be seen by who waits, and not die with a task here
            self._post("wrong", redact(f"{type(error).__name__}: {error}"), None)
        else:
            self._account()
            self._post("kept", place, ok)

    def _wrong(self, error: WorkbenchError) -> None:
        self._post("wrong", redact(error.message), error.hint)

    def _account(self) -> None:
        """Say what is spent and what more is wanted."""
        if (news := self.lease.news()) is not None:
            spent, released = news
            self._post("spent", astuple(spent), astuple(released))
        if (question := self.lease.question()) is not None:
            if question[1] == Amount():
                self.lease.grant(Amount())
            else:
                self._post("more", *map(astuple, question))

    def _look(self) -> Batch:
        """Return what is to be made, by what the record has."""
        order, rows = self._bench.order, self._bench.orchestrator.record.experiments
        numbers = sorted({job[1] for job in self._jobs})
        cases = {row.number: row for row in rows.cases_numbered(order.experiment, numbers)}
        known = {(row.number, row.arm, row.repeat): row for row in rows.observations(order.run, of=numbers)}
        batch = Batch({}, {}, set())
        for place, (kind, number, arm, repeat, attempt) in enumerate(self._jobs):
            row, case = known.get((number, arm, repeat)), cases[number]
            if kind == "observe":
                if row is not None and row.attempt >= attempt:
                    batch.done[place] = row.status == "ok"
                    continue
                seed = seed_of(order.definition, case.case_id, repeat)
                batch.todo[place] = Unit(order.run, number, case.case_id, json.loads(case.data), arm, repeat, attempt, seed)
            elif row is None or not open_judges(self._bench.judges, row):
                batch.done[place] = True
            else:
                control = known[number, order.definition.planned().control, repeat]
                batch.todo[place] = Pair(control, row, json.loads(case.data))
        batch.there.update(rows.dialogues_there([name for work in batch.todo.values() for name in self._dialogues(work)]))
        for work in batch.todo.values():
            if isinstance(work, Unit):
                work.there = work.dialogue in batch.there
        return batch

    def _dialogues(self, work: Unit | Pair) -> Iterator[str]:
        """Return the ids of the dialogues that an observation or a pair is made of."""
        kind = "judge" if isinstance(work, Unit) else "pairwise"
        place = work if isinstance(work, Unit) else work.treatment
        if isinstance(work, Unit):
            yield work.dialogue
        for judge in self._bench.judges.values():
            if judge.spec.kind == kind:
                yield from judge.ids(self._bench.order.run, place.number, place.arm, place.repeat, place.attempt)

    async def _freed(self, dialogue: str) -> None:
        """Return once nobody runs a dialogue that another worker had, or a shift of this one that was stopped."""
        record, since = self._bench.orchestrator.record, time.monotonic()
        seen: float | None = None
        while time.monotonic() - since < PATIENCE:
            row = await in_thread(partial(record.summary, dialogue))
            if not runs_here(dialogue) and (row.status is not Status.RUNNING or not is_alive(row.owner, row.updated_at)):
                return
            if seen != row.updated_at:
                seen, since = row.updated_at, time.monotonic()
            if row.owner is not None and not is_here(row.owner) and time.monotonic() - since >= SILENCE:
                presume_gone(row.owner)
                return
            await asyncio.sleep(_LOOK)


class FarLane:
    """The seats of a provider, which the driver gives out. On the engine's loop.

    Args:
        name: of the lane.
        post: tells the driver something.
    """

    def __init__(self, name: str, post: Post) -> None:
        self._name, self._post = name, post
        self._waiting: dict[int, asyncio.Future[float]] = {}
        self._seated: dict[float, list[int]] = {}
        self._count = 0

    async def enter(self) -> float:
        """Wait for a seat, and return when it was taken; `leave` takes that back."""
        self._count += 1
        number = self._count
        self._waiting[number] = asyncio.get_running_loop().create_future()
        self._post("enter", self._name, number)
        try:
            entered = await self._waiting[number]
        except asyncio.CancelledError:
            self._post("leave", self._name, number, False)  # noqa: FBT003 - nobody complained
            raise
        finally:
            del self._waiting[number]
        self._seated.setdefault(entered, []).append(number)
        return entered

    def leave(self, entered: float, *, congested: bool) -> None:
        """Give a seat back, and say whether the provider complained."""
        numbers = self._seated[entered]
        self._post("leave", self._name, numbers.pop(), congested)
        if not numbers:
            del self._seated[entered]

    def hear(self, number: int, entered: float) -> None:
        """Take a seat that was asked for; who does not wait any more has given it back already."""
        waiter = self._waiting.get(number)
        if waiter is not None and not waiter.done():
            waiter.set_result(entered)
