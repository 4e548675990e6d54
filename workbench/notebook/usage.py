"""`%costs` and `%performance`: what calls took, in money and in time."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final

from IPython.core.error import UsageError
from IPython.core.magic import Magics, line_magic, magics_class
from IPython.core.magic_arguments import argument, magic_arguments

from workbench.notebook.options import one_of, parse
from workbench.notebook.running import usage_errors

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell

    from workbench.dialogue import Orchestrator
    from workbench.notebook.performance import Performance
    from workbench.notebook.tables import Table

GROUPINGS: Final = ("model", "day", "dialogue", "experiment", "provider", "mode")


@magics_class
class UsageMagics(Magics):
    """The commands about what calls took.

    Args:
        shell: that they belong to.
        orchestrator: returns the one that dialogues of this notebook run in.
    """

    def __init__(self, shell: InteractiveShell, orchestrator: Callable[[], Orchestrator]) -> None:
        super().__init__(shell)
        self._orchestrator = orchestrator

    @magic_arguments()
    @argument("id", nargs="?", help="a dialogue (its id, the beginning of it, or last): what it took, turn by turn")
    @argument("--by", dest="costs_by", metavar="WHAT", help="model (the default), day, dialogue, experiment, provider or mode")
    @argument("--since", metavar="WHEN", help="only from then on, such as 30d, 12h or 2026-11-01")
    @argument("--baseline", metavar="MODEL", help="what was saved against paying this model's prices")
    @argument("-n", "--limit", type=int, metavar="N", help="with --by dialogue: how many, the dearest first; 20 by default")
    @argument("--plot", action="store_true", help="a figure as well: what was spent, day by day, stacked by model")
    @argument("--waterfall", action="store_true", help="of a dialogue: where its time went")
    @line_magic("costs")
    def costs(self, line: str) -> Any:
        """Show what was spent on what, what was saved, and what budgets have left.

        Examples::

            %costs
            %costs --by day --since 30d --plot
            %costs --by model --baseline claude-opus
            %costs last
            %costs last --waterfall
            x = %costs --by experiment
            x.frame
        """
        wanted = parse(self.costs, line)
        with usage_errors():
            return self._of_one(wanted) if wanted.id or wanted.waterfall else self._by(wanted)

    @magic_arguments()
    @argument("--since", metavar="WHEN", help="only from then on, such as 7d, 12h or 2026-11-01; all by default")
    @argument("--model", metavar="MODEL", help="only this one")
    @line_magic("performance")
    def performance(self, line: str) -> Performance:
        """Show how fast and how reliably models answered, the slowest calls, and what failed most.

        Examples::

            %performance --since 7d
            x = %performance --model claude-haiku
            x.slowest.frame
        """
        from workbench.notebook.performance import performance

        wanted = parse(self.performance, line)
        with usage_errors():
            return performance(self._orchestrator().record, wanted.since, wanted.model)

    def _of_one(self, wanted: Namespace) -> Any:
        """Return what one dialogue took."""
        given = ("costs_by", "since", "baseline", "limit", "plot")
        if not wanted.id:
            raise UsageError("--waterfall needs a dialogue: %costs last --waterfall")
        if wrong := next((name for name in given if getattr(wanted, name)), None):
            raise UsageError(f"--{wrong.removeprefix('costs_')} does not go with a dialogue; of one there is --waterfall")
        orchestrator = self._orchestrator()
        if wanted.waterfall:
            from workbench.notebook.waterfall import waterfall

            return waterfall(orchestrator.record, wanted.id)
        from workbench.notebook.costs import cost_table

        return cost_table(orchestrator.load(orchestrator.record.find(wanted.id)).snapshot())

    def _by(self, wanted: Namespace) -> Table:
        from workbench.notebook.costs_by import costs_table
        from workbench.records.costs import DEAREST

        orchestrator = self._orchestrator()
        by: Any = one_of(wanted.costs_by or "model", GROUPINGS, "grouping")
        if wanted.limit is not None and (by != "dialogue" or wanted.limit < 1):
            raise UsageError("-n takes a whole number from 1, and goes with --by dialogue")
        baseline = orchestrator.models.get(wanted.baseline) if wanted.baseline else None
        table = costs_table(orchestrator, by, wanted.since, baseline, wanted.limit or DEAREST)
        if wanted.plot and table.rows:
            self._plot(orchestrator, wanted)
        return table

    def _plot(self, orchestrator: Orchestrator, wanted: Namespace) -> None:
        from workbench.notebook.figured import show_figure
        from workbench.observe.costs_figure import costs_figure
        from workbench.records.moments import moment

        since = None if wanted.since is None else moment(wanted.since)
        show_figure(costs_figure(orchestrator.record.usage.daily(since)), "A figure of what was spent by day and model.")
