"""One mode on display: what it is for, who takes part, what may be set, who speaks when, and how many calls that makes."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

from workbench.dialogue.export.facts import title, visible
from workbench.dialogue.flow import flow_of
from workbench.dialogue.flow_svg import svg_of
from workbench.dialogue.plan import compile_mode
from workbench.errors import ModeError
from workbench.notebook.pages import render
from workbench.notebook.tables import Column, Table

if TYPE_CHECKING:
    import pandas as pd

    from workbench.dialogue.mode import Mode

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
    """

    def __init__(self, mode: Mode) -> None:
        self.mode = mode
        self.plan = compile_mode(mode)
        self._flow = flow_of(self.plan)

    @property
    def frame(self) -> pd.DataFrame:
        """One row a turn, with the parameters at their defaults."""
        return self._turns.frame

    @property
    def calls(self) -> str:
        """How many calls it makes, and how many more with each parameter."""
        count = len(self.plan.turns)
        return " ".join([f"It makes {count} call{'s' * (count != 1)}, without retries.", *self._more(count)])

    @property
    def html(self) -> str:
        """For a notebook."""
        return render(
            "mode.html.j2",
            mode=self.mode,
            parameters=self._parameters,
            calls=self.calls,
            flow=svg_of(self._flow),
            roles=self._roles.html,
            turns=self._turns.html,
            count=len(self.plan.turns),
        )

    @property
    def text(self) -> str:
        """For a terminal."""
        head = f"{self.mode.name}: {self.mode.description}\n{self._parameters} {self.calls}"
        return "\n\n".join([visible(head), self._roles.text, self._turns.text, self._flow.text()])

    def __repr__(self) -> str:
        return self.text

    def _repr_mimebundle_(self, include: object = None, exclude: object = None) -> dict[str, str]:  # noqa: ARG002 - IPython's
        return {"text/plain": self.text, "text/html": self.html}

    @property
    def _parameters(self) -> str:
        given = ", ".join(f"{name}={value}" for name, value in self.mode.parameters.items())
        return f"Parameters: {given}." if given else "No parameters."

    def _more(self, count: int) -> Iterator[str]:
        """Yield a sentence for each parameter that changes the number of calls."""
        for name, value in self.mode.parameters.items():
            if not isinstance(value, int):
                continue
            try:
                more = len(compile_mode(self.mode, {name: value + 1}).turns) - count
            except ModeError:  # as many as there may be
                continue
            if more:
                yield f"Each further one of {name} makes {more} more."

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
                "sees": ", ".join(turn.sees) or None,
                "after": ", ".join(other.id for other in self.plan.turns if other.id in turn.depends_on) or None,
                "prompt": turn.template,
            }
            for turn in self.plan.turns
        ]
        return Table(_TURNS, rows)
