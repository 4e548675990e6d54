"""Model cards: what is declared about a model, and nothing about how to call it."""

from __future__ import annotations

import os
import re
from typing import Final
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, field_validator

from workbench.errors import ErrorKind, ModelError, register_secret
from workbench.events import Usage
from workbench.models.capacity import parse_size

PLACEHOLDER_KEY = "not-needed"
_SECRET_NAME = re.compile(r"api_?key|token$|secret|password|authorization|headers", re.IGNORECASE)


OPEN_SERVERS: Final = {"hosted_vllm": "http://localhost:8000/v1", "ollama": "http://localhost:11434"}
"""Where servers of open models listen unless somebody says otherwise, by the first part of an id."""
_WRITE_SURCHARGE: Final = 1.25
"""What Anthropic asks for a token written to its cache, times the price of input (platform.claude.com, prompt caching)."""


class Prices(BaseModel):
    """USD per million tokens. `cached_input` (read from a cache) and `cache_write` default to the price of input."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    input: float = Field(ge=0)
    output: float = Field(ge=0)
    cached_input: float | None = Field(default=None, ge=0)
    cache_write: float | None = Field(default=None, ge=0)

    def cost(self, usage: Usage) -> float:
        """Return what `usage` costs in USD.

        >>> Prices(input=0.28, cached_input=0.028, output=0.42).cost(Usage(prompt=2_000_000, cached=1_000_000, completion=0))
        0.308
        """
        fresh = max(usage.prompt - usage.cached - usage.cache_write, 0)
        prompt = fresh * self.input + usage.cached * self._reading + usage.cache_write * self._writing
        return (prompt + usage.completion * self.output) / 1e6

    def saved(self, usage: Usage) -> float:
        """Return the USD that the provider's cache saved; less than zero where writing to it cost more than reading gave.

        What was paid and what was saved make up what the same tokens cost without a cache.

        >>> Prices(input=3, cached_input=0.3, output=15).saved(Usage(prompt=2_000_000, cached=1_000_000, completion=0))
        2.7
        """
        return (usage.cached * (self.input - self._reading) + usage.cache_write * (self.input - self._writing)) / 1e6

    @property
    def _reading(self) -> float:
        return self.input if self.cached_input is None else self.cached_input

    @property
    def _writing(self) -> float:
        return self.input if self.cache_write is None else self.cache_write


class ModelCard(BaseModel):
    """A declared model. Adding one is an entry in `workbench.toml` and no code.

    >>> ModelCard(name="mine", id="openai/mistral-7b", api_base="http://localhost:8000/v1").provider
    'openai'
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str
    """What people call it: `claude-sonnet`."""
    id: str
    """What LiteLLM calls it: `anthropic/claude-sonnet-4-5`. `local/NAME` and `transformers/NAME` run in this process."""
    provider: str = ""
    """Who serves it; circuit breakers count by it. By default the id's first part."""
    family: str = ""
    """Who trained it: a judge should not belong to the family it judges. By default the provider."""
    description: str = ""
    capabilities: dict[str, float] = Field(default_factory=dict)
    """Capability to score, 0 to 1: reasoning, analysis, coding, writing, maths, speed, json."""
    prices: Prices | None = None
    """None means unknown, which is not free."""
    context_window: int | None = Field(default=None, gt=0)
    """Tokens, prompt and answer together."""
    max_output: int | None = Field(default=None, gt=0)
    """Tokens of one answer at most."""
    default_output: int | None = Field(default=None, gt=0)
    """Tokens of one answer unless the role says otherwise; models that think first need more than the usual default."""
    latency: float | None = Field(default=None, ge=0)
    """Typical seconds to the first token."""
    tags: tuple[str, ...] = ()
    aliases: tuple[str, ...] = ()
    """Other names it answers to, e.g. `claude`."""
    key: str | None = None
    """Environment variable that holds the API key; None if it needs none."""
    api_base: str | None = None
    """Endpoint of an OpenAI-compatible server, of Ollama, or of a proxy; vLLM and Ollama have one by default."""
    timeout: float = Field(default=120.0, gt=0)
    """Seconds without a byte after which a call counts as hung."""
    concurrency: int = Field(default=8, ge=1)
    """Calls to it at the same time."""
    sampling: bool = True
    """Whether it takes temperature and top_p; some reasoning models refuse them."""
    seed: bool = True
    """Whether it takes a seed."""
    json_schema: bool = False
    """Whether its provider takes a JSON Schema and holds the answer to it; `local/` models always do."""
    context_caching: bool = False
    """Whether to ask the provider to cache the beginning of prompts, where that must be asked for (Claude)."""
    min_memory: int | None = Field(default=None, gt=0)
    """Bytes of free memory (of a graphics card where the model goes there) that loading it takes; also `"2 GB"`. By default
    what its files and its context come to."""
    extra: dict[str, object] = Field(default_factory=dict)
    """Further parameters for every call, passed through as they are."""

    @field_validator("capabilities")
    @classmethod
    def _scores(cls, value: dict[str, float]) -> dict[str, float]:
        if bad := [name for name, score in value.items() if not 0 <= score <= 1]:
            raise ValueError(f"scores lie between 0 and 1: {', '.join(bad)}")
        return value

    @field_validator("min_memory", mode="before")
    @classmethod
    def _size(cls, value: object) -> object:
        return parse_size(value) if isinstance(value, str) else value

    @field_validator("extra")
    @classmethod
    def _no_secrets(cls, value: dict[str, object]) -> dict[str, object]:
        """Cards go into the record with every dialogue, so nothing secret may stand in them."""
        if bad := [name for name in value if _SECRET_NAME.search(name)]:
            raise ValueError(f"{', '.join(bad)}: secrets do not belong in a card; name their variable in `key`")
        return value

    @field_validator("api_base")
    @classmethod
    def _no_credentials(cls, value: str | None) -> str | None:
        if value is not None and urlsplit(value).password:
            raise ValueError("credentials do not belong in an address; name the key's variable in `key`")
        return value

    def model_post_init(self, _context: object, /) -> None:
        """Fill provider, family, the endpoint of an open server, and what Claude's cache costs, from the id."""
        if not self.provider:
            object.__setattr__(self, "provider", self.id.partition("/")[0] if "/" in self.id else "openai")
        if not self.family:
            object.__setattr__(self, "family", self.provider)
        server = self.id.partition("/")[0]
        if self.api_base is None and server in OPEN_SERVERS:
            said = os.environ.get(f"{server.upper()}_API_BASE") or OPEN_SERVERS[server]
            object.__setattr__(self, "api_base", said)
        if self.claude and self.prices and self.prices.cache_write is None:
            prices = self.prices.model_copy(update={"cache_write": _WRITE_SURCHARGE * self.prices.input})
            object.__setattr__(self, "prices", prices)

    @property
    def local(self) -> bool:
        """Whether it runs in this process."""
        return self.id.startswith(("local/", "transformers/"))

    @property
    def claude(self) -> bool:
        """Whether Anthropic made it, whoever serves it."""
        return self.id.startswith("anthropic/") or "claude" in self.id

    @property
    def ready(self) -> bool:
        """Whether its key, if it needs one, is set."""
        return self.key is None or self.api_base is not None or bool(os.environ.get(self.key))

    def cost(self, usage: Usage | None) -> float | None:
        """Return the USD that `usage` costs; None when prices or usage are unknown."""
        return self.prices.cost(usage) if self.prices and usage else None

    def saved(self, usage: Usage | None) -> float | None:
        """Return the USD that caching saved; None where it took no part, or prices or usage are unknown."""
        if not (self.prices and usage and (usage.cached or usage.cache_write)):
            return None
        return self.prices.saved(usage)

    def api_key(self) -> str | None:
        """Return the key to send. A server of the user's own (`api_base`) gets a placeholder where none is set.

        Raises:
            ModelError: (authentication) the card names a variable and it is not set.
        """
        value = os.environ.get(self.key, "") if self.key else ""
        if not value and self.api_base is not None:
            return PLACEHOLDER_KEY
        if self.key is None:
            return None
        if not value:
            raise ModelError(
                ErrorKind.AUTHENTICATION,
                f"no API key: the variable {self.key} is not set",
                model=self.name,
                hint=f"Set {self.key} in the environment or in .env, or use a model that needs no key: -m local.",
            )
        register_secret(value)
        return value
