"""How far a dialogue has come: what a resume starts from, its sub-dialogues included."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from workbench.dialogue.casting.run import RunSpec
from workbench.dialogue.money.budget import Amount, spent
from workbench.dialogue.transcript import Transcript
from workbench.events import DialogueResumed, DialogueStarted, Event, Status


@dataclass(frozen=True, slots=True)
class Progress:
    """What the record knows of a dialogue.

    Attributes:
        transcript: so far.
        runs: all of them, the first one first; the last one with the turns that were added during it.
        children: its sub-dialogues, by the turn that opened them and their number in it.
    """

    transcript: Transcript
    runs: tuple[RunSpec, ...]
    children: dict[tuple[str, int], Progress] = field(default_factory=dict)

    @classmethod
    def of(cls, events: Sequence[Event], events_of: Callable[[str], Sequence[Event]]) -> Progress:
        """Return the progress that events tell.

        Args:
            events: of the dialogue.
            events_of: returns those of a sub-dialogue by its id; none where it has not begun.
        """
        transcript = Transcript(events)
        runs = runs_of(events)
        if runs:
            runs[-1] = RunSpec.model_validate(transcript.run)
        children = {
            (spawned.turn, spawned.number): cls.of(found, events_of)
            for spawned in transcript.children.values()
            if (found := events_of(spawned.child))
        }
        return cls(transcript, tuple(runs), children)

    @property
    def run(self) -> RunSpec:
        """The latest run."""
        return self.runs[-1]

    @property
    def done(self) -> bool:
        """Whether nothing is left to do."""
        return self.transcript.status.succeeded

    @property
    def spent(self) -> Amount:
        """What it has spent at most, with its sub-dialogues."""
        return sum((child.spent for child in self.children.values()), spent(self.transcript, self.runs))

    @property
    def summaries(self) -> dict[str, str]:
        """Summaries of turns that were asked for, by their key."""
        calls = (call for turn in self.transcript for call in turn.calls if call.ok and call.purpose.startswith("summary "))
        return {call.purpose.removeprefix("summary "): call.text for call in calls}

    def unfinished(self) -> Iterator[Progress]:
        """Yield the sub-dialogues, of all generations, that a resume goes on with."""
        for child in self.children.values():
            if not child.done:
                yield child
                yield from child.unfinished()


def runs_of(events: Sequence[Event]) -> list[RunSpec]:
    """Return all runs that a dialogue's events tell of, the first one first."""
    return [RunSpec.model_validate(event.run) for event in events if isinstance(event, DialogueStarted | DialogueResumed)]


def outcome_of(progress: Progress) -> tuple[Status, str | None, str, Any]:
    """Return status, reason, text and data of a dialogue: those of its last complete turn."""
    transcript = progress.transcript
    said = [turn for turn in transcript if turn.status is Status.COMPLETED]
    last = said[-1] if said else None
    return transcript.status, transcript.reason, last.text if last else "", last.data if last else None
