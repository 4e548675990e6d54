"""Sampling presets: named ways to draw an answer, as cards of their own.

Those that come with the workbench stand in `presets.yaml`; `[sampling.NAME]` in `workbench.toml` adds to them, or changes
single fields of those that exist. A run takes their values over when it begins, so a preset that changes later changes no
dialogue.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from workbench.errors import WorkbenchError
from workbench.models.entries import built_in, checked
from workbench.settings import Settings, load_settings

BUILT_IN = Path(__file__).with_name("presets.yaml")


class Preset(BaseModel):
    """A named way to draw an answer. What is left out is the model's, or the role's, default."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str
    description: str = ""
    temperature: float | None = Field(default=None, ge=0, le=2)
    top_p: float | None = Field(default=None, gt=0, le=1)
    top_k: int | None = Field(default=None, ge=1)
    """Likeliest tokens to draw from; left out where the provider does not take it."""
    max_tokens: int | None = Field(default=None, gt=0)
    """Tokens that the answer may have, what a model thinks before it included."""
    timeout: float | None = Field(default=None, gt=0)
    """Seconds without a byte after which a call counts as hung; by default the card's."""
    fallbacks: tuple[str, ...] = ()
    """Models that stand behind the role's own."""
    stop: tuple[str, ...] = ()

    @property
    def values(self) -> dict[str, Any]:
        """What it sets, as JSON values."""
        return self.model_dump(mode="json", exclude={"name", "description"}, exclude_defaults=True)

    @property
    def drawing(self) -> dict[str, Any]:
        """What it sets of one request, as fields of `Sampling`."""
        values = self.model_dump(include={"temperature", "top_p", "top_k", "max_tokens"}, exclude_defaults=True)
        return values | ({"stop": self.stop} if self.stop else {})


class SamplingPresets:
    """The presets by name.

    Args:
        settings: of the workspace; loaded from the current folder by default.

    Raises:
        SettingsError: an entry does not make a preset.

    >>> SamplingPresets(Settings()).get("precise").temperature
    0.2
    """

    def __init__(self, settings: Settings | None = None) -> None:
        own = (settings or load_settings()).sampling
        entries = {name: built_in(BUILT_IN).get(name, {}) | own.get(name, {}) for name in (*built_in(BUILT_IN), *own)}
        self._presets = {name: checked(Preset, "sampling", name, fields, "docs/budgets.md") for name, fields in entries.items()}

    def __iter__(self) -> Iterator[Preset]:
        return iter(self._presets.values())

    def get(self, name: str) -> Preset:
        """Return a preset.

        Raises:
            WorkbenchError: there is none of that name; the text names the nearest.
        """
        if name in self._presets:
            return self._presets[name]
        near = difflib.get_close_matches(name, self._presets, n=2)
        known = f"Did you mean {' or '.join(near)}?" if near else f"There are: {', '.join(self._presets)}."
        raise WorkbenchError(f"no sampling preset is called {name!r}", hint=known)
