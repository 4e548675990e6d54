"""What is wrong with an answer, in a line that a model can act on: the place, what must be there, and what is.

jsonschema's own messages begin with the value, which may be pages long.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from jsonschema import ValidationError

_SHOWN: Final = 60
_LISTED: Final = 12
_TYPES: Final = ((bool, "boolean"), (str, "string"), (int, "integer"), (float, "number"), (list, "array"), (dict, "object"))


def misfit(error: ValidationError) -> str:
    """Return the line for one of jsonschema's errors."""
    says = _SAYS.get(str(error.validator), lambda _: _cut(error.message, 2 * _SHOWN))
    return f"{_place(error)}: {says(error)}"


def shown(value: Any) -> str:
    """Return a value as JSON, its beginning if it is long."""
    return _cut(json.dumps(value, ensure_ascii=False), _SHOWN)


def _cut(text: str, length: int) -> str:
    return text if len(text) <= length else text[: length - 1] + "…"


def _place(error: ValidationError) -> str:
    path = "".join(f"[{part}]" if isinstance(part, int) else f".{_cut(str(part), _SHOWN)}" for part in error.absolute_path)
    return path.removeprefix(".") or "the answer"


def _type_of(value: Any) -> str:
    return next((name for kind, name in _TYPES if isinstance(value, kind)), "null")


def _listed(values: Any) -> str:
    values = list(values)
    return ", ".join(map(shown, values[:_LISTED])) + (", …" if len(values) > _LISTED else "")


def _types(error: ValidationError) -> str:
    wanted = error.validator_value
    return f"must be {wanted if isinstance(wanted, str) else ' or '.join(wanted)}, is {_type_of(error.instance)}"


def _missing(error: ValidationError) -> str:
    return f"misses {_listed(name for name in error.validator_value if name not in error.instance)}"


def _extra(error: ValidationError) -> str:
    known = error.schema.get("properties", {}) if isinstance(error.schema, Mapping) else {}
    may = f"; may have {_listed(known)}" if known else ""
    return f"must not have {_listed(name for name in error.instance if name not in known)}{may}"


def _alternatives(error: ValidationError) -> str:
    if not error.context:
        return "must fit only one of the alternatives, fits several"
    nearest = max(error.context, key=lambda one: (len(one.absolute_path), one.validator != "type"))
    return f"fits none of the {len(error.validator_value)} alternatives; the nearest says: {misfit(nearest)}"


def _must(rule: str, *, of: Callable[[Any], Any] = lambda value: value) -> Callable[[ValidationError], str]:
    def say(error: ValidationError) -> str:
        return f"must {rule.format(shown(error.validator_value))}, is {shown(of(error.instance))}"

    return say


_SAYS: Final[Mapping[str, Callable[[ValidationError], str]]] = {
    "type": _types,
    "required": _missing,
    "additionalProperties": _extra,
    "anyOf": _alternatives,
    "oneOf": _alternatives,
    "enum": lambda error: f"must be one of {_listed(error.validator_value)}, is {shown(error.instance)}",
    "const": _must("be {}"),
    "minimum": _must("be at least {}"),
    "maximum": _must("be at most {}"),
    "exclusiveMinimum": _must("be more than {}"),
    "exclusiveMaximum": _must("be less than {}"),
    "multipleOf": _must("be a multiple of {}"),
    "minLength": _must("have at least {} characters", of=len),
    "maxLength": _must("have at most {} characters", of=len),
    "minItems": _must("have at least {} items", of=len),
    "maxItems": _must("have at most {} items", of=len),
    "minProperties": _must("have at least {} keys", of=len),
    "maxProperties": _must("have at most {} keys", of=len),
    "pattern": _must("match {}"),
    "uniqueItems": lambda _error: "must not have an item twice",
    "not": lambda _error: "is what it must not be",
    "contains": lambda error: f"must have an item that fits {shown(error.validator_value)}",
}
