"""What a person fills in where a mode asks for data: a field for each property of the schema.

Only what a page can draw well becomes a choice, a number or a text; everything else is written as JSON. Whether an answer fits,
the engine decides.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

Facts = dict[str, Any]
_KINDS: Final = {"string": "text", "number": "number", "integer": "number"}


def fields_of(schema: Mapping[str, Any]) -> list[Facts]:
    """Return the fields of an answer; one without a name where the answer is no object.

    >>> fields_of({"properties": {"next": {"enum": ["critic", "done"], "title": "Who goes on"}}, "required": ["next"]})
    [{'name': 'next', 'kind': 'choice', 'about': 'Who goes on', 'required': True, 'choices': ['critic', 'done']}]
    """
    properties = schema.get("properties")
    if not isinstance(properties, Mapping) or not properties:
        return [_field("", schema, required=True)]
    required = schema.get("required", ())
    return [_field(name, part, required=name in required) for name, part in properties.items()]


def _field(name: str, part: Any, *, required: bool) -> Facts:
    part = part if isinstance(part, Mapping) else {}
    choices = _choices(part)
    kind = "choice" if choices else _KINDS.get(str(part.get("type")), "json")
    about = str(part.get("description") or part.get("title") or "")
    return {"name": name, "kind": kind, "about": about, "required": required, "choices": choices}


def _choices(part: Mapping[str, Any]) -> list[Any]:
    if "enum" in part:
        return list(part["enum"])
    if "const" in part:
        return [part["const"]]
    return [True, False] if part.get("type") == "boolean" else []
