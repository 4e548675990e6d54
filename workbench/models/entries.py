"""Entries by name, in a YAML file that comes with the workbench or in a section of `workbench.toml`: model cards, presets."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from workbench.errors import SettingsError

M = TypeVar("M", bound=BaseModel)


@cache
def built_in(path: Path) -> dict[str, dict[str, Any]]:
    """Return the entries of a file, which nobody changes."""
    import yaml

    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    data: dict[str, dict[str, Any]] = yaml.load(path.read_text(encoding="utf-8"), Loader=loader)  # noqa: S506 - safe
    return data


def checked(kind: type[M], section: str, name: str, fields: Mapping[str, Any], document: str) -> M:
    """Return an entry as what it describes.

    Args:
        kind: that has a field `name`.
        section: of the settings, for errors.
        name: of the entry.
        fields: the others.
        document: that lists them.

    Raises:
        SettingsError: naming the first field that is wrong, and the one that it may be meant to be.
    """
    try:
        return kind.model_validate({**fields, "name": name})
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        near = difflib.get_close_matches(where, kind.model_fields, n=1) if first["type"] == "extra_forbidden" else []
        hint = f"Did you mean {near[0]}?" if near else f"{document} lists every field."
        raise SettingsError(f"[{section}.{name}] {where}: {first['msg']}", hint=hint) from None
