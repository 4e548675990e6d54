"""An answer held to a JSON Schema by its provider, where that can be done: in what words it is asked for."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

from workbench.models.card import ModelCard

_NAME: Final = re.compile(r"[^A-Za-z0-9_-]+")
_STRICT: Final = frozenset({
    "$ref", "$defs", "type", "properties", "required", "additionalProperties", "items", "enum", "const", "anyOf", "title",
    "description", "$schema",
})  # fmt: skip
_GRAMMAR: Final = _STRICT | {"minItems", "maxItems", "minLength", "maxLength", "minimum", "maximum"}
"""Keywords that llama.cpp makes a grammar of."""


def takes_schema(card: ModelCard, schema: Mapping[str, Any]) -> bool:
    """Whether a model's provider can hold its answer to this schema."""
    if schema.get("type") != "object":
        return False
    return set(_keywords(schema)) <= _GRAMMAR if card.id.startswith("local/") else card.json_schema


def response_format(schema: Mapping[str, Any]) -> dict[str, Any]:
    """Return what providers take that constrain an answer themselves, as OpenAI does.

    `strict` is set where the schema is one of those that strict providers take: every object is closed and requires all of its
    properties, and only basic keywords are used.
    """
    name = _NAME.sub("_", str(schema.get("title", ""))).strip("_")[:64] or "answer"
    return {"type": "json_schema", "json_schema": {"name": name, "schema": dict(schema), "strict": _is_strict(schema)}}


def _is_strict(part: Any) -> bool:
    if not isinstance(part, dict) or part.keys() - _STRICT:
        return False
    properties = part.get("properties", {})
    if part.get("type") == "object" or properties:
        closed = part.get("additionalProperties") is False and set(part.get("required", ())) == properties.keys()
        if not closed:
            return False
    inner = [*properties.values(), *part.get("$defs", {}).values(), *part.get("anyOf", ())]
    return all(map(_is_strict, [*inner, part["items"]] if "items" in part else inner))


def _keywords(part: Any) -> Iterator[str]:
    """Yield the keywords of a schema and of all schemas in it."""
    if not isinstance(part, dict):
        return
    yield from part
    for inner in (
        *part.get("properties", {}).values(),
        *part.get("$defs", {}).values(),
        *part.get("anyOf", ()),
        part.get("items"),
    ):
        yield from _keywords(inner)
