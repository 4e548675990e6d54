"""The driver's half of a run on a cluster: it hands out batches, answers workers' questions, and counts what is kept.

A batch is a task of Dask's. Where a worker dies, the scheduler gives its batches to others; what the dead one held (seats of
judges, its share of the budget) is let go of when the batch begins again. What it may have spent unseen counts as spent. A
batch that has cost several workers their lives is taken apart, and what still does so alone is a failed observation.
"""

from __future__ import annotations

import asyncio
import secrets
import time
from collections import Counter
from collections.abc import Coroutine, Mapping, Sequence
from contextlib import suppress
from dataclasses import astuple, dataclass, field
from typing import TYPE_CHECKING, Any, Final

from workbench.dialogue.money.budget import Amount
from workbench.errors import BudgetExceededError, WorkbenchError
from workbench.experiments.arms import Outcome, Unit
from workbench.experiments.engines.cluster import Cluster
from workbench.experiments.engines.order import Order
from workbench.experiments.keeping import Halt, Keeper
from workbench.experiments.lanes import Lane
from workbench.experiments.making import Left, Pair, row_of
from workbench.experiments.money import RunBudget

if TYPE_CHECKING:
    from distributed import Client, Future

BATCH: Final = 8
"""Observations in a task: few enough that a lost worker costs little."""
GATHER: Final = 0.02
"""Seconds for which observations gather."""
WATCH: Final = 2.0
"""Seconds between two looks at the cluster."""
ALONE: Final = 60.0
"""Seconds without a single worker after which a run gives up."""
_LEAST: Final = Amount(cost=1e-9, tokens=1, calls=1)
"""The least that an observation takes."""


@dataclass(slots=True, eq=False)
class _Job:
    """An observation or a pair that workers make."""

    kind: str
    work: Unit | Pair
    left: Left
    done: asyncio.Future[bool]

    def told(self) -> tuple[str, int, str, int, int]:
        """Return it as a worker is told."""
        place = self.work if isinstance(self.work, Unit) else self.work.treatment
        return self.kind, place.number, place.arm, place.repeat, place.attempt


@dataclass(slots=True, eq=False)
class _Batch:
    """A task of Dask's, and the shift that makes it now."""

    jobs: Sequence[_Job]
    future: Future[None]
    address: str
    shift: str = ""
    held: Amount = field(default_factory=Amount)
    seats: dict[tuple[str, int], float | asyncio.Task[None]] = field(default_factory=dict)
    questions: set[asyncio.Task[None]] = field(default_factory=set)


