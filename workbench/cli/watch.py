"""A dialogue as it happens: a live transcript on a terminal, whole lines anywhere else.

What a model says is text: escapes and invisible marks are dropped before it reaches the terminal.
"""

from __future__ import annotations

import sys
from typing import Final

from workbench.dialogue import Dialogue
from workbench.dialogue.export.facts import facts, title, visible
from workbench.dialogue.lines import Lines
from workbench.events import Event, TextDelta, TurnCancelled, TurnCompleted, TurnFailed, TurnStarted

_COLOURS: Final = ("cyan", "yellow", "green", "magenta", "blue", "red")


def watch(dialogue: Dialogue) -> None:
    """Print a dialogue until it ends.

    Raises:
        KeyboardInterrupt: after Ctrl-C, when its calls are stopped and what was said is kept and printed.
    """
    view, seen = _Live(dialogue) if sys.stdout.isatty() else Lines(dialogue, _print), 0
    try:
        for event in dialogue.events():
            view.see(event)
            seen = event.seq
            sys.stdout.flush()
    except KeyboardInterrupt:
        dialogue.cancel()
        for event in dialogue.wait().recorded_events():
            if event.seq > seen:
                view.see(event)
        raise


def _print(line: str) -> None:
    sys.stdout.write(line + "\n")


class _Live(Lines):
    """Streams the turn that began first; others that run beside it are printed whole when they are done."""

    def __init__(self, dialogue: Dialogue) -> None:
        from rich.console import Console

        self._console = Console(highlight=False, markup=False)
        super().__init__(dialogue, self._console.print)
        self._streaming: str | None = None
        self._streamed = False
        self._roles: list[str] = []

    def see(self, event: Event) -> None:
        match event:
            case TurnStarted() if self._streaming is None:
                self._open(event)
            case TextDelta() if event.turn == self._streaming:
                self._streamed = self._streamed or bool(event.text)
                self._console.out(visible(event.text), end="", highlight=False)
            case TurnCompleted() | TurnFailed() | TurnCancelled() if event.turn == self._streaming:
                self._close(event)
            case _:
                super().see(event)

    def _open(self, event: TurnStarted) -> None:
        self._streaming, self._streamed = event.turn, False
        if event.role not in self._roles:
            self._roles.append(event.role)
        colour = _COLOURS[self._roles.index(event.role) % len(_COLOURS)]
        self._console.print(title(self.dialogue.transcript[event.turn]), style=f"bold {colour}", end="")
        self._console.print(f"  {event.model}", style="dim")

    def _close(self, event: TurnCompleted | TurnFailed | TurnCancelled) -> None:
        turn, self._streaming = self.dialogue.transcript[event.turn], None
        if not self._streamed and turn.text:
            self._console.out(visible(turn.text), highlight=False)
        self._console.print()
        if turn.error:
            self._console.print(f"{turn.status}: {turn.error}", style="red")
        if turn.hint:
            self._console.print(f"  {turn.hint}", style="dim")
        self._console.print(facts(turn), style="dim")
        self._console.print()
