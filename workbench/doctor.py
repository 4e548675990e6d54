"""What works here, what does not, and what to do about it.

Everything looked at is a `Finding`. Values of keys are never part of one: a key is set, or it is not. The network is asked
with nothing but a bare request to the addresses that calls would go to, all at once and on the engine's loop.
"""

from __future__ import annotations

import asyncio
import os
import platform
import shutil
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Final, TypedDict
from urllib.parse import urlsplit

from workbench.errors import WorkbenchError
from workbench.loop import run
from workbench.models import ModelCard, ModelRegistry
from workbench.models.weights import installed
from workbench.records import Record
from workbench.settings import Settings

if TYPE_CHECKING:
    import httpx

PATIENCE: Final = 2.0
"""Seconds for an endpoint to answer."""
_PACKAGES: Final = (
    "dialogue-workbench",
    "litellm",
    "jupyterlab",
    "ipykernel",
    "ipywidgets",
    "anywidget",
    "plotly",
    "xllamacpp",
)
_HOSTS: Final[Mapping[str, str]] = {
    "anthropic": "https://api.anthropic.com",
    "cohere": "https://api.cohere.com",
    "deepseek": "https://api.deepseek.com",
    "fireworks_ai": "https://api.fireworks.ai",
    "gemini": "https://generativelanguage.googleapis.com",
    "groq": "https://api.groq.com",
    "mistral": "https://api.mistral.ai",
    "openai": "https://api.openai.com",
    "openrouter": "https://openrouter.ai",
    "together_ai": "https://api.together.xyz",
    "xai": "https://api.x.ai",
}
"""Where calls to a provider go unless a card says otherwise."""
_COUNTED: Final = 1000
_MEGABYTE: Final = 1_000_000
_TIGHT: Final = 1_000 * _MEGABYTE
_FULL: Final = 50 * _MEGABYTE


@dataclass(frozen=True)
class Finding:
    """One thing looked at: `state` is ok, missing or broken; `todo` says what to do."""

    what: str
    state: str
    detail: str = ""
    todo: str = ""


class Readiness(TypedDict):
    """Whether a model may be asked now; if not, what it lacks and what to do."""

    ready: bool
    lacks: str | None
    todo: str | None


def examine(settings: Settings, *, network: bool = True) -> list[Finding]:
    """Look at everything. Blocks for up to `PATIENCE` seconds where something does not answer.

    Args:
        settings: of the workspace.
        network: whether to ask the models' endpoints.
    """
    cards = list(ModelRegistry(settings))
    return [
        *_versions(),
        *_widgets(),
        _workspace(settings),
        _record(settings),
        *_room(settings),
        *_keys(cards),
        *_local(),
        *(run(_endpoints(cards)) if network else ()),
    ]


def readiness(cards: Iterable[ModelCard]) -> dict[str, Readiness]:
    """Return, for each model by name, whether it may be asked now; the only place where that is settled."""
    have = [each.name for each in installed()]
    return {card.name: _readiness(card, have) for card in cards}


def _readiness(card: ModelCard, have: Sequence[str]) -> Readiness:
    from workbench.models.providers.transformers import lacking

    lacks = todo = None
    if card.id.startswith("transformers/"):
        if (error := lacking(card.id.removeprefix("transformers/"))) is not None:
            lacks, todo = error.message, error.hint
    elif card.local:
        if (name := card.id.removeprefix("local/")) not in have:
            lacks, todo = f"the weights {name}", f"workbench models pull {name}"
    elif "endpoint" in card.tags:
        lacks = f"a server at {_place(card.api_base or '')}"
        todo = f"start it, or set api_base under [models.{card.name}] in workbench.toml"
    elif not card.ready:
        lacks, todo = f"the key {card.key}", f"set {card.key} in the environment or in .env"
    return Readiness(ready=lacks is None, lacks=lacks, todo=todo)


def _versions() -> list[Finding]:
    found = [Finding("python", "ok", f"{platform.python_version()} on {platform.system()} {platform.machine()}")]
    for name in _PACKAGES:
        try:
            found.append(Finding(name, "ok", version(name)))
        except PackageNotFoundError:
            found.append(Finding(name, "missing", todo=f"pip install {name}"))
    return found


def _widgets() -> list[Finding]:
    """Look for what JupyterLab needs to draw live panels, where the kernel runs; a server elsewhere has its own."""
    ours = find_spec("jupyterlab_widgets") is not None
    theirs = any((Path(folder) / "anywidget").is_dir() for folder in _extension_folders())
    return [
        Finding("JupyterLab's widgets", "ok", "the extension is installed")
        if ours
        else Finding(
            "JupyterLab's widgets", "missing", "live panels are not drawn", "pip install jupyterlab_widgets, then restart it"
        ),
        Finding("anywidget in JupyterLab", "ok", "the extension is installed")
        if theirs
        else Finding(
            "anywidget in JupyterLab", "missing", "live panels are not drawn", "pip install anywidget, then restart it"
        ),
    ]


def _extension_folders() -> list[str]:
    from jupyter_core.paths import jupyter_path

    return list(jupyter_path("labextensions"))


