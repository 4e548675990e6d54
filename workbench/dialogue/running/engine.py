"""The engine: runs a plan as one async generator of events.

Turns whose dependencies are complete run at once, each in a task of its own; their events meet in one queue and leave in one
numbered stream. Nobody is called by name. Durability needs no call either: the consumer writes a `barrier` event before it
asks for the next one, and only then does the generator go on and start what waited for that turn.
"""

from __future__ import annotations

import asyncio
import itertools
import re
from collections.abc import AsyncGenerator, Callable, Iterator
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from workbench.dialogue.casting.persons import PERSON, Kind
from workbench.dialogue.casting.run import AddedTurn, RunSpec
from workbench.dialogue.money.budget import Budget
from workbench.dialogue.planning.gates import SKIPPED_BEFORE, Gate, shut
from workbench.dialogue.planning.plan import Plan, PlannedTurn
from workbench.dialogue.running.floor import E, Floor, Relayed
from workbench.dialogue.running.hooks import Hooks
from workbench.dialogue.running.progress import Progress
from workbench.dialogue.running.saving import Saving
from workbench.dialogue.running.taking import Taking
from workbench.errors import ErrorKind, WorkbenchError
from workbench.events import (
    DialogueContinued,
    DialogueEnded,
    DialoguePaused,
    Event,
    Status,
    TurnAdded,
    TurnCancelled,
    TurnCompleted,
    TurnFailed,
    TurnSkipped,
)
from workbench.models import Client

if TYPE_CHECKING:
    from workbench.routing.router import Router

_FINAL: Final = (TurnCompleted, TurnFailed, TurnCancelled)
_NAME: Final = re.compile(r"[A-Za-z][\w-]{0,63}")


