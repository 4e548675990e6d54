"""People at a terminal: asks them for what a dialogue waits for, line by line, in sub-dialogues too."""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import suppress
from typing import Final

from workbench.dialogue.dialogue import Dialogue
from workbench.dialogue.export.facts import title, visible
from workbench.errors import WorkbenchError
from workbench.events import DialogueSpawned, TurnWaits

Ask = Callable[[str], str]
_ONE_AT_A_TIME: Final = threading.Lock()


def attend(dialogue: Dialogue, ask: Ask, write: Callable[[str], object]) -> None:
    """Ask for what a dialogue waits for until its run is over; return at once.

    Where nobody can answer the dialogue is stopped: what was said is kept, and a resume waits again.

    Args:
        dialogue: running.
        ask: returns what somebody typed at a prompt; raises EOFError where there is nobody.
        write: takes one line.
    """
    threading.Thread(target=_attend, args=(dialogue, ask, write), name=f"people-{dialogue.id}", daemon=True).start()


def nobody(_prompt: str) -> str:
    """Stand for a place where nobody can be asked."""
    raise EOFError


def _attend(dialogue: Dialogue, ask: Ask, write: Callable[[str], object]) -> None:
    began = dialogue.began
    for event in dialogue.events():
        if isinstance(event, TurnWaits) and event.seq > began:
            _give(dialogue, event, ask, write)
        elif isinstance(event, DialogueSpawned):
            for child in dialogue.children:
                if child.id == event.child and child.running:
                    attend(child, ask, write)


def _give(dialogue: Dialogue, event: TurnWaits, ask: Ask, write: Callable[[str], object]) -> None:
    """Ask until what is given is taken."""
    turn = dialogue.transcript[event.turn]
    with _ONE_AT_A_TIME:
        _introduce(dialogue, event, write)
        while event.turn in dialogue.waits:
            try:
                text = ask(f"{title(turn)}> ")
            except EOFError:
                dialogue.cancel(f"{event.turn} waits for a person, and nobody is here")
                return
            try:
                if event.kind == "answer":
                    dialogue.answer(text, event.turn)
                else:
                    dialogue.approve(event.turn, text or None)
            except WorkbenchError as error:
                with suppress(OSError):
                    write(str(error))
            else:
                return


def _introduce(dialogue: Dialogue, event: TurnWaits, write: Callable[[str], object]) -> None:
    turn = dialogue.transcript[event.turn]
    if event.kind == "answer":
        asked = turn.messages[-1]["content"] if turn.messages else ""
        write(f"You are {title(turn)}. You are asked:\n\n{visible(asked)}\n")
    else:
        write(f"{title(turn)} would say:\n\n{visible(turn.text)}\n\nEnter lets it stand; or type what shall be said instead.")
