"""JSON: what a program wants to know first, and every event behind it, so that it reads back without loss."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any, Final

from workbench.dialogue.export.facts import warnings_of
from workbench.dialogue.export.positions import positions_report
from workbench.dialogue.transcript import Transcript, Turn, measure
from workbench.errors import ExportError, RecordError
from workbench.events import Call, Event, event_from_dict, event_to_dict

FORMAT: Final = "workbench.dialogue"
VERSION: Final = 1


def summary(transcript: Transcript) -> dict[str, Any]:
    """Return `id, status, reason, mode, topic, turns[…], metrics`."""
    warnings, positions = warnings_of(transcript), positions_report(transcript)
    return {
        "id": transcript.id,
        "status": str(transcript.status),
        "reason": transcript.reason,
        "mode": transcript.mode,
        "topic": transcript.topic,
        "turns": [_turn(turn) for turn in transcript.turns],
        "metrics": transcript.metrics.to_dict(),
        **({"warnings": warnings} if warnings else {}),
        **({"positions": positions.to_dict()} if positions else {}),
    }


def to_json(transcript: Transcript, events: Sequence[Event]) -> str:
    """Return the summary with the format's name and version, and all events."""
    head = {"format": FORMAT, "version": VERSION}
    body = {"events": [event_to_dict(event) for event in events]}
    whole = head | summary(transcript) | body
    text = json.dumps(whole, ensure_ascii=False, indent=1)
    return text if _encodable(text) else json.dumps(whole, indent=1)


def read_json(text: str) -> list[Event]:
    """Return the events of an exported dialogue; `Transcript(events)` is the dialogue again.

    Raises:
        ExportError: it is not such an export, or a newer one.
    """
    try:
        data = json.loads(text)
        name, version, events = data["format"], data["version"], data["events"]
    except (ValueError, KeyError, TypeError, RecursionError):
        raise ExportError("this is not a dialogue exported as JSON") from None
    if name != FORMAT or not isinstance(version, int):
        raise ExportError("this is not a dialogue exported as JSON")
    if version > VERSION:
        raise ExportError(f"cannot read {name} version {version}", hint="It was written by a newer workbench: upgrade.")
    try:
        read = [event_from_dict(event) for event in events]
        summary(Transcript(read))
    except (RecordError, LookupError, TypeError, ValueError, AttributeError) as error:
        raise ExportError(f"an event of this export is broken: {error}") from None
    return read


def _encodable(text: str) -> bool:
    """Whether a file can hold the text as it is: half a surrogate pair has to stay escaped."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _turn(turn: Turn) -> dict[str, Any]:
    return {
        "id": turn.id,
        "index": turn.index,
        "role": turn.role,
        "round": turn.round,
        "model": turn.model,
        "served": turn.served,
        "status": str(turn.status),
        "text": turn.text,
        "reasoning": turn.reasoning,
        "error": turn.error,
        **({"data": turn.data} if turn.data is not None else {}),
        "metrics": measure([turn], turn.latency).to_dict(),
        "calls": [_call(call) for call in turn.calls],
    }


def _call(call: Call) -> dict[str, Any]:
    """Return a call; what it was for is said only where it is not the turn's answer."""
    facts = asdict(call) | {"outcome": str(call.outcome)}
    return facts if call.purpose else {name: value for name, value in facts.items() if name != "purpose"}
