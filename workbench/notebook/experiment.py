"""`%%experiment NAME` defines an experiment in a cell; `%experiment` runs experiments and shows what came of them."""

from __future__ import annotations

import argparse
import asyncio
import shlex
from collections.abc import Callable
from functools import partial
from importlib import import_module
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any, Final, NoReturn

from IPython.core.error import UsageError
from IPython.core.magic import Magics, cell_magic, line_magic, magics_class, no_var_expand

from workbench.notebook.options import one_of
from workbench.notebook.running import usage_errors

if TYPE_CHECKING:
    from pathlib import Path

    from IPython.core.interactiveshell import InteractiveShell

    from workbench.dialogue import Orchestrator
    from workbench.experiments.experiment import Experiment
    from workbench.experiments.running import Place
    from workbench.notebook.experiment_run import Watch
    from workbench.panels.experiment_panel import ExperimentPanel

_LIMITS: Final = ("max_cost", "max_tokens", "max_calls")
"""What `resume` and `retry` may be given anew."""
_CALCULATE: Final = {"gallery", "power", "compare", "report", "reproduce", "bundle", "open"}
"""Subcommands that take a processor for seconds; a cell that awaits has a thread do them."""
COMMANDS: Final = {
    "list": "all runs, the newest first; WORDS choose among them",
    "gallery": "what came of past runs: verdict, effect and cost; WORDS choose among them",
    "show": "an experiment: its arms, and the means of its metrics",
    "run": "make a new run; of a file, of experiments/NAME/experiment.yaml, or of what was run before",
    "panel": "an experiment with its latest run, which fills while the run goes on",
    "resume": "go on with a run that stopped; what is kept is not made again",
    "retry": "make the observations again that failed, and none else",
    "stop": "stop a run, wherever it runs; what is complete is kept",
    "seal": "fix plan, arms, metrics and cases before the run",
    "power": "how many cases it takes, from a pilot run, and what they cost",
    "compare": "what a run shows: every metric and arm beside the control, and a recommendation",
    "report": "write the report of a run to a file: .html, .md or .tex",
    "reproduce": "make results again from the record, and say whether they are the same",
    "bundle": "write an experiment with its run to a file that opens on another machine",
    "open": "take the experiment of such a file into the record",
}


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        raise UsageError(f"{self.prog}: {message}\n  `%experiment --help` has examples.")


