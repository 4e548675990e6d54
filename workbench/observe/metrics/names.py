"""Few labels: a name that comes once too often is called `other`."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

from workbench.errors import ErrorKind, redact

MODELS: Final = 100
PROVIDERS: Final = 40
OTHER: Final = "other"
OUTCOMES: Final = frozenset({"ok", "cancelled", *(kind.value for kind in ErrorKind)})
_LONGEST: Final = 120
_PERSON: Final = re.compile(r"(?<=://)[^/@\s]*@")


class Names:
    """The names that a label may have.

    Args:
        seen: names, each with a number that says when it was first seen; those that came first keep theirs, so that no series
            wanders off when another grows.
        most: how many there may be.

    >>> names = Names([("b", 1), ("a", 2), ("c", 3), ("a", 0)], most=2)
    >>> [names[name] for name in "abc"]
    ['a', 'b', 'other']
    """

    def __init__(self, seen: Iterable[tuple[str, int]], most: int) -> None:
        first: dict[str, int] = {}
        for name, number in seen:
            first[name] = min(number, first.get(name, number))
        kept = sorted(first, key=lambda name: (first[name], name))[:most]
        self._labels = {name: label(name) for name in kept}

    def __getitem__(self, name: str) -> str:
        """Return the label of a name."""
        return self._labels.get(name, OTHER)


def label(name: str) -> str:
    """Return a name as a label: without keys and passwords, and not too long.

    >>> label("openai@http://anna:secret@localhost:8000/v1")
    'openai@http://localhost:8000/v1'
    """
    return redact(_PERSON.sub("", name)).encode("utf-8", "replace").decode()[:_LONGEST] or "unnamed"


def outcome(name: str) -> str:
    """Return an outcome as a label."""
    return name if name in OUTCOMES else OTHER
