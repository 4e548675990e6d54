"""An experiment as users hold it: define it, seal it, run it, go on with it, and look at what came of it."""

from __future__ import annotations

import asyncio
import json
import secrets
import time
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self, Unpack

from workbench.dialogue.export import write_export
from workbench.dialogue.orchestrator import Orchestrator
from workbench.errors import WorkbenchError
from workbench.experiments.arms import Arm, arms_of
from workbench.experiments.cases import read_cases, spooled
from workbench.experiments.definition import Definition
from workbench.experiments.form import check_templates, form_of
from workbench.experiments.functions import Functions, described
from workbench.experiments.judging import judges_of
from workbench.experiments.manifest import manifest_of, provenance_of
from workbench.experiments.plan import Plan, Seal, canonical, digest
from workbench.experiments.progress import Progress
from workbench.experiments.reading import define, read_definition
from workbench.experiments.results import results
from workbench.experiments.runner import Runner
from workbench.experiments.running import Place, Running, Where, runner_of
from workbench.records.experiments import ExperimentRow, ExperimentRows, RunRow

if TYPE_CHECKING:
    import pandas as pd
    import plotly.graph_objects as go

    from workbench.experiments.analysis import Analysis
    from workbench.experiments.engines.cluster import Cluster
    from workbench.experiments.report import Format
    from workbench.experiments.sizing import Sizing

Notify = Callable[[Progress], None]


def _silent(_progress: Progress) -> None: ...


