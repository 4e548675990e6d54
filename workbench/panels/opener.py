"""Links from a table into panels: a click on a row shows below the table what the row is of.

The table itself stays plain HTML, which needs no kernel. The opener is a widget beside it in the same output, which hears the
clicks; when the notebook is opened again without its kernel there is no opener, and the links are text.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any, Final

import anywidget
import ipywidgets  # type: ignore[import-untyped]
import traitlets

from workbench.errors import WorkbenchError
from workbench.panels.bundle import STATIC

NOTHING: Final = -1
"""Place of the row that is open, where none is."""


class _Links(anywidget.AnyWidget):
    """Hears the clicks, and says which row is open."""

    _esm = STATIC / "panels.js"
    _css = STATIC / "panels.css"
    kind = traitlets.Unicode("links").tag(sync=True)
    opened = traitlets.Int(NOTHING).tag(sync=True)
    text = traitlets.Unicode().tag(sync=True)
    """What is being done, or why nothing could be shown."""

    def tell(self, text: str, opened: int) -> None:
        """Tell the pages both at once."""
        with self.hold_sync():
            self.text, self.opened = text, opened


class Opener:
    """Hears the clicks on a table, and shows rows. Display its `box` right after the table, in the same cell.

    Args:
        open_row: returns what is shown of a row, by its place from 0: a widget, which is closed with the row, or anything else
            that can be displayed. It may read the record, since it runs on a thread.
    """

    def __init__(self, open_row: Callable[[int], Any]) -> None:
        self._open_row = open_row
        self._links, self._below = _Links(), ipywidgets.Output()
        self.box = ipywidgets.VBox([self._links, self._below])
        self._task: asyncio.Task[None] | None = None
        self._shown: Any = None
        self._links.on_msg(self._asked)

    def _asked(self, _widget: object, content: Any, _buffers: object) -> None:
        match content:
            case {"type": "open", "place": int(place)} if self._task is None or self._task.done():
                self._task = asyncio.ensure_future(self._turn_to(place))
            case _:
                pass

    async def _turn_to(self, place: int) -> None:
        """Show a row; one that is open is closed."""
        self._take_off()
        if place == self._links.opened:
            self._links.tell("", NOTHING)
            return
        self._links.tell("Opening …", place)
        try:
            await asyncio.to_thread(self._show, place)
        except WorkbenchError as error:
            self._links.tell(str(error), NOTHING)
        except Exception as error:  # noqa: BLE001 - a defect must be seen by who waits, not lost with the task
            self._links.tell(f"{type(error).__name__}: {error}", NOTHING)
        else:
            self._links.tell("", place)

    def _show(self, place: int) -> None:
        self._shown = self._open_row(place)
        self._below.append_display_data(self._shown)

    def _take_off(self) -> None:
        """Empty what is below the table; the panel that was there looks into the record no more."""
        self._below.outputs = ()
        if isinstance(self._shown, ipywidgets.Widget):
            self._shown.close()
        self._shown = None
