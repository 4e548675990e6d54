"""Finding modes and reading them: `ModeLoader` turns a name, a file or a mapping into a checked `Mode`.

A mode that `extends` another is merged with it here, once: the engine and the record only ever see the whole.
"""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from pydantic import ValidationError

from workbench.dialogue.rules.documents import Document, KeyPath, parse_document, read_document
from workbench.dialogue.rules.mode import Mode
from workbench.errors import ModeError

BUILT_IN: Final = Path(__file__).parent.with_name("modes")
SUFFIXES: Final = (".yaml", ".yml", ".json")
_MAX_EXTENDS: Final = 16


class ModeLoader:
    """Reads modes.

    Args:
        folders: where a mode may lie that is asked for by name, nearest first; the built-in modes come last.
    """

    def __init__(self, folders: Sequence[Path] = ()) -> None:
        self.folders = (*folders, BUILT_IN)

    @classmethod
    def from_file(cls, path: str | Path) -> Mode:
        """Read one mode file; what it extends may lie beside it or be built in.

        Raises:
            ModeError: naming file, line, field and fix.

        >>> ModeLoader.from_file("nowhere.yaml")
        Traceback (most recent call last):
            ...
        workbench.errors.ModeError: nowhere.yaml cannot be read: No such file or directory
        """
        path = Path(path)
        return cls([path.parent]).whole(read_document(path), (path.resolve(),))

    def load(self, mode: str | Path | dict[str, Any] | Mode) -> Mode:
        """Return a mode by name, file, mapping, or as it is.

        Raises:
            ModeError: it cannot be found or is not valid.
        """
        if isinstance(mode, Mode):
            return mode
        if isinstance(mode, dict):
            return self.whole(Document("<mapping>", mode), ())
        path = self.find(mode)
        return ModeLoader([path.parent, *self.folders]).whole(read_document(path), (path.resolve(),))

    def loads(self, text: str, source: str = "<string>") -> Mode:
        """Read a mode from YAML or JSON text."""
        return self.whole(parse_document(text, source), ())

    def find(self, name: str | Path, *, beside: Path | None = None) -> Path:
        """Return the file of a mode: a path as it is, a name from the folders.

        Raises:
            ModeError: there is none; the text names the nearest names.
        """
        as_path = Path(name)
        if as_path.suffix in SUFFIXES:
            at = (beside / as_path) if beside and not as_path.is_absolute() else as_path
            return at if at.is_file() else as_path
        for folder in self.folders:
            for suffix in SUFFIXES:
                if (path := folder / f"{name}{suffix}").is_file():
                    return path
        near = difflib.get_close_matches(str(name), self.names(), n=3)
        raise ModeError(
            f"no mode is called {str(name)!r}",
            hint=f"Did you mean {' or '.join(near)}?" if near else f"There are: {', '.join(self.names())}; a file works too.",
        )

    def names(self) -> list[str]:
        """Return the names that `load` understands, sorted."""
        return sorted({path.stem for path in self._candidates()})

    def modes(self) -> list[Mode]:
        """Return every mode that loads, by name; files that are not modes are passed over."""
        found = []
        for name in self.names():
            try:
                found.append(self.load(name))
            except ModeError:
                continue
        return found

    def _candidates(self) -> list[Path]:
        built_in = [path for path in BUILT_IN.iterdir() if path.suffix in SUFFIXES]
        own = [p for folder in self.folders[:-1] if folder.name == "modes" and folder.is_dir() for p in folder.iterdir()]
        return built_in + [path for path in own if path.suffix in SUFFIXES]

    def whole(self, document: Document, trail: tuple[Path, ...]) -> Mode:
        """Return the mode of a document, merged with what it extends; `trail` is how we came here."""
        data, lines = document.data, document
        if parent := data.get("extends"):
            base = self._parent(str(parent), document, trail)
            data = _merge(base.model_dump(exclude_unset=True), document)
        try:
            return Mode.model_validate(data)
        except ValidationError as error:
            raise _explain(error, lines) from None

    def _parent(self, name: str, document: Document, trail: tuple[Path, ...]) -> Mode:
        at = document.where(("extends",))
        folder = trail[-1].parent if trail else None
        try:
            path = self.find(name, beside=folder).resolve()
        except ModeError as error:
            raise ModeError(f"{at}: extends: {error.message}", hint=error.hint) from None
        if path in trail or len(trail) >= _MAX_EXTENDS:
            raise ModeError(f"{at}: extends: {name} leads back to itself", hint="Let one of them extend nothing.")
        return self.whole(read_document(path), (*trail, path))


