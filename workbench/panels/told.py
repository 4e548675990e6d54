"""What the pages have been told of one dialogue, and what is new since then."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from workbench.dialogue.dialogue import Dialogue
from workbench.events import DialogueResumed, DialogueStarted, Event, TurnAdded, TurnSkipped
from workbench.panels.changes import changed, turn_patch
from workbench.panels.facts import Facts, dialogue_facts, plan_facts, schema_of, turn_facts

_NOT_NEWS = frozenset({"now", "ran"})
"""What changes by itself, and is told along with what really is new."""


class Told:
    """One dialogue as the pages know it.

    Args:
        dialogue: running or stored.
    """

    def __init__(self, dialogue: Dialogue) -> None:
        self.dialogue = dialogue
        self._facts: Facts = {}
        self._turns: dict[str, Facts] = {}

    def news(self, happened: Collection[Event | object], children: Sequence[Facts]) -> Facts | None:
        """Return what differs from what was told last, as a patch; None where nothing does.

        Args:
            happened: its events since then.
            children: cards of its sub-dialogues.
        """
        live, transcript = self.dialogue.running, self.dialogue.snapshot()
        facts = dialogue_facts(transcript, live=live, can=self.dialogue.can, children=children)
        if any(plan_changed(event) for event in happened) or "planned" not in self._facts:
            facts |= plan_facts(transcript.run, transcript.skipped)
        touched = {getattr(event, "turn", "") for event in happened}
        if not live or not self._facts.get("live"):  # it may have been read again, without events
            touched = {turn.id for turn in transcript.turns}
        run = transcript.run
        after = [
            turn_facts(turn, live=live, schema=schema_of(run, turn.id) if turn.waits else None)
            for turn in transcript.turns
            if turn.id in touched
        ]
        patches = [patch for turn in after if (patch := turn_patch(self._turns.get(turn["id"]), turn))]
        self._turns |= {turn["id"]: turn for turn in after}
        news = changed(self._facts, facts)
        self._facts = self._facts | facts
        return {"dialogue": news, "turns": patches} if patches or news.keys() - _NOT_NEWS else None

    def everything(self) -> Facts:
        """Return all that was told."""
        return {"dialogue": self._facts, "turns": sorted(self._turns.values(), key=lambda turn: turn["index"])}


def plan_changed(event: Event | object) -> bool:
    """Whether other turns are to come after an event."""
    return isinstance(event, DialogueStarted | DialogueResumed | TurnSkipped | TurnAdded)
