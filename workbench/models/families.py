"""Who trained a model, as far as its card tells: a judge should not belong to the family that it judges.

A card's `family` counts where somebody has declared it. A card for an id that nobody declared only repeats the provider there,
and one for an endpoint says `open`; then the id's own words decide (`openrouter/anthropic/claude-3` is a claude), and where
they say nothing the family is unknown, which is not the same as another one.
"""

from __future__ import annotations

import re
from typing import Final

from workbench.models.card import ModelCard

_MAKERS: Final = {
    "anthropic": "claude",
    "openai": "gpt",
    "google": "gemini",
    "vertex_ai": "gemini",
    "gemini": "gemini",
    "xai": "grok",
    "deepseek": "deepseek",
    "mistral": "mistral",
    "meta": "llama",
    "meta_llama": "llama",
    "cohere": "command",
}
"""Who trains models, as providers and people call them, to the family."""
_SHARED: Final = frozenset({"openai", "vertex_ai"})
"""Providers behind which anybody's models may stand: the first is a protocol, the second a shop."""
_OPEN: Final = "open"
_WORDS: Final = {
    "claude": "claude",
    "chatgpt": "gpt",
    "gpt": "gpt",
    "gemini": "gemini",
    "gemma": "gemini",
    "grok": "grok",
    "deepseek": "deepseek",
    "mistral": "mistral",
    "ministral": "mistral",
    "mixtral": "mistral",
    "codestral": "mistral",
    "magistral": "mistral",
    "llama": "llama",
    "qwen": "qwen",
    "qwq": "qwen",
    "smollm": "smollm",
    "phi": "phi",
    "command": "command",
}
_NAMED: Final = re.compile(rf"(?<![a-z])(?:({'|'.join(_WORDS)})|(o[1-9]))(?![a-z])")


def family_of(card: ModelCard) -> str | None:
    """Return the family of a model; None if nobody knows.

    >>> family_of(ModelCard(name="c", id="anthropic/claude-sonnet-4-5", family="claude"))
    'claude'
    >>> family_of(ModelCard(name="r", id="openrouter/anthropic/claude-3.5-sonnet"))
    'claude'
    >>> family_of(ModelCard(name="v", id="openai/default", api_base="http://localhost:8000/v1")) is None
    True
    """
    first, slash, rest = card.id.lower().partition("/")
    provider, model = (first, rest) if slash else ("openai", first)
    declared = card.family.lower()
    if declared not in {_OPEN, provider, card.provider.lower()}:
        return _MAKERS.get(declared, declared)
    if found := _NAMED.search(model):
        return _WORDS[found[1]] if found[1] else "gpt"
    served_elsewhere = card.api_base is not None or declared == _OPEN
    return None if served_elsewhere or provider in _SHARED else _MAKERS.get(provider)
