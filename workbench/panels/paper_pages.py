"""Pictures of pages: rendered when somebody looks at them, the last few kept, by a process that does not stay for nothing."""

from __future__ import annotations

import threading
from collections import OrderedDict
from concurrent.futures import Executor
from contextlib import suppress
from pathlib import Path
from typing import Final

from workbench.papers.reading.problems import Limits
from workbench.papers.reading.reader import Reader

KEPT: Final = 32
"""Pages; one of an ordinary paper takes some 300 kB."""
IDLE: Final = 120.0
"""Seconds without a new page after which the process that renders is ended; it starts again with the next one."""
_FINEST: Final = 240
_COARSEST: Final = 48
_STEP: Final = 24
"""Dots per inch. Few steps, so that pages of windows of nearly the same width are kept once."""


class Pages:
    """Renders pages. Blocks; all calls come from the one thread of `executor`.

    Args:
        executor: that also ends the process, so that it never does so while a page is rendered.
        limits: for each file.
        kept: how many pages.
        idle: seconds until the process is ended.
    """

    def __init__(self, executor: Executor, limits: Limits | None = None, *, kept: int = KEPT, idle: float = IDLE) -> None:
        self._executor, self._reader = executor, Reader(limits)
        self._most, self._idle = kept, idle
        self._kept: OrderedDict[tuple[Path, int, int], bytes] = OrderedDict()
        self._timer: threading.Timer | None = None

    def png(self, file: Path, page: int, dpi: float) -> bytes:
        """Return a page as a PNG.

        Args:
            file: of the paper.
            page: from 1.
            dpi: wished for; the next step of 24 is taken, from 48 to 240.

        Raises:
            PaperError: it cannot be rendered.
        """
        key = file, page, _step(dpi)
        if key in self._kept:
            self._kept.move_to_end(key)
            return self._kept[key]
        self._rest_later()
        self._kept[key] = png = self._reader.page(file, page, dpi=key[2])
        while len(self._kept) > self._most:
            self._kept.popitem(last=False)
        return png

    def close(self) -> None:
        """End the process at once, and forget the pages."""
        if self._timer is not None:
            self._timer.cancel()
        self._kept.clear()
        self._reader.close()

    def _rest_later(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer = threading.Timer(self._idle, self._rest)
        self._timer.daemon = True
        self._timer.start()

    def _rest(self) -> None:
        with suppress(RuntimeError):  # the panel was closed
            self._executor.submit(self._reader.close)


def _step(dpi: float) -> int:
    """Return the step that is at least as fine as is wished.

    >>> _step(100), _step(1), _step(10_000), _step(float("nan"))
    (120, 48, 240, 240)
    """
    steps = range(_COARSEST, _FINEST + 1, _STEP)
    return next((step for step in steps if step >= dpi), _FINEST)
