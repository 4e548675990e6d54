"""The state of a dialogue: the fold of its events, and the only place where events become state.

A live dialogue applies each event as it comes; a stored one applies those of the record. Both end up equal.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from copy import copy
from dataclasses import dataclass, field, replace
from typing import Any

from workbench.events import (
    Call,
    CallEnded,
    CallStarted,
    DialogueContinued,
    DialogueEnded,
    DialoguePaused,
    DialogueResumed,
    DialogueSpawned,
    DialogueStarted,
    Event,
    Status,
    TextDelta,
    TurnAdded,
    TurnCancelled,
    TurnCompleted,
    TurnFailed,
    TurnSkipped,
    TurnStarted,
    TurnWaits,
)


@dataclass(slots=True)
class Turn:
    """One contribution. `model` is the card asked for, `served` who answered; `text` grows while it is spoken.

    `data` is the structured answer of a turn that has an output schema, `copied_from` the dialogue that a fork took it from.
    `waits` says what a person is to do, `answer` or `approval`, while they are waited for; `edited` that one changed the text;
    `choice` why a policy chose the model, see `TurnStarted`.
    """

    id: str
    index: int
    role: str
    model: str
    round: int | None = None
    status: Status = Status.RUNNING
    text: str = ""
    reasoning: str = ""
    data: Any = None
    copied_from: str | None = None
    edited: bool = False
    waits: str | None = None
    choice: dict[str, Any] | None = None
    error: str | None = None
    hint: str | None = None
    started_at: float = 0.0
    ended_at: float | None = None
    calls: list[Call] = field(default_factory=list)
    messages: list[dict[str, str]] = field(default_factory=list, repr=False)

    @property
    def answer(self) -> Call | None:
        """The call that brought the text; None while there is none."""
        return next((call for call in reversed(self.calls) if call.ok and not call.purpose), None)

    @property
    def served(self) -> str | None:
        """Name of the card that answered."""
        return self.answer.model if self.answer else None

    @property
    def latency(self) -> float | None:
        """Seconds from its start to its end, retries and waits included."""
        return None if self.ended_at is None else max(self.ended_at - self.started_at, 0.0)


@dataclass(frozen=True, slots=True)
class Metrics:
    """What turns and calls took.

    `cost` (USD) is None when no call's price is known; calls whose price is not known are counted in `unpriced_calls`, and
    those that failed or were cancelled before an answer in `lost_calls`. `latency` is in seconds.
    """

    turns: int
    calls: int
    prompt_tokens: int
    completion_tokens: int
    cached_tokens: int
    reasoning_tokens: int
    cost: float | None
    unpriced_calls: int
    lost_calls: int
    latency: float | None

    @property
    def tokens(self) -> int:
        """Prompt and completion together."""
        return self.prompt_tokens + self.completion_tokens

    def to_dict(self) -> dict[str, Any]:
        """Return it as JSON values."""
        return {name: getattr(self, name) for name in (*self.__slots__, "tokens")}


def measure(turns: Iterable[Turn], latency: float | None) -> Metrics:
    """Add up the calls of turns."""
    turns = list(turns)
    calls = [call for turn in turns for call in turn.calls]
    usages = [call.usage for call in calls if call.usage]
    costs = [call.cost for call in calls if call.cost is not None]
    return Metrics(
        turns=sum(turn.status is Status.COMPLETED for turn in turns),
        calls=len(calls),
        prompt_tokens=sum(usage.prompt for usage in usages),
        completion_tokens=sum(usage.completion for usage in usages),
        cached_tokens=sum(usage.cached for usage in usages),
        reasoning_tokens=sum(usage.reasoning for usage in usages),
        cost=sum(costs) if costs else None,
        unpriced_calls=sum(call.unpriced for call in calls),
        lost_calls=len(calls) - sum(call.ok for call in calls),
        latency=latency,
    )


class Transcript:
    """A dialogue as its events tell it.

    `unended` has the calls that began and never came back, by id; `skipped` the turns that did not take place, and why;
    `children` the sub-dialogues that turns opened, by id.

    >>> Transcript().status
    <Status.RUNNING: 'running'>
    """

    def __init__(self, events: Iterable[Event] = ()) -> None:
        self.id = self.mode = self.topic = ""
        self.run: dict[str, Any] = {}
        self.status = Status.RUNNING
        self.reason: str | None = None
        self.paused = False
        self.started_at: float | None = None
        self.seq = 0
        self._turns: dict[str, Turn] = {}
        self.unended: dict[str, CallStarted] = {}
        self.skipped: dict[str, TurnSkipped] = {}
        self.children: dict[str, DialogueSpawned] = {}
        self._ran = 0.0
        self._run_began = self.last_at = 0.0
        for event in events:
            self.apply(event)

    @classmethod
    def of(cls, dialogue: str, mode: str, topic: str) -> Transcript:
        """Return the transcript of a dialogue that is about to start."""
        transcript = cls()
        transcript.id, transcript.mode, transcript.topic = dialogue, mode, topic
        return transcript

    def copy(self) -> Transcript:
        """Return a copy that later events do not change."""
        twin = copy(self)
        twin._turns = {key: replace(turn, calls=list(turn.calls)) for key, turn in self._turns.items()}  # noqa: SLF001 - of this class
        twin.unended, twin.skipped, twin.children = dict(self.unended), dict(self.skipped), dict(self.children)
        return twin

    @property
    def turns(self) -> list[Turn]:
        """Turns that have begun, in the mode's order."""
        return sorted(self._turns.values(), key=lambda turn: turn.index)

    def __iter__(self) -> Iterator[Turn]:
        return iter(self.turns)

    def __len__(self) -> int:
        return len(self._turns)

    def __contains__(self, turn_id: object) -> bool:
        return turn_id in self._turns

    def __getitem__(self, turn_id: str) -> Turn:
        return self._turns[turn_id]

    @property
    def said(self) -> dict[str, str]:
        """Turn id to text of the complete turns: what a resume need not ask again."""
        return {turn.id: turn.text for turn in self.turns if turn.status is Status.COMPLETED}

    @property
    def data(self) -> dict[str, Any]:
        """Turn id to structured answer, of the complete turns that have one."""
        return {turn.id: turn.data for turn in self.turns if turn.status is Status.COMPLETED and turn.data is not None}

    @property
    def answers(self) -> dict[str, Call]:
        """Turn id to the answer of a turn whose end was not recorded: the process died between the two."""
        return {turn.id: turn.answer for turn in self.turns if turn.answer and turn.status is not Status.COMPLETED}

    @property
    def metrics(self) -> Metrics:
        """Totals of all turns; latency is the time that the dialogue ran, pauses between runs left out."""
        running = self.last_at - self._run_began if self.status is Status.RUNNING else 0.0
        return measure(self.turns, self._ran + max(running, 0.0) if self.started_at else None)

    def apply(self, event: Event) -> None:
        """Take the next event in."""
        before, self.last_at = self.last_at, event.at
        self.seq = max(self.seq, event.seq)
        match event:
            case DialogueStarted():
                self.id, self.mode, self.topic, self.run = event.dialogue, event.mode, event.topic, event.run
                self.started_at = self._run_began = event.at
            case DialogueResumed():
                self._go_on(event, before)
                self.run, self.status, self.reason = event.run, Status.RUNNING, None
                for turn in self._turns.values():
                    turn.waits = None
            case DialoguePaused() | DialogueContinued():
                self._hold(event, before)
            case TurnStarted():
                self._begin(event)
            case TextDelta():
                turn = self._turns[event.turn]
                turn.text += event.text
                turn.reasoning += event.reasoning
            case CallEnded():
                self._end_call(event)
            case TurnCompleted() | TurnFailed() | TurnCancelled():
                self._end(event)
            case DialogueEnded():
                self.status, self.reason = event.status, event.reason
                self._ran += max((before if self.paused else event.at) - self._run_began, 0.0)
                self.paused = False
            case _:
                self._note(event)

    def _note(self, event: Event) -> None:
        match event:
            case CallStarted():
                self.unended[event.call] = event
            case TurnSkipped():
                self.skipped[event.turn] = event
            case DialogueSpawned():
                self.children[event.child] = event
            case TurnWaits():
                self._turns[event.turn].waits = event.kind
            case TurnAdded():
                added = {name: getattr(event, name) for name in ("turn", "role", "index", "prompt", "person")}
                self.run = self.run | {"added": [*self.run.get("added", ()), added]}
            case _:
                pass

    def _go_on(self, event: Event, before: float) -> None:
        """Leave out the time since the event before: nothing ran."""
        if self.status is Status.RUNNING:
            self._ran += max(before - self._run_began, 0.0)
        self._run_began, self.paused = event.at, False

    def _hold(self, event: DialoguePaused | DialogueContinued, before: float) -> None:
        if isinstance(event, DialogueContinued):
            self._go_on(event, before)
        self.paused = isinstance(event, DialoguePaused)

    def _begin(self, event: TurnStarted) -> None:
        before = self._turns.get(event.turn)
        self._turns[event.turn] = Turn(
            id=event.turn,
            index=event.index,
            role=event.role,
            model=event.model,
            round=event.round,
            started_at=event.at,
            calls=before.calls if before else [],
            messages=event.messages,
            choice=event.choice,
        )

    def _end_call(self, event: CallEnded) -> None:
        turn = self._turns[event.turn]
        turn.calls.append(event.call)
        if not (event.call.ok or event.call.purpose):
            turn.text = turn.reasoning = ""
        self.unended.pop(event.call.id, None)

    def _end(self, event: TurnCompleted | TurnFailed | TurnCancelled) -> None:
        turn = self._turns.get(event.turn)
        if turn is None:
            return
        turn.ended_at, turn.text, turn.waits = event.at, event.text, None
        if isinstance(event, TurnFailed):
            turn.status, turn.error, turn.hint = Status.FAILED, event.error, event.hint
            return
        turn.reasoning = event.reasoning
        turn.status = Status.CANCELLED
        if isinstance(event, TurnCompleted):
            turn.status, turn.data = Status.COMPLETED, event.data
            turn.copied_from, turn.edited = event.copied_from, event.edited
