"""The card of a LangChain chat model: what is known about it, and the object itself, which no record ever holds.

The card travels through casts and events like any other; what is written down are its declared fields. One of its tags is a
number that only this process understands, so that a card which was read back from a record finds its chat model here as long
as that lives; in another process it must be given again.
"""

from __future__ import annotations

import re
import secrets
import sys
from collections.abc import Iterable, Mapping
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final, TypeGuard
from urllib.parse import urlsplit
from weakref import WeakValueDictionary

from pydantic import PrivateAttr, ValidationError

from workbench.errors import ErrorKind, ModelError, SettingsError, register_secret
from workbench.models.card import ModelCard

if TYPE_CHECKING:
    from langchain_core.language_models import BaseChatModel

    from workbench.models.registry import ModelRegistry

PREFIX: Final = "langchain/"
_DECLARED: Final = (
    "family",
    "description",
    "capabilities",
    "prices",
    "context_window",
    "max_output",
    "default_output",
    "latency",
    "sampling",
)
"""What a card of the same model at the same provider tells."""
_OURS: Final = {"google_genai": "gemini", "google_vertexai": "vertex_ai", "mistralai": "mistral", "together": "together_ai"}
"""LangChain's names of providers to LiteLLM's, where they differ."""
_OFFICIAL: Final = re.compile(r"(^|\.)(openai|anthropic|deepseek|mistral|x|groq|together|fireworks|googleapis)\.(com|ai|xyz)$")
_ADDRESSES: Final = ("openai_api_base", "anthropic_api_url", "azure_endpoint", "api_base", "base_url", "endpoint")
_SECRET: Final = re.compile(r"api_?key|token$|secret|password|authorization", re.IGNORECASE)


_TAG: Final = "object-"
_living: Final[WeakValueDictionary[str, Any]] = WeakValueDictionary()
"""Tag to chat model."""


class ChatCard(ModelCard):
    """A model card that keeps the chat model which it describes."""

    _chat: Any = PrivateAttr(default=None)


def is_chat(value: object) -> TypeGuard[BaseChatModel]:
    """Whether a value is a LangChain chat model. Imports nothing: where none was imported there is none."""
    core = sys.modules.get("langchain_core.language_models.chat_models")
    return core is not None and isinstance(value, core.BaseChatModel)


def chat_card(chat: BaseChatModel, *, registry: ModelRegistry | None = None, **fields: Any) -> ChatCard:
    """Return a card for a LangChain chat model, to be given wherever a model can.

    What a card of the same model declares (prices, window, …) counts here too, if the chat model talks to that provider itself
    and not to another address. A card of the registry whose id is `langchain/NAME` is taken as it is.

    Args:
        chat: the chat model; its name is the model's, else its class's.
        registry: where cards of the same model are looked up; by default the workspace's.
        fields: of `ModelCard`, such as `prices=Prices(input=0.15, output=0.6)`; they win over everything else.

    Raises:
        SettingsError: the fields do not make a card.
    """
    from workbench.models.registry import ModelRegistry

    told = _told(chat)
    name = str(told.get("ls_model_name") or type(chat).__name__).removeprefix("models/")
    known = _known(chat, told, name, registry or ModelRegistry())
    for key in _secrets(chat):
        register_secret(key)
    values = _facts(chat, told) | known | {"name": name, "id": PREFIX + name, "provider": _provider(chat, told)} | fields
    try:
        card = ChatCard.model_validate(values)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        raise SettingsError(f"{name} {where}: {first['msg']}", hint="docs/models.md lists every field.") from None
    card._chat = chat  # noqa: SLF001 - ours
    return card.model_copy(update={"tags": (*card.tags, _tag(chat))})


def chat_of(card: ModelCard) -> BaseChatModel | None:
    """Return the chat model of a card; None for one of another kind, or where this process does not have it."""
    if not card.id.startswith(PREFIX):
        return None
    if isinstance(card, ChatCard):
        own: BaseChatModel = card._chat  # noqa: SLF001 - ours
        return own
    return next((chat for tag in card.tags if (chat := _living.get(tag)) is not None), None)


