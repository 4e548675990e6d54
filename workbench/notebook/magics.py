"""`%%dialogue`: a cell whose body is the topic."""

from __future__ import annotations

from argparse import Namespace
from functools import partial
from typing import TYPE_CHECKING, Any

import traitlets
from IPython.core.error import UsageError
from IPython.core.magic import Magics, cell_magic, magics_class, no_var_expand
from IPython.core.magic_arguments import argument, magic_arguments

from workbench.notebook.options import merge, parse, resume_options, run_options
from workbench.notebook.running import go_on, see_through, see_through_async, show, start

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell

    from workbench.dialogue import Orchestrator
    from workbench.notebook.comparing import Comparing
    from workbench.notebook.live import Show


@magics_class
class DialogueMagics(Magics):
    """Defaults of `%%dialogue` cells: `%config DialogueMagics.models = "local"`. A cell's own options come first."""

    models = traitlets.Unicode("", help="models dealt out to the roles of cells that name none, such as 'local,gpt-mini'").tag(
        config=True
    )
    judge = traitlets.Unicode("", help="model for the role that decides").tag(config=True)
    budget = traitlets.Float(None, allow_none=True, help="USD that a dialogue may spend").tag(config=True)
    max_tokens = traitlets.Int(None, allow_none=True, help="tokens that a dialogue may use").tag(config=True)
    timeout = traitlets.Float(None, allow_none=True, help="seconds that a dialogue may take").tag(config=True)
    seed = traitlets.Int(None, allow_none=True, help="makes runs repeatable where the models allow it").tag(config=True)
    api_base = traitlets.Unicode("", help="OpenAI-compatible endpoint for models named by id").tag(config=True)
    display = traitlets.Enum(
        ["auto", "panel", "transcript", "text"],
        "auto",
        help="what a cell shows while it runs; auto: the panel to a person, the transcript at the end to a program",
    ).tag(config=True)

    def __init__(self, shell: InteractiveShell) -> None:
        super().__init__(shell)
        self._shell = shell
        self._orchestrators: dict[tuple[str | None, float | None], Orchestrator] = {}

    @magic_arguments()
    @argument("mode", nargs="?", help="name of a mode (`%%modes` lists them) or a mode file")
    @argument(
        "-p",
        "--participant",
        action="append",
        default=[],
        metavar="ROLE=MODEL",
        help="bind a role to a model, to person, or to route:POLICY; repeatable",
    )
    @argument("-m", "--models", default="", metavar="A,B,C", help="models dealt out to the roles")
    @argument("--judge", metavar="MODEL", help="model for the role that decides")
    @argument("--rounds", type=int, help="rounds, where the mode has them")
    @argument("--set", action="append", default=[], dest="parameters", metavar="NAME=N", help="a parameter of the mode")
    @argument("--budget", type=float, metavar="USD", help="stop before this much is spent")
    @argument("--max-call-cost", type=float, metavar="USD", help="what a single call may cost")
    @argument("--max-tokens", type=int, help="stop before so many tokens are used")
    @argument("--timeout", type=float, metavar="SECONDS", help="stop after so long; pauses do not count")
    @argument(
        "--sampling",
        action="append",
        default=[],
        metavar="PRESET",
        help="how all roles draw, or ROLE=PRESET for one; repeatable",
    )
    @argument("--approve", default="", metavar="A,B", help="roles whose texts you approve or edit first; all for every role")
    @argument("--candidates", default="", metavar="A,B,C", help="what a policy may choose from, where a model is 'route'")
    @argument("--seed", type=int, help="makes a run repeatable where the models allow it")
    @argument("--api-base", metavar="URL", help="OpenAI-compatible endpoint for models named by id")
    @argument("--cassette", metavar="FILE", help="answer from recorded answers; see docs/replay.md")
    @argument("--pace", type=float, metavar="X", help="of a cassette: 1 as fast as it once was, 0 (the default) at once")
    @argument("--dry-run", action="store_true", help="show turns, models, prompts, cost and flow, and call nothing")
    @argument("--baselines", action="store_true", help="tell what the debate adds to what the same money buys without one")
    @argument("--expected", metavar="ANSWER", help="the topic's right answer, for --baselines")
    @argument("--referee", metavar="MODEL", help="compares the answers of --baselines where none is expected")
    @argument("--judgements", type=int, metavar="N", help="how often the referee compares two answers")
    @argument("--background", action="store_true", help="return at once; the panel stays until the dialogue has ended")
    @argument("--detach", action="store_true", help="run in a process of its own, which outlives this kernel")
    @argument("--resume", metavar="ID", help="go on with a dialogue (an id, its beginning, or last) instead of starting one")
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

            %%dialogue debate --background
            ---
            participants: {pro: claude-sonnet, con: gpt}
            rounds: 2
            ---
            Is {{claim}} true?

        {{name}} stands for a variable of the notebook. Options may stand in a front matter of YAML instead of the line.
        Stop in the panel, or interrupting the kernel, stops the calls and keeps what was said.
        """
        see_through(partial(self._begin, line, cell))

    async def dialogue_async(self, line: str, cell: str) -> None:
        """Run `%%dialogue` without blocking the kernel."""
        await see_through_async(partial(self._begin, line, cell))

    def orchestrator(self, cassette: str | None = None, pace: float | None = None) -> Orchestrator:
        """Return the orchestrator for a cassette, made on first use; its path is relative to the notebook."""
        if (cassette, pace) not in self._orchestrators:
            from workbench.dialogue import Orchestrator
            from workbench.notebook.sync import begin_watching

            self._orchestrators[cassette, pace] = Orchestrator(cassette=cassette, pace=pace)
            begin_watching(self._orchestrators[cassette, pace])
        return self._orchestrators[cassette, pace]

    def _begin(self, line: str, cell: str) -> Show | Comparing | None:
        """Start what a cell asks for; return its display, None where there is nothing to wait for."""
        wanted, topic = self._read(line, cell)
        orchestrator = self.orchestrator(wanted.cassette, wanted.pace)
        if wanted.baselines:
            from workbench.notebook.comparing import Comparing

            return Comparing(self._shell, orchestrator, wanted, topic)
        if wanted.dry_run:
            from IPython.display import display

            from workbench.notebook.dry_run import DryRun

            spec, parts = orchestrator.prepare(wanted.mode, topic, **run_options(wanted))
            display(DryRun(spec, parts, orchestrator.record))
            return None
        if wanted.resume:
            dialogue = go_on(orchestrator, wanted.resume, resume_options(wanted), detach=wanted.detach)
        else:
            dialogue = start(orchestrator, wanted.mode, topic, run_options(wanted), detach=wanted.detach)
        background = wanted.background or wanted.detach
        return show(self._shell, dialogue, background=background, output=wanted.output, wish=self.display)

    def _read(self, line: str, cell: str) -> tuple[Namespace, str]:
        """Return a cell's options and topic."""
        from workbench.notebook.front_matter import interpolate, read_cell

        typed = parse(self.dialogue, interpolate(line, self._shell.user_ns), "%%")
        matter, topic = read_cell(cell, self._shell.user_ns)
        wanted = merge(typed, matter, self._defaults())
        topic = topic.strip()
        if wanted.resume and (wanted.mode or topic or wanted.dry_run):
            raise UsageError("a resumed dialogue keeps its mode and its topic: leave both out, and --dry-run as well")
        if not wanted.resume and not wanted.mode:
            raise UsageError("%%dialogue needs a mode, such as `%%dialogue debate`; `%modes` lists them")
        return wanted, topic

    def _defaults(self) -> dict[str, Any]:
        names = ("models", "judge", "budget", "max_tokens", "timeout", "seed", "api_base")
        return {name: value for name in names if (value := getattr(self, name)) not in (None, "")}
