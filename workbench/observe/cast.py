"""Who was asked in a run of a dialogue, and how, as its first event recorded it."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from typing import Any

from pydantic import ValidationError

from workbench.dialogue.casting.run import RunSpec
from workbench.dialogue.planning.plan import PlannedTurn
from workbench.errors import WorkbenchError
from workbench.models import ModelCard


class Cast:
    """Who was asked in a run, and how. What was imported may not say."""

    def __init__(self, spec: Mapping[str, Any]) -> None:
        self._spec = spec

    @cached_property
    def _run(self) -> RunSpec | None:
        try:
            return RunSpec.model_validate(self._spec)
        except ValidationError:
            return None

    @cached_property
    def _turns(self) -> Mapping[str, PlannedTurn]:
        try:
            return self._run.plan().by_id if self._run else {}
        except WorkbenchError:
            return {}

    def card(self, role: str, name: str) -> ModelCard | None:
        """Return the card of a name that may speak for a role."""
        return next((card for card in self._run.models_of(role) if card.name == name), None) if self._run else None

    def parameters(self, turn: str, card: ModelCard | None) -> dict[str, Any]:
        """Return how a turn's answers are drawn from a model."""
        planned = self._turns.get(turn)
        if planned is None or self._run is None:
            return {}
        drawn = {name: getattr(planned.sampling, name) for name in ("temperature", "top_p", "top_k")}
        drawn["max_tokens"] = self._run.longest(planned, card) if card else planned.sampling.max_tokens
        drawn["seed"] = None if self._run.seed is None else self._run.seed + planned.index
        drawn["stop"] = list(planned.sampling.stop) or None
        return {name: value for name, value in drawn.items() if value is not None}


def facts_of(spec: Mapping[str, Any]) -> dict[str, Any]:
    """Return what a run was given: who plays, parameters, ceilings."""
    facts = {
        name: spec[name] for name in ("parameters", "limits", "seed", "warnings", "parent_id", "forked_from") if name in spec
    }
    cast = spec.get("cast")
    if isinstance(cast, Mapping):
        named = {
            role: [card.get("name") for card in chain if isinstance(card, Mapping)] for role, chain in cast.items() if chain
        }
        facts["participants"] = {role: names[0] if len(names) == 1 else names for role, names in named.items()}
    return {name: value for name, value in facts.items() if value not in (None, {}, [])}
