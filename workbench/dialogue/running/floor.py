"""What the turns of one run share: what was said, what may be spent, who waits, and the stream into which they all tell."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

from workbench.dialogue.casting.persons import Waits
from workbench.dialogue.casting.run import RunSpec
from workbench.dialogue.money.budget import Budget
from workbench.dialogue.planning.gates import Result
from workbench.dialogue.planning.plan import Plan, PlannedTurn
from workbench.dialogue.running.hooks import Hooks
from workbench.dialogue.running.progress import Progress
from workbench.dialogue.running.saving import Saving
from workbench.dialogue.running.voice import result_of
from workbench.dialogue.transcript import Transcript
from workbench.events import Event, Status, TurnCompleted, TurnFailed
from workbench.models import Client

if TYPE_CHECKING:
    from workbench.dialogue.running.spawning import Spawning
    from workbench.routing.router import Router

E = TypeVar("E", bound=Event)


@dataclass(frozen=True, slots=True)
class Relayed:
    """An event of a sub-dialogue on its way through the parent's stream; `taken` is set once the consumer has it."""

    event: Event
    taken: asyncio.Future[None]


class Floor:
    """The state of a run.

    Args:
        dialogue: its id.
        spec: what is run.
        client: makes the calls.
        progress: where it goes on from; None for a new dialogue.
        budget: what may still be spent.
        router: chooses for routed roles.
        hooks: functions that turns call by name.
    """

    def __init__(
        self,
        dialogue: str,
        spec: RunSpec,
        client: Client,
        progress: Progress | None,
        budget: Budget | None,
        router: Router | None,
        hooks: Hooks | None = None,
    ) -> None:
        self.dialogue, self.spec, self.client, self.progress, self.router = dialogue, spec, client, progress, router
        self.hooks: Hooks = hooks or {}
        self.plan: Plan = spec.plan()
        self.budget = budget or Budget(spec.limits)
        self.past = progress.transcript if progress else Transcript()
        self.said, self.data, self.answers = self.past.said, self.past.data, self.past.answers
        self.results: dict[str, Result | None] = {i: result_of(self.data.get(i), text) for i, text in self.said.items()}
        self.results |= dict.fromkeys(self.past.skipped)
        self.saving = Saving(self)
        self.summaries = progress.summaries if progress else {}
        self.summing = asyncio.Lock()
        self.waits = Waits()
        self.spawning: dict[str, Spawning] = {}
        self.events: asyncio.Queue[Event | Relayed | None] = asyncio.Queue()
        self.ended: tuple[Status, str | None] | None = None
        self._unread: set[asyncio.Future[None]] = set()
        self._seq, self._deserted = self.past.seq, False

    def event(self, kind: type[E], /, **fields: Any) -> E:
        """Make the next event of the stream."""
        self._seq += 1
        return kind(dialogue=self.dialogue, seq=self._seq, at=time.time(), **fields)

    def tell(self, kind: type[E], /, **fields: Any) -> None:
        """Put the next event into the stream."""
        self.events.put_nowait(self.event(kind, **fields))

    def fail(self, turn: PlannedTurn, kind: str, error: str, hint: str | None, text: str = "") -> None:
        """Tell that a turn has failed."""
        self.tell(TurnFailed, turn=turn.id, kind=kind, error=error, hint=hint, text=text)

    def settle(self, event: TurnCompleted) -> None:
        """Take in what a turn said."""
        self.said[event.turn], self.data[event.turn] = event.text, event.data
        self.results[event.turn] = result_of(event.data, event.text)

    async def relay(self, event: Event) -> None:
        """Pass an event of a sub-dialogue on, and return once it is as safe as the event asks for."""
        if self._deserted:
            return
        taken = asyncio.get_running_loop().create_future()
        self.events.put_nowait(Relayed(event, taken))
        if event.barrier:
            self._unread.add(taken)
            try:
                await taken
            finally:
                self._unread.discard(taken)

    def desert(self) -> None:
        """Let nobody wait for the reader of the stream any more: it has gone."""
        self._deserted = True
        for taken in self._unread:
            if not taken.done():
                taken.set_result(None)
