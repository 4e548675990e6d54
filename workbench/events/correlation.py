"""The correlation id: one word that everything done for one purpose has in common, in every log line about it.

By default it is the id of the dialogue that was started, and its sub-dialogues have it too. Whoever starts several things for
one purpose binds a word of their own. It is a context variable: it follows tasks, `asyncio.to_thread` and what is handed to the
engine's loop; other processes are handed it by name.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Final

_LONGEST: Final = 200
_bound: Final[ContextVar[str | None]] = ContextVar("workbench_correlation", default=None)


def correlation() -> str | None:
    """Return the correlation id of the code that asks; None where nothing is bound."""
    return _bound.get()


def adopt(name: str) -> None:
    """Bind a correlation id for the rest of the task that asks, unless one is bound."""
    if _bound.get() is None:
        _bound.set(name)


@contextmanager
def correlate(name: str) -> Iterator[str]:
    """Bind a correlation id to all that is begun inside the `with`.

    Args:
        name: up to 200 characters on one line.

    Raises:
        ValueError: it is empty, too long or has characters that do not print.

    >>> with correlate("nightly-2026-11-22"):
    ...     correlation()
    'nightly-2026-11-22'
    """
    if not (name.strip() and name.isprintable() and len(name) <= _LONGEST):
        raise ValueError(f"a correlation id has 1 to {_LONGEST} printable characters, unlike {name[:40]!r}")
    token = _bound.set(name)
    try:
        yield name
    finally:
        _bound.reset(token)
