"""A dialogue on display: the live panel while it runs, the static transcript from its end on, in one and the same output.

The panel is for people: it is shown where the one who runs the cell can answer, which a Jupyter client says with each request
(`allow_stdin`). `nbconvert --execute`, papermill and other programs get the transcript alone, and terminals get lines of text.
"""

from __future__ import annotations

import asyncio
import threading
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Final

from IPython.display import display

from workbench.dialogue import Dialogue
from workbench.dialogue.attending import attend, nobody
from workbench.dialogue.lines import Lines
from workbench.notebook.outputs import static_bundle
from workbench.notebook.status_line import is_watched

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell

_HEARTBEAT: Final = 0.2
"""Seconds; an awaiting cell is woken so often, so that an interrupt takes effect even if nothing else happens."""
_WIDGET: Final = "application/vnd.jupyter.widget-view+json"


class DialogueInterrupted(KeyboardInterrupt):
    """The kernel was interrupted while a dialogue ran; IPython shows one line for it instead of a traceback."""

    def _render_traceback_(self) -> list[str]:
        return [f"KeyboardInterrupt: stopped, and what was said is kept. `%dialogue resume {self}` goes on from here."]


class How(StrEnum):
    """How a dialogue is shown while it runs."""

    PANEL = "panel"
    TRANSCRIPT = "transcript"
    TEXT = "text"


def how_to_show(shell: InteractiveShell, wish: str = "auto") -> How:
    """Return how to show a dialogue to whoever runs the cell.

    Args:
        shell: that runs the cell.
        wish: `auto`, or one of `How`.
    """
    if wish != "auto":
        return How(wish)
    kernel = getattr(shell, "kernel", None)
    if kernel is None:
        return How.TEXT
    return How.PANEL if is_watched(shell) else How.TRANSCRIPT


class Show:
    """One output of a cell, which shows a dialogue.

    Args:
        dialogue: running or stored.
        how: it is shown while it runs.
    """

    def __init__(self, dialogue: Dialogue, how: How) -> None:
        self.dialogue, self.how = dialogue, how
        self._handle: Any = None

    def begin(self, note: str = "") -> None:
        """Show the panel, or hold its place with a note for those who see no panel."""
        if self.how is How.PANEL:
            panel = self.dialogue.panel()
            view = {"version_major": 2, "version_minor": 0, "model_id": panel.model_id}
            text = f"{self.dialogue!r}: a live panel, in a front end that draws widgets"
            self._handle = display({_WIDGET: view, "text/plain": text}, raw=True, display_id=True)
        elif self.how is How.TRANSCRIPT and note:
            self._handle = display({"text/plain": note}, raw=True, display_id=True)

    def wait(self) -> None:
        """Block until the dialogue has ended, then leave its transcript.

        Raises:
            DialogueInterrupted: the kernel was interrupted; calls are stopped by then, and what was said is kept and shown.
        """
        self._attend()
        try:
            if self.how is How.TEXT:
                lines = Lines(self.dialogue, print)
                for event in self.dialogue.events():
                    lines.see(event)
            self.dialogue.wait()
        except KeyboardInterrupt:
            self.dialogue.cancel()
            self.dialogue.wait()
            raise DialogueInterrupted(self.dialogue.id) from None
        finally:
            self.end()

    async def wait_async(self) -> None:
        """Wait as `wait` does, while the kernel goes on handling buttons; raises the same."""
        self._attend()
        ended = asyncio.ensure_future(self._ended())
        telling = asyncio.ensure_future(self._print()) if self.how is How.TEXT else None
        try:
            while not ended.done():
                await asyncio.wait([ended], timeout=_HEARTBEAT)
            if telling is not None:
                await telling
            self.dialogue.wait()
        except asyncio.CancelledError:
            self.dialogue.cancel()
            await asyncio.wait([ended])
            raise DialogueInterrupted(self.dialogue.id) from None
        finally:
            self.end()

    def end_later(self) -> None:
        """Return at once; the transcript takes the panel's place when the dialogue has ended."""

        def finish() -> None:
            self.dialogue.future.exception()  # waits; what went wrong stands in the transcript, or nobody is left to tell
            self.end()

        threading.Thread(target=finish, name=f"show-{self.dialogue.id}", daemon=True).start()

    def end(self) -> None:
        """Leave the transcript where the panel was."""
        if self.how is How.TEXT:
            return
        bundle = static_bundle(self.dialogue)
        if self._handle is None:
            display(bundle, raw=True)
        else:
            self._handle.update(bundle, raw=True)

    def _attend(self) -> None:
        """Ask people in a terminal for what the dialogue waits for; a panel asks by itself, and a program cannot be asked."""
        if self.how is not How.PANEL:
            attend(self.dialogue, input if self.how is How.TEXT else nobody, print)

    async def _ended(self) -> None:
        await asyncio.wait([asyncio.wrap_future(self.dialogue.future)])

    async def _print(self) -> None:
        lines = Lines(self.dialogue, print)
        async for event in self.dialogue.stream():
            lines.see(event)
