"""The line magics: `%workbench`, `%models`, `%modes`, `%dialogues`, and `%dialogue` with its subcommands.

Each returns something to look at and to go on with, or says in a sentence what it did. What goes wrong is a `UsageError`,
which IPython prints in one line and which stops "Run All".
"""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from IPython.core.error import UsageError
from IPython.core.magic import Magics, line_magic, magics_class
from IPython.core.magic_arguments import argument, magic_arguments

from workbench.notebook.options import merge, one_of, parse, resume_options
from workbench.notebook.running import go_on, see_through, see_through_async, show, stop, usage_errors
from workbench.notebook.steering import STEERING, apart, steer

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell

    from workbench.dialogue import Dialogue, Orchestrator
    from workbench.notebook.live import Show
    from workbench.notebook.mode_page import ModePage
    from workbench.notebook.tables import Table

_OPTIONS: Final = {
    "resume": (
        "participant", "models", "judge", "budget", "max_tokens", "timeout", "api_base", "background", "detach", "output",
    ),
    "stop": (),
    "show": ("panel", "turn", "output"),
    "export": ("output", "format"),
    "cost": (),
    **STEERING,
}  # fmt: skip
"""Subcommand of `%dialogue` to the options that it takes."""
SUBCOMMANDS: Final = tuple(_OPTIONS)
FORMATS: Final = ("html", "json", "markdown", "pdf")
BY: Final = ("model", "task")
STATUSES: Final = ("running", "interrupted", "completed", "converged", "failed", "cancelled", "cost_limited")


