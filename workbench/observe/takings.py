"""What happened in one dialogue, read out of its events: its runs, each taking of a turn in them, and the calls of each taking.

A turn may be taken more than once: a resume takes what the stop before it cut short. Events that a later process wrote of a
turn that it did not begin (it found the answer paid for) are a taking of their own. Nothing that is told here changes when
later events come, so that a part of a dialogue can be copied before the rest of it has happened.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from workbench.dialogue.casting.persons import PERSON
from workbench.dialogue.running.hooks import HOOK
from workbench.dialogue.running.spawning import SUB_DIALOGUES
from workbench.events import (
    CallEnded,
    CallStarted,
    DialogueEnded,
    DialogueResumed,
    DialogueSpawned,
    DialogueStarted,
    Event,
    Status,
    TurnAdded,
    TurnCancelled,
    TurnCompleted,
    TurnFailed,
    TurnSkipped,
    TurnStarted,
    TurnWaits,
)
from workbench.observe.cast import Cast, facts_of
from workbench.observe.span import Key, Span, Standing

_SPEAKERS: Final = {HOOK: "hook", PERSON.name: "person", SUB_DIALOGUES: "sub-dialogues", "vote": "vote"}
_STANDING: Final[Mapping[str, Standing]] = {
    "ok": "ok",
    Status.COMPLETED: "ok",
    Status.CONVERGED: "ok",
    Status.CANCELLED: "cancelled",
    Status.COST_LIMITED: "cancelled",
    "skipped": "skipped",
    "interrupted": "interrupted",
}
"""Every other word of the record is a failure."""


@dataclass(slots=True)
class Run:
    """One run of a dialogue, from its start or a resume to its end.

    Attributes:
        key: of its span.
        spec: as it was recorded.
        ended_at: of its last event.
        status: in the record's words; `interrupted` where its end was not recorded.
    """

    key: Key
    seq: int
    started_at: float
    ended_at: float
    spec: dict[str, Any]
    status: str = "interrupted"
    reason: str | None = None


@dataclass(slots=True)
class Taking:
    """A turn being taken. `run` is the number of its run, `seq` that of its first event."""

    key: Key
    run: int
    seq: int
    turn: str
    started_at: float
    ended_at: float
    begun: TurnStarted | None
    status: str = "interrupted"
    over: TurnCompleted | TurnFailed | TurnCancelled | TurnSkipped | None = None
    calls: dict[str, tuple[int, CallStarted | None, CallEnded | None]] = field(default_factory=dict)
    waits: list[TurnWaits] = field(default_factory=list)


class Told:
    """What the events of one dialogue tell. `number` is its place among the sub-dialogues of a turn."""

    def __init__(self, dialogue: str, number: int | None = None) -> None:
        self.dialogue, self.number = dialogue, number
        self.mode = self.topic = ""
        self.runs: list[Run] = []
        self.takings: list[Taking] = []
        self.added: dict[str, TurnAdded] = {}
        self._spawned: dict[str, tuple[DialogueSpawned, Taking]] = {}
        self._latest: dict[str, Taking] = {}
        self._begun: dict[str, TurnStarted] = {}
        self._skipped: set[str] = set()
        self._casts: dict[int, Cast] = {}

    def apply(self, event: Event) -> None:
        """Take the next event in."""
        if isinstance(event, DialogueStarted | DialogueResumed) or not self.runs:
            self._open(event)
        run = self.runs[-1]
        run.ended_at = max(run.ended_at, event.at)
        match event:
            case DialogueStarted():
                self.mode, self.topic = event.mode, event.topic
            case DialogueEnded():
                run.status, run.reason = str(event.status), event.reason
            case TurnAdded():
                self.added[event.turn] = event
            case TurnStarted():
                self._begin(event)
            case TurnCompleted() | TurnFailed() | TurnCancelled():
                self._end(event)
            case TurnSkipped() if event.turn not in self._skipped:  # a resume comes to the same decision again
                self._skipped.add(event.turn)
                self._end(event)
            case CallStarted() | CallEnded() | TurnWaits() | DialogueSpawned():
                self._note(event, self._taking(event))
            case _:
                pass

    def _note(self, event: CallStarted | CallEnded | TurnWaits | DialogueSpawned, taking: Taking) -> None:
        """Take in what happens while a turn is taken."""
        match event:
            case CallStarted():
                taking.calls[event.call] = (event.seq, event, None)
            case CallEnded():
                seq, began, _ = taking.calls.get(event.call.id, (event.seq, None, None))
                taking.calls[event.call.id] = (seq, began, event)
            case TurnWaits():
                taking.waits.append(event)
            case DialogueSpawned():
                self._spawned.setdefault(event.child, (event, taking))

    def _open(self, event: Event) -> None:
        spec = event.run if isinstance(event, DialogueStarted | DialogueResumed) else {}
        key = (self.dialogue, "run", str(event.seq)) if self.runs else (self.dialogue,)
        self.runs.append(Run(key, event.seq, event.at, event.at, spec))
        self._latest = {}

    def _begin(self, event: TurnStarted) -> None:
        """Begin a taking; one that goes on begins again with the messages that are really sent."""
        self._begun[event.turn] = event
        taking = self._latest.get(event.turn)
        if taking is None or taking.over is not None:
            taking = self._take(event, event.turn)
        taking.begun = event

    def _taking(self, event: Any) -> Taking:
        return self._latest.get(event.turn) or self._take(event, event.turn)

    def _take(self, event: Event, turn: str) -> Taking:
        key = (self.dialogue, "turn", turn, str(event.seq))
        taking = Taking(key, len(self.runs) - 1, event.seq, turn, event.at, event.at, self._begun.get(turn))
        self._latest[turn] = taking
        self.takings.append(taking)
        return taking

    def _end(self, event: TurnCompleted | TurnFailed | TurnCancelled | TurnSkipped) -> None:
        taking = self._taking(event)
        if taking.over is not None:
            taking = self._take(event, event.turn)
        words = {TurnCompleted: "completed", TurnFailed: "failed", TurnCancelled: "cancelled", TurnSkipped: "skipped"}
        taking.over, taking.status, taking.ended_at = event, words[type(event)], event.at

    def children(self) -> Iterator[tuple[str, int, list[Taking]]]:
        """Yield each sub-dialogue with its number and the takings in which it can have run, the one that opened it first."""
        for child, (spawned, opener) in self._spawned.items():
            yield child, spawned.number, [t for t in self.takings if t.turn == spawned.turn and t.seq >= opener.seq]

    def spans(self) -> Iterator[tuple[Span, int, int]]:
        """Yield the spans, parents first, each with the number of its run and that of its first event."""
        for number, run in enumerate(self.runs):
            yield self._run_span(number, run), number, run.seq
            for taking in self.takings:
                if taking.run == number:
                    yield self._turn_span(run, taking), number, taking.seq
                    yield from ((span, number, seq) for span, seq in self._inside(run, taking))

    def _run_span(self, number: int, run: Run) -> Span:
        """Return the span of a run; the first one of a dialogue that is no part of another covers all that follow in it."""
        last = self.runs[-1] if number == 0 and self.number is None else run
        said = [t.over for t in self.takings if isinstance(t.over, TurnCompleted) and t.run <= self.runs.index(last)]
        final = max(said, key=lambda over: self._index(over.turn), default=None)
        return Span(
            key=run.key,
            parent=None if number == 0 or self.number is not None else (self.dialogue,),
            kind="run" if number else "dialogue",
            name=self.mode or "dialogue",
            started_at=run.started_at,
            ended_at=max(last.ended_at, run.started_at),
            dialogue=self.dialogue,
            status=_STANDING.get(last.status, "failed"),
            outcome=last.status,
            error=last.reason,
            error_kind=last.status if last.reason and last.status not in _STANDING else None,
            input=self.topic,
            output=final.text if final else None,
            data=final.data if final else None,
            metadata=facts_of(run.spec) | ({} if self.number is None else {"number": self.number}),
        )

    def _index(self, turn: str) -> int:
        begun = self._begun.get(turn)
        return begun.index if begun else 0

    def _turn_span(self, run: Run, taking: Taking) -> Span:
        begun, over = taking.begun, taking.over
        failed = over if isinstance(over, TurnFailed) else None
        person = self.added[taking.turn].person if taking.turn in self.added else ""
        return Span(
            key=taking.key,
            parent=run.key,
            kind="turn",
            name=taking.turn,
            started_at=taking.started_at,
            ended_at=self._end_of(taking, run),
            dialogue=self.dialogue,
            turn=taking.turn,
            role=begun.role if begun else None,
            speaker=_SPEAKERS.get(begun.model, "model") if begun else None,
            status=_STANDING.get(taking.status, "failed"),
            outcome=taking.status,
            error=failed.error if failed else getattr(over, "reason", None),
            error_kind=failed.kind if failed else None,
            hint=failed.hint if failed else None,
            input=begun.messages if begun and begun.messages else None,
            output=getattr(over, "text", None),
            data=getattr(over, "data", None),
            reasoning=getattr(over, "reasoning", ""),
            asked=begun.model if begun and begun.model not in _SPEAKERS else None,
            metadata=_facts_in(begun, over) | ({"person": person} if person else {}),
        )

    def _end_of(self, taking: Taking, run: Run) -> float:
        return max(taking.ended_at if taking.over else run.ended_at, taking.started_at)

    def _inside(self, run: Run, taking: Taking) -> Iterator[tuple[Span, int]]:
        for call, (seq, began, ended) in taking.calls.items():
            yield (self._call_span(taking, ended) if ended else self._lost_span(run, taking, call, began)), seq
        until = self._end_of(taking, run)
        ends = [*(wait.at for wait in taking.waits[1:]), until]
        for wait, end in zip(taking.waits, ends, strict=False):
            key = (self.dialogue, "wait", str(wait.seq))
            span = Span(key, taking.key, "wait", f"wait for {wait.kind}", wait.at, end, self.dialogue, taking.turn)
            yield span, wait.seq

    def _call_span(self, taking: Taking, event: CallEnded) -> Span:
        call, begun, cast = event.call, taking.begun, self._cast(taking.run)
        start, times = call.started_at, call.timings
        card = cast.card(begun.role if begun else "", call.model)
        return Span(
            key=(self.dialogue, "call", call.id),
            parent=taking.key,
            kind="call",
            name=call.model,
            started_at=start,
            ended_at=start + max(times.total, 0.0),
            dialogue=self.dialogue,
            turn=taking.turn,
            role=begun.role if begun else None,
            status=_STANDING.get(str(call.outcome), "failed"),
            outcome=str(call.outcome),
            error=call.error,
            error_kind=None if call.ok else str(call.outcome),
            input=begun.messages if begun and begun.messages and not call.purpose else None,
            output=call.text,
            reasoning=call.reasoning,
            asked=call.asked,
            model=call.model,
            model_id=card.id if card else None,
            served=call.served,
            provider=call.provider,
            usage=call.usage,
            cost=call.cost,
            saved=call.saved,
            parameters=cast.parameters(taking.turn, card) if not call.purpose else {},
            finish_reason=call.finish_reason,
            first_token_at=None if times.first_token is None else start + times.first_token,
            queue=times.queue,
            attempt=call.attempt,
            fallback_reason=call.fallback_reason,
            purpose=call.purpose,
        )

    def _lost_span(self, run: Run, taking: Taking, call: str, began: CallStarted | None) -> Span:
        """Return the span of a call that never came back."""
        begun, start = taking.begun, began.at if began else taking.started_at
        card = self._cast(taking.run).card(begun.role if begun else "", began.model if began else "")
        return Span(
            key=(self.dialogue, "call", call),
            parent=taking.key,
            kind="call",
            name=began.model if began else "call",
            started_at=start,
            ended_at=max(self._end_of(taking, run), start),
            dialogue=self.dialogue,
            turn=taking.turn,
            role=begun.role if begun else None,
            status="interrupted",
            outcome="interrupted",
            error="the process ended before an answer came",
            input=begun.messages if begun and begun.messages else None,
            asked=begun.model if begun else None,
            model=began.model if began else None,
            model_id=card.id if card else None,
            provider=card.provider if card else None,
            attempt=began.attempt if began else None,
        )

    def _cast(self, run: int) -> Cast:
        if run not in self._casts:
            self._casts[run] = Cast(self.runs[run].spec)
        return self._casts[run]


def told(dialogue: str, events: Sequence[Event], number: int | None = None) -> Told:
    """Return what events tell of their dialogue."""
    found = Told(dialogue, number)
    for event in events:
        found.apply(event)
    return found


def _facts_in(begun: TurnStarted | None, over: Event | None) -> dict[str, Any]:
    """Return what is known of a taking besides its words."""
    facts: dict[str, Any] = {"index": begun.index, "round": begun.round, "choice": begun.choice} if begun else {}
    if isinstance(over, TurnCompleted):
        facts |= {"copied_from": over.copied_from, "edited": over.edited or None}
    if isinstance(over, TurnSkipped):
        facts |= {"converged": over.converged or None}
    return {name: value for name, value in facts.items() if value is not None}
