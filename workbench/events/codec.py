"""Events to JSON and back. The stored form is `{"type": …, "dialogue": …, "seq": …, "at": …, **fields}`."""

from __future__ import annotations

import dataclasses
from typing import Any, Final

from workbench.errors import RecordError
from workbench.events import dialogue
from workbench.events.calls import Call, Timings, Usage
from workbench.events.dialogue import CallEnded, DialogueEnded, Event, Status

_TYPES: Final[dict[str, type[Event]]] = {
    cls.type: cls for cls in vars(dialogue).values() if isinstance(cls, type) and issubclass(cls, Event) and cls is not Event
}
_FIELDS: Final[dict[type, tuple[str, ...]]] = {
    cls: tuple(f.name for f in dataclasses.fields(cls)) for cls in (*_TYPES.values(), Call, Timings, Usage)
}


_EMPTY: Final[dict[str, object]] = {
    "data": None,
    "choice": None,
    "copied_from": None,
    "edited": False,
    "purpose": "",
    "saved": None,
    "cache_write": 0,
}
"""Fields that most events do not have, and what they are then; they are not written."""


def _plain(value: object) -> object:
    names = _FIELDS.get(type(value))
    return value if names is None else _body({name: getattr(value, name) for name in names})


def _body(values: dict[str, object]) -> dict[str, object]:
    return {name: _plain(value) for name, value in values.items() if name not in _EMPTY or value is not _EMPTY[name]}


def event_to_dict(event: Event) -> dict[str, Any]:
    """Return the event as plain JSON values."""
    return {"type": event.type, **_body({name: getattr(event, name) for name in _FIELDS[type(event)]})}


def call_from_dict(data: dict[str, Any]) -> Call:
    """Rebuild a call; unknown keys are ignored, so that an older workbench reads a newer record."""
    known = {name: data[name] for name in _FIELDS[Call] if name in data}
    known["timings"] = Timings(**data["timings"])
    known["usage"] = Usage(**data["usage"]) if data.get("usage") else None
    return Call(**known)


def event_from_dict(data: dict[str, Any]) -> Event:
    """Rebuild an event.

    Raises:
        RecordError: the type is unknown or a field is missing.
    """
    cls = _TYPES.get(data.get("type", ""))
    if cls is None:
        raise RecordError(f"unknown event type {data.get('type')!r}", hint="It was written by a newer workbench: upgrade.")
    known = {name: data[name] for name in _FIELDS[cls] if name in data}
    if cls is CallEnded:
        known["call"] = call_from_dict(known["call"])
    if cls is DialogueEnded:
        known["status"] = Status(known["status"])
    try:
        return cls(**known)
    except TypeError as error:
        raise RecordError(f"a {cls.type} event lacks a field: {error}") from None
