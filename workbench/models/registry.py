"""Which models there are: the cards that come with the workbench, those of `workbench.toml`, and those added in Python.

`ModelRegistry.get` is the only place that settles what a name means: a card's name or alias first, then any id that LiteLLM
understands.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from workbench.errors import SettingsError, UnknownModelError
from workbench.models.card import ModelCard
from workbench.models.entries import built_in, checked
from workbench.models.selection import Filters, best, cheapest
from workbench.settings import Settings, load_settings

BUILT_IN = Path(__file__).with_name("cards.yaml")


class ModelRegistry:
    """The model cards by name.

    Args:
        settings: of the workspace; loaded from the current folder by default. Its `[models.NAME]` entries add cards, or
            change single fields of those that exist.

    Raises:
        SettingsError: an entry does not make a card.

    >>> ModelRegistry().get("deepseek-chat").prices.cached_input
    0.028
    """

    def __init__(self, settings: Settings | None = None) -> None:
        self._cards: dict[str, ModelCard] = {}
        entries = {name: dict(fields) for name, fields in built_in(BUILT_IN).items()}
        known = {alias: name for name, fields in entries.items() for alias in fields.get("aliases", ())}
        for entry, fields in (settings or load_settings()).models.items():
            name = entry if "id" in fields else known.get(entry, entry)
            entries[name] = entries.get(name, {}) | fields
        for name, fields in entries.items():
            self.register(_card(name, fields))

    def register(self, card: ModelCard) -> None:
        """Add a card, or replace the one of that name."""
        self._cards[card.name] = card

    def __iter__(self) -> Iterator[ModelCard]:
        return iter(self._cards.values())

    def __len__(self) -> int:
        return len(self._cards)

    def __contains__(self, name: str) -> bool:
        return self._find(name) is not None

    @property
    def names(self) -> list[str]:
        """Names and aliases, sorted."""
        return sorted({name for card in self for name in (card.name, *card.aliases)})

    def get(self, name: str, *, api_base: str | None = None) -> ModelCard:
        """Return the card that a name, an alias or a LiteLLM id means.

        Args:
            name: `claude-sonnet`, `openrouter/qwen/qwen3-8b`, or with `api_base` whatever that server calls its model.
            api_base: an OpenAI-compatible endpoint that shall serve it. Applies to ids, and to cards that speak the
                OpenAI protocol; other cards keep the endpoint that they declare.

        Raises:
            UnknownModelError: nothing is called so; the text names the nearest cards.
        """
        card = self._find(name)
        if card is not None:
            return at_endpoint(card, api_base)
        if name.startswith("local/") or "/" in name:
            return _undeclared(name, name, api_base)
        if api_base is not None:
            return _undeclared(name, f"openai/{name}", api_base)
        if _litellm_knows(name):
            return _undeclared(name, name, None)
        near = difflib.get_close_matches(name, self.names, n=3)
        raise UnknownModelError(
            f"no model is called {name!r}",
            hint=f"Did you mean {' or '.join(near)}?" if near else "`workbench models` lists the cards; PROVIDER/ID works too.",
        )

    def get_best_model(self, capability: str | None = None, **filters: Any) -> ModelCard:
        """Return the card with the highest declared score; without a capability, by the mean of all that it declares.

        Args:
            capability: reasoning, analysis, coding, writing, maths, speed, json, or one of your own cards'.
            filters: fields of `workbench.models.selection.Filters`; only models whose key is set, unless `ready=None`.

        Raises:
            UnknownModelError: none fits; the text says what they lack.

        >>> ModelRegistry().get_best_model("reasoning", ready=None, local=True).local
        True
        """
        return best(self, capability, Filters(**filters))[0]

    def get_cheapest_model(self, capability: str | None = None, **filters: Any) -> ModelCard:
        """Return the cheapest card that declares a capability (`min_score=0.8`: well enough). Arguments as for the best.

        Raises:
            UnknownModelError: none fits, or none of those has a known price.
        """
        return cheapest(self, capability, Filters(**filters))[0]

    def capable(self, requires: Iterable[str], *, only_ready: bool = True) -> list[ModelCard]:
        """Return the cards that declare every required capability, the best (mean score, then price) first."""
        wanted = tuple(requires)

        def rank(card: ModelCard) -> tuple[float, float, str]:
            mean = sum(card.capabilities[name] for name in wanted) / len(wanted) if wanted else 0.0
            return (-mean, card.prices.output if card.prices else float("inf"), card.name)

        fit = [c for c in self if all(name in c.capabilities for name in wanted) and (c.ready or not only_ready)]
        return sorted(fit, key=rank)

    def _find(self, name: str) -> ModelCard | None:
        if name in self._cards:
            return self._cards[name]
        return next((card for card in self if name in card.aliases or name == card.id), None)


def at_endpoint(card: ModelCard, api_base: str | None) -> ModelCard:
    """Return the card served by an OpenAI-compatible endpoint; cards that speak another protocol stay as they are."""
    compatible = card.id.partition("/")[0] in {"openai", "hosted_vllm", "ollama", "lm_studio"} or "undeclared" in card.tags
    if api_base is None or not compatible:
        return card
    return card.model_copy(update={"api_base": api_base, "provider": f"{card.id.partition('/')[0]}@{api_base}"})


_KEYS = {
    "anthropic": "ANTHROPIC_API_KEY",
    "azure": "AZURE_API_KEY",
    "cohere": "COHERE_API_KEY",
    "deepseek": "DEEPSEEK_API_KEY",
    "fireworks_ai": "FIREWORKS_AI_API_KEY",
    "gemini": "GEMINI_API_KEY",
    "groq": "GROQ_API_KEY",
    "mistral": "MISTRAL_API_KEY",
    "openai": "OPENAI_API_KEY",
    "openrouter": "OPENROUTER_API_KEY",
    "together_ai": "TOGETHERAI_API_KEY",
    "xai": "XAI_API_KEY",
}


def _undeclared(name: str, model_id: str, api_base: str | None) -> ModelCard:
    """Make a card for an id that nobody declared: prices, window and capabilities are unknown."""
    provider = model_id.partition("/")[0] if "/" in model_id else "openai"
    return ModelCard(
        name=name,
        id=model_id,
        api_base=api_base,
        provider=f"{provider}@{api_base}" if api_base else provider,
        family=provider,
        key=_KEYS.get(provider),
        tags=("undeclared",),
    )


def _litellm_knows(name: str) -> bool:
    from workbench.models.providers.litellm import knows

    return knows(name)


def _card(name: str, fields: dict[str, Any]) -> ModelCard:
    if (other := fields.get("name", name)) != name:
        raise SettingsError(f"[models.{name}] name: the entry's own name is the card's", hint=f"Write [models.{other}].")
    return checked(ModelCard, "models", name, fields, "docs/models.md")
