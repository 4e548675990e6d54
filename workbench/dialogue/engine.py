"""The engine: runs a plan as one async generator of events.

Turns whose dependencies are complete run at once, each in a task of its own; their events meet in one queue and leave in one
numbered stream. Nobody is called by name. Durability needs no call either: the consumer writes a `barrier` event before it
asks for the next one, and only then does the generator go on and start what waited for that turn.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, Callable, Mapping
from functools import partial
from typing import Any, TypeVar

from workbench.dialogue.ballots import count_ballots
from workbench.dialogue.budget import Budget
from workbench.dialogue.context import Message, messages_for
from workbench.dialogue.gates import SKIPPED_BEFORE, Result, item_of, shut
from workbench.dialogue.plan import Plan, PlannedTurn
from workbench.dialogue.run import RunSpec
from workbench.dialogue.voice import Voice, result_of
from workbench.errors import BudgetExceededError, ErrorKind, ModeError, ModelError
from workbench.events import (
    Call,
    DialogueContinued,
    DialogueEnded,
    DialoguePaused,
    Event,
    Status,
    TurnCancelled,
    TurnCompleted,
    TurnFailed,
    TurnSkipped,
    TurnStarted,
)
from workbench.models import Client, Sampling

E = TypeVar("E", bound=Event)
_FINAL = (TurnCompleted, TurnFailed, TurnCancelled)


class Engine:
    """One run of a dialogue.

    Args:
        dialogue: its id.
        spec: what to run.
        client: makes the calls.
        said: turn id to text of the turns that are already complete.
        data: turn id to their structured answers.
        skipped: turns that do not take place.
        answers: turn id to the answer of a turn that was paid for, but whose end was not recorded.
        budget: what may still be spent.
        seq: number of the last event of the dialogue so far; 0 for a new one.
    """

    can_pause = True

    def __init__(
        self,
        dialogue: str,
        spec: RunSpec,
        client: Client,
        *,
        said: Mapping[str, str] | None = None,
        data: Mapping[str, Any] | None = None,
        skipped: Mapping[str, TurnSkipped] | None = None,
        answers: Mapping[str, Call] | None = None,
        budget: Budget | None = None,
        seq: int = 0,
    ) -> None:
        self.dialogue, self.spec, self.client = dialogue, spec, client
        self.plan: Plan = spec.plan()
        self.budget = budget or Budget(spec.limits)
        self.answers = answers or {}
        self._said = dict(said or {})
        self._results: dict[str, Result | None] = {i: result_of((data or {}).get(i), text) for i, text in self._said.items()}
        self._results |= dict.fromkeys(skipped or ())
        self._converged = next((event.reason for event in (skipped or {}).values() if event.converged), None)
        self._seq = seq
        self._events: asyncio.Queue[Event | None] = asyncio.Queue()
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._waiting = {turn.id: set(turn.depends_on) - self._results.keys() for turn in self._open_turns()}
        self._ended: tuple[Status, str | None] | None = None
        self._paused = False
        self._alarm = _Alarm(spec.limits.timeout, self._expire)

    async def run(self, first: Callable[[Engine], Event]) -> AsyncGenerator[Event, None]:
        """Yield the run's events, from what `first` makes to `DialogueEnded`. To be read to its end, once.

        Args:
            first: makes the opening event (`lambda engine: engine.event(DialogueStarted, …)`).
        """
        yield first(self)
        self._alarm.start()
        try:
            self._launch()
            while self._tasks or self._on_hold or not self._events.empty():
                event = await self._events.get()
                if event is not None:
                    yield event
                if isinstance(event, _FINAL):
                    self._close(event)
                if isinstance(event, (*_FINAL, DialogueContinued)):
                    self._launch()
        finally:  # no TaskGroup: a generator that is closed inside one raises a group, not what went wrong
            await self._hang_up()
        status, reason = self._outcome()
        yield self.event(DialogueEnded, status=status, reason=reason)

    def stop(self, status: Status = Status.CANCELLED, reason: str | None = None) -> None:
        """Start no further turn, cancel those that run, and end with `status`. On the engine's loop only."""
        if self._ended is None or status is Status.CANCELLED:
            self._ended = (status, reason)
        for task in self._tasks.values():
            task.cancel()
        self._events.put_nowait(None)  # a paused run waits for nothing else

    def pause(self) -> None:
        """Start no further turn until `unpause`; those that run are finished. On the engine's loop only."""
        if not self._paused and self._ended is None:
            self._paused = True
            self._alarm.stop()
            self._events.put_nowait(self.event(DialoguePaused))

    def unpause(self) -> None:
        """Go on after `pause`. On the engine's loop only."""
        if self._paused:
            self._paused = False
            self._alarm.start()
            self._events.put_nowait(self.event(DialogueContinued))

    def event(self, kind: type[E], /, **fields: Any) -> E:
        """Make the next event of the stream."""
        self._seq += 1
        return kind(dialogue=self.dialogue, seq=self._seq, at=time.time(), **fields)

    def _open_turns(self) -> list[PlannedTurn]:
        return [turn for turn in self.plan.turns if turn.id not in self._results]

    def _outcome(self) -> tuple[Status, str | None]:
        if self._ended is not None and len(self._results) < len(self.plan.turns):
            return self._ended
        return (Status.CONVERGED, self._converged) if self._converged else (Status.COMPLETED, None)

    @property
    def _on_hold(self) -> bool:
        """Whether turns that could run wait for `unpause`."""
        return self._paused and self._ended is None and bool(self._waiting)

    async def _hang_up(self) -> None:
        """Leave no task behind, whether the run ended or its reader went away."""
        self._alarm.stop()
        left = list(self._tasks.values())
        for task in left:
            task.cancel()
        if left:
            await asyncio.wait(left)

    def _expire(self) -> None:
        self.stop(Status.COST_LIMITED, f"timeout: the run took {self.spec.limits.timeout:g} s")

    def _launch(self) -> None:
        """Start every turn whose dependencies are complete and whose gates are open; skip those with one that is shut."""
        while not (self._ended or self._paused):
            ready = [turn_id for turn_id, missing in self._waiting.items() if not missing]
            open_turns = [turn_id for turn_id in ready if not self._skip(self.plan.by_id[turn_id])]
            if len(open_turns) == len(ready):
                self._start(open_turns)
                return

    def _skip(self, turn: PlannedTurn) -> bool:
        """Settle whether a turn is skipped, and go on without it if it is."""
        try:
            closed = next(
                ((gate, why) for gate in turn.gates if (why := shut(gate, self._results, self.plan.parameters))), None
            )
        except ModeError as error:
            del self._waiting[turn.id]
            self._events.put_nowait(self._failed(turn, ErrorKind.BAD_REQUEST, error.message, error.hint, ""))
            return True
        if closed is None:
            return False
        gate, why = closed
        settled = gate.kind == "converge" and why != SKIPPED_BEFORE
        if settled:
            self._converged = self._converged or why
        del self._waiting[turn.id]
        self._settle(turn.id, None)
        self._tell(turn.id, TurnSkipped, reason=why, converged=settled)
        return True

    def _settle(self, turn_id: str, result: Result | None) -> None:
        self._results[turn_id] = result
        for missing in self._waiting.values():
            missing.discard(turn_id)

    def _start(self, ready: list[str]) -> None:
        for turn_id in ready:
            limit = self.spec.limits.max_turns
            if limit is not None and len(self._said) + len(self._tasks) >= limit:
                if not self._tasks:
                    self._ended = (Status.COST_LIMITED, f"max_turns: {limit} turns are made")
                return
            del self._waiting[turn_id]
            self._tasks[turn_id] = asyncio.create_task(self._turn(self.plan.by_id[turn_id]))
            self._tasks[turn_id].add_done_callback(partial(self._unbegun, turn_id))

    def _unbegun(self, turn_id: str, task: asyncio.Task[None]) -> None:
        """Close a turn whose task was cancelled before its first step: it could not do so itself."""
        if task.cancelled():
            self._tell(turn_id, TurnCancelled)

    def _close(self, event: TurnCompleted | TurnFailed | TurnCancelled) -> None:
        self._tasks.pop(event.turn, None)
        if isinstance(event, TurnCompleted):
            self._said[event.turn] = event.text
            self._settle(event.turn, result_of(event.data, event.text))
        elif isinstance(event, TurnFailed):
            self._ended = self._ended or (Status.FAILED, f"{event.turn}: {event.error}")
        else:
            self._ended = self._ended or (Status.CANCELLED, f"{event.turn} was cancelled, though nobody asked for it")

    async def _turn(self, turn: PlannedTurn) -> None:
        """Speak one turn; whatever happens, its last event is a final one and it raises nothing."""
        voice = self._voice(turn)
        final: Event
        try:
            data = await (self._speak(voice) if turn.vote is None else self._count(voice))
            final = self.event(TurnCompleted, turn=turn.id, text=voice.text, reasoning=voice.reasoning, data=data)
        except asyncio.CancelledError:
            final = self.event(TurnCancelled, turn=turn.id, text=voice.text, reasoning=voice.reasoning)
        except BudgetExceededError as error:
            self._ended = self._ended or (Status.COST_LIMITED, f"{error.limit}: {error.message}")
            final = self.event(TurnCancelled, turn=turn.id, text=voice.text, reasoning=voice.reasoning)
        except ModelError as error:
            final = self._failed(turn, error.kind, error.message, error.hint, voice.text)
        except Exception as error:  # noqa: BLE001 - a defect must end the turn in the record, not only in a log
            final = self._failed(turn, ErrorKind.BAD_REQUEST, f"{type(error).__name__}: {error}", None, voice.text)
        self._events.put_nowait(final)

    def _voice(self, turn: PlannedTurn) -> Voice:
        chain, spec, wish = self.spec.cast.get(turn.role, ()), self.spec, turn.sampling
        sampling = Sampling(
            temperature=wish.temperature,
            top_p=wish.top_p,
            max_tokens=spec.longest(turn, chain[0]) if chain else None,
            seed=None if spec.seed is None else spec.seed + turn.index,
            stop=tuple(wish.stop),
        )
        tell = partial(self._tell, turn.id)
        return Voice(turn, chain, self.client, sampling, spec.stream, self.budget.reserve, tell)

    async def _speak(self, voice: Voice) -> Any:
        """Ask a model for a turn, unless its answer is paid for already; return its data."""
        turn, paid = voice.turn, self.answers.get(voice.turn.id)
        shown = [turn, *(self.plan.by_id[i] for i in turn.sees if i in self._said)]
        items = {each.id: self._item(each) for each in shown if each.item}
        messages = voice.asked(messages_for(turn, self.plan, self._said, self.spec.topic, items))
        if paid is None:
            self._begin(turn, voice.chain[0].name, messages)
        return await voice.speak(messages, paid, self.plan.parameters)

    async def _count(self, voice: Voice) -> Any:
        """Count the votes that a turn is about; return the outcome."""
        turn = voice.turn
        self._begin(turn, "vote", [])
        assert turn.vote is not None
        given = [(number, result) for number, i in enumerate(turn.voters, 1) if (result := self._results.get(i)) is not None]
        voice.text, data = count_ballots(turn.vote, given, self.plan.parameters)
        return data

    def _begin(self, turn: PlannedTurn, model: str, messages: list[Message]) -> None:
        self._tell(turn.id, TurnStarted, index=turn.index, role=turn.role, model=model, round=turn.round, messages=messages)

    def _item(self, turn: PlannedTurn) -> str:
        assert turn.item is not None
        return item_of(turn.item, self._results, self.plan.parameters)

    def _tell(self, turn: str, kind: type[E], /, **fields: Any) -> None:
        self._events.put_nowait(self.event(kind, turn=turn, **fields))

    def _failed(self, turn: PlannedTurn, kind: str, error: str, hint: str | None, text: str) -> TurnFailed:
        return self.event(TurnFailed, turn=turn.id, kind=kind, error=error, hint=hint, text=text)


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
        if self._left is not None:
            self._timer = asyncio.get_running_loop().call_later(self._left, self._ring)

    def stop(self) -> None:
        if self._timer is not None:
            self._left = max(self._timer.when() - asyncio.get_running_loop().time(), 0.0)
            self._timer.cancel()
