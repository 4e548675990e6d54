"""What a text column can hold: everything but NUL and lone surrogates, which models do produce at times.

The event's own JSON is ASCII and keeps such characters exactly; the rows that follow from it show a replacement.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from workbench.events import Event
from workbench.records.projection import Change, Values, changes, keep
from workbench.records.search.queueing import queued


def storable_changes(event: Event, owner: str | None) -> list[Change]:
    """Return all rows that an event changes, `events` and what is to be indexed included, fit for either database."""
    kept = keep(event)
    wanted = [kept, *changes(event, owner), *queued(event)]
    return wanted if is_plain(kept.values["payload"]) else [storable(change) for change in wanted]


def is_plain(payload: str) -> bool:
    """Whether an event's JSON shows that none of its texts needs a replacement; False may be a false alarm."""
    return "\\u0000" not in payload and "\\ud" not in payload


def storable(change: Change) -> Change:
    """Return the change with replacements for what a column cannot hold."""
    values: Values = {name: storable_text(value) if type(value) is str else value for name, value in change.values.items()}
    return change._replace(values=values)


def storable_text(text: str) -> str:
    """Return a text with replacements for what a column cannot hold."""
    return text.replace("\x00", "\ufffd").encode("utf-8", "replace").decode("utf-8")


def storable_values(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return a row's values with replacements for what a column cannot hold."""
    return {name: storable_text(value) if isinstance(value, str) else value for name, value in values.items()}
