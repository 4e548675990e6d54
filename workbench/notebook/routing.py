"""`%route` and `%rate`: who should have a task and why, and how good a turn was."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from IPython.core.error import UsageError
from IPython.core.magic import Magics, line_magic, magics_class
from IPython.core.magic_arguments import argument, magic_arguments

from workbench.notebook.options import parse
from workbench.notebook.running import usage_errors

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell

    from workbench.dialogue import Orchestrator
    from workbench.notebook.routing_panel import RoutingPanel
    from workbench.notebook.tables import Table
    from workbench.routing.explained import Explanation

_TEXT: Final = 80


@magics_class
class RoutingMagics(Magics):
    """Which model deserves which task.

    Args:
        shell: that they belong to.
        orchestrator: returns the one that dialogues of this notebook run in.
    """

    def __init__(self, shell: InteractiveShell, orchestrator: Callable[[], Orchestrator]) -> None:
        super().__init__(shell)
        self._orchestrator = orchestrator

    @magic_arguments()
    @argument("--policy", metavar="NAME", help="who chooses; by default that of [routing] in workbench.toml, else learned")
    @argument("-m", "--models", default="", metavar="A,B,C", help="the candidates; by default all whose key is set")
    @argument("--kind", metavar="KIND", help="of task, where it is not to be found out")
    @argument("--willing-to-pay", type=float, metavar="USD", help="for a whole point of quality in one call")
    @argument("--max-cost", type=float, metavar="USD", help="of the call")
    @argument("--max-latency", type=float, metavar="SECONDS", help="to the first token")
    @argument("--local", action="store_true", help="only models on this machine")
    @argument("--prompt-tokens", type=int, default=1000, metavar="N", help="for the expected cost; 1000 by default")
    @argument("--output-tokens", type=int, default=500, metavar="N", help="likewise; 500 by default")
    @argument("--panel", action="store_true", help="show who was chosen so far and what that brought, and follow it")
    @argument("text", nargs="*", help="the task")
    @line_magic("route")
    def route(self, line: str) -> Table | RoutingPanel:
        """Show which model a task should have, and what spoke for each; or how routing fares.

        Examples::

            %route "Why does this loop raise an IndexError?"
            %route --policy cheapest --max-cost 0.01 "Summarise these minutes in three lines."
            %route --panel
        """
        wanted = parse(self.route, line)
        if wanted.panel:
            if wanted.text:
                raise UsageError("%route --panel takes no task: it shows all that were routed")
            with usage_errors():
                from workbench.notebook.routing_panel import RoutingPanel

                return RoutingPanel(self._orchestrator().record)
        if not wanted.text:
            raise UsageError('%route needs a task, such as `%route "Prove that the square root of 2 is irrational."`')
        with usage_errors():
            asked = {name: value for name, value in vars(wanted).items() if name not in ("text", "models", "panel")}
            models = [name.strip() for name in wanted.models.split(",") if name.strip()]
            return route_table(self._orchestrator().route(_unquoted(wanted.text), models=models, **asked))

    @magic_arguments()
    @argument("--comment", default="", metavar="TEXT", help="why")
    @argument("--by", default="", metavar="NAME", help="who says so; each name has a word of its own on each turn")
    @argument("id", help="the dialogue's id, the beginning of it, or last; with @TURN of one turn (id, role or number)")
    @argument("quality", help="from 0 (useless) to 1 (perfect): 0.8, 80%%, 8/10, good, bad")
    @line_magic("rate")
    def rate(self, line: str) -> None:
        """Say how good a turn was, or all turns of a dialogue; routing learns from it.

        Examples::

            %rate last good
            %rate last@judge 7/10 --comment "misses the second point"
        """
        from workbench.dialogue.prompts.feedback import parse_quality

        wanted = parse(self.rate, line)
        name, _, turn = wanted.id.partition("@")
        with usage_errors():
            quality = parse_quality(wanted.quality)
            dialogue = self._orchestrator().load(name)
            count = self._orchestrator().rate(
                dialogue.id, quality, turn or None, by=wanted.by, comment=_unquoted([wanted.comment])
            )
        print(f"{count} turn{'s' * (count != 1)} of {dialogue.id} rated {quality:g}.")  # noqa: T201 - it goes below the cell


def _unquoted(words: list[str]) -> str:
    """Return words as one text, without the quotation marks around it, which IPython leaves where they stand."""
    text = " ".join(words)
    return text[1:-1] if len(text) > 1 and text[0] == text[-1] and text[0] in "\"'" else text


def route_table(explanation: Explanation) -> Table:
    """Return the candidates of a choice, the chosen one first."""
    from workbench.dialogue.export.facts import money
    from workbench.notebook.tables import Column, Table

    columns = (
        Column("model"),
        Column("chosen", "", "boolean"),
        Column("probability", "chosen", "float64", "{:.0%}".format),
        Column("expected", "expects", "float64", "{:.2f}".format),
        Column("uncertainty", "±", "float64", "{:.2f}".format),
        Column("declared", "declares", "float64", "{:g}".format),
        Column("score", "worth", "float64", "{:.3g}".format),
        Column("cost", "cost", "float64", money),
        Column("latency", "waits, s", "float64", "{:g}".format),
        Column("out", "out because"),
    )
    rows = [
        {
            "model": each.model,
            "chosen": each.chosen,
            "probability": each.propensity,
            "expected": each.expected[0] if each.expected else None,
            "uncertainty": each.expected[1] if each.expected else None,
            "declared": each.declared,
            "score": each.score,
            "cost": each.cost_usd,
            "latency": each.latency,
            "out": each.out,
        }
        for each in explanation.considered
    ]
    task, choice = explanation.task, explanation.choice
    text = task.text if len(task.text) <= _TEXT else task.text[: _TEXT - 1] + "…"
    caption = f"{choice.model}: {choice.reason}." if choice else "No model can be chosen."
    notes = [f"“{text}” is taken for a task of the kind {task.kind}; cards are asked for their score in {task.capability}."]
    return Table(columns, rows, caption=caption, notes=notes, unknown={"cost": "unknown", "latency": "unknown"})
