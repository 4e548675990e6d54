"""What everything is compared with: something that has prices."""

from __future__ import annotations

from typing import Protocol

from workbench.errors import RecordError
from workbench.events import Usage


class Priced(Protocol):
    """Something with prices: a model card."""

    @property
    def name(self) -> str: ...  # noqa: D102 - as of a card
    def cost(self, usage: Usage) -> float | None: ...  # noqa: D102


def check_baseline(baseline: Priced | None) -> None:
    """Raise a RecordError where nobody knows the baseline's prices."""
    if baseline is not None and baseline.cost(Usage(1, 1)) is None:
        raise RecordError(
            f"{baseline.name} cannot be the baseline: its prices are unknown.",
            hint=f"Give prices under [models.{baseline.name}] in workbench.toml.",
        )
