"""A dialogue and its sub-dialogues as a saved page has them: all at once, since nobody is there to be asked."""

from __future__ import annotations

from contextlib import suppress

from workbench.dialogue.dialogue import Dialogue
from workbench.dialogue.export.facts import outcomes_of
from workbench.dialogue.transcript import Transcript
from workbench.errors import WorkbenchError
from workbench.panels.facts import Facts, card_facts, snapshot


def saved_family(dialogue: Dialogue) -> tuple[list[Transcript], Facts]:
    """Return the transcripts, the dialogue's own first, and the snapshot of them all."""
    transcripts, found = [], []
    waiting, seen = [dialogue], {dialogue.id}
    while waiting:
        each = waiting.pop()
        transcript, children = each.snapshot(), _children(each)
        transcripts.append(transcript)
        found.append(snapshot(transcript, children=_cards(transcript, children)))
        waiting += [child for name, child in children.items() if name not in seen]  # what was imported may go round
        seen |= children.keys()
    own, *others = found
    return transcripts, own | {"others": [{"dialogue": other["dialogue"], "turns": other["turns"]} for other in others]}


def _children(dialogue: Dialogue) -> dict[str, Dialogue]:
    """Return the sub-dialogues that the record has, by id."""
    children = {}
    for name in dialogue.snapshot().children:
        with suppress(WorkbenchError):
            children[name] = dialogue.open(name)
    return children


def _cards(parent: Transcript, children: dict[str, Dialogue]) -> list[Facts]:
    outcomes, cards = outcomes_of(parent), []
    for name, spawned in parent.children.items():
        told = children[name].snapshot() if name in children else None
        known = None if told else outcomes.get(name)
        cards.append(card_facts(spawned, told, live=False, waits=False, planned=0, known=known))
    return cards
