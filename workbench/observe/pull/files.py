"""Files that a pull writes: each whole or not at all, and never over one that says something else."""

from __future__ import annotations

import os
import re
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import Final

from workbench.observe.pull.service import PullError

_LONGEST: Final = 80
_PLAIN: Final = re.compile(r"[^A-Za-z0-9_\-]+")


def file_name(name: str) -> str:
    """Return what a service calls a thing as a name for a file: letters, digits, `-` and `_`, without folders.

    Raises:
        PullError: nothing is left of it.

    >>> file_name("../team/Q&A über alles")
    'team-Q-A-ber-alles'
    """
    plain = _PLAIN.sub("-", name).strip("-_")[:_LONGEST].strip("-_")
    if not plain:
        raise PullError(f"{name!r} gives no name for a file.", hint="Say one: --as NAME.")
    return plain


def write(path: Path, text: str, *, force: bool) -> bool:
    """Write a file, and return whether that changed anything: not where the same is there already.

    Raises:
        PullError: something else is there and `force` was not given, or it cannot be written.
    """
    try:
        if path.exists():
            if path.is_file() and path.read_bytes() == text.encode():
                return False
            if not path.is_file() or not force:
                raise PullError(f"{path} is there already, and says something else.", hint="--as another name, or --force.")
        path.parent.mkdir(parents=True, exist_ok=True)
        _replace(path, text)
    except OSError as error:
        raise PullError(f"{path} cannot be written: {error.strerror or error}") from None
    return True


def _replace(path: Path, text: str) -> None:
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name[:40]}.")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(text.encode())
        Path(name).chmod(0o644)
        Path(name).replace(path)
    except BaseException:
        with suppress(OSError):
            Path(name).unlink()
        raise