@magics_class
class ExperimentMagics(Magics):
    """Experiments in a notebook.

    Args:
        shell: that it belongs to.
        orchestrator: returns the one that dialogues of this notebook run in.
    """

    def __init__(self, shell: InteractiveShell, orchestrator: Callable[[], Orchestrator]) -> None:
        super().__init__(shell)
        self._shell, self._orchestrator = shell, orchestrator
        self._live: dict[str, Experiment] = {}

    @no_var_expand
    @cell_magic("experiment")
    def define(self, line: str, cell: str) -> Any:
        """Define an experiment: the cell is its YAML, and `experiments/NAME/experiment.yaml` in the workspace keeps it.

        Example::

            %%experiment greetings
            cases: questions.csv
            arms:
              plain: {model: local, prompt: "{question}"}
              steps: {model: local, prompt: "{question} Think step by step."}
            metrics:
              right: {kind: exact_match, expected: answer}
              latency:
              cost:
            plan: {primary: right, control: plain, margin: 0.05}

        Then `%experiment run greetings` runs it. `%%experiment NAME --cases df` takes the cases from a variable, and
        `-o NAME` binds the experiment to one.
        """
        from workbench.experiments.experiment import Experiment
        from workbench.experiments.finding import file_of
        from workbench.experiments.reading import parse_definition
        from workbench.notebook.experiment_page import ExperimentPage

        parser = _Parser(prog="%%experiment", add_help=False)
        parser.add_argument("name")
        parser.add_argument("--cases")
        parser.add_argument("-o", "--output")
        wanted = parser.parse_args(shlex.split(line))
        given = self._variable(wanted.cases) if wanted.cases else None
        with usage_errors():
            source = f"%%experiment {wanted.name}"
            definition = parse_definition(cell, wanted.name, source, without_cases=given is not None)
            orchestrator = self._orchestrator()
            experiment = Experiment.of(definition, orchestrator, cases=given)
            experiment.keep()
            if given is None:
                _write(file_of(orchestrator.settings.workspace, wanted.name), f"name: {wanted.name}\n{cell.rstrip()}\n")
        self._live[wanted.name] = experiment
        self._bind(wanted.output, experiment)
        return ExperimentPage(experiment)

    @line_magic("experiment")
    def experiment(self, line: str) -> Any:  # noqa: D102 - its text is made from the subcommands, below
        with usage_errors():
            found = self._do(line)
            return found if not hasattr(found, "wait") else found.wait()

    async def experiment_async(self, line: str) -> Any:
        """Run `%experiment` without blocking the kernel; a cell that awaits calls this."""
        with usage_errors():
            calculates = line.split(maxsplit=1)[0] in _CALCULATE
            if "dask" in line.split() and find_spec("distributed"):
                await asyncio.to_thread(import_module, "distributed")  # it takes a second
            found = await asyncio.to_thread(self._do, line) if calculates else self._do(line)
            return found if not hasattr(found, "wait_async") else await found.wait_async()

    def _do(self, line: str) -> Any:
        if "-h" in line.split() or "--help" in line.split():
            print(overview())  # noqa: T201 - a magic's way to say it
            return None
        wanted = _read(line)
        doing: Callable[[argparse.Namespace], Any] = getattr(self, f"_{wanted.command}")
        return doing(wanted)

    def _run(self, wanted: argparse.Namespace) -> Watch:
        from workbench.notebook.experiment_run import Watch

        experiment = self._newest(wanted.name)
        self._bind(wanted.output, experiment)
        return Watch(self._shell, experiment, partial(experiment.start, **_place(wanted)))

    def _resume(self, wanted: argparse.Namespace, *, retry: bool = False) -> Watch:
        from workbench.notebook.experiment_run import Watch

        experiment = self._found(wanted)
        self._bind(wanted.output, experiment)
        limits = {name: limit for name in _LIMITS if (limit := getattr(wanted, name)) is not None}
        begin = partial(experiment.start_again, retry_failed=retry, limits=limits, **_place(wanted))
        return Watch(self._shell, experiment, begin)

    def _retry(self, wanted: argparse.Namespace) -> Watch:
        return self._resume(wanted, retry=True)

    def _stop(self, wanted: argparse.Namespace) -> str:
        experiment = self._found(wanted)
        experiment.stop()
        return f"Stopping {experiment.name}; what is complete is kept. `%experiment resume {experiment.name}` goes on."

    def _list(self, wanted: argparse.Namespace) -> Any:
        from workbench.experiments.finding import listed
        from workbench.notebook.experiment_page import listing

        return listing(listed(self._orchestrator().record, wanted.name))

    def _gallery(self, wanted: argparse.Namespace) -> Any:
        from workbench.experiments.gallery import gallery
        from workbench.notebook.experiment_gallery import gallery_table

        return gallery_table(gallery(self._orchestrator(), wanted.name))

    def _panel(self, wanted: argparse.Namespace) -> ExperimentPanel:
        from workbench.experiments.experiment import Experiment
        from workbench.panels.experiment_panel import ExperimentPanel

        experiment = self._live.get(wanted.name) or Experiment.load(wanted.name, self._orchestrator())
        self._live[experiment.name] = experiment
        panel = ExperimentPanel(experiment)
        self._bind(wanted.output, panel)
        return panel

    def _show(self, wanted: argparse.Namespace) -> Any:
        from workbench.notebook.experiment_page import ExperimentPage

        experiment = self._found(wanted)
        self._bind(wanted.output, experiment)
        return ExperimentPage(experiment)

    def _seal(self, wanted: argparse.Namespace) -> str:
        experiment = self._newest(wanted.name)
        seal = experiment.seal()
        return f"Sealed {experiment.name}: SHA-256 {seal.sha256}"

    def _power(self, wanted: argparse.Namespace) -> Any:
        return self._found(wanted).power()

    def _compare(self, wanted: argparse.Namespace) -> Any:
        found = self._found(wanted).compare()
        self._bind(wanted.output, found)
        return found

    def _report(self, wanted: argparse.Namespace) -> str:
        from workbench.experiments.finding import report_format

        path = wanted.output or f"{wanted.name}.html"
        self._found(wanted).report(report_format(path), path)
        return f"The report is in {path}."

    def _reproduce(self, wanted: argparse.Namespace) -> Any:
        from workbench.experiments.reproduce import reproduce

        return reproduce(self._found(wanted))

    def _bundle(self, wanted: argparse.Namespace) -> str:
        from workbench.experiments.bundle import write_bundle

        return f"The bundle is in {write_bundle(self._found(wanted), wanted.output or f'{wanted.name}.zip')}."

    def _open(self, wanted: argparse.Namespace) -> Any:
        from workbench.experiments.bundle import open_bundle
        from workbench.notebook.experiment_page import ExperimentPage

        experiment = open_bundle(wanted.name, self._orchestrator())
        self._bind(wanted.output, experiment)
        return ExperimentPage(experiment)

    def _newest(self, name: str) -> Experiment:
        """Return the experiment of a name as it is now: its file may have been edited since its cell ran."""
        from workbench.experiments.finding import file_of, to_run

        live = self._live.get(name)
        if live is None or file_of(self._orchestrator().settings.workspace, name).is_file():
            written = to_run(name, self._orchestrator())
            live = live if live is not None and live.definition == written.definition else written
        self._live[live.name] = live
        return live

    def _found(self, wanted: argparse.Namespace) -> Experiment:
        from workbench.experiments.experiment import Experiment

        live = self._live.get(wanted.name)
        if live is not None and live.run_id is not None:
            return live
        return Experiment.load(wanted.name, self._orchestrator())

    def _bind(self, name: str | None, value: Any) -> None:
        if name:
            self._shell.user_ns[name] = value

    def _variable(self, name: str) -> Any:
        try:
            return self._shell.user_ns[name]
        except KeyError:
            raise UsageError(f"--cases: there is no variable {name}") from None


