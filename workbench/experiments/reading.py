"""Definitions in YAML: a file, or the body of a cell. What is wrong is named with line, field and fix."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final, get_args

from pydantic import BaseModel, ValidationError

from workbench.dialogue.rules.documents import Document, KeyPath, parse_document, read_document
from workbench.errors import ModeError, WorkbenchError
from workbench.experiments.definition import ArmSpec, Definition, Kind, MetricSpec, PlanSpec, RunLimits, SourceSpec

_SEE: Final = "docs/experiments.md describes every field."
_WITHIN: Final[Mapping[str, type[BaseModel]]] = {
    "arms": ArmSpec,
    "metrics": MetricSpec,
    "plan": PlanSpec,
    "limits": RunLimits,
    "cases": SourceSpec,
}


class DefinitionError(WorkbenchError):
    """A definition does not hold: the text names place, field and fix."""


def read_definition(path: str | Path) -> Definition:
    """Read an experiment from a YAML or JSON file.

    Raises:
        DefinitionError: it cannot be read, or is not one.
    """
    try:
        return _whole(read_document(Path(path)))
    except ModeError as error:
        raise _ours(error) from None


def parse_definition(
    text: str, name: str | None = None, source: str = "<string>", *, without_cases: bool = False
) -> Definition:
    """Read an experiment from YAML text.

    Args:
        text: the YAML.
        name: of the experiment, where the text does not say it.
        source: what errors call the text.
        without_cases: that they come from elsewhere, so that the text need not name any.

    Raises:
        DefinitionError: it is not one.
    """
    try:
        document = parse_document(text, source)
    except ModeError as error:
        raise _ours(error) from None
    if name is not None:
        if document.data.get("name", name) != name:
            raise DefinitionError(f"{document.where(('name',))}: name: the line says {name}", hint="Leave one of them out.")
        document.data["name"] = name
    if without_cases:
        document.data.setdefault("cases", [])
    return _whole(document)


def define(values: Mapping[str, Any], source: str = "the experiment") -> Definition:
    """Return the definition of a mapping.

    Raises:
        DefinitionError: it is none.
    """
    return _whole(Document(source, dict(values)))


def _whole(document: Document) -> Definition:
    try:
        return Definition.model_validate(document.data)
    except ValidationError as error:
        raise _explained(error, document) from None


def _explained(error: ValidationError, document: Document) -> DefinitionError:
    """Say place, field and fix of the first problem, and how many more there are."""
    first, more = error.errors()[0], error.error_count() - 1
    path = _in_document(first["loc"], document.data)
    message, hint = first["msg"].removeprefix("Value error, "), _SEE
    if first["type"] == "extra_forbidden":
        message, hint = "this field does not exist", _nearest(str(path[-1]), _siblings(path)) or _SEE
    elif first["type"] == "missing":
        message = "is missing"
    elif path[:1] == ("metrics",) and path[-1:] == ("kind",):
        message = f"there is no metric {first['input']!r}"
        hint = _nearest(str(first["input"]), get_args(Kind)) or f"There are: {', '.join(get_args(Kind))}."
    field = ".".join(map(str, path)) or "the experiment"
    return DefinitionError(f"{document.where(path)}: {field}: {message}" + (f" (and {more} more)" if more else ""), hint=hint)


def _in_document(location: tuple[int | str, ...], data: Any) -> KeyPath:
    """Return the part of a location that the document has: Pydantic adds the kinds that a value might have been of."""
    path: list[int | str] = []
    for number, part in enumerate(location):
        if isinstance(data, dict) and (part in data or number == len(location) - 1):
            path.append(part)
            data = data.get(part)
        elif isinstance(data, list) and isinstance(part, int) and part < len(data):
            path.append(part)
            data = data[part]
    return tuple(path)


def _siblings(path: KeyPath) -> list[str]:
    inner = _WITHIN.get(str(path[0])) if len(path) > 1 else None
    return list((inner or Definition).model_fields)


def _nearest(word: str, known: Any) -> str | None:
    near = difflib.get_close_matches(word, list(known), n=2)
    return f"Did you mean {' or '.join(near)}?" if near else None


def _ours(error: ModeError) -> DefinitionError:
    message = error.message.replace("a mode is a mapping", "an experiment is a mapping")
    return DefinitionError(message, hint=_SEE)
