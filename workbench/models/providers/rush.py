"""Garbage collection while many calls are in flight at once.

What LiteLLM imports is some hundred thousand objects. A full collection searches them all, which takes a quarter of a second
and stops every thread; a hundred calls at once make enough objects to bring one about every time. During a rush the objects
that were there before it are therefore frozen: collections go on, but search only what the rush itself made. When the last
call has ended they are thawed, and can be collected as before.
"""

from __future__ import annotations

import gc
from types import TracebackType
from typing import Final

MANY: Final = 8
"""Calls in flight that make a rush."""
RUSHES: Final = 50
"""Rushes after which everything is searched once, because each of them puts full collections off."""


class Rush:
    """Counts calls in flight; a context manager around each of them, on one thread."""

    def __init__(self) -> None:
        self._calls = self._rushes = 0
        self._frozen = False

    def __enter__(self) -> None:
        self._calls += 1
        if self._calls == MANY and not self._frozen and gc.get_freeze_count() == 0:  # else somebody's own freeze
            gc.freeze()
            self._frozen = True

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._calls -= 1
        if self._calls == 0 and self._frozen:
            self._thaw()

    def _thaw(self) -> None:
        gc.unfreeze()
        self._frozen = False
        self._rushes += 1
        if self._rushes % RUSHES == 0:
            gc.collect()
