"""What a model takes of this machine's memory, and what there is of it.

A container's limit counts like the machine's own memory, whichever leaves less. `providers.residents` compares the two before
weights are loaded.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, Final

MARGIN: Final = 1.2
"""Weights in memory to their file: buffers for computing come on top."""
_UNITS: Final = {"": 1, "k": 10**3, "m": 10**6, "g": 10**9, "t": 10**12, "ki": 2**10, "mi": 2**20, "gi": 2**30, "ti": 2**40}
_SIZE: Final = re.compile(r"(\d+(?:\.\d+)?)\s*([kmgt]i?)?b?", re.IGNORECASE)
_BYTES: Final = 2
"""Of a number in the key-value cache: half precision."""
_CGROUPS: Final = Path("/sys/fs/cgroup")
_OWN: Final = Path("/proc/self/cgroup")
_PAGES: Final = ("inactive_file ", "total_inactive_file ")
"""What a group's `memory.stat` calls the pages of files that are given up when memory is short (cgroups 2 and 1)."""


def parse_size(text: str) -> int:
    """Return the bytes that a size means; a GB is 10^9 bytes, a GiB 2^30.

    Raises:
        ValueError: it is no size.

    >>> parse_size("2 GB"), parse_size("1.5GiB"), parse_size("4096")
    (2000000000, 1610612736, 4096)
    """
    match = _SIZE.fullmatch(text.strip())
    if match is None:
        raise ValueError(f"{text!r} is not a size: write bytes, or 2 GB, 1.5 GiB, 600 MB")
    return int(float(match[1]) * _UNITS[(match[2] or "").lower()])


def spell_size(size: float) -> str:
    """Return a size for people.

    >>> spell_size(2_400_000_000), spell_size(98_000_000)
    ('2.4 GB', '98 MB')
    """
    return f"{size / 10**9:.1f} GB" if size >= 10**9 else f"{size / 10**6:.0f} MB"


def estimated_need(weights: int, cache: int | None) -> int:
    """Return the bytes that a model probably takes.

    Args:
        weights: bytes of its files.
        cache: bytes of its key-value cache; None where its shape is not known.
    """
    return round(weights * MARGIN) + (cache or 0)


def gguf_cache_size(header: Mapping[str, Any], tokens: int) -> int | None:
    """Return the bytes of the key-value cache for so many tokens, from a GGUF file's metadata; None where it does not say.

    Two vectors (key and value) a layer, a key-value head and a token, in half precision. Layers that see only a window of the
    text take less than that.

    >>> gguf_cache_size({"general.architecture": "llama", "llama.block_count": 30, "llama.attention.head_count": 9,
    ...                  "llama.attention.head_count_kv": 3, "llama.embedding_length": 576}, 8192)
    188743680
    """
    kind = header.get("general.architecture")

    def said(name: str, default: Any = None) -> Any:
        return header.get(f"{kind}.{name}", default)

    layers, heads, width = said("block_count"), said("attention.head_count"), said("embedding_length")
    shared = said("attention.head_count_kv", heads)
    if not (layers and heads and width and shared):
        return None
    head = width // (max(heads) if isinstance(heads, list) else heads)
    both = said("attention.key_length", head) + said("attention.value_length", head)
    all_heads = sum(shared) if isinstance(shared, list) else shared * layers
    return int(all_heads * both * tokens * _BYTES)


def free_memory() -> int:
    """Return the bytes of main memory that a new model may take: what the machine and a container's limit leave."""
    import psutil

    return min([psutil.virtual_memory().available, *group_rooms()])


def free_vram() -> int:
    """Return the bytes that are free on the graphics card of this process, without what PyTorch keeps for later."""
    import torch

    torch.cuda.empty_cache()
    return int(torch.cuda.mem_get_info()[0])


def group_rooms(own: Path = _OWN, root: Path = _CGROUPS) -> Iterator[int]:
    """Yield what each control group that this process is in leaves it, in bytes; nothing where no limit is set.

    Args:
        own: names the groups, as `/proc/self/cgroup` does.
        root: where they are mounted.
    """
    if not sys.platform.startswith("linux"):
        return
    for folder in _folders(own, root):
        for most, used in (("memory.max", "memory.current"), ("memory.limit_in_bytes", "memory.usage_in_bytes")):
            limit, taken = _number(folder / most), _number(folder / used)
            if limit is not None and taken is not None:
                yield max(limit - taken + _given_up(folder / "memory.stat"), 0)


def _folders(own: Path, root: Path) -> Iterable[Path]:
    """Return the folders of the process's groups and of those that they are in; a limit of any of them holds."""
    found: dict[Path, None] = {}
    for line in _read(own).splitlines():
        _number_of_it, _, rest = line.partition(":")
        controllers, _, path = rest.partition(":")
        if controllers and "memory" not in controllers.split(","):
            continue
        top = root / "memory" if controllers else root
        inside = top / path.lstrip("/")
        found |= dict.fromkeys([inside, *(parent for parent in inside.parents if parent.is_relative_to(top))])
    return found


def _number(path: Path) -> int | None:
    text = _read(path).strip()
    return int(text) if text.isdigit() else None


def _given_up(stat: Path) -> int:
    lines = _read(stat).splitlines()
    found = [int(line.split()[1]) for prefix in _PAGES for line in lines if line.startswith(prefix)]
    return max(found, default=0)


def _read(path: Path) -> str:
    try:
        return path.read_text("utf-8")
    except OSError:
        return ""
