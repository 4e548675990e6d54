"""The facts that the engine emits, and the nouns inside them.

Everything downstream (terminal, notebook, record, metrics) reads this one stream. An event is immutable and numbered; the
record keeps every durable one, and a dialogue's state is nothing but the fold of its events. `calls` has the nouns of one
request to a model, `dialogue` the events, `codec` turns them into JSON and back; `listening` tells those who look from outside,
and `correlation` says what belongs together.
"""

from workbench.events.calls import Call, Timings, Usage
from workbench.events.codec import event_from_dict, event_to_dict
from workbench.events.dialogue import (
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

__all__ = [
    "Call",
    "CallEnded",
    "CallStarted",
    "DialogueContinued",
    "DialogueEnded",
    "DialoguePaused",
    "DialogueResumed",
    "DialogueSpawned",
    "DialogueStarted",
    "Event",
    "Status",
    "TextDelta",
    "Timings",
    "TurnAdded",
    "TurnCancelled",
    "TurnCompleted",
    "TurnFailed",
    "TurnSkipped",
    "TurnStarted",
    "TurnWaits",
    "Usage",
    "event_from_dict",
    "event_to_dict",
]
