"""`%fork`, `%diff` and `%tree`: take a dialogue another way from one of its turns on, and see what became of it."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

from IPython.core.magic import Magics, line_magic, magics_class
from IPython.core.magic_arguments import argument, magic_arguments

from workbench.notebook.options import fork_options, merge, parse
from workbench.notebook.running import see_through, see_through_async, show, usage_errors

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell

    from workbench.dialogue import Orchestrator
    from workbench.dialogue.diff import DialogueDiff
    from workbench.dialogue.lineage import Tree
    from workbench.notebook.live import Show


@magics_class
class ForkMagics(Magics):
    """The commands about forks.

    Args:
        shell: that they belong to.
        orchestrator: returns the one that dialogues of this notebook run in.
    """

    def __init__(self, shell: InteractiveShell, orchestrator: Callable[[], Orchestrator]) -> None:
        super().__init__(shell)
        self._shell = shell
        self._orchestrator = orchestrator

    @magic_arguments()
    @argument("source", metavar="ID@TURN", help="the dialogue and the last turn to keep; without @TURN all that is complete")
    @argument("-p", "--participant", action="append", default=[], metavar="ROLE=MODEL", help="another model for a role")
    @argument("-m", "--models", default="", metavar="A,B,C", help="other models, dealt out to the roles")
    @argument("--judge", metavar="MODEL", help="another model for the role that decides")
    @argument("--rounds", type=int, help="other rounds, where the mode has them")
    @argument("--set", action="append", default=[], dest="parameters", metavar="NAME=N", help="another parameter of the mode")
    @argument("--budget", type=float, metavar="USD", help="another ceiling; what was copied does not count")
    @argument("--max-tokens", type=int, metavar="N", help="another ceiling; what was copied does not count")
    @argument("--timeout", type=float, metavar="SECONDS", help="another ceiling")
    @argument("--api-base", metavar="URL", help="OpenAI-compatible endpoint for models named by id")
    @argument("--background", action="store_true", help="return at once; the panel stays until the dialogue has ended")
    @argument("-o", "--output", metavar="NAME", help="variable that the fork is bound to")
    @line_magic("fork")
    def fork(self, line: str) -> None:
        """Go another way from a turn of a dialogue on, in a new one that begins with copies of all turns up to it.

        Examples::

            %fork last@con_2 -p judge=gpt -o other
            %fork 3f9a@4 --rounds 3 --background

        A turn is named by its id or its number. What is copied is not asked again and costs nothing.
        """
        see_through(partial(self._begin, line))

    async def fork_async(self, line: str) -> None:
        """Run `%fork` without blocking the kernel; a cell that awaits calls this."""
        await see_through_async(partial(self._begin, line))

    @magic_arguments()
    @argument("left", metavar="ID", help="a dialogue's id, the beginning of it, or last")
    @argument("right", metavar="ID", help="another one")
    @line_magic("diff")
    def diff(self, line: str) -> DialogueDiff:
        """Show two dialogues side by side: what both say is folded, what they say differently is marked.

        Examples::

            %diff 3f9a last
            x = %diff {d.id} {other.id}
        """
        from workbench.dialogue.diff import DialogueDiff

        wanted = parse(self.diff, line)
        with usage_errors():
            orchestrator = self._orchestrator()
            return DialogueDiff(orchestrator.load(wanted.left), orchestrator.load(wanted.right))

    @magic_arguments()
    @argument("id", nargs="?", default="last", help="a dialogue's id, the beginning of it, or last, which is the default")
    @line_magic("tree")
    def tree(self, line: str) -> Tree:
        """Show where a dialogue comes from and what was forked from it.

        Examples::

            %tree
            %tree 3f9a
        """
        from workbench.dialogue.lineage import Tree

        wanted = parse(self.tree, line)
        with usage_errors():
            return Tree(self._orchestrator().record, wanted.id)

    def _begin(self, line: str) -> Show | None:
        """Start the fork; return its display, None where there is nothing to wait for."""
        wanted = merge(parse(self.fork, line), {}, {})
        dialogue = self._orchestrator().fork(wanted.source, **fork_options(wanted))
        return show(self._shell, dialogue, background=wanted.background, output=wanted.output)
