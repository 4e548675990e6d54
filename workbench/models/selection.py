"""Which model to take: cards filtered by what they declare, ordered by how good they are at something or by what they cost.

Only what a card declares counts. What it does not say (a price, a window, a latency) fails a filter on it: unknown is neither
free nor fast. Ties go to the cheaper card, then to the larger window, then to the name, so the same cards give the same order.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass, fields
from math import inf

from workbench.errors import UnknownModelError
from workbench.models.card import ModelCard


@dataclass(frozen=True, slots=True)
class Filters:
    """What a model must be. None asks for nothing.

    Args:
        min_score: least score of the capability that is asked for, 0 to 1.
        min_context: tokens of prompt and answer together.
        max_price: USD for a million tokens, three quarters of them input.
        max_latency: seconds to the first token.
        family: who trained it.
        not_family: families that are out, such as those that a judge is to judge.
        tags: all of these.
        local: true for models on this machine, false for hosted ones.
        ready: true for models whose key is set.
    """

    min_score: float | None = None
    min_context: int | None = None
    max_price: float | None = None
    max_latency: float | None = None
    family: str | None = None
    not_family: Collection[str] = ()
    tags: Collection[str] = ()
    local: bool | None = None
    ready: bool | None = True

    def refuse(self, card: ModelCard, capability: str | None) -> str | None:
        """Return what a card lacks, in a word or two; None if it passes."""
        score = card.capabilities.get(capability) if capability else 1.0
        checks = {
            f"declares no {capability}": score is None,
            f"{capability} below {self.min_score}": self.min_score is not None and (score or 0) < self.min_score,
            "its window": self.min_context is not None and (card.context_window or 0) < self.min_context,
            "its price": self.max_price is not None and price_of(card) > self.max_price,
            "its latency": self.max_latency is not None and (inf if card.latency is None else card.latency) > self.max_latency,
            "its family": self.family is not None and card.family != self.family,
            "its family is out": card.family in self.not_family,
            "its tags": not set(self.tags) <= set(card.tags),
            "where it runs": self.local is not None and card.local != self.local,
            "no key is set": bool(self.ready) and not card.ready,
        }
        return next((why for why, wrong in checks.items() if wrong), None)


def price_of(card: ModelCard) -> float:
    """Return USD for a million tokens, three of four being input, which is about what dialogues take; inf where unknown."""
    return inf if card.prices is None else (3 * card.prices.input + card.prices.output) / 4


def best(cards: Iterable[ModelCard], capability: str | None, filters: Filters) -> list[ModelCard]:
    """Return the cards that pass, the best at a capability first; without one, by the mean of what they declare.

    Raises:
        UnknownModelError: none passes; the text says what most of them lack.
    """
    return sorted(_passing(cards, capability, filters), key=lambda card: (-_score(card, capability), *_ties(card)))


def cheapest(cards: Iterable[ModelCard], capability: str | None, filters: Filters) -> list[ModelCard]:
    """Return the cards that pass, the cheapest first; of the same price, the better one. Cards without a price are left out.

    Raises:
        UnknownModelError: none passes; the text says what most of them lack.
    """
    passing = [card for card in _passing(cards, capability, filters) if card.prices is not None]
    if not passing:
        raise UnknownModelError(
            "no model that fits has a known price", hint="Give prices under [models.NAME] in workbench.toml."
        )
    return sorted(passing, key=lambda card: (price_of(card), -_score(card, capability), *_ties(card)))


def _passing(cards: Iterable[ModelCard], capability: str | None, filters: Filters) -> list[ModelCard]:
    found = [card for card in cards if "endpoint" not in card.tags]
    lacks = {card.name: filters.refuse(card, capability) for card in found}
    if passing := [card for card in found if lacks[card.name] is None]:
        return passing
    reasons = [why for why in lacks.values() if why]
    said = ", ".join(
        f"{why} ({reasons.count(why)})" for why in sorted(set(reasons), key=lambda why: (-reasons.count(why), why))
    )
    wanted = " and ".join(filter(None, [capability, *_spelled(filters)]))
    raise UnknownModelError(
        f"no model fits: {wanted or 'any'}", hint=f"What they fail at: {said}." if said else "There are no cards."
    )


def _spelled(filters: Filters) -> list[str]:
    defaults = Filters()
    named = ((field.name, getattr(filters, field.name)) for field in fields(filters))
    return [f"{name}={value}" for name, value in named if value != getattr(defaults, name)]


def _score(card: ModelCard, capability: str | None) -> float:
    if capability:
        return card.capabilities.get(capability, 0.0)
    return sum(card.capabilities.values()) / len(card.capabilities) if card.capabilities else 0.0


def _ties(card: ModelCard) -> tuple[float, int, str]:
    return price_of(card), -(card.context_window or 0), card.name