class Engine:
    """One run of a dialogue.

    Args:
        dialogue: its id.
        spec: what to run.
        client: makes the calls.
        progress: where to go on from; None for a new dialogue.
        budget: what may still be spent.
        paused: whether it begins paused.
        router: chooses models for routed roles.
        hooks: functions that turns call by name.
    """

    can_steer = True

    def __init__(
        self,
        dialogue: str,
        spec: RunSpec,
        client: Client,
        *,
        progress: Progress | None = None,
        budget: Budget | None = None,
        paused: bool = False,
        router: Router | None = None,
        hooks: Hooks | None = None,
    ) -> None:
        self.dialogue, self.spec = dialogue, spec
        self._floor = floor = Floor(dialogue, spec, client, progress, budget, router, hooks)
        self.began = floor.past.seq
        self._taking = Taking(floor, self._child)
        self._converged = next((event.reason for event in floor.past.skipped.values() if event.converged), None)
        self._tasks: dict[str, asyncio.Task[None]] = {}
        open_turns = [turn for turn in floor.plan.turns if turn.id not in floor.results]
        called = {turn.id for turn in open_turns if turn.added}
        self._waiting = {
            turn.id: set() if turn.added else (set(turn.depends_on) - floor.results.keys()) | called for turn in open_turns
        }
        self._paused = paused
        self._alarm = _Alarm(spec.limits.timeout, self._expire)
        floor.waits.changed = self._clock

    @property
    def plan(self) -> Plan:
        """The turns of the run, with those that were added."""
        return self._floor.plan

    @property
    def saving(self) -> Saving:
        """How it saves money."""
        return self._floor.saving

    @property
    def result(self) -> tuple[Status, str | None, str, Any]:
        """Status, reason, and text and data of the last complete turn; once the run is over."""
        said, data = self._floor.said, self._floor.data
        last = next((turn.id for turn in reversed(self.plan.turns) if turn.id in said), "")
        return *self._outcome(), said.get(last, ""), data.get(last)

    async def run(self, first: Callable[[Engine], Event]) -> AsyncGenerator[Event, None]:
        """Yield the run's events, from what `first` makes to `DialogueEnded`. To be read to its end, once.

        Those of its sub-dialogues are among them, under their own ids.

        Args:
            first: makes the opening event (`lambda engine: engine.event(DialogueStarted, …)`).
        """
        events = self._floor.events
        self.saving.join()
        try:
            yield first(self)
            self._clock()
            await self._launch()
            while self._tasks or self._on_hold or not events.empty():
                event = await events.get()
                if isinstance(event, Relayed):
                    yield event.event
                    if not event.taken.done():
                        event.taken.set_result(None)
                    continue
                if event is not None:
                    yield event
                if isinstance(event, _FINAL):
                    self._close(event)
                if event is None or isinstance(event, (*_FINAL, DialogueContinued, TurnAdded)):
                    await self._launch()
        finally:  # no TaskGroup: a generator that is closed inside one raises a group, not what went wrong
            self.saving.leave()
            await self._hang_up()
        status, reason = self._outcome()
        yield self.event(DialogueEnded, status=status, reason=reason)

    def event(self, kind: type[E], /, **fields: Any) -> E:
        """Make the next event of the stream."""
        return self._floor.event(kind, **fields)

    def stop(self, status: Status = Status.CANCELLED, reason: str | None = None) -> None:
        """Start no further turn, cancel those that run, and end with `status`. On the engine's loop only, as all below."""
        if self._floor.ended is None or status is Status.CANCELLED:
            self._floor.ended = (status, reason)
        for task in self._tasks.values():
            task.cancel()
        self._floor.events.put_nowait(None)  # a paused run waits for nothing else

    def pause(self) -> None:
        """Start no further turn until `unpause`, in sub-dialogues neither; those that run are finished."""
        if not self._paused and self._floor.ended is None:
            self._paused = True
            self._alarm.stop()
            self._floor.tell(DialoguePaused)
            for child in self.children():
                child.pause()

    def unpause(self) -> None:
        """Go on after `pause`."""
        if self._paused:
            self._paused = False
            self._clock()
            self._floor.tell(DialogueContinued)
            for child in self.children():
                child.unpause()

    def children(self) -> Iterator[Engine]:
        """Yield the engines of the sub-dialogues that run now."""
        for spawning in self._floor.spawning.values():
            yield from spawning.live.values()

    def find(self, dialogue: str) -> Engine | None:
        """Return the engine of a sub-dialogue of any generation, while it runs."""
        for child in self.children():
            if child.dialogue == dialogue:
                return child
            if (found := child.find(dialogue)) is not None:
                return found
        return None

    async def give(self, kind: Kind, turn: str | None, text: str | None) -> None:
        """Give a turn that waits for a person its text; None approves what was said.

        Raises:
            WorkbenchError: no such turn waits, or the mode does not allow this text.
        """
        await self._floor.waits.give(kind, turn, text)

    async def add(self, role: str, text: str, *, person: bool) -> None:
        """Add a turn: a person's own words, which every turn that begins later sees, or one in which a role speaks next.

        Args:
            role: the person's name, or a role of the mode.
            text: what the person says, or what the role is asked; empty for the usual words.
            person: which of the two it is.

        Raises:
            WorkbenchError: the name is a role's, or there is no such role, or the run is over.
        """
        self._check_added(role, text, person=person)
        floor = self._floor
        done = [turn.index for turn in self.plan.turns if turn.id in floor.said]
        name = next(name for n in itertools.count(1) if (name := f"{role}_added_{n}") not in self.plan.by_id)
        prompt = "" if person else text
        added = AddedTurn(turn=name, role=role, index=max(done, default=0), prompt=prompt, person=person)
        turn = added.planned(self.plan)
        floor.plan = self.plan.with_turn(turn)
        floor.tell(TurnAdded, **added.model_dump())
        if person:
            self._taking.begin(turn, PERSON.name, [])
            floor.tell(TurnCompleted, turn=turn.id, text=text)
            return
        for missing in self._waiting.values():
            missing.add(turn.id)
        self._waiting[turn.id] = set()

    async def skip(self, turn: str) -> None:
        """Leave out a turn that has not begun.

        Raises:
            WorkbenchError: there is no such turn, or it has begun.
        """
        if turn not in self._waiting or self._floor.ended is not None:
            why = "has begun already" if turn in self.plan.by_id else "does not exist"
            coming = ", ".join(list(self._waiting)[:8]) or "none"
            raise WorkbenchError(f"turn {turn!r} {why}", hint=f"Still to come: {coming}.")
        self._leave_out(turn, "left out by a person")
        self._floor.events.put_nowait(None)

    def _check_added(self, role: str, text: str, *, person: bool) -> None:
        if self._floor.ended is not None or not (self._tasks or self._waiting):
            raise WorkbenchError("the dialogue is over", hint="Fork it to go on from one of its turns.")
        if not person:
            if role not in self.spec.cast:
                raise WorkbenchError(f"there is no role {role!r} to call on", hint=f"There are: {', '.join(self.spec.cast)}.")
            return
        if not text.strip():
            raise WorkbenchError("there is nothing to say", hint="Give a text.")
        if role in self.spec.cast or role in self.spec.spawns:
            raise WorkbenchError(f"{role} is a role of this mode", hint="Speak under another name.")
        if not _NAME.fullmatch(role):
            raise WorkbenchError(f"{role!r} is no name here", hint="A name has letters, digits, - and _, such as Anna.")

    def _outcome(self) -> tuple[Status, str | None]:
        if self._floor.ended is not None and len(self._floor.results) < len(self.plan.turns):
            return self._floor.ended
        return (Status.CONVERGED, self._converged) if self._converged else (Status.COMPLETED, None)

    @property
    def _on_hold(self) -> bool:
        """Whether turns that could run wait for `unpause`."""
        return self._paused and self._floor.ended is None and bool(self._waiting)

    async def _hang_up(self) -> None:
        """Leave no task behind, whether the run ended or its reader went away."""
        self._alarm.stop()
        self._floor.desert()
        left = list(self._tasks.values())
        for task in left:
            task.cancel()
        if left:
            await asyncio.wait(left)

    def _clock(self) -> None:
        """Let time run, unless it is paused or a person is waited for."""
        if self._paused or self._floor.waits:
            self._alarm.stop()
        else:
            self._alarm.start()

    def _expire(self) -> None:
        self.stop(Status.COST_LIMITED, f"timeout: the run took {self.spec.limits.timeout:g} s")

    async def _launch(self) -> None:
        """Start every turn whose dependencies are complete and whose gates are open; skip those with one that is shut."""
        while not (self._floor.ended or self._paused):
            ready = [turn_id for turn_id, missing in self._waiting.items() if not missing]
            skipped = [turn_id for turn_id in ready if await self._skipped(self.plan.by_id[turn_id])]
            if not skipped:
                if not (self._floor.ended or self._paused):  # comparing texts takes a while
                    self._start([turn_id for turn_id in ready if turn_id in self._waiting])
                return

    async def _skipped(self, turn: PlannedTurn) -> bool:
        """Settle whether a turn is skipped, and go on without it if it is."""
        if turn.spawn is not None and turn.role not in self.spec.spawns:
            self._leave_out(turn.id, "max_depth: sub-dialogues go no deeper")
            return True
        for gate in turn.gates:
            try:
                why = await self._shut(gate)
            except WorkbenchError as error:
                del self._waiting[turn.id]
                self._floor.fail(turn, ErrorKind.BAD_REQUEST, error.message, error.hint)
                return True
            if why is not None:
                settled = gate.kind == "converge" and why != SKIPPED_BEFORE
                if settled:
                    self._converged = self._converged or why
                self._leave_out(turn.id, why, converged=settled)
                return True
        if (dear := self.saving.skip(turn)) is not None:
            self._leave_out(turn.id, dear)
            return True
        return False

    async def _shut(self, gate: Gate) -> str | None:
        given = (gate, self._floor.results, self.plan.parameters)
        return await asyncio.to_thread(shut, *given) if gate.slow else shut(*given)

    def _leave_out(self, turn_id: str, reason: str, *, converged: bool = False) -> None:
        self._waiting.pop(turn_id, None)
        self._floor.results[turn_id] = None
        self._freed(turn_id)
        self._floor.tell(TurnSkipped, turn=turn_id, reason=reason, converged=converged)

    def _freed(self, turn_id: str) -> None:
        for missing in self._waiting.values():
            missing.discard(turn_id)

    def _start(self, ready: list[str]) -> None:
        for turn_id in ready:
            limit = self.spec.limits.max_turns
            made = sum(turn_id in self._floor.said and not turn.added for turn_id, turn in self.plan.by_id.items())
            if limit is not None and made + len(self._tasks) >= limit:
                if not self._tasks:
                    self._floor.ended = (Status.COST_LIMITED, f"max_turns: {limit} turns are made")
                return
            del self._waiting[turn_id]
            self._tasks[turn_id] = asyncio.create_task(self._taking.take(self.plan.by_id[turn_id]))
            self._tasks[turn_id].add_done_callback(partial(self._unbegun, turn_id))

    def _unbegun(self, turn_id: str, task: asyncio.Task[None]) -> None:
        """Close a turn whose task was cancelled before its first step: it could not do so itself."""
        if task.cancelled():
            self._floor.tell(TurnCancelled, turn=turn_id)

    def _close(self, event: TurnCompleted | TurnFailed | TurnCancelled) -> None:
        self._tasks.pop(event.turn, None)
        if isinstance(event, TurnCompleted):
            self._floor.settle(event)
            self._freed(event.turn)
        elif isinstance(event, TurnFailed):
            self._floor.ended = self._floor.ended or (Status.FAILED, f"{event.turn}: {event.error}")
        else:
            ended = (Status.CANCELLED, f"{event.turn} was cancelled, though nobody asked for it")
            self._floor.ended = self._floor.ended or ended

    def _child(self, dialogue: str, spec: RunSpec, progress: Progress | None) -> Engine:
        floor = self._floor
        budget = Budget(spec.limits, progress.spent if progress else None, floor.budget)
        same: dict[str, Any] = {"paused": self._paused, "router": floor.router, "hooks": floor.hooks}
        return Engine(dialogue, spec, floor.client, progress=progress, budget=budget, **same)


class _Alarm:
    """Calls back after so many seconds; a pause stops the clock.

    Args:
        seconds: None for never.
        ring: is called once they have passed.
    """

    def __init__(self, seconds: float | None, ring: Callable[[], None]) -> None:
        self._left, self._ring = seconds, ring
        self._timer: asyncio.TimerHandle | None = None

    def start(self) -> None:
        if self._left is not None and self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(self._left, self._ring)

    def stop(self) -> None:
        if self._timer is not None:
            self._left = max(self._timer.when() - asyncio.get_running_loop().time(), 0.0)
            self._timer.cancel()
            self._timer = None
