"""Sub-dialogues: a turn opens one for each of its topics, all at once, waits for all of them, and is what they came to.

Each is a dialogue of its own in the record, a child of the one that opened it. Its engine runs inside the parent's: events go
through the parent's stream, so that one consumer writes them all, and what its calls cost is held against both budgets.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

from workbench.dialogue.casting.run import RunSpec
from workbench.dialogue.running.progress import Progress, outcome_of
from workbench.errors import WorkbenchError
from workbench.events import DialogueResumed, DialogueStarted, Event, Status

if TYPE_CHECKING:
    from workbench.dialogue.running.engine import Engine

SUB_DIALOGUES = "sub-dialogues"
"""Stands where a turn names its model."""


class Make(Protocol):
    """Makes the engine of a sub-dialogue."""

    def __call__(self, dialogue: str, spec: RunSpec, progress: Progress | None) -> Engine: ...  # noqa: D102


@dataclass(slots=True)
class Spawning:
    """The sub-dialogues of one turn.

    Args:
        turn: its id.
        parent: id of its dialogue.
        spec: what each of them runs, but for its topic.
        topics: one for each.
        known: what the record has of them, by number.
        ids: of those that were announced, by number; they may not have begun.
        make: makes an engine.
        announce: tells that one is opened.
        relay: passes an event of theirs on, and returns once it is safe.
    """

    turn: str
    parent: str
    spec: RunSpec
    topics: Sequence[str]
    known: Mapping[int, Progress]
    ids: Mapping[int, str]
    make: Make
    announce: Callable[..., None]
    relay: Callable[[Event], Awaitable[None]]
    live: dict[str, Engine] = field(default_factory=dict, init=False)

    async def run(self) -> tuple[str, dict[str, Any]]:
        """Run them to their ends; return what they came to, as text and as data.

        Raises:
            WorkbenchError: one failed; the others have run to their ends.
        """
        tasks = [asyncio.ensure_future(self._one(number, topic)) for number, topic in enumerate(self.topics, 1)]
        cancelled = False
        while pending := [task for task in tasks if not task.done()]:
            try:
                await asyncio.wait(pending)
            except asyncio.CancelledError:
                cancelled = True
                for engine in self.live.values():
                    engine.stop(Status.CANCELLED, "the dialogue that it is part of was stopped")
        if cancelled:
            raise asyncio.CancelledError
        found = [task.result() for task in tasks]
        failed = next((each for each in found if each["status"] == Status.FAILED), None)
        if failed is not None:
            raise WorkbenchError(
                f"the sub-dialogue on {failed['topic'][:80]!r} failed: {failed['reason']}",
                hint=f"Resume to go on with it; `workbench show {failed['dialogue']}` shows it.",
            )
        return "\n\n".join(map(_told, found)), {"dialogues": found}

    async def _one(self, number: int, topic: str) -> dict[str, Any]:
        known = self.known.get(number)
        if known is not None and known.done:
            return _result(known.transcript.id, known.transcript.topic, *outcome_of(known))
        spec = self.spec.model_copy(update={"topic": topic})
        if self.spec.seed is not None:
            spec = spec.model_copy(update={"seed": self.spec.seed + 1000 * number})
        if known is not None:
            spec = spec.model_copy(update={"topic": known.transcript.topic, "added": known.run.added})
        dialogue = self.ids.get(number) or secrets.token_hex(6)
        if number not in self.ids:
            self.announce(child=dialogue, number=number, mode=spec.mode.name, topic=spec.topic)
        engine = self.live[dialogue] = self.make(dialogue, spec, known)
        async with aclosing(engine.run(lambda engine: self._first(engine, known))) as events:
            async for event in events:
                await self.relay(event)
        return _result(dialogue, spec.topic, *engine.result)

    def _first(self, engine: Engine, known: Progress | None) -> Event:
        run = engine.spec.dump() | {"parent_id": self.parent, "spawned_by": self.turn}
        if known is not None:
            return engine.event(DialogueResumed, run=run)
        return engine.event(DialogueStarted, mode=engine.spec.mode.name, topic=engine.spec.topic, run=run)


def _result(dialogue: str, topic: str, status: Status, reason: str | None, text: str, data: Any) -> dict[str, Any]:
    return {"dialogue": dialogue, "topic": topic, "status": str(status), "reason": reason, "text": text, "data": data}


def _told(result: dict[str, Any]) -> str:
    """Return what a sub-dialogue came to, for the turns that follow."""
    ended = "" if Status(result["status"]).succeeded else f"\n\n[It was not finished: {result['reason'] or result['status']}]"
    return f"### {result['topic']}\n\n{result['text']}{ended}"
