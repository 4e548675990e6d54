"""`%pull`: data sets, prompts and people's scores from Langfuse and LangSmith."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from IPython.core.magic import Magics, line_magic, magics_class
from IPython.core.magic_arguments import argument, magic_arguments

from workbench.notebook.options import parse
from workbench.notebook.running import usage_errors

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell

    from workbench.dialogue import Orchestrator
    from workbench.notebook.pulled import PulledCases
    from workbench.observe.pull.pulling import Pulled, Wanted
    from workbench.observe.pull.scores import Kept


@magics_class
class PullMagics(Magics):
    """What teams keep elsewhere, brought here.

    Args:
        shell: that they belong to.
        orchestrator: returns the one that dialogues of this notebook run in.
    """

    def __init__(self, shell: InteractiveShell, orchestrator: Callable[[], Orchestrator]) -> None:
        super().__init__(shell)
        self._orchestrator = orchestrator

    @magic_arguments()
    @argument("service", help="langfuse or langsmith; its keys are read from its own environment variables")
    @argument("kind", help="dataset, prompt or scores")
    @argument("name", nargs="*", help="of the data set or prompt")
    @argument("--as", dest="target", default="", metavar="NAME", help="the file of cases, or the mode; by default by its name")
    @argument("--version", default="", metavar="VERSION", help="of a prompt: number, label or commit; by default the newest")
    @argument("--topic", default="", metavar="VARIABLE", help="of a prompt: which of its variables is the topic")
    @argument("--since", metavar="WHEN", help="scores: only from then on, such as 7d or 2026-11-01")
    @argument("--force", action="store_true", help="replace a file that says something else")
    @argument("--timeout", type=float, default=120.0, metavar="SECONDS", help="that the service may take; 120 by default")
    @line_magic("pull")
    def pull(self, line: str) -> PulledCases | None:
        """Bring data sets, prompts and people's scores from Langfuse or LangSmith here.

        Examples::

            %pull langsmith dataset "Support questions" --as cases.jsonl
            %pull langfuse prompt critic --as critic
            %pull langsmith scores --since 7d
            x = %pull langfuse dataset sums
            x.frame
        """
        wanted = self._read(line)
        with usage_errors():
            return _shown(self._work(wanted))

    async def pull_async(self, line: str) -> PulledCases | None:
        """Run `%pull` without blocking the kernel; a cell that awaits calls this."""
        wanted = self._read(line)
        with usage_errors():
            return _shown(await asyncio.to_thread(self._work, wanted))

    def _read(self, line: str) -> Wanted:
        from workbench.observe.pull.pulling import Wanted

        given: dict[str, Any] = vars(parse(self.pull, line))
        given["seconds"] = given.pop("timeout")
        plain = {name: value.strip("\"'") if isinstance(value, str) else value for name, value in given.items()}
        return Wanted(**plain | {"name": " ".join(given["name"]).strip("\"'")})

    def _work(self, wanted: Wanted) -> Pulled | Kept:
        from workbench.observe.pull.pulling import pull

        return pull(self._orchestrator(), wanted)


def _shown(found: Pulled | Kept) -> PulledCases | None:
    """Return cases as a table; of anything else say what came of it."""
    from workbench.notebook.pulled import PulledCases
    from workbench.observe.pull.pulling import Pulled

    if isinstance(found, Pulled) and found.cases:
        return PulledCases(found)
    print(found)  # noqa: T201 - a magic's way to say it
    return None
