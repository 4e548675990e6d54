"""YAML and JSON read so that every value knows its line, and hostile documents are refused.

Values come from the node graph, not from a constructor: no tag makes an object, an alias that unfolds to more than
`MAX_NODES` values is an error, and so is a key that stands twice.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import yaml

from workbench.errors import ModeError

MAX_BYTES: Final = 1_000_000
MAX_NODES: Final = 50_000
_SCALARS: Final = {"str", "int", "float", "bool", "null"}

KeyPath = tuple[str | int, ...]


@dataclass(frozen=True, slots=True)
class Document:
    """A mapping read from a file or a string, with the line (from 1) of each of its values."""

    source: str
    data: dict[str, Any]
    lines: dict[KeyPath, int] = field(default_factory=dict)

    def where(self, path: KeyPath) -> str:
        """Return `FILE:LINE` of a value, or of the nearest value around it."""
        for length in range(len(path), -1, -1):
            if path[:length] in self.lines:
                return f"{self.source}:{self.lines[path[:length]]}"
        return self.source


def read_document(path: Path) -> Document:
    """Read a YAML or JSON file.

    Raises:
        ModeError: it cannot be read, is too large, or is not a mapping; the text names file, line and fix.
    """
    try:
        if path.stat().st_size > MAX_BYTES:
            raise ModeError(f"{path} is larger than {MAX_BYTES:,} bytes", hint="A mode is a page of text.")
        text = path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise ModeError(f"{path} cannot be read: {error.strerror}") from None
    except UnicodeDecodeError as error:
        raise ModeError(f"{path} is not UTF-8 text: {error.reason} at byte {error.start}") from None
    return parse_document(text, str(path))


def parse_document(text: str, source: str = "<string>") -> Document:
    """Read YAML or JSON text; arguments and errors as for `read_document`."""
    if text.lstrip().startswith("{"):
        _check_json(text, source)
        text = text.replace("\t", "    ")
    try:
        node = yaml.compose(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise ModeError(f"{source}:{line}: not valid YAML: {error.problem}", hint="Check indentation and quotes.") from None
    except (yaml.YAMLError, RecursionError) as error:
        raise ModeError(f"{source}: not valid YAML: {error}") from None
    reader = _Reader(source)
    try:
        data = reader.value(node, ()) if node else None
    except RecursionError:
        raise ModeError(f"{source}: nested too deeply, or a value that contains itself") from None
    if not isinstance(data, dict):
        raise ModeError(f"{source}:1: a mode is a mapping (`name: …`)", hint="See `workbench mode schema`.")
    return Document(source, data, reader.lines)


def _check_json(text: str, source: str) -> None:
    """Let JSON's own parser speak where the file is broken JSON: its messages say more than YAML's would."""
    try:
        json.loads(text)
    except RecursionError:
        raise ModeError(f"{source}: nested too deeply") from None
    except json.JSONDecodeError as error:
        if source.endswith(".json"):
            raise ModeError(f"{source}:{error.lineno}: not valid JSON: {error.msg}") from None


class _Reader:
    """Turns nodes into plain values and notes their lines."""

    def __init__(self, source: str) -> None:
        self.source = source
        self.lines: dict[KeyPath, int] = {}
        self._seen = 0
        self._scalars = yaml.SafeLoader("")

    def value(self, node: yaml.Node, path: KeyPath) -> Any:
        self._seen += 1
        line = node.start_mark.line + 1
        if self._seen > MAX_NODES:
            raise ModeError(f"{self.source}:{line}: more than {MAX_NODES:,} values", hint="Aliases multiply: write less.")
        self.lines[path] = line
        if isinstance(node, yaml.MappingNode):
            return {key: self.value(child, (*path, key)) for key, child in self._items(node)}
        if isinstance(node, yaml.SequenceNode):
            return [self.value(child, (*path, index)) for index, child in enumerate(node.value)]
        return self._scalar(node, line)

    def _items(self, node: yaml.MappingNode) -> Iterator[tuple[str, yaml.Node]]:
        seen: set[str] = set()
        for key_node, child in node.value:
            line = key_node.start_mark.line + 1
            if not isinstance(key_node, yaml.ScalarNode):
                raise ModeError(f"{self.source}:{line}: a key is a word, not a structure")
            if key_node.value in seen:
                raise ModeError(f"{self.source}:{line}: the key {key_node.value!r} stands twice", hint="Keep one.")
            seen.add(key_node.value)
            yield key_node.value, child

    def _scalar(self, node: yaml.Node, line: int) -> Any:
        tag = node.tag.rpartition(":")[2]
        if not node.tag.startswith("tag:yaml.org,2002:") or tag not in _SCALARS:
            if tag == "timestamp":
                return node.value
            raise ModeError(f"{self.source}:{line}: the tag {node.tag!r} is not allowed", hint="Write plain values.")
        try:
            return self._scalars.construct_object(node)
        except (ValueError, yaml.YAMLError):
            raise ModeError(f"{self.source}:{line}: {node.value!r} is not a valid {tag}") from None