class Driver:
    """Makes the observations of a run on a cluster. On the engine's loop.

    Args:
        cluster: that is asked.
        order: what workers must know.
        lanes: seats at each provider.
        budget: of the run.
        keeper: of the run.
    """

    def __init__(self, cluster: Cluster, order: Order, lanes: Mapping[str, Lane], budget: RunBudget, keeper: Keeper) -> None:
        self._cluster, self._order, self._lanes, self._budget, self._keeper = cluster, order, lanes, budget, keeper
        self._name = f"workbench-{order.run}-{secrets.token_hex(3)}"
        self._client: Client | None = None
        self._waiting: list[_Job] = []
        self._batches: dict[int, _Batch] = {}
        self._count = 0
        self._timer: asyncio.TimerHandle | None = None
        self._answers: dict[str, list[tuple[str, str, tuple[Any, ...]]]] = {}
        self._sending: dict[str, asyncio.Task[None]] = {}
        self._ready: list[str] = []
        self._somebody = asyncio.Event()
        self._watching: asyncio.Task[None] | None = None
        self._closing = False

    async def open(self) -> None:
        """Find the workers and tell them what to do. Raises a `WorkbenchError` where that is not possible."""
        self._client = await self._cluster.open()
        self._client.subscribe_topic(self._name, self._event)
        await self._cluster.employ(self._name, self._order)
        self._watching = asyncio.create_task(self._watch())
        await self._somebody.wait()

    async def observe(self, unit: Unit, left: Left) -> bool:
        """Have an observation made; see `Making`."""
        try:
            self._budget.passed(_LEAST)
        except BudgetExceededError as error:
            raise Halt("cost_limited", self._budget.reached or error.message) from None
        return await self._made("observe", unit, left)

    async def compare(self, pair: Pair) -> None:
        """Have a pair judged; see `Making`."""
        await self._made("compare", pair, _nobody)

    async def close(self) -> None:
        """Stop what workers still make, let go of it, and of them."""
        self._closing = True
        if self._timer is not None:
            self._timer.cancel()
        if self._watching is not None:
            self._watching.cancel()
        for task in self._sending.values():
            task.cancel()
        if self._client is not None and self._batches:
            with suppress(Exception):  # a scheduler that is gone need not be told
                await self._client.cancel([batch.future for batch in self._batches.values()])
        await self._cluster.close(self._name)
        for number in list(self._batches):
            self._part(number, lost=True)

    async def _made(self, kind: str, work: Unit | Pair, left: Left) -> bool:
        job = _Job(kind, work, left, asyncio.get_running_loop().create_future())
        self._hand_out([*self._waiting, job])
        return await job.done

    def _hand_out(self, jobs: list[_Job]) -> None:
        """Give jobs to workers: as many as make a batch at once, the rest when they have gathered."""
        while len(jobs) >= BATCH:
            self._submit(jobs[:BATCH])
            jobs = jobs[BATCH:]
        self._waiting = jobs
        if jobs and self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(GATHER, self._rest)

    def _rest(self) -> None:
        self._timer = None
        if jobs := self._waiting:
            self._waiting = []
            self._submit(jobs)

    def _submit(self, jobs: Sequence[_Job]) -> None:
        from workbench.experiments.engines.crew import make_batch

        assert self._client is not None
        self._count += 1
        number, key = self._count, f"{self._name}-{self._count}"
        loop, address = asyncio.get_running_loop(), self._idlest()
        future = self._client.submit(
            make_batch,
            self._name,
            key,
            number,
            [job.told() for job in jobs],
            key=key,
            pure=False,
            workers=[address],
            allow_other_workers=True,
        )
        self._batches[number] = _Batch(jobs, future, address)
        future.add_done_callback(lambda _: loop.call_soon_threadsafe(self._ended, number))

    def _idlest(self) -> str:
        load = Counter(batch.address for batch in self._batches.values())
        return min(self._ready, key=lambda address: load[address])

    def _ended(self, number: int) -> None:
        """Look at a task that is through: what a worker says is told by events, what Dask says by the task."""
        batch = self._batches.get(number)
        if batch is None or self._closing or batch.future.status == "finished":
            return
        self._part(number, lost=True)
        left = [job for job in batch.jobs if not job.done.done()]
        killed = batch.future.status == "error"
        if not killed:
            self._wrong("the Dask cluster has given up a batch of observations", "Look at its scheduler, then resume the run.")
        elif len(left) > 1:
            for job in left:
                self._submit([job])
        else:
            for job in left:
                self._ask(batch, self._failed(job))

    async def _failed(self, job: _Job) -> None:
        """Keep an observation that no worker survives."""
        why = "every worker that made it died"
        if not isinstance(job.work, Unit):
            raise WorkbenchError(f"a pair of case {job.work.treatment.case_id} cannot be judged: {why}")
        await self._keeper.keep(row_of(job.work, Outcome(ok=False, started_at=time.time(), error=why), {}, {}))
        _settle(job, ok=False)

    def _event(self, event: tuple[float, Sequence[tuple[int, str, str, Sequence[Any]]]]) -> None:
        """Take what a worker says."""
        for number, shift, word, said in event[1]:
            if word == "wrong":
                self._wrong(*said)
            elif word == "ready":
                self._ready += said
                self._somebody.set()
            elif (batch := self._batches.get(number)) is None:
                continue
            elif word == "began":
                self._began(batch, shift, *said)
            elif shift == batch.shift:
                self._hear(number, batch, word, said)

    def _hear(self, number: int, batch: _Batch, word: str, said: Sequence[Any]) -> None:
        match word, said:
            case "left", (place, congested):
                batch.jobs[place].left(congested)
            case "kept", (place, ok):
                _settle(batch.jobs[place], ok=ok)
            case "spent", (spent, released):
                released = Amount(*released)
                batch.held -= released
                self._budget.account(held=released, spent=Amount(*spent))
            case "more", wanted:
                self._ask(batch, self._grant(batch, *(Amount(*each) for each in wanted)))
            case "enter", (lane, seat):
                batch.seats[lane, seat] = asyncio.create_task(self._seat(batch, lane, seat))
            case "leave", (lane, seat, congested):
                self._leave(batch, (lane, seat), congested=congested)
            case "halt", (status, reason):
                self._halt(Halt(status, reason))
            case "over", _:
                self._part(number, lost=False)

    def _began(self, batch: _Batch, shift: str, address: str) -> None:
        if batch.shift:  # whoever had it is gone
            self._release(batch, lost=True)
        batch.shift, batch.address = shift, address

    def _part(self, number: int, *, lost: bool) -> None:
        """Let go of a batch that is over."""
        self._release(self._batches.pop(number), lost=lost)

    def _release(self, batch: _Batch, *, lost: bool) -> None:
        """Let go of what a shift held; if it is lost, what it may have spent counts as spent."""
        for place in list(batch.seats):
            self._leave(batch, place, congested=False)
        for task in batch.questions:
            task.cancel()
        self._budget.account(held=batch.held, spent=batch.held if lost else Amount())
        batch.held = Amount()

    def _leave(self, batch: _Batch, place: tuple[str, int], *, congested: bool) -> None:
        entered = batch.seats.pop(place, None)
        if isinstance(entered, asyncio.Task):
            entered.cancel()
        elif entered is not None:
            self._lanes[place[0]].leave(entered, congested=congested)

    async def _seat(self, batch: _Batch, lane: str, seat: int) -> None:
        entered = await self._lanes[lane].enter()
        batch.seats[lane, seat] = entered
        self._answer(batch, "seat", lane, seat, entered)

    def _ask(self, batch: _Batch, question: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(question)
        batch.questions.add(task)
        task.add_done_callback(batch.questions.discard)
        task.add_done_callback(self._look)

    def _look(self, task: asyncio.Task[None]) -> None:
        """Let nothing go wrong unseen."""
        if not task.cancelled() and (error := task.exception()) is not None:
            self._halt(error)

    async def _grant(self, batch: _Batch, wanted: Amount, least: Amount) -> None:
        amount = wanted if self._budget.has_room(wanted) else least
        try:
            await self._budget.hold(amount)
        except BudgetExceededError as error:
            self._answer(batch, "refused", error.message)
            return
        batch.held += amount
        self._answer(batch, "granted", *astuple(amount))

    def _answer(self, batch: _Batch, word: str, *said: Any) -> None:
        self._answers.setdefault(batch.address, []).append((batch.shift, word, said))
        if batch.address not in self._sending:
            task = self._sending[batch.address] = asyncio.create_task(self._send(batch.address))
            task.add_done_callback(self._look)

    async def _send(self, address: str) -> None:
        from workbench.experiments.engines.crew import answer

        assert self._client is not None
        try:
            while answers := self._answers.pop(address, None):
                with suppress(OSError, KeyError):  # the worker or the run's part of it is gone; its batches begin again
                    await self._client.run(answer, self._name, answers, workers=[address])
        finally:
            self._sending.pop(address, None)

    async def _watch(self) -> None:
        """See to it that somebody is there to work."""
        seen = time.monotonic()
        while True:
            await asyncio.sleep(WATCH)
            try:
                found = await self._cluster.workers()
            except OSError:
                self._wrong("the Dask scheduler cannot be reached any more", "Start it again, then resume the run.")
                return
            if found:
                seen, self._ready = time.monotonic(), [each for each in self._ready if each in found] or self._ready
            elif time.monotonic() - seen > ALONE:
                self._wrong("the Dask cluster has no worker any more", "Start workers, then resume the run.")
                return

    def _wrong(self, text: str, hint: str | None) -> None:
        self._halt(WorkbenchError(text, hint=hint))

    def _halt(self, why: BaseException) -> None:
        self._keeper.halt(why)


def _settle(job: _Job, *, ok: bool) -> None:
    if not job.done.done():
        job.done.set_result(ok)


def _nobody(_congested: bool) -> None:  # noqa: FBT001 - a pair has no seat of its own
    pass
