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

from workbench.dialogue.budget import Budget
from workbench.dialogue.context import messages_for
from workbench.dialogue.plan import Plan, PlannedTurn
from workbench.dialogue.run import RunSpec
from workbench.errors import BudgetExceededError, ErrorKind, ModelError
from workbench.events import (
    Call,
    CallEnded,
    CallStarted,
    DialogueContinued,
    DialogueEnded,
    DialoguePaused,
    Event,
    Status,
    TextDelta,
    TurnCancelled,
    TurnCompleted,
    TurnFailed,
    TurnStarted,
)
from workbench.models import Client, ModelCard, Sampling
from workbench.models.completion import Notice, Piece, Started

E = TypeVar("E", bound=Event)
_FINAL = (TurnCompleted, TurnFailed, TurnCancelled)


class Engine:
    """One run of a dialogue.

    Args:
        dialogue: its id.
        spec: what to run.
        client: makes the calls.
        said: turn id to text of the turns that are already complete.
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
        answers: Mapping[str, Call] | None = None,
        budget: Budget | None = None,
        seq: int = 0,
    ) -> None:
        self.dialogue, self.spec, self.client = dialogue, spec, client
        self.plan: Plan = spec.plan()
        self.budget = budget or Budget(spec.limits)
        self.answers = answers or {}
        self._said = dict(said or {})
        self._seq = seq
        self._events: asyncio.Queue[Event | None] = asyncio.Queue()
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._waiting = {turn.id: set(turn.depends_on) - self._said.keys() for turn in self._open_turns()}
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
        whole = len(self._said) == len(self.plan.turns)
        status, reason = (Status.COMPLETED, None) if whole or not self._ended else self._ended
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
        return [turn for turn in self.plan.turns if turn.id not in self._said]

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
        """Start every turn whose dependencies are complete."""
        held = self._ended or self._paused
        ready = [] if held else [turn_id for turn_id, missing in self._waiting.items() if not missing]
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
            self._events.put_nowait(self.event(TurnCancelled, turn=turn_id))

    def _close(self, event: TurnCompleted | TurnFailed | TurnCancelled) -> None:
        del self._tasks[event.turn]
        if isinstance(event, TurnCompleted):
            self._said[event.turn] = event.text
            for missing in self._waiting.values():
                missing.discard(event.turn)
        elif isinstance(event, TurnFailed):
            self._ended = self._ended or (Status.FAILED, f"{event.turn}: {event.error}")
        else:
            self._ended = self._ended or (Status.CANCELLED, f"{event.turn} was cancelled, though nobody asked for it")

    async def _turn(self, turn: PlannedTurn) -> None:
        """Speak one turn; whatever happens, its last event is a final one and it raises nothing."""
        voice = _Voice(self, turn)
        final: Event
        try:
            final = await voice.speak()
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


class _Voice:
    """One turn being spoken: asks the client, and puts what it tells into the engine's stream."""

    def __init__(self, engine: Engine, turn: PlannedTurn) -> None:
        self.engine, self.turn = engine, turn
        self.text = self.reasoning = ""

    async def speak(self) -> TurnCompleted:
        engine, turn, spec = self.engine, self.turn, self.engine.spec
        if (paid := engine.answers.get(turn.id)) is not None:
            return engine.event(TurnCompleted, turn=turn.id, text=paid.text, reasoning=paid.reasoning)
        chain = spec.cast[turn.role]
        messages = messages_for(turn, engine.plan, engine._said, spec.topic)  # noqa: SLF001 - one module, one machine
        self._tell(TurnStarted, index=turn.index, role=turn.role, model=chain[0].name, round=turn.round, messages=messages)
        completion = await engine.client.complete(
            chain,
            messages,
            self._sampling(chain[0]),
            stream=spec.stream,
            notify=self._noticed,
            reserve=engine.budget.reserve,
        )
        return engine.event(TurnCompleted, turn=turn.id, text=completion.text, reasoning=completion.reasoning)

    def _sampling(self, card: ModelCard) -> Sampling:
        wish, spec = self.turn.sampling, self.engine.spec
        return Sampling(
            temperature=wish.temperature,
            top_p=wish.top_p,
            max_tokens=spec.longest(self.turn, card),
            seed=None if spec.seed is None else spec.seed + self.turn.index,
            stop=tuple(wish.stop),
        )

    def _noticed(self, notice: Notice) -> None:
        if isinstance(notice, Piece):
            self._tell(TextDelta, call=notice.call, text=notice.text, reasoning=notice.reasoning)
        elif isinstance(notice, Started):
            self._tell(CallStarted, call=notice.call, model=notice.card.name, attempt=notice.attempt)
        elif isinstance(notice, Call):
            self.text, self.reasoning = notice.text, notice.reasoning
            self._tell(CallEnded, call=notice)

    def _tell(self, kind: type[E], /, **fields: Any) -> None:
        engine = self.engine
        engine._events.put_nowait(engine.event(kind, turn=self.turn.id, **fields))  # noqa: SLF001 - as above
