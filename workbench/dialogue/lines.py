"""A dialogue as lines of text, each turn when it is whole: for pipes, logs, terminals and scripts."""

from __future__ import annotations

from collections.abc import Callable

from workbench.dialogue.dialogue import Dialogue
from workbench.dialogue.export.facts import ending, facts, speaker, title, totals, visible
from workbench.dialogue.export.positions import positions_report
from workbench.events import (
    CallEnded,
    DialogueEnded,
    DialogueResumed,
    DialogueStarted,
    Event,
    TurnCancelled,
    TurnCompleted,
    TurnFailed,
)


class Lines:
    """Writes what its events tell.

    Args:
        dialogue: whose events `see` is given.
        write: takes one line, without its end.
    """

    def __init__(self, dialogue: Dialogue, write: Callable[[str], object]) -> None:
        self.dialogue, self.write = dialogue, write

    def see(self, event: Event) -> None:
        """Write what this event completes, if anything."""
        match event:
            case TurnCompleted() | TurnFailed() | TurnCancelled():
                self.turn(event.turn)
            case CallEnded() if not event.call.ok and event.call.outcome != "cancelled":
                self.write(f"  {event.call.model}: {event.call.outcome}, attempt {event.call.attempt}")
            case DialogueStarted() | DialogueResumed():
                for warning in self.dialogue.warnings:
                    self.write(f"Warning: {warning}")
            case DialogueEnded():
                transcript = self.dialogue.transcript
                for sentence in positions_report(transcript).sentences:
                    self.write(sentence)
                self.write(f"{ending(transcript)}. {totals(transcript.metrics)}. Dialogue {transcript.id}.")
            case _:
                pass

    def turn(self, turn_id: str) -> None:
        """Write one turn that is over; one that never began is only named at the end."""
        if turn_id not in self.dialogue.transcript:
            return
        turn = self.dialogue.transcript[turn_id]
        self.write(f"[{title(turn)}] {speaker(turn)}, {facts(turn)}")
        if turn.text:
            self.write(visible(turn.text).strip())
        if turn.error:
            self.write(f"{turn.status}: {turn.error}")
        if turn.hint:
            self.write(f"  {turn.hint}")
        self.write("")
