"""Cheaper models that a run takes along, to be asked before it would pass a ceiling in USD."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from workbench.dialogue.casting.persons import is_person
from workbench.dialogue.casting.run import RunSpec
from workbench.models import ModelCard, ModelRegistry
from workbench.models.selection import price_of

OFFERED: Final = 3
"""Cheaper models that a run takes along for each role."""


def with_cheaper(spec: RunSpec, registry: ModelRegistry) -> RunSpec:
    """Return a run, and what its sub-dialogues run, with the models that may be asked to save money.

    They are ready, cost less than the role's own, declare what it requires, and run elsewhere: a model in this process would
    have to be fetched first. Where fallbacks are forbidden there are none. What a run has already it keeps.
    """
    wanted = "cheaper" in spec.limits.downgrade and spec.fallbacks == "allow"
    roles = spec.plan().roles if wanted else {}
    cheaper = dict(spec.cheaper) if wanted else {}
    for role, chain in spec.cast.items():
        if role in roles and role not in cheaper and not is_person(chain[0]):
            cheaper[role] = _cheaper(chain, registry.capable(roles[role].requires))
    spawns = {role: with_cheaper(spawn, registry) for role, spawn in spec.spawns.items()}
    return spec.model_copy(update={"cheaper": {role: cards for role, cards in cheaper.items() if cards}, "spawns": spawns})


def _cheaper(chain: tuple[ModelCard, ...], able: Iterable[ModelCard]) -> tuple[ModelCard, ...]:
    names = {card.name for card in chain}
    found = [
        card
        for card in able
        if card.name not in names and price_of(card) < price_of(chain[0]) and not card.local and "endpoint" not in card.tags
    ]
    return tuple(sorted(found, key=lambda card: (price_of(card), card.default_output or 0))[:OFFERED])  # thoughts cost as well
