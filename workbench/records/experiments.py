"""Experiments in the record: what is compared, on which cases, in which runs, and every observation.

What an experiment is, and what its results mean, is above; here are rows. Texts that hold JSON come and go as texts.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from itertools import islice
from typing import Any, Final, TypeVar

from sqlalchemy import ColumnElement, Connection, Row, bindparam, delete, func, insert, or_, select, update

from workbench.errors import RecordError
from workbench.records.enqueue import Wanted, enqueue
from workbench.records.owners import is_alive, this_process
from workbench.records.rows import Rows
from workbench.records.schema import experiment_cases, experiment_runs, experiments, observations
from workbench.records.search.queueing import queue
from workbench.records.texts import storable_text, storable_values

T = TypeVar("T")
RUN_LENGTH: Final = 10
"""Letters of a run's id; the ids of its dialogues begin with them."""
BATCH: Final = 500
"""Rows that go to the database, or come from it, at once."""
RUNNING: Final = ("running", "stopping")
"""Statuses of a run that has not ended, if its process lives."""
_PLACE: Final = ("run_id", "number", "arm", "repeat")
_LIST: Final = "`%experiment list` or `workbench experiment list` shows what there is."


@dataclass(frozen=True, slots=True)
class ExperimentRow:
    """A definition. Equal definitions of one name are one row.

    Attributes:
        sha256: of `form`.
        form: JSON; what a seal covers.
        definition: JSON; what it takes to run it again.
        sealed_at: Unix seconds; None where it is not sealed.
    """

    id: str
    name: str
    created_at: float
    sha256: str
    form: str
    definition: str
    sealed_at: float | None = None


@dataclass(frozen=True, slots=True)
class CaseRow:
    """A case: its number from 0, its id, and its columns as JSON."""

    number: int
    case_id: str
    data: str


