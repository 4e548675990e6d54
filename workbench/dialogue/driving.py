"""What this process runs: each engine is driven on the engine's loop, and the record has an event before anybody sees it.

The record tells processes apart, not two runs in one of them; `claim` does that. There is one handle of a dialogue in this
process, so that whoever holds it sees a resumed run as well.
"""

from __future__ import annotations

import asyncio
import threading
import weakref
from collections.abc import Callable
from concurrent.futures import Future
from contextlib import aclosing
from typing import Final

from workbench.dialogue.dialogue import Dialogue
from workbench.dialogue.running.engine import Engine
from workbench.dialogue.transcript import Transcript
from workbench.errors import RecordError
from workbench.events import DialogueEnded, DialogueResumed, DialogueStarted, Event
from workbench.events.correlation import adopt as adopt_correlation
from workbench.events.listening import install, tell
from workbench.loop import submit
from workbench.records import Record
from workbench.settings import Settings

_running: Final[dict[str, tuple[object, Dialogue]]] = {}
_lock: Final = threading.Lock()
_handles: Final[weakref.WeakValueDictionary[tuple[str, str], Dialogue]] = weakref.WeakValueDictionary()


def running_of(owner: object) -> list[Dialogue]:
    """Return the dialogues that an owner runs in this process, without their sub-dialogues."""
    return [dialogue for whose, dialogue in list(_running.values()) if whose is owner]


def handle_of(record: Record, dialogue: str) -> Dialogue | None:
    """Return the handle that somebody in this process holds."""
    return _handles.get((record.url, dialogue))


def one_handle(record: Record, dialogue: Dialogue) -> Dialogue:
    """Return the handle of a dialogue that somebody in this process holds; where nobody does, this becomes it."""
    with _lock:  # a sub-dialogue begins on the engine's loop while somebody else loads it
        return _handles.setdefault((record.url, dialogue.id), dialogue)


def runs_here(dialogue: str) -> bool:
    """Whether this process runs a dialogue, by itself or as a part of another."""
    return dialogue in _running


def drive(
    owner: object,
    record: Record,
    dialogue: Dialogue,
    engine: Engine,
    first: Callable[[Engine], Event],
    adopt: Callable[..., Dialogue],
    ended: Callable[[], None],
    settings: Settings,
) -> None:
    """Run an engine to its end, on the engine's loop, and return at once.

    Args:
        owner: who runs it.
        record: takes every event before the handle does.
        dialogue: the handle.
        engine: what runs.
        first: makes the opening event.
        adopt: returns the handle of a sub-dialogue that begins.
        ended: called on a thread once all is recorded, before anybody who waits for the end goes on.
        settings: of the owner, for those who are told of the events.

    Raises:
        RecordError: this process runs it already.
    """
    with _lock:
        if dialogue.id in _running:
            raise RecordError(f"Dialogue {dialogue.id} is being run by this process.", hint="Stop it first, or wait.")
        _running[dialogue.id] = (owner, dialogue)
    install()
    family = _Family(dialogue, engine, adopt)

    async def run() -> None:
        adopt_correlation(dialogue.id)
        try:
            async with aclosing(engine.run(first)) as events:
                async for event in events:
                    if event.barrier:
                        await record.commit(event)
                    elif event.durable:
                        record.append(event)
                    family.publish(event)
                    if event.durable:
                        tell(event, settings)
            await asyncio.to_thread(ended)
        finally:
            family.leave()
            del _running[dialogue.id]

    dialogue._attach(submit(run()), engine)  # noqa: SLF001 - the handle's other half


class _Family:
    """The handles of a dialogue and of the sub-dialogues that run as parts of it."""

    def __init__(self, dialogue: Dialogue, engine: Engine, adopt: Callable[..., Dialogue]) -> None:
        self._root, self._engine, self._adopt = dialogue, engine, adopt
        self._children: dict[str, tuple[Dialogue, Future[None]]] = {}

    def publish(self, event: Event) -> None:
        """Hand an event to whom it is about."""
        if event.dialogue == self._root.id:
            self._root._publish(event)  # noqa: SLF001 - the handle's other half
            return
        if isinstance(event, DialogueStarted | DialogueResumed):
            self._join(event)
        child, _ = self._children[event.dialogue]
        child._publish(event)  # noqa: SLF001 - as above
        if isinstance(event, DialogueEnded):
            self._part(event.dialogue)

    def leave(self) -> None:
        """Let nobody wait for a sub-dialogue any more."""
        for name in list(self._children):
            self._part(name)

    def _join(self, event: DialogueStarted | DialogueResumed) -> None:
        transcript = Transcript()
        if isinstance(event, DialogueStarted):
            transcript = Transcript.of(event.dialogue, event.mode, event.topic)
        child, ended = self._adopt(transcript), Future[None]()
        engine = self._engine.find(event.dialogue)
        assert engine is not None
        child._attach(ended, engine)  # noqa: SLF001 - as above
        self._children[event.dialogue] = child, ended
        _running[event.dialogue] = (self, child)

    def _part(self, name: str) -> None:
        _, ended = self._children.pop(name)
        _running.pop(name, None)
        ended.set_result(None)
