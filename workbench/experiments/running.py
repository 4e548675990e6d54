"""A run that goes on in this process: put together, on the engine's loop, stopped and waited for from anywhere else."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal, TypeAlias, TypedDict, cast

from workbench.dialogue.money.budget import Amount
from workbench.dialogue.orchestrator import Orchestrator
from workbench.dialogue.purse import purse_for
from workbench.errors import WorkbenchError
from workbench.experiments.arms import Arm
from workbench.experiments.definition import Definition
from workbench.experiments.functions import Functions
from workbench.experiments.judging import judges_of
from workbench.experiments.keeping import Keeper
from workbench.experiments.making import Maker, Making
from workbench.experiments.money import RunBudget
from workbench.experiments.progress import Progress
from workbench.experiments.runner import Runner, lanes_of
from workbench.loop import engine_loop, submit
from workbench.records.experiments import RunRow

if TYPE_CHECKING:
    from workbench.experiments.engines.cluster import Cluster

Engine: TypeAlias = Literal["local", "dask"]
ENGINES: Final = ("local", "dask")


@dataclass(frozen=True, slots=True)
class Where:
    """Where observations are made.

    Args:
        engine: `local` is this process, `dask` a cluster.
        scheduler: of the cluster, such as `tcp://host:8786`; None starts workers on this machine for the time of the run.
        workers: how many are started; by default one a core.

    Raises:
        WorkbenchError: there is no such engine, or it takes no scheduler.
    """

    engine: Engine = "local"
    scheduler: str | None = None
    workers: int | None = None

    def __post_init__(self) -> None:
        """Look whether it fits together."""
        if self.engine not in ENGINES:
            raise WorkbenchError(f"there is no engine {self.engine!r}", hint=f"Choose one of {', '.join(ENGINES)}.")
        if self.engine == "local" and (self.scheduler is not None or self.workers is not None):
            raise WorkbenchError("a scheduler and workers go with the Dask engine", hint="Say so: --engine dask.")

    def cluster(self, orchestrator: Orchestrator) -> Cluster | None:
        """Return the cluster, nothing of it started; None where observations are made in this process.

        Raises:
            WorkbenchError: Dask is not installed, or workers cannot use the record.
        """
        if self.engine == "local":
            return None
        from workbench.experiments.engines.cluster import Cluster

        return Cluster(self.scheduler, self.workers, orchestrator.record.url)


class Place(TypedDict, total=False):
    """The arguments of `Where`, as options."""

    engine: Engine
    scheduler: str | None
    workers: int | None


def place_of(engine: str, scheduler: str | None, workers: int | None) -> Place:
    """Return what somebody wrote, as options. Raises a `WorkbenchError` where it is no place."""
    place = Place(engine=cast("Engine", engine), scheduler=scheduler, workers=workers)
    Where(**place)
    return place


class Running:
    """One run under way. It begins at once.

    Args:
        runner: what goes on.

    Attributes:
        ended: its status, or what went wrong, once everything is tidied up.
    """

    def __init__(self, runner: Runner) -> None:
        self.ended: Future[str] = Future()
        self._task = submit(self._begin(runner)).result()

    def stop(self) -> None:
        """Stop it, and return when what is complete is kept."""
        engine_loop().call_soon_threadsafe(self._task.cancel)
        self.ended.exception()

    async def _begin(self, runner: Runner) -> asyncio.Task[str]:
        task = asyncio.create_task(runner.go())
        task.add_done_callback(self._end)
        return task

    def _end(self, task: asyncio.Task[str]) -> None:
        if task.cancelled():
            self.ended.set_result("cancelled")
        elif (error := task.exception()) is not None:
            self.ended.set_exception(error)
        else:
            self.ended.set_result(task.result())


def runner_of(
    orchestrator: Orchestrator,
    run: RunRow,
    definition: Definition,
    arms: Mapping[str, Arm],
    functions: Functions,
    cluster: Cluster | None,
    notify: Callable[[Progress], None],
    *,
    retry: bool,
) -> Runner:
    """Return what makes a run, with nothing asked yet. Reads the record.

    Args:
        orchestrator: whose models and record are used.
        run: that is claimed by this process.
        definition: what is run.
        arms: by name.
        functions: of the definition.
        cluster: that makes observations; None for this process.
        notify: is told how far it is.
        retry: whether failed observations are made again.

    Raises:
        WorkbenchError: a judge or a function is wrong, or cannot go to another process.
    """
    rows, judges, measures = orchestrator.record.experiments, judges_of(definition, orchestrator), functions.metrics(definition)
    spent = rows.spent(run.id)
    whole = purse_for(orchestrator.settings.budget, orchestrator.record)
    budget = RunBudget(definition.limits, Amount(spent.cost, spent.tokens, spent.calls), whole)
    lanes, keeper = lanes_of(definition, arms, judges), Keeper(rows, run.id)
    making: Making
    if cluster is None:
        making = Maker(rows, run.id, definition, arms, judges, measures, lanes, budget, keeper)
    else:
        from workbench.experiments.engines.driver import Driver
        from workbench.experiments.engines.order import order_of

        order = order_of(orchestrator, run, definition, arms, judges, measures, budget.ceilings)
        making = Driver(cluster, order, lanes, budget, keeper)
    before = rows.tally(run.id)
    return Runner(rows, run, definition, run.experiment_id, arms, judges, lanes, budget, keeper, making, before, retry, notify)