def overview() -> str:
    """Return the help of `%experiment`."""
    width = max(map(len, COMMANDS))
    lines = "\n".join(f"    {name:<{width}}  {text}" for name, text in COMMANDS.items())
    return f"""Run experiments, and look at what came of them. `%%experiment NAME` defines one.

Subcommands::

{lines}

NAME is an experiment, a run by its id, or last. `-o VAR` binds the experiment (or the comparison) to a variable; for `report`
and `bundle` it names the file. `run`, `resume` and `retry` take `--engine dask`, with `--workers N` for processes of this
machine or `--scheduler tcp://host:8786` for a cluster. Examples::

    %experiment run greetings -o exp
    %experiment resume greetings --max-cost 2
    %experiment run greetings --engine dask --workers 4
    %experiment power greetings
    %experiment report greetings -o greetings.html
"""


vars(ExperimentMagics)["experiment"].__doc__ = overview()


def _place(wanted: argparse.Namespace) -> Place:
    """Return where observations are made."""
    from workbench.experiments.running import place_of

    return place_of(wanted.engine, wanted.scheduler, wanted.workers)


def _write(path: Path, text: str) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise UsageError(f"{path} cannot be written: {error.strerror}") from None


def command_parser(name: str) -> argparse.ArgumentParser:
    """Return the parser of a subcommand's line."""
    command = _Parser(prog=f"%experiment {name}", add_help=False, allow_abbrev=False)
    command.add_argument("name", nargs="?" if name in {"list", "gallery"} else None, default="")
    command.add_argument("-o", "--output", help="a variable, or the file")
    for limit in _LIMITS if name in {"resume", "retry"} else ():
        command.add_argument(f"--{limit.replace('_', '-')}", type=float if limit == "max_cost" else int, help="a new limit")
    if name in {"run", "resume", "retry"}:
        command.add_argument("--engine", default="local", help="local or dask")
        command.add_argument("--scheduler", help="of a Dask cluster")
        command.add_argument("--workers", type=int, help="processes of this machine")
    return command


def _read(line: str) -> argparse.Namespace:
    command, *words = shlex.split(line) or [""]
    if not command:
        raise UsageError("%experiment: which subcommand? `%experiment --help` lists them.")
    one_of(command, tuple(COMMANDS), "subcommand of %experiment")
    return command_parser(command).parse_args(words, argparse.Namespace(command=command))