def _merge(base: dict[str, Any], document: Document) -> dict[str, Any]:
    """Lay a document over the mode that it extends. Roles and parameters add up; overrides change single fields."""
    child = dict(document.data)
    child.pop("extends")
    merged = base | {key: value for key, value in child.items() if key not in {"overrides", "roles", "parameters"}}
    for key in ("roles", "parameters", "limits"):
        if isinstance(child.get(key), dict):
            merged[key] = base.get(key, {}) | child[key]
    merged["additional_turns"] = base.get("additional_turns", {}) | (child.get("additional_turns") or {})
    for turn, changes in (child.get("overrides") or {}).items():
        _override(merged, turn, changes, document)
    return merged


def _override(merged: dict[str, Any], turn: str, changes: object, document: Document) -> None:
    where = document.where(("overrides", turn))
    if not isinstance(changes, dict):
        raise ModeError(f"{where}: overrides.{turn}: the changes are a mapping, like {{template: …}}")
    for group in ("prompts", "additional_turns"):
        if turn in merged.get(group, {}):
            merged[group] = merged[group] | {turn: _plain(merged[group][turn]) | changes}
            return
    if isinstance(merged.get("turns"), list):
        merged["turns"], hit = _override_listed(merged["turns"], turn, changes)
        if hit:
            return
    known = ", ".join(_overridable(merged))
    raise ModeError(f"{where}: overrides.{turn}: the mode extended has no such turn", hint=f"It has: {known}.")


def _override_listed(items: list[Any], turn: str, changes: dict[str, Any]) -> tuple[list[Any], bool]:
    changed, hit = [], False
    for item in map(_plain, items):
        if "turns" in item:
            inner, inner_hit = _override_listed(item["turns"], turn, changes)
            changed.append(item | {"turns": inner})
            hit = hit or inner_hit
        elif turn in (item.get("id"), item.get("role")):
            changed.append(item | changes)
            hit = True
        else:
            changed.append(item)
    return changed, hit


def _overridable(merged: dict[str, Any]) -> list[str]:
    names = [*merged.get("prompts", {}), *merged.get("additional_turns", {})]
    for item in merged["turns"] if isinstance(merged.get("turns"), list) else []:
        inner = item.get("turns", [item]) if isinstance(item, dict) else [item]
        names += [part.get("id") or part.get("role") for part in map(_plain, inner)]
    return names or ["no turn that can be changed"]


def _plain(item: Any) -> dict[str, Any]:
    return dict(item) if isinstance(item, dict) else item.model_dump(exclude_unset=True)


def _explain(error: ValidationError, document: Document) -> ModeError:
    """Say file, line, field and fix for the first problem, and how many more there are."""
    first, more = error.errors()[0], error.error_count() - 1
    path: KeyPath = tuple(part for part in first["loc"] if part not in {"block", "turn", "number", "list"})
    field = ".".join(str(part) for part in path) or "the mode"
    message, hint = first["msg"].removeprefix("Value error, "), "`workbench mode schema` describes every field."
    if first["type"] == "extra_forbidden":
        message = "this field does not exist"
        near = difflib.get_close_matches(str(path[-1]), _siblings(path), n=2)
        hint = f"Did you mean {' or '.join(near)}?" if near else hint
    elif first["type"] == "missing":
        message = "is missing"
    suffix = f" (and {more} more)" if more else ""
    return ModeError(f"{document.where(path)}: {field}: {message}{suffix}", hint=hint)


def _siblings(path: KeyPath) -> list[str]:
    from workbench.dialogue.rules.mode import BlockSpec, LimitsSpec, RoleSpec, SamplingSpec, TurnSpec

    if len(path) == 1:
        return list(Mode.model_fields)
    if path[-2] in {"sampling", "limits"}:
        return list((SamplingSpec if path[-2] == "sampling" else LimitsSpec).model_fields)
    if path[0] == "roles":
        return list(RoleSpec.model_fields)
    return [*TurnSpec.model_fields, *BlockSpec.model_fields]
