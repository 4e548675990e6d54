"""Which rows an event changes: the whole of it, with no database in sight.

`changes` turns one event into `Change`s, each naming a statement of `statements` and its parameters. `schedule` groups
the changes of many events by statement, so that a transaction runs a handful of statements however many dialogues are in
it. Applying a dialogue's events in order to empty tables always gives the same rows.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from functools import singledispatch
from typing import Any, Final, NamedTuple

from workbench.events import (
    Call,
    CallEnded,
    DialogueEnded,
    DialogueResumed,
    DialogueStarted,
    Event,
    Status,
    TurnCancelled,
    TurnCompleted,
    TurnFailed,
    TurnStarted,
    event_to_dict,
)
from workbench.records.counting import usage_values

STAGES: Final = {
    name: stage
    for stage, name in enumerate(
        (
            "start_dialogue",
            "resume_dialogue",
            "keep_event",
            "start_turn",
            "keep_call",
            "count_call",
            "count_usage",
            "count_quarter",
            "count_task",
            "end_turn",
            "advance_dialogue",
            "end_dialogue",
            "enqueue_dialogue",
            "queue_words",
        )
    )
}
"""The statements, in the order in which one transaction runs them."""

Values = dict[str, Any]
compact_json: Final[Callable[[object], str]] = json.JSONEncoder(separators=(",", ":")).encode


class Change(NamedTuple):
    """One statement on one row."""

    statement: str
    row: tuple[str, ...]
    """The table and the row's key: changes to one row keep their order."""
    values: Values


def keep(event: Event) -> Change:
    """Return the row of `events` that an event becomes."""
    values = {
        "dialogue_id": event.dialogue,
        "seq": event.seq,
        "type": event.type,
        "at": event.at,
        "payload": compact_json(event_to_dict(event)),
    }
    return Change("keep_event", ("events", event.dialogue), values)


def changes(event: Event, owner: str | None = None) -> list[Change]:
    """Return what an event changes in `dialogues`, `turns` and `calls`.

    Args:
        event: a durable event.
        owner: the process that runs the dialogue, for the events that begin a run; None when nobody does.
    """
    return _changes(event, owner)


def schedule(wanted: Iterable[Change]) -> list[tuple[str, list[Values]]]:
    """Group changes into `(statement, parameter sets)`, keeping the order of the changes to any one row."""
    reached: dict[tuple[str, ...], tuple[int, int]] = {}
    groups: dict[tuple[int, int], list[Values]] = {}
    names: dict[tuple[int, int], str] = {}
    for statement, row, values in wanted:
        stage = STAGES[statement]
        layer, last = reached.get(row, (0, stage))
        place = (layer if stage >= last else layer + 1, stage)
        reached[row] = place
        names[place] = statement
        groups.setdefault(place, []).append(values)
    return [(names[place], groups[place]) for place in sorted(groups)]


@singledispatch
def _changes(event: Event, owner: str | None) -> list[Change]:  # noqa: ARG001 - only the first events of a run use it
    return []


@_changes.register
def _(event: DialogueStarted, owner: str | None) -> list[Change]:
    values = {
        "id": event.dialogue,
        "mode": event.mode,
        "topic": event.topic,
        "status": Status.RUNNING.value,
        "reason": None,
        "created_at": event.at,
        "updated_at": event.at,
        "ended_at": None,
        "owner": owner,
        "run": compact_json(event.run),
        "prompt_tokens": 0,
        "completion_tokens": 0,
        "cost": None,
        "unknown_cost_calls": 0,
        "turns_completed": 0,
        "parent_id": event.run.get("parent_id"),
        "forked_from": event.run.get("forked_from"),
    }
    return [Change("start_dialogue", ("dialogues", event.dialogue), values)]


@_changes.register
def _(event: DialogueResumed, owner: str | None) -> list[Change]:
    values = {
        "in_dialogue": event.dialogue,
        "new_status": Status.RUNNING.value,
        "now": event.at,
        "new_owner": owner,
        "new_run": compact_json(event.run),
    }
    return [Change("resume_dialogue", ("dialogues", event.dialogue), values)]


@_changes.register
def _(event: DialogueEnded, owner: str | None) -> list[Change]:  # noqa: ARG001
    values = {
        "in_dialogue": event.dialogue,
        "new_status": event.status.value,
        "new_reason": event.reason,
        "now": event.at,
    }
    return [Change("end_dialogue", ("dialogues", event.dialogue), values)]


