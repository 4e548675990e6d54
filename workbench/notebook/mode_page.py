"""One mode on display: what it is for, who takes part, what may be set, who speaks when, and what that costs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from workbench.dialogue.casting.cast import NO_DEFAULTS
from workbench.dialogue.export.facts import title, visible
from workbench.dialogue.figures.flow import flow_of
from workbench.dialogue.figures.flow_svg import svg_of
from workbench.dialogue.planning.compiling import compile_mode
from workbench.dialogue.rules.parameters import listed
from workbench.notebook.mode_cost import casting, cost_in_words
from workbench.notebook.pages import render
from workbench.notebook.tables import Column, Table
from workbench.settings import DefaultSettings

if TYPE_CHECKING:
    import pandas as pd

    from workbench.dialogue.rules.mode import Mode
    from workbench.models import ModelRegistry

_FEW: Final = 6


def _few(names: str) -> str:
    """Shorten a list of turns: in a long mode everybody may see everything."""
    each = names.split(", ")
    return names if len(each) <= _FEW else f"{each[0]}, {each[1]}, … {each[-1]} ({len(each)} turns)"


_ROLES: Final = (
    Column("role"),
    Column("description"),
    Column("requires"),
    Column("model", "model named"),
    Column("system", "system prompt"),
)
_TURNS: Final = (
    Column("turn"),
    Column("title", "who"),
    Column("role", ""),
    Column("round", "", "Int64"),
    Column("sees", show=_few),
    Column("after", show=_few),
    Column("prompt"),
)


class ModePage:
    """A mode on display; `frame` has its turns.

    Args:
        mode: as the loader returns it.
        models: the cards whose prices are counted; None for tokens alone.
        defaults: the workspace's models.
    """

    def __init__(self, mode: Mode, models: ModelRegistry | None = None, defaults: DefaultSettings = NO_DEFAULTS) -> None:
        self.mode = mode
        self._cast = casting(models, defaults)
        self.plan = compile_mode(mode)
        self._flow = flow_of(self.plan)

    @property
    def frame(self) -> pd.DataFrame:
        """One row a turn, with the parameters at their defaults."""
        return self._turns.frame

    @property
    def cost(self) -> str:
        """What it takes, and how much more with each parameter."""
        return cost_in_words(self.mode, self.plan, self._cast)

    @property
    def html(self) -> str:
        """For a notebook."""
        return render(
            "mode.html.j2",
            mode=self.mode,
            parameters=self._parameters,
            cost=self.cost,
            flow=svg_of(self._flow),
            roles=self._roles.html,
            turns=self._turns.html,
            count=len(self.plan.turns),
        )

    @property
    def text(self) -> str:
        """For a terminal."""
        head = f"{self.mode.name}: {self.mode.description}\n{self._parameters} {self.cost}"
        return "\n\n".join([visible(head), self._roles.text, self._turns.text, self._flow.text()])

    def __repr__(self) -> str:
        return self.text

    def _repr_mimebundle_(self, include: object = None, exclude: object = None) -> dict[str, str]:  # noqa: ARG002 - IPython's
        return {"text/plain": self.text, "text/html": self.html}

    @property
    def _parameters(self) -> str:
        return f"Parameters: {listed(self.mode.parameters)}." if self.mode.parameters else "No parameters."

    @property
    def _roles(self) -> Table:
        rows = [
            {
                "role": name,
                "description": spec.description or None,
                "requires": ", ".join(spec.requires) or None,
                "model": spec.model,
                "system": spec.system or None,
            }
            for name, spec in self.plan.roles.items()
        ]
        return Table(_ROLES, rows)

    @property
    def _turns(self) -> Table:
        rows = [
            {
                "turn": turn.id,
                "title": title(turn),
                "role": turn.role,
                "round": turn.round,
                "sees": ", ".join(turn.sees) or None if turn.vote is None else None,
                "after": ", ".join(other.id for other in self.plan.turns if other.id in turn.depends_on) or None,
                "prompt": turn.template if turn.vote is None and turn.hook is None else None,
            }
            for turn in self.plan.turns
        ]
        return Table(_TURNS, rows)
