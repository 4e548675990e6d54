"""Showing a dialogue while it runs, and waiting for its end so that an interrupt stops it.

In a notebook one display is updated a few times a second and left empty at the end, when the static transcript takes its
place: a saved notebook then holds the same outputs however often the display was updated. Elsewhere each turn is printed
as it completes.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any, Final

from IPython.display import display

from workbench.dialogue import Dialogue
from workbench.dialogue.export.as_html import fragment
from workbench.dialogue.lines import Lines
from workbench.notebook.outputs import static_bundle

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell


class DialogueInterrupted(KeyboardInterrupt):
    """The kernel was interrupted while a dialogue ran; IPython shows one line for it instead of a traceback."""

    def _render_traceback_(self) -> list[str]:
        return [f"KeyboardInterrupt: stopped, and what was said is kept. `workbench resume {self}` goes on from here."]


REFRESH: Final = 0.12
"""Seconds between two updates of the display."""
_EMPTY: Final = {"text/plain": "", "text/html": ""}


def show_until_done(dialogue: Dialogue, shell: InteractiveShell) -> None:
    """Show a running dialogue until it has ended, then leave its transcript.

    Raises:
        DialogueInterrupted: the kernel was interrupted; calls are stopped by then, and what was said is kept and shown.
    """
    notebook = hasattr(shell, "kernel")
    try:
        _update(dialogue) if notebook else _print(dialogue)
        dialogue.wait()
    except KeyboardInterrupt:
        dialogue.cancel()
        dialogue.wait()
        if notebook:
            show(dialogue)
        raise DialogueInterrupted(dialogue.id) from None
    if notebook:
        show(dialogue)


def show(dialogue: Dialogue) -> None:
    """Leave a dialogue's transcript as an output."""
    display(static_bundle(dialogue), raw=True)


def _update(dialogue: Dialogue) -> None:
    changed, done = threading.Event(), threading.Event()
    handle: Any = display(_EMPTY, raw=True, display_id=True)
    watching = threading.Thread(target=_follow, args=(dialogue, changed, done), daemon=True)
    watching.start()
    try:
        while not done.wait(REFRESH):
            if changed.is_set():
                changed.clear()
                handle.update({"text/plain": "", "text/html": fragment(dialogue.snapshot())}, raw=True)
    finally:
        handle.update(_EMPTY, raw=True)


def _follow(dialogue: Dialogue, changed: threading.Event, done: threading.Event) -> None:
    for _event in dialogue.events():
        changed.set()
    done.set()


def _print(dialogue: Dialogue) -> None:
    lines = Lines(dialogue, print)
    for event in dialogue.events():
        lines.see(event)