@_changes.register
def _(event: TurnStarted, owner: str | None) -> list[Change]:  # noqa: ARG001
    values = {
        "dialogue_id": event.dialogue,
        "turn": event.turn,
        "position": event.index,
        "role": event.role,
        "model": event.model,
        "served": None,
        "round": event.round,
        "status": Status.RUNNING.value,
        "text": "",
        "reasoning": "",
        "error": None,
        "started_at": event.at,
        "ended_at": None,
        "prompt_tokens": 0,
        "completion_tokens": 0,
        "cost": None,
        "choice": compact_json(event.choice) if event.choice else None,
        "kind": _kind(event.choice),
    }
    return [Change("start_turn", ("turns", event.dialogue, event.turn), values), _advance(event)]


@_changes.register
def _(event: CallEnded, owner: str | None) -> list[Change]:  # noqa: ARG001
    call, usage = event.call, usage_values(event)
    prompt, completion = (call.usage.prompt, call.usage.completion) if call.usage else (0, 0)
    counted = {
        "in_dialogue": event.dialogue,
        "of_turn": event.turn,
        "served_by": call.served if call.ok else None,
        "prompt": prompt,
        "completion": completion,
        "spent": call.cost,
    }
    return [
        Change("keep_call", ("calls", event.dialogue, call.id), _call_row(event.dialogue, event.turn, call)),
        Change("count_call", ("turns", event.dialogue, event.turn), counted),
        Change("count_usage", ("usage", event.dialogue, call.id), usage),
        Change("count_quarter", ("usage_quarters", event.dialogue, call.id), usage),
        Change("count_task", ("usage_tasks", event.dialogue, call.id), usage),
        _advance(event, prompt=prompt, completion=completion, spent=call.cost, unknown=int(call.cost is None)),
    ]


@_changes.register
def _(event: TurnCompleted, owner: str | None) -> list[Change]:  # noqa: ARG001
    ended = _end_turn(event, event.turn, Status.COMPLETED, event.text, event.reasoning, None)
    return [ended, _advance(event, completed=1)]


@_changes.register
def _(event: TurnFailed, owner: str | None) -> list[Change]:  # noqa: ARG001
    ended = _end_turn(event, event.turn, Status.FAILED, event.text, "", f"{event.kind}: {event.error}")
    return [ended, _advance(event)]


@_changes.register
def _(event: TurnCancelled, owner: str | None) -> list[Change]:  # noqa: ARG001
    return [_end_turn(event, event.turn, Status.CANCELLED, event.text, event.reasoning, None), _advance(event)]


def _kind(choice: dict[str, Any] | None) -> str | None:
    """Return the kind of task that routing saw; None where nobody routed."""
    kind = (choice or {}).get("kind")
    return kind if isinstance(kind, str) else None


def _end_turn(event: Event, turn: str, status: Status, text: str, reasoning: str, error: str | None) -> Change:
    values = {
        "in_dialogue": event.dialogue,
        "of_turn": turn,
        "new_status": status.value,
        "new_text": text,
        "new_reasoning": reasoning,
        "new_error": error,
        "now": event.at,
    }
    return Change("end_turn", ("turns", event.dialogue, turn), values)


def _advance(
    event: Event,
    *,
    prompt: int = 0,
    completion: int = 0,
    spent: float | None = None,
    unknown: int = 0,
    completed: int = 0,
) -> Change:
    values = {
        "in_dialogue": event.dialogue,
        "now": event.at,
        "prompt": prompt,
        "completion": completion,
        "spent": spent,
        "unknown": unknown,
        "completed": completed,
    }
    return Change("advance_dialogue", ("dialogues", event.dialogue), values)


def _call_row(dialogue: str, turn: str, call: Call) -> Values:
    usage = call.usage
    return {
        "dialogue_id": dialogue,
        "id": call.id,
        "turn": turn,
        "asked": call.asked,
        "model": call.model,
        "provider": call.provider,
        "served": call.served,
        "attempt": call.attempt,
        "outcome": str(call.outcome),
        "started_at": call.started_at,
        "queue_seconds": call.timings.queue,
        "first_token_seconds": call.timings.first_token,
        "total_seconds": call.timings.total,
        "prompt_tokens": usage.prompt if usage else None,
        "completion_tokens": usage.completion if usage else None,
        "cached_tokens": usage.cached if usage else None,
        "reasoning_tokens": usage.reasoning if usage else None,
        "cost": call.cost,
        "finish_reason": call.finish_reason,
        "text": call.text,
        "reasoning": call.reasoning,
        "error": call.error,
        "fallback_reason": call.fallback_reason,
        "saved": call.saved,
    }