@dataclass(frozen=True, slots=True)
class RunRow:
    """One run of an experiment.

    Attributes:
        status: running, stopping (somebody asked for it), completed, cancelled, failed or cost_limited.
        owner: the process that runs it, see `owners`.
        total: observations that it is to have.
        manifest: JSON.
    """

    id: str
    experiment_id: str
    created_at: float
    updated_at: float
    ended_at: float | None
    status: str
    reason: str | None
    owner: str | None
    total: int
    manifest: str

    @classmethod
    def new(cls, experiment: str, total: int, manifest: str) -> RunRow:
        """Return a run of this process that begins now."""
        name, now = secrets.token_hex(RUN_LENGTH // 2), time.time()
        return cls(name, experiment, now, now, None, "running", None, this_process(), total, manifest)

    @property
    def goes_on(self) -> bool:
        """Whether it runs, and the process that runs it lives."""
        return self.status in RUNNING and is_alive(self.owner, self.updated_at)

    @property
    def interrupted(self) -> bool:
        """Whether the process that ran it is gone."""
        return self.status in RUNNING and not self.goes_on


@dataclass(frozen=True, slots=True)
class ObservationRow:
    """What one arm did with one case, once. `scores` and `notes` are JSON; cost in USD, latency in seconds."""

    number: int
    arm: str
    repeat: int
    case_id: str
    attempt: int
    status: str
    error: str | None
    fallback: int
    dialogue_id: str | None
    started_at: float
    latency: float | None
    cost: float | None
    tokens: int | None
    output: str | None
    scores: str
    notes: str


@dataclass(frozen=True, slots=True)
class Tally:
    """How far a run is: observations by outcome, and USD that they took."""

    ok: int
    failed: int
    cost: float

    @property
    def done(self) -> int:
        """Observations that are kept."""
        return self.ok + self.failed


@dataclass(frozen=True, slots=True)
class Spent:
    """USD, tokens and calls."""

    cost: float
    tokens: int
    calls: int


class ExperimentRows(Rows):
    """Definitions, cases, runs and observations; `Rows` has the arguments."""

    def keep(self, row: ExperimentRow, cases: Iterable[CaseRow]) -> ExperimentRow:
        """Keep a definition with its cases, all or none; where the same is kept already, return that.

        Raises:
            RecordError: the database does not take it.
        """
        same = select(experiments).where(experiments.c.name == row.name, experiments.c.sha256 == row.sha256)
        with self._writing() as connection:
            if found := connection.execute(same).one_or_none():
                return _experiment(found)
            connection.execute(insert(experiments).values(storable_values(asdict(row))))
            for some in _batches(cases):
                rows = [storable_values(asdict(case)) | {"experiment_id": row.id} for case in some]
                connection.execute(insert(experiment_cases), rows)
            enqueue(connection, [_to_copy(row.id)], time.time())
            queue(connection, "experiment", row.id)
        return row

    def seal(self, experiment: str) -> ExperimentRow:
        """Note that a definition is fixed from now on; what was sealed before stays as it was."""
        with self._writing() as connection:
            change = update(experiments).where(experiments.c.id == experiment, experiments.c.sealed_at.is_(None))
            connection.execute(change.values(sealed_at=time.time()))
        return self.find(experiment)

    def sealed(self, name: str, before: float) -> ExperimentRow | None:
        """Return the definition of a name that was sealed last before a point in time; None where none was."""
        e = experiments.c
        query = select(experiments).where(e.name == name, e.sealed_at <= before).order_by(e.sealed_at.desc()).limit(1)
        return next(map(_experiment, self._read(query)), None)

    def find(self, name: str) -> ExperimentRow:
        """Return the newest definition that a name, an id, the beginning of one, the id of a run, or `last` stands for.

        Raises:
            RecordError: none does, or more than one.
        """
        e, r = experiments.c, experiment_runs.c
        run_of = select(r.experiment_id).where(r.id == name)
        query = select(experiments).order_by(e.created_at.desc(), e.id)
        if name != "last":
            query = query.where(or_(e.name == name, e.id.startswith(name, autoescape=True), e.id.in_(run_of)))
        found = [_experiment(row) for row in self._read(query.limit(50))]
        if not found:
            raise RecordError(f"There is no experiment {name!r}.", hint=_LIST)
        if name == "last" or any(row.name == name for row in found):
            return next(row for row in found if name in ("last", row.name))
        if len(found) > 1 and not any(row.id == name for row in found):
            raise RecordError(f"{name!r} may be {', '.join(row.id for row in found[:6])}.", hint="Give more of the id.")
        return next((row for row in found if row.id == name), found[0])

    def all(self) -> list[ExperimentRow]:
        """Return every definition, the newest first."""
        return [_experiment(row) for row in self._read(select(experiments).order_by(experiments.c.created_at.desc()))]

    def cases(self, experiment: str, limit: int | None = None) -> Iterator[CaseRow]:
        """Yield the cases in order, a batch at a time in memory."""
        c, after = experiment_cases.c, -1
        while limit is None or after + 1 < limit:
            most = BATCH if limit is None else min(BATCH, limit - after - 1)
            query = select(c.number, c.case_id, c.data).where(c.experiment_id == experiment, c.number > after)
            rows = self._read(query.order_by(c.number).limit(most))
            if not rows:
                return
            yield from (CaseRow(row.number, row.case_id, row.data) for row in rows)
            after = rows[-1].number

    def case(self, experiment: str, number: int) -> CaseRow | None:
        """Return a case by its number; None where there is none."""
        c = experiment_cases.c
        query = select(c.number, c.case_id, c.data).where(c.experiment_id == experiment, c.number == number)
        return next((CaseRow(row.number, row.case_id, row.data) for row in self._read(query)), None)

    def cases_numbered(self, experiment: str, numbers: Iterable[int]) -> list[CaseRow]:
        """Return some cases by their numbers."""
        c = experiment_cases.c
        query = select(c.number, c.case_id, c.data).where(c.experiment_id == experiment, c.number.in_(numbers))
        return [CaseRow(row.number, row.case_id, row.data) for row in self._read(query)]

    def count_cases(self, experiment: str) -> int:
        """Return how many cases there are."""
        query = select(func.count()).select_from(experiment_cases).where(experiment_cases.c.experiment_id == experiment)
        return int(self._read(query)[0][0])

    def begin(self, run: RunRow) -> None:
        """Keep a run that begins."""
        with self._writing() as connection:
            connection.execute(insert(experiment_runs).values(storable_values(asdict(run))))
            enqueue(connection, [_to_copy(run.experiment_id), _to_copy(run.experiment_id, run.id)], time.time())
            queue(connection, "experiment", run.experiment_id)

    def runs(self, experiment: str | None = None) -> list[RunRow]:
        """Return the runs of a definition, or all, the newest first."""
        query = select(experiment_runs).order_by(experiment_runs.c.created_at.desc(), experiment_runs.c.id)
        if experiment is not None:
            query = query.where(experiment_runs.c.experiment_id == experiment)
        return [RunRow(**row._mapping) for row in self._read(query)]  # noqa: SLF001 - SQLAlchemy's public name for it

    def runs_of(self, name: str) -> list[RunRow]:
        """Return the runs of every definition of a name, the newest first."""
        ids = {row.id for row in self.all() if row.name == name}
        return [run for run in self.runs() if run.experiment_id in ids]

    def run(self, run: str) -> RunRow:
        """Return a run by its id or the beginning of it.

        Raises:
            RecordError: there is none, or more than one.
        """
        found = [row for row in self.runs() if row.id.startswith(run)]
        if len(found) != 1 and run not in {row.id for row in found}:
            raise RecordError(f"There is no run {run!r}." if not found else f"{run!r} may be one of {len(found)}.", hint=_LIST)
        return next((row for row in found if row.id == run), found[0])

    def claim(self, run: str) -> RunRow:
        """Make this process the one that goes on with a run.

        Raises:
            RecordError: there is no such run, or a process that still lives runs it.
        """
        found = self.run(run)
        with self._writing() as connection:
            row = connection.execute(select(experiment_runs).where(experiment_runs.c.id == found.id).with_for_update()).one()
            if row.status in RUNNING and is_alive(row.owner, row.updated_at):
                raise RecordError(
                    f"Run {found.id} is being run by process {row.owner.rsplit(':', 2)[1]}.",
                    hint=f"Stop it there first (`%experiment stop {found.id}`), or wait until it has ended.",
                )
            mine = replace(found, owner=this_process(), status="running", reason=None, updated_at=time.time(), ended_at=None)
            connection.execute(update(experiment_runs).where(experiment_runs.c.id == found.id).values(asdict(mine)))
        return mine

    def end(self, run: str, status: str, reason: str | None) -> None:
        """Note how a run has ended."""
        now = time.time()
        values = {"status": status, "reason": reason, "owner": None, "updated_at": now, "ended_at": now}
        with self._writing() as connection:
            connection.execute(update(experiment_runs).where(experiment_runs.c.id == run).values(storable_values(values)))
            if (experiment := _experiment_of(connection, run)) is not None:
                enqueue(connection, [_to_copy(experiment, run)._replace(again=True)], now)
                queue(connection, "experiment", experiment)

    def note(self, run: str, manifest: str) -> None:
        """Keep what more is known of a run's circumstances."""
        change = update(experiment_runs).where(experiment_runs.c.id == run).values(manifest=storable_text(manifest))
        with self._writing() as connection:
            connection.execute(change)

    def ask_to_stop(self, run: str) -> None:
        """Ask the process that runs a run to stop; it looks every second."""
        mine = update(experiment_runs).where(experiment_runs.c.id == run, experiment_runs.c.status == "running")
        with self._writing() as connection:
            connection.execute(mine.values(status="stopping"))

    def observe(self, run: str, rows: Sequence[ObservationRow]) -> str:
        """Keep observations, all or none, as a sign of life; return the run's status.

        An observation that is there already (an earlier attempt, or one that was not compared yet) is replaced.
        """
        o, r = observations.c, experiment_runs.c
        place = [o[name] == bindparam(f"its_{name}") for name in _PLACE]
        with self._writing() as connection:
            if rows:
                places = [{"its_run_id": run} | {f"its_{name}": getattr(row, name) for name in _PLACE[1:]} for row in rows]
                connection.execute(delete(observations).where(*place), places)
                connection.execute(insert(observations), [storable_values(asdict(row)) | {"run_id": run} for row in rows])
                experiment = str(_experiment_of(connection, run))
                sources = [_observation_to_copy(experiment, run, row) for row in rows]
                enqueue(connection, [_to_copy(experiment), _to_copy(experiment, run), *sources], time.time())
            connection.execute(update(experiment_runs).where(r.id == run).values(updated_at=time.time()))
            return str(connection.execute(select(r.status).where(r.id == run)).scalar_one())

    def observations(
        self, run: str, numbers: tuple[int, int] | None = None, of: Iterable[int] | None = None
    ) -> list[ObservationRow]:
        """Return observations in the order of cases and repeats: all, or those of some cases.

        Args:
            run: its id.
            numbers: the number of the first case, and that before which they end.
            of: numbers of cases.
        """
        o = observations.c
        query = select(*(column for column in o if column.name != "run_id")).where(o.run_id == run)
        if numbers is not None:
            query = query.where(o.number >= numbers[0], o.number < numbers[1])
        if of is not None:
            query = query.where(o.number.in_(of))
        rows = self._read(query.order_by(o.number, o.repeat, o.arm))
        return [ObservationRow(**row._mapping) for row in rows]  # noqa: SLF001 - as above

    def tally(self, run: str) -> Tally:
        """Return how far a run is."""
        o = observations.c
        query = select(o.status, func.count(), func.coalesce(func.sum(o.cost), 0.0)).where(o.run_id == run).group_by(o.status)
        rows = self._read(query)
        counts = {row[0]: row[1] for row in rows}
        return Tally(counts.get("ok", 0), counts.get("failed", 0), float(sum(row[2] for row in rows)))

    def dialogues_there(self, ids: Sequence[str]) -> set[str]:
        """Return those of some ids under which the record has a dialogue."""
        from workbench.records.schema import dialogues

        found: set[str] = set()
        for some in _batches(ids):
            found.update(row.id for row in self._read(select(dialogues.c.id).where(dialogues.c.id.in_(some))))
        return found

    def spent(self, run: str) -> Spent:
        """Return what the dialogues of a run (their ids begin with the run's) and its functions took, judges included."""
        from workbench.records.schema import calls, dialogues

        d = dialogues.c
        tokens = func.sum(d.prompt_tokens + d.completion_tokens)
        mine = select(func.coalesce(func.sum(d.cost), 0.0), func.coalesce(tokens, 0)).where(_of_run(d.id, run))
        sums, o = self._read(mine)[0], observations.c
        bare = select(func.coalesce(func.sum(o.cost), 0.0), func.coalesce(func.sum(o.tokens), 0), func.count())
        alone = self._read(bare.where(o.run_id == run, o.dialogue_id.is_(None)))[0]
        made = self._read(select(func.count()).select_from(calls).where(_of_run(calls.c.dialogue_id, run)))[0][0]
        return Spent(float(sums[0] + alone[0]), int(sums[1] + alone[1]), int(made + alone[2]))


def _of_run(dialogue: ColumnElement[str], run: str) -> ColumnElement[bool]:
    """Say which ids begin with a run's. More of them is hexadecimal, so all lie before this g, together in an index."""
    return dialogue.between(run, f"{run}g") & dialogue.startswith(run, autoescape=True)


def _batches(items: Iterable[T]) -> Iterator[list[T]]:
    every = iter(items)
    while some := list(islice(every, BATCH)):
        yield some


def _experiment_of(connection: Connection, run: str) -> str | None:
    r = experiment_runs.c
    return connection.execute(select(r.experiment_id).where(r.id == run)).scalar_one_or_none()


def _to_copy(experiment: str, run: str | None = None) -> Wanted:
    """Return what puts an experiment, or a run of it, into the outbox."""
    return Wanted("experiment", experiment, experiment) if run is None else Wanted("run", run, experiment)


def _observation_to_copy(experiment: str, run: str, row: ObservationRow) -> Wanted:
    """Return what puts an observation into the outbox; again where it was made anew, or its scores were."""
    place = f"{run}/{row.number}/{row.arm}/{row.repeat}"
    return Wanted("observation", f"{place}/{row.attempt}", place, experiment, again=True)


def _experiment(row: Row[Any]) -> ExperimentRow:
    return ExperimentRow(**row._mapping)  # noqa: SLF001 - SQLAlchemy's public name for it
