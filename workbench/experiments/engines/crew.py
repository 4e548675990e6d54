"""What a worker process has only one of, for each run: orchestrator, record, arms, and a way to the driver.

Dask sets a `Crew` up on every worker, on those that come later too. A task of Dask's is one batch; its thread waits while the
batch is made on the engine's loop, and counts as long-running, so that batches need no threads of the worker's own. What there
is to tell goes to the driver as events of Dask's, a few at a time; answers come back by `answer`.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from functools import partial
from typing import Any, Final

from distributed import Worker, WorkerPlugin, get_worker, secede

from workbench.errors import WorkbenchError, redact
from workbench.experiments.engines.order import (
    Order,
    arms_on,
    differing,
    judges_on,
    orchestrator_on,
    unpickled,
    versions,
)
from workbench.experiments.engines.shift import Bench, Job, Shift
from workbench.experiments.keeping import Keeper
from workbench.loop import engine_loop, run, submit

GATHER: Final = 0.01
"""Seconds for which messages gather."""
_STOPPED: Final = frozenset({"cancelled", "released", "forgotten"})


class Crew(WorkerPlugin):
    """Makes batches of a run on a worker.

    Args:
        name: of the run on this cluster; its events have it too.
        order: an `Order`, pickled.
        driver: versions of the driver's packages.
    """

    def __init__(self, name: str, order: bytes, driver: Mapping[str, str]) -> None:
        self.name, self._order, self._driver = name, order, dict(driver)

    def setup(self, worker: Worker) -> None:
        """Remember the worker, and begin with what takes longer: all workers at once, before the first batch."""
        self._worker = worker
        if (profiler := worker.periodic_callbacks.pop("profile", None)) is not None:
            # It calls sys._current_frames, which in CPython 3.11 may wait forever for a thread that ends, and ours end often.
            profiler.stop()
        self._lock = threading.Lock()
        self._bench: Bench | None = None
        self._gone = False
        self._keeping: Future[None] | None = None
        self._shifts: dict[str, Shift] = {}
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._outgoing: list[tuple[Any, ...]] = []
        self._before: list[Callable[[], None]] = []
        self._timer: asyncio.TimerHandle | None = None
        self._count = 0
        threading.Thread(target=self._prepare, name=f"{self.name}-opening", daemon=True).start()

    @property
    def problem(self) -> str | None:
        """Why this worker cannot make observations of the run; None where it can."""
        found = differing(versions(), self._driver)
        return found and f"{self._worker.address} has {found}"

    async def teardown(self, worker: Worker) -> None:  # noqa: ARG002 - Dask's own
        """Stop what is under way, and close the record."""
        await asyncio.to_thread(self._leave)

    def transition(self, key: Any, start: str, finish: str, **_: Any) -> None:  # noqa: ARG002 - Dask's own
        """Stop a batch that nobody wants any more: the run was stopped, or the driver is gone."""
        if finish in _STOPPED and (task := self._tasks.get(str(key))) is not None:
            engine_loop().call_soon_threadsafe(task.cancel)

    def make(self, key: str, batch: int, jobs: Sequence[Job]) -> None:
        """Make a batch, and return when it is over. On a thread of the worker's."""
        try:
            bench = self._there()
        except Exception as error:  # noqa: BLE001 - whatever it is, who waits for the run is to read it
            self._refuse(error)
            return
        if bench is None:
            return
        over: Future[None] = Future()
        submit(self._begin(bench, key, batch, jobs, over)).result()
        over.result()

    def hear(self, answers: Sequence[tuple[str, str, tuple[Any, ...]]]) -> None:
        """Take the driver's answers: the shift that each is for, a word, and what belongs to it."""
        engine_loop().call_soon_threadsafe(self._hear, answers)

    async def _begin(self, bench: Bench, key: str, batch: int, jobs: Sequence[Job], over: Future[None]) -> None:
        if self._gone:
            over.set_result(None)
            return
        self._count += 1
        name = f"{self._worker.address}/{self._count}"
        shift = self._shifts[name] = Shift(bench, jobs, partial(self._say, batch, name), self._later)
        self._say(batch, name, "began", self._worker.address)
        task = self._tasks[key] = asyncio.create_task(shift.work())

        def end(_task: asyncio.Task[None]) -> None:
            del self._shifts[name], self._tasks[key]
            self._send()
            over.set_result(None)

        task.add_done_callback(end)

    def _hear(self, answers: Sequence[tuple[str, str, tuple[Any, ...]]]) -> None:
        for name, word, said in answers:
            if (shift := self._shifts.get(name)) is not None:
                shift.hear(word, *said)

    def _say(self, batch: int, shift: str, word: str, *said: Any) -> None:
        self._outgoing.append((batch, shift, word, said))
        self._soon()

    def _later(self, before: Callable[[], None]) -> None:
        self._before.append(before)
        self._soon()

    def _soon(self) -> None:
        if self._timer is None:
            self._timer = engine_loop().call_later(GATHER, self._send)

    def _send(self) -> None:
        before, self._before = self._before, []
        for each in before:
            each()
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        outgoing, self._outgoing = self._outgoing, []
        if outgoing:
            self._worker.log_event(self.name, outgoing)

    def _refuse(self, error: Exception) -> None:
        said = (error.message, error.hint) if isinstance(error, WorkbenchError) else (f"{type(error).__name__}: {error}", None)
        self._worker.log_event(self.name, [(0, "", "wrong", (redact(said[0]), said[1]))])

    def _prepare(self) -> None:
        """Open what batches need, import what their calls need, and say that this worker is ready."""
        try:
            if (bench := self._there()) is None:
                return
            for card in {card.name: card for arm in bench.arms.values() for card in arm.cards}.values():
                run(bench.orchestrator.client.providers.ready(card))
        except Exception as error:  # noqa: BLE001 - whatever it is, who waits for the run is to read it
            self._refuse(error)
        else:
            self._worker.log_event(self.name, [(0, "", "ready", (self._worker.address,))])

    def _there(self) -> Bench | None:
        """Return what batches need; None once the run is over here, when a batch that was cancelled may still begin."""
        if self.problem:
            raise WorkbenchError(self.problem, hint="Install the same versions on all workers.")
        with self._lock:
            return None if self._gone else self._bench or self._open()

    def _open(self) -> Bench:
        from distributed.protocol.pickle import loads

        order: Order = loads(self._order)
        orchestrator = orchestrator_on(order)
        keeper = Keeper(orchestrator.record.experiments, order.run, beat=None)
        functions = {name: unpickled(sent, f"metrics.{name}") for name, sent in order.functions.items()}
        arms, judges = arms_on(order, orchestrator), judges_on(order, orchestrator)
        self._keeping = submit(keeper.work())
        self._bench = Bench(order, orchestrator, arms, judges, functions, keeper)
        return self._bench

    def _leave(self) -> None:
        with self._lock:  # while it is being opened it cannot be closed
            bench, keeping, self._bench, self._gone = self._bench, self._keeping, None, True
        if bench is not None and keeping is not None:
            submit(self._stop(bench.keeper)).result()
            keeping.result()
            bench.orchestrator.close()

    async def _stop(self, keeper: Keeper) -> None:
        tasks = list(self._tasks.values())
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks)
        keeper.close()


def make_batch(name: str, key: str, batch: int, jobs: Sequence[Job]) -> None:
    """Make a batch: what a task of Dask's does."""
    crew = _crew(get_worker(), name)
    secede()
    crew.make(key, batch, jobs)


def answer(name: str, answers: Sequence[tuple[str, str, tuple[Any, ...]]], dask_worker: Worker) -> None:
    """Hand the driver's answers over; Dask runs it on the worker."""
    _crew(dask_worker, name).hear(answers)


def problem_of(name: str, dask_worker: Worker) -> str | None:
    """Return why a worker cannot make observations of a run; Dask runs it on the worker."""
    return _crew(dask_worker, name).problem


def _crew(worker: Worker, name: str) -> Crew:
    crew = worker.plugins[name]
    assert isinstance(crew, Crew)
    return crew
