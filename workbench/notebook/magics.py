"""`%%dialogue`: a cell whose body is the topic."""

from __future__ import annotations

import shlex
from argparse import Namespace
from typing import TYPE_CHECKING, Any

from IPython.core.error import UsageError
from IPython.core.magic import Magics, cell_magic, magics_class, no_var_expand
from IPython.core.magic_arguments import argument, magic_arguments, parse_argstring

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell

    from workbench.dialogue import Orchestrator


@magics_class
class DialogueMagics(Magics):
    """The workbench's magics. They share one orchestrator for each cassette, made on first use."""

    def __init__(self, shell: InteractiveShell) -> None:
        super().__init__(shell)
        self._shell = shell
        self._orchestrators: dict[tuple[str | None, float | None], Orchestrator] = {}

    @magic_arguments()
    @argument("mode", help="name of a mode (debate, sequential, parallel, chat) or a mode file")
    @argument(
        "-p", "--participant", action="append", default=[], metavar="ROLE=MODEL", help="bind a role to a model; repeatable"
    )
    @argument("-m", "--models", default="", metavar="A,B,C", help="models dealt out to the roles")
    @argument("--judge", metavar="MODEL", help="model for the role that decides")
    @argument("--rounds", type=int, help="rounds, where the mode has them")
    @argument("--set", action="append", default=[], dest="parameters", metavar="NAME=N", help="a parameter of the mode")
    @argument("--budget", type=float, metavar="USD", help="stop before this much is spent")
    @argument("--max-tokens", type=int, help="stop before so many tokens are used")
    @argument("--timeout", type=float, metavar="SECONDS", help="stop after so long")
    @argument("--seed", type=int, help="makes a run repeatable where the models allow it")
    @argument("--api-base", metavar="URL", help="OpenAI-compatible endpoint for models named by id")
    @argument("--cassette", metavar="FILE", help="answer from recorded answers; see docs/replay.md")
    @argument("--pace", type=float, metavar="X", help="of a cassette: 1 as fast as it once was, 0 (the default) at once")
    @argument("--dry-run", action="store_true", help="show turns and models, and call nothing")
    @argument("-o", "--output", metavar="NAME", help="variable that the dialogue is bound to")
    @no_var_expand
    @cell_magic("dialogue")
    def dialogue(self, line: str, cell: str) -> None:
        """Run a dialogue; the cell's body is its topic.

        Examples::

            %%dialogue debate -m local --rounds 2 -o d
            Cities should ban private cars.

            %%dialogue debate -p pro=claude-sonnet -p con=gpt --judge gemini-pro --budget 0.50
            Open weights make language models safer.

        Interrupting the kernel stops the calls and keeps what was said.
        """
        from workbench.errors import WorkbenchError
        from workbench.events import Status
        from workbench.notebook.live import show_until_done

        wanted = _parse(self.dialogue, line)
        try:
            orchestrator = self._orchestrator(wanted.cassette, wanted.pace)
            options = _options(wanted)
            if wanted.dry_run:
                self._show_plan(*orchestrator.prepare(wanted.mode, cell.strip(), **options))
                return
            running = orchestrator.start(wanted.mode, cell.strip(), **options)
            if wanted.output:
                self._shell.user_ns[wanted.output] = running
            show_until_done(running, self._shell)
        except WorkbenchError as error:
            raise UsageError(str(error)) from None
        if running.status is Status.FAILED:
            raise UsageError(f"dialogue {running.id} failed: {running.reason}")

    def _orchestrator(self, cassette: str | None, pace: float | None) -> Orchestrator:
        """Return the orchestrator for a cassette; its path is relative to the notebook, as people type it."""
        if (cassette, pace) not in self._orchestrators:
            from workbench.dialogue import Orchestrator

            self._orchestrators[cassette, pace] = Orchestrator(cassette=cassette, pace=pace)
        return self._orchestrators[cassette, pace]

    def _show_plan(self, spec: Any, parts: Any) -> None:
        import pandas as pd
        from IPython.display import display

        rows = [
            {"turn": t.id, "role": t.role, "model": parts[t.role].chain[0].name, "why": parts[t.role].why}
            for t in spec.plan().turns
        ]
        display(pd.DataFrame(rows))


def _parse(magic: Any, line: str) -> Namespace:
    try:
        namespace: Namespace = parse_argstring(magic, line)
    except ValueError as error:
        raise UsageError(f"%%dialogue: {error}") from None
    return namespace


def _options(wanted: Namespace) -> dict[str, Any]:
    parameters = {name: _number(value) for name, value in map(_pair, wanted.parameters)}
    if wanted.rounds is not None:
        parameters["rounds"] = wanted.rounds
    return {
        "participants": dict(map(_pair, wanted.participant)),
        "models": [name.strip() for name in wanted.models.split(",") if name.strip()],
        "judge": wanted.judge,
        "parameters": parameters,
        "limits": {"max_cost": wanted.budget, "max_tokens": wanted.max_tokens, "timeout": wanted.timeout},
        "seed": wanted.seed,
        "api_base": wanted.api_base,
    }


def _number(text: str) -> int:
    try:
        return int(text)
    except ValueError:
        raise UsageError(f"{text!r} is not a whole number") from None


def _pair(text: str) -> tuple[str, str]:
    name, _, value = shlex.split(text)[0].partition("=") if text else ("", "", "")
    if not (name and value):
        raise UsageError(f"{text!r} is not NAME=VALUE")
    return name, value
