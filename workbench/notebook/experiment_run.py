"""A cell that watches a run: one line, updated in place, then the means of each arm."""

from __future__ import annotations

import asyncio
import queue
import time
from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING, Final

from workbench.notebook.experiment_page import ExperimentPage
from workbench.notebook.status_line import StatusLine

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell

    from workbench.experiments.experiment import Experiment
    from workbench.experiments.progress import Progress

_HEARTBEAT: Final = 0.2
"""Seconds between two looks at how far it is; an interrupt takes effect as soon."""
_APART: Final = 5.0
"""Seconds between two lines in a terminal, where lines cannot be changed."""


class RunInterrupted(KeyboardInterrupt):
    """The kernel was interrupted while a run went on; IPython shows one line for it instead of a traceback."""

    def _render_traceback_(self) -> list[str]:
        return [f"KeyboardInterrupt: stopped, and what is complete is kept. `%experiment resume {self}` goes on."]


class Watch:
    """Shows a run in this cell. The run begins at once.

    Args:
        shell: of the cell.
        experiment: that is run.
        begin: starts it; is given who is told how far it is.
    """

    def __init__(
        self, shell: InteractiveShell, experiment: Experiment, begin: Callable[[Callable[[Progress], None]], Experiment]
    ) -> None:
        self._line = StatusLine(shell)
        self._experiment = experiment
        self._news: queue.SimpleQueue[Progress] = queue.SimpleQueue()
        self._printed = 0.0
        begin(self._news.put)

    def wait(self) -> ExperimentPage:
        """Block until the run has ended, and return its page.

        Raises:
            RunInterrupted: the kernel was interrupted; calls are stopped by then.
            WorkbenchError: the run cannot go on.
        """
        try:
            while self._experiment.running:
                time.sleep(_HEARTBEAT)
                self._show()
        except KeyboardInterrupt:
            self._experiment.stop()
            raise RunInterrupted(self._experiment.name) from None
        self._experiment.wait()
        return self._end()

    async def wait_async(self) -> ExperimentPage:
        """Wait as `wait` does, while the kernel goes on handling messages; raises the same."""
        try:
            while self._experiment.running:
                await asyncio.sleep(_HEARTBEAT)
                self._show()
        except asyncio.CancelledError:
            await asyncio.to_thread(self._experiment.stop)
            raise RunInterrupted(self._experiment.name) from None
        await self._experiment.wait_async()
        return await asyncio.to_thread(self._end)

    def _end(self) -> ExperimentPage:
        self._show(over=True)
        self._line.end()
        return ExperimentPage(self._experiment)

    def _show(self, *, over: bool = False) -> None:
        latest = None
        with suppress(queue.Empty):
            while True:
                latest = self._news.get_nowait()
        if latest is None:
            return
        now = time.monotonic()
        if over or not self._line.printed or now - self._printed >= _APART:
            self._printed = now
            self._line.tell(str(latest))
