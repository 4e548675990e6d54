"""What is new since a page was told last, as small as it can be said: a text that grew is told by its end."""

from __future__ import annotations

from typing import Any, Final

Facts = dict[str, Any]
_TEXTS: Final = {"text": "append", "reasoning": "append_reasoning"}


def changed(before: Facts, after: Facts) -> Facts:
    """Return the facts that differ."""
    return {name: value for name, value in after.items() if name not in before or before[name] != value}


def turn_patch(before: Facts | None, after: Facts) -> Facts | None:
    """Return a turn's patch: all of a new turn, what differs of a known one, None where nothing does."""
    if before is None:
        return after
    patch = changed(before, after)
    for name, append in _TEXTS.items():
        if name in patch and patch[name].startswith(before[name]):
            patch[append] = patch.pop(name)[len(before[name]) :]
    return {"id": after["id"], **patch} if patch else None
