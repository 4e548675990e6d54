"""The dialogues that a panel has an eye on: its own, their sub-dialogues, and those that a reader went to.

Of some the pages are told all, of the others only what a card shows. What happens is noted by the engine's loop, which must
not wait, and read by the panel's thread.
"""

from __future__ import annotations

import queue
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial

from workbench.dialogue.dialogue import Dialogue
from workbench.dialogue.export.facts import outcomes_of
from workbench.errors import WorkbenchError
from workbench.events import Event, Status, TextDelta
from workbench.panels.facts import Facts, card_facts, plan_facts
from workbench.panels.told import Told, plan_changed


@dataclass(slots=True)
class _Member:
    """A dialogue that is watched; `told` is None where only its card is shown."""

    dialogue: Dialogue
    detach: Callable[[], None] = lambda: None
    told: Told | None = None
    planned: int | None = None
    happened: list[Event | object] = field(default_factory=list)


class Family:
    """Dialogues and what happens in them.

    Args:
        dialogue: the panel's own; it is always told.
        awake: called, on any thread, when there is something to tell.
    """

    def __init__(self, dialogue: Dialogue, awake: Callable[[], None]) -> None:
        self._own, self._awake = dialogue, awake
        self._members: dict[str, _Member] = {}
        self._news: queue.SimpleQueue[tuple[str, Event | object]] = queue.SimpleQueue()
        self._missed = self._closed = False
        """The first: whether a sub-dialogue was announced that has not begun."""
        self.tell(dialogue)

    @property
    def stirs(self) -> bool:
        """Whether there may be something to tell."""
        return self._missed or not self._news.empty()

    @property
    def live(self) -> bool:
        """Whether one of them runs, or something happened that was not read yet."""
        if self._closed:
            return False
        return not self._news.empty() or any(member.dialogue.running for member in list(self._members.values()))

    def close(self) -> None:
        """Look away."""
        if not self._closed:
            self._closed = True
            for member in self._members.values():
                member.detach()

    def find(self, dialogue: str) -> Dialogue:
        """Return a dialogue by its id, from the record if it is none of these.

        Raises:
            WorkbenchError: there is none.
        """
        return self.known(dialogue) or self._own.open(dialogue)

    def known(self, dialogue: str) -> Dialogue | None:
        """Return one of these by its id."""
        member = self._members.get(dialogue)
        return member.dialogue if member else None

    def tell(self, dialogue: Dialogue) -> None:
        """Begin to tell all of a dialogue."""
        member = self._member(dialogue)
        member.told = member.told or Told(dialogue)

    def hush(self, dialogue: str) -> bool:
        """Tell no more of a dialogue than its card; return whether more was told."""
        member = self._members.get(dialogue)
        if member is None or member.told is None or dialogue == self._own.id:
            return False
        member.told = None
        return True

    def news(self) -> tuple[Facts | None, list[Facts]]:
        """Return the patch of the panel's own dialogue, None where nothing is new, and those of the others."""
        self._read()
        self._missed = False
        own, others = None, []
        for name, member in list(self._members.items()):
            happened, member.happened = member.happened, []
            if any(plan_changed(event) for event in happened):
                member.planned = None
            if member.told is None:
                continue
            patch = member.told.news(happened, list(self._cards(member.dialogue)))
            if name == self._own.id:
                own = patch
            elif patch is not None:
                others.append({"of": name, **patch})
        return own, others

    def everything(self) -> Facts:
        """Return all that was told, as a snapshot has it."""
        told = {name: member.told.everything() for name, member in self._members.items() if member.told}
        return {**told.pop(self._own.id), "others": list(told.values())}

    def _member(self, dialogue: Dialogue) -> _Member:
        member = self._members.get(dialogue.id)
        if member is None:
            member = self._members[dialogue.id] = _Member(dialogue)
            _past, member.detach = dialogue._watch(partial(self._note, dialogue.id))  # noqa: SLF001 - a panel sees every run, `events` only one
        return member

    def _note(self, name: str, event: Event | object) -> None:
        """Note an event, or the end of a run; called on the engine's loop."""
        member = self._members.get(name)
        if isinstance(event, TextDelta) and (member is None or member.told is None):
            return
        self._news.put((name, event))
        self._awake()

    def _read(self) -> None:
        while not self._news.empty():
            name, event = self._news.get()
            if member := self._members.get(name):
                member.happened.append(event)

    def _cards(self, parent: Dialogue) -> Iterator[Facts]:
        transcript = parent.snapshot()
        outcomes = outcomes_of(transcript)
        for spawned in transcript.children.values():
            child = self._child(parent, spawned.child)
            if child is None:
                known = outcomes.get(spawned.child)
                self._missed |= parent.running and not known
                yield card_facts(spawned, None, live=parent.running and not known, waits=False, planned=0, known=known)
                continue
            member = self._member(child)
            told = child.snapshot()
            if member.planned is None:
                member.planned = len(plan_facts(told.run, told.skipped)["planned"])
            # One that another process runs has no run of its own here.
            live = told.status is Status.RUNNING and (child.running or parent.running)
            yield card_facts(spawned, told, live=live, waits=self._waits(child), planned=member.planned)

    def _child(self, parent: Dialogue, name: str) -> Dialogue | None:
        """Return a sub-dialogue, read again if another process may run it; None where the record does not have it."""
        child = self.known(name)
        if child is None or (child.status is Status.RUNNING and not child.running):
            with suppress(WorkbenchError):
                return parent.open(name)
        return child

    def _waits(self, dialogue: Dialogue) -> bool:
        """Whether a running dialogue, or one below it, waits for a person."""
        if not dialogue.running:
            return False
        below = (self._child(dialogue, name) for name in dialogue.snapshot().children)
        children = [self._member(child).dialogue for child in below if child]
        return bool(dialogue.waits) or any(map(self._waits, children))
