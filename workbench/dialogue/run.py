"""All that a dialogue needs to run, and to run again: the first event carries it into the record.

The mode is stored whole, and so are the model cards: a resume uses the models, endpoints, prices and limits that the run
began with, whatever the files say by then. Keys are not part of it; a card only names the variable.
"""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from workbench.dialogue.mode import LimitsSpec, Mode
from workbench.dialogue.parameters import Parameter
from workbench.dialogue.plan import Plan, PlannedTurn, compile_mode
from workbench.models import ModelCard


class RunSpec(BaseModel):
    """One run of a mode on a topic."""

    model_config = ConfigDict(frozen=True)

    mode: Mode
    topic: str
    parameters: dict[str, Parameter] = Field(default_factory=dict)
    cast: dict[str, tuple[ModelCard, ...]]
    """Role to models: the one asked for, then its fallbacks."""
    limits: LimitsSpec = LimitsSpec()
    seed: int | None = None
    """Of the whole run; turn number n draws with `seed + n`."""
    max_output: int = 1024
    """Tokens of one answer where neither role nor card says otherwise."""
    stream: bool = True

    def plan(self) -> Plan:
        """Return the compiled mode."""
        return compile_mode(self.mode, self.parameters)

    def longest(self, turn: PlannedTurn, card: ModelCard) -> int:
        """Return how many tokens a turn's answer may have when `card` gives it."""
        return turn.sampling.max_tokens or card.default_output or self.max_output

    def dump(self) -> dict[str, Any]:
        """Return it as JSON values; `RunSpec.model_validate` reads them back."""
        return self.model_dump(mode="json", exclude_defaults=True)
