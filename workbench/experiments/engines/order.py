"""What a worker must know to make observations of a run: everything by value, but for secrets.

Arms and judges travel settled, functions by cloudpickle, settings without the budget (the driver has it). The password of the
record does not travel: a worker has it, like API keys, in its environment.
"""

from __future__ import annotations

import os
import platform
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, Final

from workbench.dialogue.casting.run import RunSpec
from workbench.dialogue.orchestrator import Orchestrator
from workbench.errors import RecordError, WorkbenchError
from workbench.events.correlation import correlation
from workbench.experiments.arms import Arm, DialogueArm, FunctionArm
from workbench.experiments.definition import Definition
from workbench.experiments.judging import Judge
from workbench.models.langchain.card import refuse_objects
from workbench.records import Record
from workbench.records.experiments import RunRow
from workbench.settings import Settings, load_env

RECORD: Final = "WORKBENCH_RECORD_URL"
"""Variable that has the record's URL, password included."""
_ALIKE: Final = ("dialogue-workbench", "cloudpickle", "dask", "distributed", "litellm", "pydantic")
"""Packages whose versions must be the driver's."""
_BY_VALUE: Final = "A function is sent by value: define it in a module that workers have, or let it open what it needs itself."


@dataclass(frozen=True, slots=True)
class Call:
    """An arm that is a function."""

    function: bytes
    at_once: int
    timeout: float | None


@dataclass(frozen=True, slots=True)
class Order:
    """What a worker must know.

    Attributes:
        run: id.
        experiment: id of the definition's row.
        definition: of the experiment.
        arms: name to a run and its template, or to a function.
        judges: name to what a judge runs.
        functions: metric to its function, pickled.
        settings: of the workspace, without record and budget.
        workspace: where it is.
        record: URL without its password.
        ceilings: that hold for the run, the day and the workspace together.
        correlation: id that log lines about the run have in common; None where none is bound.
    """

    run: str
    experiment: str
    definition: Definition
    arms: Mapping[str, tuple[dict[str, Any], str] | Call]
    judges: Mapping[str, dict[str, Any]]
    functions: Mapping[str, bytes]
    settings: dict[str, Any]
    workspace: str
    record: str
    ceilings: Mapping[str, float]
    correlation: str | None


def order_of(
    orchestrator: Orchestrator,
    run: RunRow,
    definition: Definition,
    arms: Mapping[str, Arm],
    judges: Mapping[str, Judge],
    functions: Mapping[str, Callable[..., Any]],
    ceilings: Mapping[str, float],
) -> Order:
    """Return the order of a run.

    Raises:
        WorkbenchError: a function or a model cannot go to another process.
    """
    if orchestrator.settings.replay.record:
        raise WorkbenchError("several processes cannot record one cassette", hint="Record it with a run in this process.")
    for each in [arm.run for arm in arms.values() if isinstance(arm, DialogueArm)] + [judge.run for judge in judges.values()]:
        for part in each.family():
            refuse_objects(part.cast)
    return Order(
        run.id,
        run.experiment_id,
        definition,
        {name: _sent(name, arm) for name, arm in arms.items()},
        {name: judge.run.dump() for name, judge in judges.items()},
        {name: pickled(function, f"metrics.{name}") for name, function in functions.items()},
        orchestrator.settings.model_dump(mode="json", exclude={"record", "budget"}),
        str(orchestrator.settings.workspace),
        without_password(orchestrator.record.url),
        dict(ceilings),
        correlation(),
    )


def _sent(name: str, arm: Arm) -> tuple[dict[str, Any], str] | Call:
    if isinstance(arm, DialogueArm):
        return arm.run.dump(), arm.template
    assert isinstance(arm, FunctionArm)
    return Call(pickled(arm.function, f"arms.{name}"), arm.at_once, arm.timeout)


def pickled(function: Callable[..., Any], where: str) -> bytes:
    """Return a function as bytes.

    Raises:
        WorkbenchError: it cannot be sent.
    """
    from distributed.protocol.pickle import dumps

    try:
        found: bytes = dumps(function)
    except Exception as error:  # noqa: BLE001 - what pickling raises is the object's affair
        raise WorkbenchError(f"{where}: the function cannot be sent to workers: {error}", hint=_BY_VALUE) from None
    return found


def unpickled(sent: bytes, where: str) -> Callable[..., Any]:
    """Return a function from bytes.

    Raises:
        WorkbenchError: this worker cannot read it.
    """
    from distributed.protocol.pickle import loads

    try:
        found: Callable[..., Any] = loads(sent)
    except Exception as error:  # noqa: BLE001 - as above
        raise WorkbenchError(
            f"{where}: the function cannot be read on a worker: {type(error).__name__}: {error}",
            hint="Install its module on every worker, or `cloudpickle.register_pickle_by_value(module)` before the run.",
        ) from None
    return found


def arms_on(order: Order, orchestrator: Orchestrator) -> dict[str, Arm]:
    """Return the arms of an order on a worker. Raises a `WorkbenchError` where a function cannot be read."""
    found: dict[str, Arm] = {}
    for name, sent in order.arms.items():
        if isinstance(sent, Call):
            found[name] = FunctionArm(unpickled(sent.function, f"arms.{name}"), orchestrator, sent.at_once, sent.timeout)
        else:
            found[name] = DialogueArm(orchestrator, RunSpec.model_validate(sent[0]), sent[1])
    return found


def judges_on(order: Order, orchestrator: Orchestrator) -> dict[str, Judge]:
    """Return the judges of an order on a worker."""
    metrics = order.definition.metrics
    return {name: Judge(name, metrics[name], orchestrator, RunSpec.model_validate(run)) for name, run in order.judges.items()}


def orchestrator_on(order: Order) -> Orchestrator:
    """Return the orchestrator of a worker, with the record open.

    Raises:
        WorkbenchError: the record cannot be used from here, or it is another one.
    """
    workspace = Path(order.workspace)
    load_env(workspace)
    settings = Settings.model_validate(order.settings | {"workspace": workspace})
    try:
        record = Record.open(os.environ.get(RECORD) or order.record)
        record.experiments.run(order.run)
    except RecordError as error:
        raise RecordError(
            f"Worker on {platform.node()}: {error.message}",
            hint=f"Set {RECORD} in the environment of every worker, password included: it does not travel with the run.",
        ) from None
    return Orchestrator(settings=settings, record=record)


def without_password(url: str) -> str:
    """Return a record's URL without what is secret in it.

    >>> without_password("postgresql://me:secret@db/records?password=secret&sslmode=require")
    'postgresql://me@db/records?sslmode=require'
    """
    from sqlalchemy import make_url

    bare = make_url(url)._replace(password=None)  # `set` leaves alone what it is given as None
    return bare.difference_update_query(["password", "sslpassword"]).render_as_string()


def versions() -> dict[str, str]:
    """Return what must be the same here and on every worker."""
    found = {"python": ".".join(platform.python_version_tuple()[:2])}
    for name in _ALIKE:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            found[name] = "none"
    return found


def differing(mine: Mapping[str, str], theirs: Mapping[str, str]) -> str | None:
    """Return in words what differs between a worker and the driver; None where nothing does.

    >>> differing({"python": "3.12", "dask": "2026.8"}, {"python": "3.11", "dask": "2026.8"})
    'python 3.12 instead of 3.11'
    """
    names = [name for name in theirs if mine.get(name) != theirs[name]]
    return ", ".join(f"{name} {mine.get(name, 'none')} instead of {theirs[name]}" for name in names) or None
