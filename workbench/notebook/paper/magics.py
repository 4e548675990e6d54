"""`%paper` itself: finds the subcommand, reads its line, and sees it through."""

from __future__ import annotations

import difflib
from argparse import Namespace
from collections.abc import Callable, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from IPython.core.error import UsageError
from IPython.core.magic import Magics, line_magic, magics_class

from workbench.notebook.paper import (
    add,
    ask,
    assess,
    branch,
    decide,
    figure,
    history,
    listing,
    outcome,
    panel,
    search,
    show,
    summarize,
)
from workbench.notebook.paper.command import Command
from workbench.notebook.paper.desk import Desk
from workbench.notebook.paper.errand import Errand
from workbench.notebook.running import usage_errors

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell

    from workbench.dialogue import Orchestrator
    from workbench.papers import Shelf

COMMANDS: Final[Mapping[str, Command]] = {
    "add": add.COMMAND,
    "list": listing.COMMAND,
    "show": show.COMMAND,
    "search": search.COMMAND,
    "ask": ask.COMMAND,
    "summarize": summarize.COMMAND,
    "figure": figure.COMMAND,
    "assess": assess.COMMAND,
    "assessments": outcome.ASSESSMENTS,
    "outcome": outcome.COMMAND,
    "calibration": outcome.CALIBRATION,
    "branch": branch.COMMAND,
    "decide": decide.COMMAND,
    "history": history.COMMAND,
    "panel": panel.COMMAND,
}
"""Subcommand to what it does."""


def overview() -> str:
    """Return the help of `%paper`."""
    width = max(map(len, COMMANDS))
    lines = [f"    {name:<{width}}  {command.help}" for name, command in COMMANDS.items()]
    examples = [f"    {command.examples[0]}" for command in COMMANDS.values() if command.examples]
    return "\n".join(
        [
            "Put papers on the shelf, find them again, and work with them.",
            "",
            "Subcommands; `%paper SUBCOMMAND --help` tells of its options::",
            "",
            *lines,
            "",
            "Examples::",
            "",
            *examples,
            "",
        ]
    )


@magics_class
class PaperMagics(Magics):
    """The shelf of papers in a notebook.

    Args:
        shell: that it belongs to.
        orchestrator: returns the one that dialogues of this notebook run in.
    """

    def __init__(self, shell: InteractiveShell, orchestrator: Callable[[], Orchestrator]) -> None:
        super().__init__(shell)
        self._shell = shell
        self._orchestrator = orchestrator
        self._shelf: Shelf | None = None

    @line_magic("paper")
    def paper(self, line: str) -> Any:  # noqa: D102 - its text is made from the subcommands, below
        if (asked := _read(line)) is None:
            return None
        with usage_errors():
            desk, work = self._begin(*asked)
            return Errand(desk, work).wait() if asked[0].long else work()

    async def paper_async(self, line: str) -> Any:
        """Run `%paper` without blocking the kernel; a cell that awaits calls this."""
        if (asked := _read(line)) is None:
            return None
        with usage_errors():
            desk, work = self._begin(*asked)
            return await Errand(desk, work).wait_async() if asked[0].long else work()

    def _begin(self, command: Command, wanted: Namespace) -> tuple[Desk, Callable[[], Any]]:
        desk = Desk(self._shell, self._orchestrator, self._on_shelf, apart=command.long)
        return desk, partial(command.run, desk, wanted)

    def _on_shelf(self) -> Shelf:
        """Return the shelf, opened on first use."""
        if self._shelf is None:
            from workbench.papers import Shelf

            orchestrator = self._orchestrator()
            self._shelf = Shelf(orchestrator.record, orchestrator.settings.workspace)
        return self._shelf


vars(PaperMagics)["paper"].__doc__ = overview()


def _read(line: str) -> tuple[Command, Namespace] | None:
    """Return the subcommand of a line, and the rest of it as read; None where help was asked for, and printed."""
    name, _, rest = line.strip().partition(" ")
    if name in ("-h", "--help", "help"):
        print(overview())  # noqa: T201 - a magic's way to say it
        return None
    if name not in COMMANDS:
        near = difflib.get_close_matches(name, COMMANDS, n=2)
        what = f"there is no subcommand {name!r}" if name else "%paper needs a subcommand"
        meant = f"Did you mean {' or '.join(near)}?" if near else f"There are: {', '.join(COMMANDS)}."
        raise UsageError(f"{what}\n  {meant} `%paper --help` has examples.")
    wanted = COMMANDS[name].read(rest)
    if wanted is None:
        print(COMMANDS[name].parser().format_help())  # noqa: T201 - as above
        return None
    return COMMANDS[name], wanted
