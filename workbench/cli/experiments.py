"""`experiment`: run experiments and say what came of them. What a command does is imported when it runs."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from workbench.cli.options import AsJson, MaxCalls, MaxCost, MaxTokens, Workspace

if TYPE_CHECKING:
    from workbench.dialogue import Orchestrator
    from workbench.experiments.experiment import Experiment
    from workbench.experiments.progress import Progress
    from workbench.experiments.running import Place

experiment_app = typer.Typer(help="Experiments: run them, go on with them, compare arms.", no_args_is_help=True)

_APART: Final = 5.0
"""Seconds between two lines on how far a run is, where lines cannot be changed."""
Engine = Annotated[str, typer.Option("--engine", help="Where observations are made: local (this process) or dask.")]
Scheduler = Annotated[str | None, typer.Option("--scheduler", help="Of a Dask cluster, such as tcp://host:8786.")]
Workers = Annotated[int | None, typer.Option("--workers", help="Processes that the Dask engine starts here; else one a core.")]
Name = Annotated[str, typer.Argument(metavar="NAME", help="An experiment, a run by its id, or 'last'.")]


@experiment_app.command("run")
def run_(
    name: Annotated[str, typer.Argument(metavar="NAME", help="A file, or the name of an experiment of the workspace.")],
    *,
    engine: Engine = "local",
    scheduler: Scheduler = None,
    workers: Workers = None,
    as_json: AsJson = False,
    workspace: Workspace = None,
) -> None:
    """Make a new run."""
    from workbench.experiments.finding import to_run

    place = _place(engine, scheduler, workers)
    with _orchestrator(workspace) as orchestrator:
        experiment = to_run(name, orchestrator)
        _see_through(experiment, lambda notify: experiment.start(notify, **place), as_json=as_json)


@experiment_app.command()
def resume(
    name: Name,
    *,
    max_cost: MaxCost = None,
    max_tokens: MaxTokens = None,
    max_calls: MaxCalls = None,
    engine: Engine = "local",
    scheduler: Scheduler = None,
    workers: Workers = None,
    as_json: AsJson = False,
    workspace: Workspace = None,
) -> None:
    """Go on with a run that stopped; what is kept is not made again. Limits are those it had unless given."""
    given = {"max_cost": max_cost, "max_tokens": max_tokens, "max_calls": max_calls}
    limits = {name: limit for name, limit in given.items() if limit is not None}
    place = _place(engine, scheduler, workers)
    with _stored(name, workspace) as experiment:
        _see_through(experiment, lambda notify: experiment.start_again(notify, limits=limits, **place), as_json=as_json)


@experiment_app.command()
def retry(
    name: Name,
    *,
    engine: Engine = "local",
    scheduler: Scheduler = None,
    workers: Workers = None,
    as_json: AsJson = False,
    workspace: Workspace = None,
) -> None:
    """Make the observations again that failed, and none else."""
    place = _place(engine, scheduler, workers)
    with _stored(name, workspace) as experiment:
        _see_through(experiment, lambda notify: experiment.start_again(notify, retry_failed=True, **place), as_json=as_json)


@experiment_app.command()
def stop(name: Name, workspace: Workspace = None) -> None:
    """Ask the process that makes a run to stop; what is complete is kept."""
    with _stored(name, workspace) as experiment:
        experiment.stop()
    sys.stderr.write(f"Stopping; `workbench experiment resume {name}` goes on.\n")


@experiment_app.command("list")
def list_(
    words: Annotated[list[str] | None, typer.Argument(help="What name or definition holds.")] = None,
    *,
    as_json: AsJson = False,
    workspace: Workspace = None,
) -> None:
    """List runs, the newest first."""
    from workbench.cli.output import as_json as print_json
    from workbench.cli.output import table
    from workbench.experiments.finding import listed

    with _orchestrator(workspace) as orchestrator:
        rows = [asdict(each) for each in listed(orchestrator.record, " ".join(words or []))]
    if as_json:
        print_json(rows)
    else:
        table(rows, ["name", "run", "status", "done", "failed", "total", "cost"])


@experiment_app.command()
def show(name: Name, *, as_json: AsJson = False, workspace: Workspace = None) -> None:
    """Show how far a run is, and the means of each arm."""
    with _stored(name, workspace) as experiment:
        _show(experiment, as_json=as_json)


@experiment_app.command()
def seal(
    name: Annotated[str, typer.Argument(metavar="NAME", help="A file, or the name of an experiment of the workspace.")],
    workspace: Workspace = None,
) -> None:
    """Fix plan, arms, metrics and cases before the run, and print the hash."""
    from workbench.experiments.finding import to_run

    with _orchestrator(workspace) as orchestrator:
        sys.stdout.write(f"{to_run(name, orchestrator).seal().sha256}\n")


@experiment_app.command()
def power(name: Name, *, as_json: AsJson = False, workspace: Workspace = None) -> None:
    """Say how many cases it takes, by a pilot run, and what they cost."""
    from workbench.cli.output import as_json as print_json

    with _stored(name, workspace) as experiment:
        found = experiment.power()
    if as_json:
        print_json([asdict(size) for size in found.sizes] + [{"cost": found.cost, "needed": found.needed}])
    else:
        sys.stdout.write(f"{found.text}\n")


@experiment_app.command()
def compare(name: Name, workspace: Workspace = None) -> None:
    """Say what a run shows: every metric and arm beside the control, and a recommendation."""
    with _stored(name, workspace) as experiment:
        sys.stdout.write(f"{experiment.compare()}\n")


@experiment_app.command()
def report(
    name: Name,
    output: Annotated[Path, typer.Option("-o", "--output", help="File to write: .html, .md or .tex.")],
    workspace: Workspace = None,
) -> None:
    """Write the report of a run."""
    from workbench.experiments.finding import report_format

    kind = report_format(output)
    with _stored(name, workspace) as experiment:
        experiment.report(kind, output)
    sys.stderr.write(f"The report is in {output}.\n")


@experiment_app.command()
def reproduce(
    name: Name,
    *,
    rerun: Annotated[bool, typer.Option("--rerun", help="Run it anew, and test whether each arm does the same.")] = False,
    workspace: Workspace = None,
) -> None:
    """Make the results of a run again from the record, and say whether they are the same to the last bit."""
    from workbench.cli.failure import FAILED
    from workbench.experiments import reproduce as again

    with _stored(name, workspace) as experiment:
        found = again.rerun(experiment, _teller()) if rerun else again.reproduce(experiment)
    sys.stdout.write(f"{found.text}\n")
    if not found.same:
        sys.exit(FAILED)


@experiment_app.command()
def bundle(
    name: Name,
    output: Annotated[Path, typer.Option("-o", "--output", help="The zip file to write.")],
    *,
    figures: Annotated[bool, typer.Option(help="Whether its report has figures, which take 1.5 MB.")] = True,
    workspace: Workspace = None,
) -> None:
    """Write an experiment with its run to a file that opens on another machine."""
    from workbench.experiments.bundle import write_bundle

    with _stored(name, workspace) as experiment:
        write_bundle(experiment, output, figures=figures)
    sys.stderr.write(f"The bundle is in {output}; `workbench experiment open {output}` takes it into a record.\n")


@experiment_app.command("open")
def open_(
    file: Annotated[Path, typer.Argument(help="A bundle.")], *, as_json: AsJson = False, workspace: Workspace = None
) -> None:
    """Take the experiment of a bundle into the record, with its run."""
    from workbench.experiments.bundle import open_bundle

    with _orchestrator(workspace) as orchestrator:
        _show(open_bundle(file, orchestrator), as_json=as_json)


def _place(engine: str, scheduler: str | None, workers: int | None) -> Place:
    """Return where observations are made. Raises a `WorkbenchError` where that is no place."""
    from workbench.experiments.running import place_of

    return place_of(engine, scheduler, workers)


@contextmanager
def _orchestrator(workspace: Path | None) -> Iterator[Orchestrator]:
    from workbench.dialogue import Orchestrator

    with Orchestrator(workspace) as orchestrator:
        yield orchestrator


@contextmanager
def _stored(name: str, workspace: Path | None) -> Iterator[Experiment]:
    from workbench.experiments.experiment import Experiment

    with _orchestrator(workspace) as orchestrator:
        yield Experiment.load(name, orchestrator)


def _see_through(experiment: Experiment, begin: Callable[[Callable[[Progress], None]], Any], *, as_json: bool) -> None:
    """Begin a run, tell on stderr how far it is, and print the result on stdout.

    Raises:
        SystemExit: it was interrupted, failed, or reached a limit.
    """
    from workbench.cli.failure import INTERRUPTED, LIMITED

    try:
        begin(_teller())
        experiment.wait()
    except KeyboardInterrupt:
        sys.stderr.write(f"\nStopped. `workbench experiment resume {experiment.run_id}` goes on from here.\n")
        sys.exit(INTERRUPTED)
    _show(experiment, as_json=as_json)
    if experiment.status == "cost_limited":
        sys.exit(LIMITED)


def _teller() -> Callable[[Progress], None]:
    """Return what tells on stderr how far a run is: in place on a terminal, elsewhere a line every few seconds."""
    on_terminal, told = sys.stderr.isatty(), float("-inf")

    def tell(progress: Progress) -> None:
        nonlocal told
        over, now = progress.status != "running", time.monotonic()
        if on_terminal:
            sys.stderr.write(f"\r\x1b[K{progress}" + ("\n" if over else ""))
        elif over or now - told >= _APART:
            told = now
            sys.stderr.write(f"{progress}\n")
        sys.stderr.flush()

    return tell


def _show(experiment: Experiment, *, as_json: bool) -> None:
    from workbench.cli.output import as_json as print_json
    from workbench.cli.output import table
    from workbench.experiments.finding import by_arm

    run = experiment.run_row
    rows = by_arm(experiment) if run else []
    if as_json:
        told = {"name": experiment.name, "id": experiment.id, "run": run.id if run else None, "status": experiment.status}
        print_json(told | {"reason": run.reason if run else None, "arms": rows})
        return
    status = f"{experiment.status}{f': {run.reason}' if run and run.reason else ''}" if run else "not run"
    sys.stderr.write(f"{experiment.name}, run {run.id if run else 'none'}: {status}\n")
    if rows:
        table(rows, list(rows[0]))
