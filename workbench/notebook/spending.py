"""`%budget` and `%sampling`: what may be spent, and the presets by which answers are drawn."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from IPython.core.magic import Magics, line_magic, magics_class
from IPython.core.magic_arguments import magic_arguments

from workbench.notebook.options import parse
from workbench.notebook.running import usage_errors

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell

    from workbench.dialogue import Orchestrator
    from workbench.notebook.tables import Table

_SETS: Final = ("temperature", "top_p", "top_k", "max_tokens", "timeout")


@magics_class
class SpendingMagics(Magics):
    """The commands about money and sampling.

    Args:
        shell: that they belong to.
        orchestrator: returns the one that dialogues of this notebook run in.
    """

    def __init__(self, shell: InteractiveShell, orchestrator: Callable[[], Orchestrator]) -> None:
        super().__init__(shell)
        self._orchestrator = orchestrator

    @magic_arguments()
    @line_magic("budget")
    def budget(self, line: str) -> Table:
        """Show what calls, dialogues, the day and the workspace may spend, what is spent, and what is left."""
        from workbench.dialogue.purse import dollars, standings_of
        from workbench.notebook.tables import Column, Table

        parse(self.budget, line)
        columns = (Column("budget"), *(Column(name, type="float64", show=dollars) for name in ("ceiling", "spent", "left")))
        with usage_errors():
            standings = standings_of(self._orchestrator().settings)
        rows = [{"budget": s.budget, "ceiling": s.ceiling, "spent": s.spent, "left": s.left} for s in standings]
        return Table(columns, rows, notes=["USD, by the record. Ceilings stand under [budget] in workbench.toml."])

    @magic_arguments()
    @line_magic("sampling")
    def sampling(self, line: str) -> Table:
        """List the sampling presets and what they set."""
        from workbench.notebook.tables import Column, Table

        parse(self.sampling, line)
        columns = (
            Column("preset"),
            *(Column(name, name.replace("_", " "), "float64", "{:g}".format) for name in _SETS),
            Column("fallbacks"),
            Column("stop"),
            Column("description"),
        )
        with usage_errors():
            presets = list(self._orchestrator().presets)
        rows = [
            {name: getattr(each, name) for name in _SETS}
            | {"preset": each.name, "fallbacks": ", ".join(each.fallbacks) or None, "description": each.description or None}
            | {"stop": ", ".join(map(repr, each.stop)) or None}
            for each in presets
        ]
        return Table(columns, rows, notes=["--sampling PRESET, or ROLE=PRESET. Yours stand under [sampling.NAME]."])