def without_its_model(card: ModelCard) -> bool:
    """Whether a card stands for a LangChain model that this process does not have."""
    return card.id.startswith(PREFIX) and chat_of(card) is None


def must_be_given(card: ModelCard, role: str | None = None) -> ModelError:
    """Return what to say of such a card.

    Args:
        card: without its model.
        role: that it plays, where that is known.
    """
    who = role or "ROLE"
    return ModelError(
        ErrorKind.BAD_REQUEST,
        f"{card.id} is a LangChain model, and this process does not have it: no record keeps such an object",
        model=card.name,
        hint=f"Give it again: participants={{{who!r}: <the chat model>}}; or give another model.",
    )


def refuse_objects(cast: Mapping[str, tuple[ModelCard, ...]]) -> None:
    """Refuse a cast that another process shall play.

    Raises:
        ModelError: naming the LangChain model in it.
    """
    for card in (card for chain in cast.values() for card in chain):
        if chat_of(card) is not None:
            raise ModelError(
                ErrorKind.BAD_REQUEST,
                "a LangChain model lives in this process and cannot go to another one",
                model=card.name,
                hint="Run the dialogue here, or declare the model in workbench.toml and give its name.",
            )


def _tag(chat: BaseChatModel) -> str:
    """Return the tag of a chat model, the same for the same object; it is known by it from now on."""
    known = next((tag for tag, other in list(_living.items()) if other is chat), None)
    tag = known or _TAG + secrets.token_hex(4)
    _living[tag] = chat
    return tag


def _told(chat: BaseChatModel) -> dict[str, Any]:
    """Return what the chat model tells LangSmith about itself; every integration does."""
    with suppress(Exception):  # somebody's own class; its name will do
        return dict(chat._get_ls_params())  # noqa: SLF001 - the one description that all of them have
    return {}


def _facts(chat: BaseChatModel, told: Mapping[str, Any]) -> dict[str, Any]:
    profile: Mapping[str, Any] = getattr(chat, "profile", None) or {}
    most = told.get("ls_max_tokens")
    facts = {
        "context_window": profile.get("max_input_tokens"),
        "max_output": profile.get("max_output_tokens"),
        "default_output": most if isinstance(most, int) and most > 0 else None,
        "seed": "seed" in type(chat).model_fields,
    }
    return {name: value for name, value in facts.items() if value is not None}


def _known(chat: BaseChatModel, told: Mapping[str, Any], name: str, registry: ModelRegistry) -> dict[str, Any]:
    """Return what is declared about the same model."""
    own = next((card for card in registry if card.id == PREFIX + name), None)
    if own is not None:
        return own.model_dump(exclude={"name", "id", "provider"}, exclude_unset=True)
    server = str(told.get("ls_provider", ""))
    same = next((card for card in registry if card.id == f"{_OURS.get(server, server)}/{name}"), None)
    if same is None:
        return {}
    if _elsewhere(chat):
        return {"family": same.family}
    return same.model_dump(include=set(_DECLARED), exclude_unset=True)


def _provider(chat: BaseChatModel, told: Mapping[str, Any]) -> str:
    """Return whom the circuit breaker watches: who serves the model, and where if that is not the provider itself."""
    server = told.get("ls_provider") or type(chat).__name__.lower()
    return f"langchain:{server}@{host}" if (host := _elsewhere(chat)) else f"langchain:{server}"


def _elsewhere(chat: BaseChatModel) -> str | None:
    """Return the host that a chat model talks to, unless it is the provider's own."""
    given = (getattr(chat, name, None) for name in _ADDRESSES)
    address = next((value for value in given if isinstance(value, str) and value), None)
    host = urlsplit(address).hostname if address else None
    return host if host and not _OFFICIAL.search(host) else None


def _secrets(chat: BaseChatModel) -> Iterable[str]:
    """Yield the keys that a chat model holds, so that no error text carries them on."""
    for name, value in vars(chat).items():
        if hasattr(value, "get_secret_value"):
            yield str(value.get_secret_value())
        elif isinstance(value, str) and _SECRET.search(name):
            yield value
        elif isinstance(value, Mapping):
            yield from (v for k, v in value.items() if isinstance(v, str) and _SECRET.search(str(k)))