def _workspace(settings: Settings) -> Finding:
    if (settings.workspace / "workbench.toml").is_file():
        return Finding("workspace", "ok", str(settings.workspace))
    return Finding("workspace", "ok", f"{settings.workspace} (no workbench.toml)", "workbench init lays one out")


def _record(settings: Settings) -> Finding:
    try:
        with Record.open(settings.record_url) as record:
            count = len(record.summaries(limit=_COUNTED))
            return Finding("record", "ok", f"{record!r}, {count}{' or more' * (count == _COUNTED)} dialogues")
    except WorkbenchError as error:
        return Finding("record", "broken", error.message, error.hint or "")


def _room(settings: Settings) -> list[Finding]:
    """Look at the disk that an SQLite record is on."""
    if not settings.record_url.startswith("sqlite"):
        return []
    path = Path(settings.record_url.partition(":///")[2].partition("?")[0]).expanduser().absolute()
    folder = next(parent for parent in path.parents if parent.is_dir())
    free = shutil.disk_usage(folder).free
    detail = f"{free / _MEGABYTE:,.0f} MB free where the record is"
    if free < _FULL:
        return [Finding("disk", "broken", detail, "make room: what a dialogue says can no longer be kept")]
    return [Finding("disk", "ok", detail, "make room soon" if free < _TIGHT else "")]


def _keys(cards: Sequence[ModelCard]) -> list[Finding]:
    models: dict[str, list[str]] = {}
    for card in cards:
        if card.key:
            models.setdefault(card.key, []).append(card.name)
    return [
        Finding(key, "ok", f"set, for {', '.join(names)}")
        if os.environ.get(key)
        else Finding(key, "missing", f"for {', '.join(names)}", "set it in the environment or in .env")
        for key, names in models.items()
    ]


def _local() -> list[Finding]:
    have = installed()
    if have:
        return [Finding(f"local model {each.name}", "ok", str(each.path)) for each in have]
    return [Finding("local model", "missing", "no weights here", "workbench models pull smollm2-135m")]


async def _endpoints(cards: Sequence[ModelCard]) -> list[Finding]:
    """Ask every endpoint that a call could go to now: those of cards whose key is set, or that name one of their own."""
    import httpx

    models: dict[str, list[str]] = {}
    own = {card.api_base for card in cards}
    for card in cards:
        address = card.api_base or (_HOSTS.get(card.id.partition("/")[0]) if card.key and card.ready else None)
        if address is not None:
            models.setdefault(address, []).append(card.name)
    async with httpx.AsyncClient(timeout=PATIENCE) as client:
        answers = await asyncio.gather(*(_answers(client, address) for address in models))
        found = [
            _endpoint(address, models[address], problem, own=address in own)
            for address, problem in zip(models, answers, strict=True)
        ]
        up = {address for address, problem in zip(models, answers, strict=True) if problem is None}
        ollamas = {card.api_base: card for card in cards if card.id.startswith("ollama/") and card.api_base in up}
        return [*found, *await asyncio.gather(*(_ollama(client, str(base), card) for base, card in ollamas.items()))]


async def _ollama(client: httpx.AsyncClient, address: str, card: ModelCard) -> Finding:
    """Look at which models an Ollama server has."""
    from workbench.models.providers.servers import pulled

    what, name = f"models of Ollama at {_place(address)}", card.id.partition("/")[2]
    try:
        async with asyncio.timeout(PATIENCE):
            names = await pulled(client, address)
    except Exception as error:  # noqa: BLE001 - whatever else listens there, it is not Ollama
        return Finding(what, "missing", f"no list of models ({type(error).__name__})", "is it Ollama that listens there?")
    if not names:
        return Finding(what, "missing", "none is pulled", f"ollama pull {name}")
    return Finding(what, "ok", ", ".join(names))


async def _answers(client: httpx.AsyncClient, address: str) -> str | None:
    """Return why an address does not answer; None if it does, whatever it says to a request without a key."""
    import httpx

    try:
        async with asyncio.timeout(PATIENCE), client.stream("GET", address):
            return None
    except (TimeoutError, httpx.TimeoutException):
        return f"no answer in {PATIENCE:g} s"
    except httpx.ConnectError:
        return "no connection"
    except Exception as error:  # noqa: BLE001 - whatever an odd address leads to, it does not answer
        return f"cannot be asked ({type(error).__name__})"


def _endpoint(address: str, names: Sequence[str], problem: str | None, *, own: bool) -> Finding:
    what, whom = f"endpoint {_place(address)}", f"for {', '.join(names)}"
    if problem is None:
        return Finding(what, "ok", f"answers, {whom}")
    card = f"set another api_base under [models.{names[0]}] in workbench.toml"
    return Finding(what, "missing", f"{problem}, {whom}", f"start the server, or {card}" if own else "check network and proxy")


def _place(address: str) -> str:
    """Return an address without user, query and fragment."""
    try:
        parts = urlsplit(address)
        port = f":{parts.port}" if parts.port else ""
    except ValueError:
        return "(not a URL)"
    return f"{parts.scheme}://{parts.hostname or ''}{port}{parts.path}"