class Experiment:
    """Cases, arms, metrics and a plan, with the runs that the record has of them.

    Args:
        name: letters, digits, - and _.
        cases: mappings of columns, a DataFrame, a path (.jsonl, .json, .csv, .parquet), or `{"dataset": …}` of Hugging Face.
        arms: name to a mapping (`{"model": …, "prompt": …}`, `{"mode": …, "topic": …}`), or to a function of the case.
        metrics: name to kind or mapping, or a list of kinds; a function stands in `{"call": function, "better": "higher"}`.
        plan: a mapping or a `Plan`; by default the first metric decides, and the first arm is the control.
        orchestrator: whose models and record are used; by default one for the workspace.
        options: the other fields of a definition: repeats, seed, fallbacks, limits, concurrency, id, cache, description.

    Raises:
        DefinitionError: it is not an experiment.

    >>> words = [{"word": "one"}, {"word": "three"}]
    >>> arms = {"short": lambda case: case["word"][:1], "long": lambda case: case["word"] * 3}
    >>> size = {"call": lambda output, case: len(output), "better": "lower"}
    >>> experiment = Experiment("lengths", cases=words, arms=arms, metrics={"size": size})
    >>> experiment.plan.control, experiment.plan.primary
    ('short', 'size')
    """

    def __init__(
        self,
        name: str,
        *,
        cases: Any,
        arms: Mapping[str, Any],
        metrics: Mapping[str, Any] | Sequence[Any],
        plan: Mapping[str, Any] | Plan | None = None,
        orchestrator: Orchestrator | None = None,
        **options: Any,
    ) -> None:
        given: dict[str, Any] = {"name": name, **options}
        if plan is not None:
            given["plan"] = plan.to_dict() if isinstance(plan, Plan) else dict(plan)
        named = {"file": str(cases)} if isinstance(cases, (str, Path)) else cases
        given["cases"] = named if isinstance(named, Mapping) else []
        given["arms"], given["metrics"], functions = described(arms, metrics)
        self._hold(define(given), orchestrator, functions, None if given["cases"] else cases)

    @classmethod
    def of(cls, definition: Definition, orchestrator: Orchestrator | None = None, cases: Any = None) -> Self:
        """Return the experiment of a definition; `cases` come in the place of those that it names."""
        found = cls.__new__(cls)
        found._hold(definition, orchestrator, Functions(), cases)  # noqa: SLF001 - ours
        return found

    @classmethod
    def from_file(cls, path: str | Path, orchestrator: Orchestrator | None = None) -> Self:
        """Return the experiment of a YAML file. Errors as `reading.read_definition`."""
        return cls.of(read_definition(path), orchestrator)

    @classmethod
    def load(cls, name: str, orchestrator: Orchestrator | None = None, functions: Mapping[str, Any] | None = None) -> Self:
        """Return a stored experiment by its name, its id, the id of a run, or `last`.

        Args:
            name: a run's id chooses that run, all else the newest.
            orchestrator: whose record has it.
            functions: arms and metrics that are Python functions, by name; those of importable modules are found by themselves.

        Raises:
            RecordError: there is none.
        """
        found, orchestrator = cls.__new__(cls), orchestrator or Orchestrator()
        rows = orchestrator.record.experiments
        row = rows.find(name)
        found._hold(Definition.model_validate_json(row.definition), orchestrator, Functions(functions or {}))  # noqa: SLF001
        found._row = row  # noqa: SLF001 - ours
        runs = rows.runs(row.id)
        chosen = next((run for run in runs if run.id == name), runs[0] if runs else None)
        found.run_id = chosen.id if chosen else None
        return found

    def _hold(self, definition: Definition, orchestrator: Orchestrator | None, functions: Functions, cases: Any = None) -> None:
        self.definition, self._given, self._functions = definition, orchestrator, functions
        self.run_id: str | None = None
        """Id of the run that results are of; None before the first."""
        self.progress: Progress | None = None
        """How far the run is that was begun here."""
        self._cases = cases
        self._row: ExperimentRow | None = None
        self._running: Running | None = None

    def __repr__(self) -> str:
        return f"Experiment({self.name}, {' and '.join(self.definition.arms)}, {self.status or 'not run'})"

    @property
    def name(self) -> str:
        """Its name."""
        return self.definition.name

    @property
    def plan(self) -> Plan:
        """What is to be shown."""
        return self.definition.planned()

    @property
    def orchestrator(self) -> Orchestrator:
        """Whose models and record are used."""
        self._given = self._given or Orchestrator()
        return self._given

    @property
    def id(self) -> str | None:
        """Its id in the record; None before it is kept there."""
        return self._row.id if self._row else None

    @property
    def run_row(self) -> RunRow | None:
        """The run that results are of, as the record has it."""
        return None if self.run_id is None else self._rows.run(self.run_id)

    @property
    def status(self) -> str | None:
        """Of the run: running, interrupted, completed, cancelled, failed or cost_limited; None before the first."""
        row = self.run_row
        return None if row is None else "interrupted" if row.interrupted else row.status

    @property
    def running(self) -> bool:
        """Whether it runs here."""
        return self._running is not None and not self._running.ended.done()

    @property
    def _rows(self) -> ExperimentRows:
        return self.orchestrator.record.experiments

    def keep(self) -> ExperimentRow:
        """Put the definition and its cases into the record, unless they are there. Blocks.

        Raises:
            CaseError: a case cannot be used.
            WorkbenchError: a mode or a model is wrong, or a prompt names no column.
        """
        if self._row is not None:
            return self._row
        given = self._cases if self._cases is not None else self.definition.cases
        with spooled(read_cases(given, self.orchestrator.settings.workspace), self.definition.id) as cases:
            check_templates(self.definition, cases.columns)
            form = form_of(self.definition, cases, self.orchestrator.modes)
            stored = self.definition.model_copy(update={"cases": []} if isinstance(self.definition.cases, list) else {})
            row = ExperimentRow(
                id=secrets.token_hex(6),
                name=self.name,
                created_at=time.time(),
                sha256=digest(form),
                form=canonical(form),
                definition=stored.model_dump_json(exclude_defaults=True, by_alias=True),
            )
            self._row = self._rows.keep(row, cases.rows())
        return self._row

    def seal(self) -> Seal:
        """Fix plan, arms, metrics and cases: the hash is stored, and a report lists what was done otherwise.

        Raises:
            WorkbenchError: there are observations already.
        """
        row = self.keep()
        if row.sealed_at is None and any(self._rows.tally(run.id).done for run in self._rows.runs(row.id)):
            raise WorkbenchError(
                f"{self.name} has observations already", hint="Seal a plan before the run; a copy under another name can be."
            )
        self._row = self._rows.seal(row.id)
        return _seal(self._row)

    @property
    def sealed(self) -> Seal | None:
        """What was sealed last under this name before the run began; None where nothing was."""
        run = self.run_row
        row = self._rows.sealed(self.name, run.created_at if run else time.time())
        return _seal(row) if row else None

    def start(self, notify: Notify = _silent, **place: Unpack[Place]) -> Self:
        """Begin a new run, and return at once; `place` is where: arguments of `running.Where`, by default this process.

        Raises:
            WorkbenchError: as for `keep`, or the engine cannot be used.
        """
        if self.running:
            raise WorkbenchError(f"{self.name} is running", hint="Wait for its end, or stop it.")
        cluster = Where(**place).cluster(self.orchestrator)
        row, arms, judges = self.keep(), self._arms(), judges_of(self.definition, self.orchestrator)
        cases = min(self._rows.count_cases(row.id), self.plan.cases or 2**62)
        manifest = json.dumps(manifest_of(self.orchestrator, self.definition, arms, judges))
        run = RunRow.new(row.id, cases * len(arms) * self.definition.repeats, manifest)
        runner = self._runner(run, arms, cluster, notify, retry=False)
        self._rows.begin(run)
        return self._go(runner)

    def start_again(
        self,
        notify: Notify = _silent,
        *,
        retry_failed: bool = False,
        limits: Mapping[str, float] | None = None,
        **place: Unpack[Place],
    ) -> Self:
        """Go on with the run that stopped, and return at once; what is kept is not made again.

        Args:
            notify: is told how far it is.
            retry_failed: whether observations that failed are made again.
            limits: in the place of those that it had: `max_cost` (USD), `max_tokens`, `max_calls`, `per_minute`.
            place: as for `start`; it may be another than the run began in.

        Raises:
            WorkbenchError: there is no run, an arm is a function that cannot be found, or the engine cannot be used.
            RecordError: another process runs it.
        """
        if self.run_id is None:
            raise WorkbenchError(f"{self.name} has not been run", hint="`run` begins a run.")
        self.definition = self.definition.limited(limits or {})
        arms, cluster = self._arms(), Where(**place).cluster(self.orchestrator)
        run = self._rows.claim(self.run_id)
        try:
            runner = self._runner(run, arms, cluster, notify, retry=retry_failed)
        except WorkbenchError as error:
            self._rows.end(run.id, "failed", error.message)
            raise
        return self._go(runner)

    def run(self, notify: Notify = _silent, **place: Unpack[Place]) -> Self:
        """Make a new run, to its end. An interrupt stops it, keeps what is complete, and is raised again."""
        return self.start(notify, **place).wait()

    def resume(self, notify: Notify = _silent, limits: Mapping[str, float] | None = None, **place: Unpack[Place]) -> Self:
        """Go on with the run that stopped, to its end. Arguments and errors as for `start_again`."""
        return self.start_again(notify, limits=limits, **place).wait()

    def retry_failed(self, notify: Notify = _silent, **place: Unpack[Place]) -> Self:
        """Make the observations again that failed, and none else."""
        return self.start_again(notify, retry_failed=True, **place).wait()

    async def run_async(self, notify: Notify = _silent, **place: Unpack[Place]) -> Self:
        """Make a new run without blocking the caller's event loop; cancelling the wait stops it."""
        await asyncio.to_thread(partial(self.start, notify, **place))
        return await self.wait_async()

    def wait(self) -> Self:
        """Block until the run has ended. Raises what went wrong; an interrupt stops the run first."""
        if self._running is not None:
            try:
                self._running.ended.result()
            except KeyboardInterrupt:
                self.stop()
                raise
        return self

    async def wait_async(self) -> Self:
        """Wait as `wait` does, on any event loop; cancelling it stops the run."""
        if self._running is not None:
            try:
                await asyncio.shield(asyncio.wrap_future(self._running.ended))
            except asyncio.CancelledError:
                await asyncio.to_thread(self.stop)
                raise
        return self

    def stop(self) -> None:
        """Stop the run, here or in another process; what is complete is kept, and `resume` goes on."""
        if self._running is not None and self.running:
            self._running.stop()
        elif self.run_id is not None:
            self._rows.ask_to_stop(self.run_id)

    @property
    def results(self) -> pd.DataFrame:
        """The observations of the run, one row a case, arm and repeat; see `results.results`."""
        if self.run_id is None:
            raise WorkbenchError(f"{self.name} has not been run", hint="`run` begins a run.")
        return results(self.orchestrator.record, self.run_id, self.definition)

    def compare(self, **options: Any) -> Analysis:
        """Return what the run shows: every metric and arm beside the control, and a recommendation.

        Args:
            options: of `analysis.analyse`.
        """
        from workbench.experiments.analysis import analyse

        arms, form = list(self.definition.arms), json.loads(self.keep().form)
        metrics = self.definition.statistics()
        return analyse(self.results, metrics, self.plan, arms=arms, seal=self.sealed, form=form, **options)

    def plot(self, kind: Any = "estimation", **options: Any) -> go.Figure:
        """Return a figure of what the run shows: `estimation`, `forest`, `frontier` or `distribution`."""
        from workbench.experiments.plots import plot

        return plot(self.compare(), kind, **options)

    def report(self, format: Format = "html", path: str | Path | None = None, **options: Any) -> str:  # noqa: A002
        """Return the report of the run as `html`, `markdown` or `latex`, and write it to `path` if one is given.

        Args:
            format: of the report.
            path: file to write; its folder must exist.
            options: of `report.report`.

        Raises:
            WorkbenchError: there is no run or no such format, or the file cannot be written.
        """
        from workbench.experiments.report import report
        from workbench.experiments.reproduce import digest_of

        analysis = self.compare()
        if self.run_id is not None:
            self._rows.note(self.run_id, json.dumps(self.manifest | {"analysis": digest_of(analysis)}))
        text = report(
            analysis,
            format,
            title=self.name,
            provenance=provenance_of(self.manifest, self.run_id or "", self.keep().sha256),
            **options,
        )
        if path is not None:
            write_export(text, path)
        return text

    @property
    def manifest(self) -> dict[str, Any]:
        """The circumstances of the run, see `manifest.manifest_of`; empty before the first run."""
        row = self.run_row
        found: dict[str, Any] = json.loads(row.manifest) if row else {}
        return found

    def power(self) -> Sizing:
        """Return how many cases it takes to show the margin, what those at hand could show, and what it costs: by this run."""
        from workbench.experiments.sizing import sizing

        return sizing(self.results, self.definition.statistics(), self.plan)

    def _arms(self) -> dict[str, Arm]:
        return arms_of(self.definition, self.orchestrator, self._functions)

    def _runner(self, run: RunRow, arms: dict[str, Arm], cluster: Cluster | None, notify: Notify, *, retry: bool) -> Runner:
        tell = partial(self._note, notify)
        return runner_of(self.orchestrator, run, self.definition, arms, self._functions, cluster, tell, retry=retry)

    def _go(self, runner: Runner) -> Self:
        self.run_id, self._running = runner.run.id, Running(runner)
        return self

    def _note(self, notify: Notify, progress: Progress) -> None:
        self.progress = progress
        notify(progress)


def _seal(row: ExperimentRow) -> Seal:
    return Seal(row.sha256, row.sealed_at or 0.0, json.loads(row.form))
