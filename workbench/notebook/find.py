"""`%find`: what was asked, said, read, tried or decided, by its words and by what else is known of it."""

from __future__ import annotations

import asyncio
import re
import time
from argparse import Namespace
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final

from IPython.core.error import UsageError
from IPython.core.magic import Magics, line_magic, magics_class, no_var_expand
from IPython.core.magic_arguments import argument, magic_arguments

from workbench.notebook.running import usage_errors
from workbench.notebook.status_line import StatusLine

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell

    from workbench.dialogue import Orchestrator
    from workbench.notebook.find_results import Finds
    from workbench.records.search.finding import Asked

_WORD: Final = re.compile(r'-{0,2}[\w-]*=?"[^"]*"\*?|\S+')
_QUIET: Final = 1.0
"""Seconds after which it is said how far the index is."""
KINDS: Final = ("dialogue", "turn", "paper", "experiment", "summary", "assessment", "decision")
SORTS: Final = ("newest", "relevance")


@magics_class
class FindMagics(Magics):
    """The search in a notebook.

    Args:
        shell: that it belongs to.
        orchestrator: returns the one that dialogues of this notebook run in.
    """

    def __init__(self, shell: InteractiveShell, orchestrator: Callable[[], Orchestrator]) -> None:
        super().__init__(shell)
        self._shell, self._orchestrator = shell, orchestrator

    @magic_arguments()
    @argument("text", nargs="*", help='words, "a phrase", a beginning*, OR between two, -word for what must not be there')
    @argument("--kind", metavar="KIND", help=f"only {', '.join(KINDS)}; several with commas between them")
    @argument("--model", metavar="MODEL", help="only turns and summaries of this model, asked for or serving; gpt* for several")
    @argument("--mode", metavar="MODE", help="only dialogues of this mode, and their turns")
    @argument("--role", metavar="ROLE", help="only turns of this role")
    @argument("--status", metavar="STATUS", help="only what is completed, failed, cancelled, interrupted …")
    @argument("--since", metavar="WHEN", help="only from then on, such as 7d, 12h or 2026-11-01")
    @argument("--cost-over", type=float, metavar="USD", help="only what cost more; unknown is not more")
    @argument("--sort", metavar="ORDER", help="newest first, which is usual, or by relevance")
    @argument("-n", "--limit", type=int, default=20, metavar="N", help="how many; 20 by default")
    @no_var_expand
    @line_magic("find")
    def find(self, line: str) -> Finds:
        """Find dialogues, turns, papers, experiments, summaries, assessments and decisions.

        Examples::

            %find "prompt caching" redis* -memcached
            %find --status failed --since 7d
            %find tabs OR spaces --kind turn --model gpt* --cost-over 0.01
            found = %find caching
            found[0].open()
            found.frame
        """
        return self._found(self._read(line), self._tell())

    async def find_async(self, line: str) -> Finds:
        """Run `%find` without blocking the kernel; a cell that awaits calls this."""
        return await asyncio.to_thread(self._found, self._read(line), self._tell())

    def _found(self, asked: Asked, tell: Callable[[int, int], None]) -> Finds:
        from workbench.notebook.find_results import Finds

        with usage_errors():
            orchestrator = self._orchestrator()
            return Finds(orchestrator, asked, orchestrator.record.search(asked, tell))

    def _tell(self) -> Callable[[int, int], None]:
        """Return what says how far the index is, where that takes long."""
        status, began = StatusLine(self._shell), time.monotonic()

        def tell(done: int, total: int) -> None:
            if time.monotonic() - began > _QUIET:
                status.tell(f"Indexing what is new: {done:,} of {total:,} …" if done < total else f"Indexed {total:,}.")

        return tell

    def _read(self, line: str) -> Asked:
        """Read a line, in which a word may begin with - or stand in quotation marks."""
        from workbench.records.search.finding import Asked

        words, options = apart(line)
        wanted: Namespace = self._parsed(options)
        with usage_errors():
            return Asked(
                text=words,
                kinds=tuple(kind.strip() for kind in (wanted.kind or "").split(",") if kind.strip()),
                model=wanted.model,
                since=wanted.since,
                status=wanted.status.replace("-", "_") if wanted.status else None,
                cost_over=wanted.cost_over,
                mode=wanted.mode,
                role=wanted.role,
                sort=wanted.sort or "newest",
                limit=wanted.limit,
            )

    def _parsed(self, options: list[str]) -> Namespace:
        magic: Any = self.find
        parsed: Namespace = magic.parser.parse_args(options)
        return parsed


def apart(line: str) -> tuple[str, list[str]]:
    """Return what is looked for, and the options, of a line.

    >>> apart('"prompt caching" -slow --model "gpt 4" -n 5')
    ('"prompt caching" -slow', ['--model', 'gpt 4', '-n', '5'])
    """
    if line.count('"') % 2:
        raise UsageError('%find: a quotation mark has no other half\n  Close it, or leave it out: "a phrase".')
    words, options = [], []
    parts = iter(_WORD.findall(line))
    for part in parts:
        if part != "-n" and not (part.startswith("--") and len(part) > 2):  # noqa: PLR2004 - more than the dashes
            words.append(part)
            continue
        options.append(part.replace('"', ""))
        if "=" not in part and (value := next(parts, None)) is not None:
            options.append(value.replace('"', ""))
    return " ".join(words), options
