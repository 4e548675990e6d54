"""The events of a dialogue, in the order in which they can happen.

`DialogueStarted` carries all that a resume needs. Then, for each turn: `TurnStarted`, for each request `CallStarted`,
`TextDelta`s and `CallEnded`, and one of `TurnCompleted`, `TurnFailed`, `TurnCancelled`; or `TurnSkipped` alone.
`TurnWaits` stands where a person is to do something about a turn, `DialogueSpawned` where a turn opens a sub-dialogue, and
`TurnAdded` where a person adds a turn that the mode does not have. `DialogueEnded` closes a run; `DialogueResumed` opens the
next one. `DialoguePaused` and `DialogueContinued` may stand anywhere inside a run.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, ClassVar

from workbench.events.calls import Call


class Status(StrEnum):
    """Where a dialogue or a turn stands.

    `RUNNING` with no live process behind it means interrupted: `resume` goes on from there.
    """

    RUNNING = "running"
    COMPLETED = "completed"
    FAILED = "failed"
    CANCELLED = "cancelled"
    COST_LIMITED = "cost_limited"
    CONVERGED = "converged"

    @property
    def succeeded(self) -> bool:
        """Whether it came to its end: complete, or settled before all turns were needed."""
        return self in (Status.COMPLETED, Status.CONVERGED)


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """A fact about a dialogue.

    Attributes:
        dialogue: id of the dialogue.
        seq: rises with every event of the dialogue; the recorded ones may leave gaps, because deltas count too.
        at: Unix time in seconds.
    """

    type: ClassVar[str] = "event"
    durable: ClassVar[bool] = True
    """Whether the record keeps it; deltas are not kept, the text that they add up to is."""
    barrier: ClassVar[bool] = False
    """Whether the engine goes on only once the record has it on disk."""

    dialogue: str
    seq: int
    at: float


@dataclass(frozen=True, slots=True, kw_only=True)
class DialogueStarted(Event):
    """A dialogue began. `run` is all that is needed to run it again: see `workbench.dialogue.casting.run.RunSpec`."""

    type: ClassVar[str] = "dialogue_started"
    barrier: ClassVar[bool] = True

    mode: str
    topic: str
    run: dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class DialogueResumed(Event):
    """A stopped dialogue goes on; `run` replaces the one it had."""

    type: ClassVar[str] = "dialogue_resumed"
    barrier: ClassVar[bool] = True

    run: dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class TurnStarted(Event):
    """A role is about to speak. `index` counts turns from 1 in the mode's order; `messages` is the whole prompt.

    `choice` says why a policy chose the model: policy, model, kind, capability, features, propensity, reason, scores.
    """

    type: ClassVar[str] = "turn_started"

    turn: str
    index: int
    role: str
    model: str
    round: int | None = None
    messages: list[dict[str, str]] = field(default_factory=list)
    choice: dict[str, Any] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CallStarted(Event):
    """A request goes out."""

    type: ClassVar[str] = "call_started"

    turn: str
    call: str
    model: str
    attempt: int


@dataclass(frozen=True, slots=True, kw_only=True)
class TextDelta(Event):
    """A piece of an answer (`text`) or of the thinking before it (`reasoning`). Not recorded."""

    type: ClassVar[str] = "text_delta"
    durable: ClassVar[bool] = False

    turn: str
    call: str
    text: str = ""
    reasoning: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class CallEnded(Event):
    """A request came back, failed, or was cancelled."""

    type: ClassVar[str] = "call_ended"

    turn: str
    call: Call


@dataclass(frozen=True, slots=True, kw_only=True)
class TurnCompleted(Event):
    """A role has spoken. Durable before any turn that depends on it starts. `data` is its structured answer, if it has one.

    `copied_from` is the dialogue in which it spoke, where a fork took the turn over: there was no call for it here. `edited`
    says that a person has changed the model's text before anybody else saw it.
    """

    type: ClassVar[str] = "turn_completed"
    barrier: ClassVar[bool] = True

    turn: str
    text: str
    reasoning: str = ""
    data: Any = None
    copied_from: str | None = None
    edited: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class TurnWaits(Event):
    """A turn waits for a person: with `answer` to speak it, with `approval` to approve or edit what was said."""

    type: ClassVar[str] = "turn_waits"

    turn: str
    kind: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TurnAdded(Event):
    """A person has added a turn: what they say themselves, or a role's that they call on.

    `index` is the number of the turn behind which it stands, 0 for the beginning; `prompt` what a role is asked, empty for the
    usual words; `person` their name where they speak themselves.
    """

    type: ClassVar[str] = "turn_added"
    barrier: ClassVar[bool] = True

    turn: str
    role: str
    index: int
    prompt: str = ""
    person: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class DialogueSpawned(Event):
    """A turn opens a sub-dialogue, whose own events follow under its own id. Durable before they do."""

    type: ClassVar[str] = "dialogue_spawned"
    barrier: ClassVar[bool] = True

    turn: str
    child: str
    number: int
    mode: str
    topic: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TurnSkipped(Event):
    """A turn does not take place: `reason` is the condition that decided it. `converged` marks one that was not needed."""

    type: ClassVar[str] = "turn_skipped"

    turn: str
    reason: str
    converged: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class TurnFailed(Event):
    """Every attempt and fallback failed. `kind` is an `ErrorKind` or the limit that was reached."""

    type: ClassVar[str] = "turn_failed"
    barrier: ClassVar[bool] = True

    turn: str
    kind: str
    error: str
    hint: str | None = None
    text: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class TurnCancelled(Event):
    """The turn was stopped; `text` is what had been said."""

    type: ClassVar[str] = "turn_cancelled"
    barrier: ClassVar[bool] = True

    turn: str
    text: str = ""
    reasoning: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class DialoguePaused(Event):
    """No further turn starts until `DialogueContinued`; those that run are finished."""

    type: ClassVar[str] = "dialogue_paused"


@dataclass(frozen=True, slots=True, kw_only=True)
class DialogueContinued(Event):
    """A paused dialogue goes on, in the same run."""

    type: ClassVar[str] = "dialogue_continued"


@dataclass(frozen=True, slots=True, kw_only=True)
class DialogueEnded(Event):
    """The run is over. `reason` says why it did not complete."""

    type: ClassVar[str] = "dialogue_ended"
    barrier: ClassVar[bool] = True

    status: Status
    reason: str | None = None