@magics_class
class CommandMagics(Magics):
    """The commands around `%%dialogue`.

    Args:
        shell: that they belong to.
        orchestrator: returns the one that dialogues of this notebook run in.
    """

    def __init__(self, shell: InteractiveShell, orchestrator: Callable[[], Orchestrator]) -> None:
        super().__init__(shell)
        self._shell = shell
        self._orchestrator = orchestrator

    @magic_arguments()
    @argument(
        "command", nargs="?", choices=["doctor", "log", "metrics"], default="doctor", help="what to do; doctor by default"
    )
    @argument("--no-network", action="store_true", help="doctor: do not ask the models' endpoints")
    @argument("--level", metavar="LEVEL", help="log: debug, info, warning or error, and above")
    @argument("--dialogue", metavar="ID", help="log: only of this dialogue, or with this correlation id")
    @argument("--since", metavar="WHEN", help="log: only from then on, such as 10m, 12h or 2026-11-01")
    @argument("-n", "--limit", type=int, default=50, metavar="N", help="log: how many of the newest lines; 50 by default")
    @argument("--follow", action="store_true", help="log: print new lines as they come, until the cell is interrupted")
    @argument("--port", type=int, metavar="PORT", help="metrics: serve them to Prometheus; 0 takes a free port")
    @argument("--stop", action="store_true", help="metrics: serve them no longer")
    @line_magic("workbench")
    def workbench(self, line: str) -> Any:
        """Check keys, models, endpoints, record and versions, and say what to do; show the log; serve metrics.

        Examples::

            %workbench
            %workbench doctor --no-network
            %workbench log --level warning --since 1h
            %workbench log --dialogue 3f9a --follow
            %workbench metrics --port 9464
        """
        wanted = parse(self.workbench, line)
        with usage_errors():
            return getattr(self, f"_{wanted.command}")(wanted)

    def _doctor(self, wanted: Namespace) -> Table:
        from workbench import doctor
        from workbench.notebook.listings import findings_table

        return findings_table(doctor.examine(self._orchestrator().settings, network=not wanted.no_network))

    def _log(self, wanted: Namespace) -> Table | None:
        from workbench.notebook.logs import log_table

        return log_table(self._orchestrator().settings, wanted)

    def _metrics(self, wanted: Namespace) -> None:
        from workbench.notebook.metrics import serve

        print(serve(self._orchestrator(), wanted))  # noqa: T201 - a magic's way to say it

    @magic_arguments()
    @argument("--ready", action="store_true", help="only those that may be asked now")
    @argument("--stats", action="store_true", help="what the record knows of them instead of what they declare")
    @argument("--by", dest="grouping", metavar="WHAT", help="with --stats: model, or task for each kind of task too")
    @argument("--since", metavar="WHEN", help="with --stats: only from then on, such as 7d, 12h or 2026-11-01")
    @argument("--baseline", metavar="MODEL", help="with --stats: what was saved against paying this model's prices")
    @argument("text", nargs="*", help="only those whose name, id, family or description has this in it")
    @line_magic("models")
    def models(self, line: str) -> Table:
        """List the models: what they cost, what they lack to be used, and what to do about it.

        Examples::

            %models --ready
            %models claude
            %models --stats --by task --since 7d --baseline gpt
            x = %models
            x.frame
        """
        from workbench.notebook.listings import models_table

        wanted = parse(self.models, line)
        with usage_errors():
            if _asks_stats(wanted):
                return self._stats(wanted)
            return models_table(self._orchestrator().models, " ".join(wanted.text), ready=wanted.ready)

    def _stats(self, wanted: Namespace) -> Table:
        from workbench.notebook.model_stats import stats_table

        orchestrator, text = self._orchestrator(), " ".join(wanted.text)
        baseline = orchestrator.models.get(wanted.baseline) if wanted.baseline else None
        by = one_of(wanted.grouping or "model", BY, "grouping")
        return stats_table(orchestrator.record, by, wanted.since, baseline, text)

    @magic_arguments()
    @argument("name", nargs="?", help="of one mode, or a mode file; without it, all modes are listed")
    @line_magic("modes")
    def modes(self, line: str) -> Table | ModePage:
        """List the modes, or show one: roles, parameters, turns, how they flow, and what that costs.

        Examples::

            %modes
            %modes debate
        """
        from workbench.notebook.listings import modes_table
        from workbench.notebook.mode_page import ModePage

        wanted = parse(self.modes, line)
        with usage_errors():
            orchestrator = self._orchestrator()
            if not wanted.name:
                return modes_table(orchestrator.modes)
            return ModePage(orchestrator.modes.load(wanted.name), orchestrator.models, orchestrator.settings.defaults)

    @magic_arguments()
    @argument("-n", "--limit", type=int, default=20, metavar="N", help="how many; 20 by default")
    @argument("--status", metavar="STATUS", help=f"only those that are {', '.join(STATUSES)}")
    @argument("text", nargs="*", help="only those whose topic, mode or id has this in it")
    @line_magic("dialogues")
    def dialogues(self, line: str) -> Table:
        """List the dialogues of the record, the newest first.

        Examples::

            %dialogues
            %dialogues -n 5 --status failed
            %dialogues private cars
        """
        from workbench.notebook.linked_table import dialogue_panel
        from workbench.notebook.listings import dialogues_table

        wanted = parse(self.dialogues, line)
        status = one_of(wanted.status.replace("-", "_"), STATUSES, "status") if wanted.status else None
        if wanted.limit < 1:
            raise UsageError(f"-n {wanted.limit}: a whole number from 1 is needed")
        with usage_errors():
            orchestrator = self._orchestrator()
            panel_of = partial(dialogue_panel, orchestrator)
            return dialogues_table(orchestrator.record, wanted.limit, status, " ".join(wanted.text), panel_of)

    @magic_arguments()
    @argument("command", help=f"{', '.join(SUBCOMMANDS)}")
    @argument("id", help="the dialogue's id, the beginning of it, or last")
    @argument("-p", "--participant", action="append", default=[], metavar="ROLE=MODEL", help="resume: another model for a role")
    @argument("-m", "--models", default="", metavar="A,B,C", help="resume: other models, dealt out to the roles")
    @argument("--judge", metavar="MODEL", help="resume: another model for the role that decides")
    @argument("--budget", type=float, metavar="USD", help="resume: another ceiling, of the whole dialogue")
    @argument("--max-tokens", type=int, metavar="N", help="resume: another ceiling, of the whole dialogue")
    @argument("--timeout", type=float, metavar="SECONDS", help="resume: another ceiling, of this run")
    @argument("--api-base", metavar="URL", help="resume: OpenAI-compatible endpoint for models named by id")
    @argument("--background", action="store_true", help="resume: return at once")
    @argument("--detach", action="store_true", help="resume: in a process of its own, which outlives this kernel")
    @argument("--panel", action="store_true", help="show: as the live panel instead of the transcript")
    @argument("--format", metavar="FORMAT", help="export: json, markdown, html or pdf; by default from the file's name")
    @argument("-o", "--output", metavar="NAME", help="resume, show: variable that it is bound to; export: the file")
    @argument(
        "--turn",
        metavar="TURN",
        help="show: the panel at this turn, by id or number; answer, approve: which, where several wait",
    )
    @argument("--name", metavar="NAME", help="interject: under which the others see it")
    @argument("text", nargs="*", help="answer, interject, approve: what is said; call-on: role and prompt; skip: the turn")
    @line_magic("dialogue")
    def dialogue(self, line: str) -> Any:
        """Do something with a dialogue that exists; `%%dialogue` runs a new one.

        Examples::

            %dialogue show last -o d
            %dialogue show last --turn con_2
            %dialogue resume 3f9a --budget 1.00 -p judge=gpt
            %dialogue stop last
            %dialogue export last -o debate.html
            %dialogue cost last
            %dialogue interject last What about trains?
            %dialogue call-on last con What would change your mind?
            %dialogue approve last

        answer, approve, interject, call-on, skip, pause and unpause act on a dialogue that runs: start it with --background.
        """
        wanted = self._wanted(line)
        if wanted.command == "resume":
            see_through(partial(self._resume, wanted))
            return None
        with usage_errors():
            orchestrator = self._orchestrator()
            found = orchestrator.record.find(wanted.id)
            if wanted.command in STEERING:
                print(steer(orchestrator.load(found), wanted))  # noqa: T201 - a magic's way to say it
                return None
            return getattr(self, f"_{wanted.command}")(orchestrator, found, wanted)

    async def resume_async(self, line: str) -> None:
        """Run `%dialogue resume` without blocking the kernel; a cell that awaits calls this."""
        await see_through_async(partial(self._resume, self._wanted(line)))

    def _wanted(self, line: str) -> Namespace:
        """Read the line of `%dialogue`; options that the subcommand does not take are errors."""
        command = line.split(maxsplit=1)[0] if line.strip() else ""
        if not command:
            raise UsageError(f"%dialogue needs a subcommand: {', '.join(SUBCOMMANDS)}. `%dialogue?` has examples.")
        if not command.startswith("-"):
            one_of(command, SUBCOMMANDS, "subcommand")
        line, text = apart(line) if command in STEERING else (line, "")
        wanted = parse(self.dialogue, line)
        wanted.text = [text] if text else wanted.text
        one_of(wanted.command, SUBCOMMANDS, "subcommand")
        for name, value in vars(wanted).items():
            if value and name == "text" and not takes(wanted.command, name):
                raise UsageError(f"%dialogue {wanted.command} takes nothing after the dialogue: {' '.join(value)!r}")
            if value and name not in ("command", "id") and not takes(wanted.command, name):
                there = ", ".join(f"--{option.replace('_', '-')}" for option in _OPTIONS[wanted.command]) or "none"
                raise UsageError(
                    f"%dialogue {wanted.command} has no option --{name.replace('_', '-')}\n  Its options: {there}."
                )
        return wanted

    def _resume(self, wanted: Namespace) -> Show | None:
        """Go on with a dialogue; return its display, None where there is nothing to wait for."""
        options = resume_options(merge(Namespace(**vars(wanted), parameters=[]), {}, {}))
        dialogue = go_on(self._orchestrator(), wanted.id, options, detach=wanted.detach)
        return show(self._shell, dialogue, background=wanted.background or wanted.detach, output=wanted.output)

    def _stop(self, orchestrator: Orchestrator, found: str, _wanted: Namespace) -> None:
        print(stop(orchestrator, found))  # noqa: T201 - a magic's way to say it

    def _show(self, orchestrator: Orchestrator, found: str, wanted: Namespace) -> Any:
        from IPython.display import display

        from workbench.notebook.linked_table import dialogue_panel
        from workbench.notebook.outputs import static_bundle

        dialogue = orchestrator.follow(found)
        if wanted.output:
            self._shell.user_ns[wanted.output] = dialogue
        if wanted.turn:
            return dialogue_panel(orchestrator, found, _turn_of(dialogue, wanted.turn))
        if wanted.panel:
            return dialogue.panel()
        display(static_bundle(dialogue), raw=True)
        return None

    def _export(self, orchestrator: Orchestrator, found: str, wanted: Namespace) -> None:
        from pathlib import Path

        if not wanted.output:
            raise UsageError("%dialogue export needs a file: -o FILE, such as -o debate.html")
        dialogue = orchestrator.load(found)
        dialogue.export(wanted.format or Path(wanted.output).suffix.lstrip("."), wanted.output)
        print(f"Wrote {wanted.output}.")  # noqa: T201 - a magic's way to say it

    def _cost(self, orchestrator: Orchestrator, found: str, _wanted: Namespace) -> Table:
        from workbench.notebook.costs import cost_table

        return cost_table(orchestrator.load(found).snapshot())


def _turn_of(dialogue: Dialogue, wanted: str) -> str:
    """Return the id of a turn of a dialogue by its id or number."""
    turns = dialogue.snapshot().turns
    found = next((turn.id for turn in turns if wanted in (turn.id, str(turn.index))), None)
    if found is None:
        there = ", ".join(turn.id for turn in turns) or "none so far"
        raise UsageError(f"dialogue {dialogue.id} has no turn {wanted!r}\n  Its turns: {there}.")
    return found


def _asks_stats(wanted: Namespace) -> bool:
    """Whether a line of `%models` asks for statistics; options that go with these alone are errors elsewhere."""
    options = {"--by": wanted.grouping, "--since": wanted.since, "--baseline": wanted.baseline}
    given = [option for option, value in options.items() if value]
    if given and not wanted.stats:
        raise UsageError(f"{given[0]} needs --stats")
    if wanted.stats and wanted.ready:
        raise UsageError("--ready and --stats do not go together: the record knows what was, not what may be asked now")
    return bool(wanted.stats)


def takes(subcommand: str | None, option: str) -> bool:
    """Whether a subcommand of `%dialogue` takes an option; without a subcommand, all do."""
    return subcommand not in _OPTIONS or option in _OPTIONS[subcommand]
