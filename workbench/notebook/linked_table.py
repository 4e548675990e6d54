"""A table whose rows open: a click on one shows it below, in its panel, as long as a kernel answers."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

from IPython.core.getipython import get_ipython
from IPython.display import display
from markupsafe import Markup

from workbench.notebook.live import How, how_to_show
from workbench.notebook.tables import Column, Table

if TYPE_CHECKING:
    from workbench.dialogue import Orchestrator
    from workbench.panels.dialogue_panel import DialoguePanel


_STYLE: Final = Markup(
    ".wb-table .wb-command { user-select: all; }\n"
    ".jp-OutputArea-child:has([data-wb-place]) + .jp-OutputArea-child > .jp-OutputArea-output:not(:has(*)) { display: none; }"
)
"""Without its kernel, JupyterLab has a line of its own for what hears the clicks: an error, which is none."""

_LINK: Final = Markup('<span data-wb-place="{number}">{}</span>')
_ALSO: Final = Markup('<div data-wb-also="{number}">{}</div>')
_PLAIN: Final = Markup("{}")


def dialogue_panel(orchestrator: Orchestrator, dialogue: str, turn: str = "") -> DialoguePanel:
    """Return a new panel of a dialogue, opened at a turn if one is named; one that runs in another process is watched."""
    from workbench.panels.dialogue_panel import DialoguePanel

    return DialoguePanel(orchestrator.follow(dialogue), turn)


class LinkedTable(Table):
    """Rows on display, each with a link.

    Args:
        columns: from left to right.
        rows: by column name.
        link: the column whose cells are clicked.
        also: a column whose cells may be clicked as well.
        open_row: returns what is shown of a row, by its place from 0.
        notes: lines below.
        unknown: what stands for None, by column.
    """

    _style = _STYLE

    def __init__(
        self,
        columns: Sequence[Column],
        rows: Sequence[Mapping[str, Any]],
        link: str,
        open_row: Callable[[int], Any],
        *,
        also: str = "",
        notes: Sequence[str] = (),
        unknown: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(columns, rows, notes=notes, unknown=unknown)
        self._links, self._open_row = {link: _LINK, also: _ALSO}, open_row
        self._opener: Any = None

    def _ipython_display_(self) -> None:
        """Display the table, and beside it what hears the clicks; to programs that run a notebook, the table alone."""
        shell = get_ipython()
        if shell is None or not self.rows or how_to_show(shell) is not How.PANEL:
            raise NotImplementedError
        from workbench.panels.opener import Opener

        self._opener = Opener(self._open_row)
        display(self._repr_mimebundle_(), raw=True)
        display(self._opener.box)

    @property
    def _marked_up(self) -> list[list[str | Markup]]:
        wraps = [self._links.get(column.name, _PLAIN) for column in self._shown]
        return [
            [wrap.format(cell, number=number) for wrap, cell in zip(wraps, cells, strict=True)]
            for number, cells in enumerate(super()._marked_up)
        ]
