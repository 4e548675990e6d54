"""What a log line says about an event: level, name and fields.

Who reads a log wants to know what was asked, how it ended, what it took and what went wrong. What was said is in the record;
the lines have it only where `[log] prompts` asks for it.
"""

from __future__ import annotations

from datetime import UTC, datetime
from functools import singledispatch
from typing import Any, Final, NamedTuple

from workbench.events import (
    Call,
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
from workbench.events.listening import Incident, Told

LEVELS: Final = {"debug": 10, "info": 20, "warning": 30, "error": 40}
FIRST: Final = ("timestamp", "level", "event", "correlation_id", "dialogue", "turn", "call", "model", "provider")
"""The fields that every line begins with, in this order; those that do not apply are left out."""
_ENDED_BADLY: Final = {Status.FAILED: "error", Status.COST_LIMITED: "warning"}

Fields = dict[str, Any]


class Line(NamedTuple):
    """A line before it is rendered."""

    level: str
    event: str
    fields: Fields


def line_of(told: Told, *, prompts: bool = False) -> Line:
    """Return the line about an event or incident.

    Args:
        told: what a listener is told.
        prompts: whether what people and models said belongs into it.
    """
    what = told.what
    if isinstance(what, Incident):
        level, fields = what.level, dict(what.fields)
        name, more = what.name, {}
    else:
        level, fields, said = _about(what)
        name, more = what.type, said if prompts else {}
    known = {"timestamp": stamp(what.at), "correlation_id": told.correlation}
    if isinstance(what, Event):
        known["dialogue"] = what.dialogue
    everything = {key: value for key, value in (known | fields | more).items() if value is not None}
    return Line(level, name, everything)


def stamp(at: float) -> str:
    """Return Unix seconds as ISO 8601 in UTC, to the millisecond.

    >>> stamp(0.25)
    '1970-01-01T00:00:00.250Z'
    """
    return datetime.fromtimestamp(at, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


@singledispatch
def _about(event: Event) -> tuple[str, Fields, Fields]:
    """Return level, fields, and what was said."""
    turn = getattr(event, "turn", None)
    return "info", {"turn": turn}, {}


@_about.register
def _(event: DialogueStarted) -> tuple[str, Fields, Fields]:
    family = {name: event.run.get(name) for name in ("parent_id", "forked_from")}
    return "info", {"mode": event.mode} | family, {"topic": event.topic}


@_about.register
def _(event: DialogueResumed) -> tuple[str, Fields, Fields]:  # noqa: ARG001 - its run is in the record
    return "info", {}, {}


@_about.register
def _(event: DialogueEnded) -> tuple[str, Fields, Fields]:
    return _ENDED_BADLY.get(event.status, "info"), {"status": event.status.value, "reason": event.reason}, {}


@_about.register
def _(event: DialogueSpawned) -> tuple[str, Fields, Fields]:
    return "info", {"turn": event.turn, "child": event.child, "mode": event.mode}, {"topic": event.topic}


@_about.register
def _(event: TurnStarted) -> tuple[str, Fields, Fields]:
    fields = {"turn": event.turn, "model": event.model, "role": event.role, "round": event.round}
    chosen = {"policy": event.choice.get("policy"), "because": event.choice.get("reason")} if event.choice else {}
    return "debug", fields | chosen, {"messages": event.messages}


@_about.register
def _(event: TurnCompleted) -> tuple[str, Fields, Fields]:
    fields = {"turn": event.turn, "copied_from": event.copied_from, "edited": event.edited or None}
    return "debug", fields, {"text": event.text}


@_about.register
def _(event: TurnFailed) -> tuple[str, Fields, Fields]:
    return (
        "error",
        {"turn": event.turn, "error_class": event.kind, "error": event.error, "hint": event.hint},
        {"text": event.text},
    )


@_about.register
def _(event: TurnCancelled) -> tuple[str, Fields, Fields]:
    return "info", {"turn": event.turn}, {"text": event.text}


@_about.register
def _(event: TurnSkipped) -> tuple[str, Fields, Fields]:
    return "info", {"turn": event.turn, "reason": event.reason}, {}


@_about.register
def _(event: TurnWaits) -> tuple[str, Fields, Fields]:
    return "info", {"turn": event.turn, "waits_for": event.kind}, {}


@_about.register
def _(event: TurnAdded) -> tuple[str, Fields, Fields]:
    return "info", {"turn": event.turn, "role": event.role, "person": event.person or None}, {"prompt": event.prompt or None}


@_about.register
def _(event: CallStarted) -> tuple[str, Fields, Fields]:
    return "debug", {"turn": event.turn, "call": event.call, "model": event.model, "attempt": event.attempt}, {}


@_about.register
def _(event: CallEnded) -> tuple[str, Fields, Fields]:
    call = event.call
    failed = call.outcome not in ("ok", "cancelled")
    return "warning" if failed else "info", {"turn": event.turn} | _of_call(call), {"text": call.text or None}


def _of_call(call: Call) -> Fields:
    usage, ok = call.usage, call.outcome in ("ok", "cancelled")
    return {
        "call": call.id,
        "model": call.model,
        "provider": call.provider,
        "outcome": call.outcome,
        "error_class": None if ok else call.outcome,
        "error": call.error,
        "asked": call.asked if call.asked != call.model else None,
        "served": call.served,
        "fallback": call.fallback_reason,
        "attempt": call.attempt,
        "seconds": round(call.timings.total, 4),
        "queue_seconds": round(call.timings.queue, 4),
        "first_token_seconds": None if call.timings.first_token is None else round(call.timings.first_token, 4),
        "prompt_tokens": usage.prompt if usage else None,
        "completion_tokens": usage.completion if usage else None,
        "cached_tokens": usage.cached or None if usage else None,
        "reasoning_tokens": usage.reasoning or None if usage else None,
        "cost_usd": call.cost,
        "finish_reason": call.finish_reason,
        "purpose": call.purpose or None,
    }
