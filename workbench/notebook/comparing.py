"""`%%dialogue … --baselines`: a comparison in a cell, told as it goes, then shown as its result in the same output."""

from __future__ import annotations

import asyncio
import queue
from argparse import Namespace
from concurrent.futures import Future
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final

from IPython.core.error import UsageError
from IPython.display import display

from workbench.dialogue import Dialogue
from workbench.dialogue.baselines import Comparison, Step, compare_async
from workbench.loop import submit
from workbench.notebook.options import run_options

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell

    from workbench.dialogue import Orchestrator

MIME: Final = "application/vnd.workbench.comparison.v1+json"
_HEARTBEAT: Final = 0.2
"""Seconds; an awaiting cell is woken so often, so that an interrupt takes effect even if nothing else happens."""
_APART: Final = ("dry_run", "background", "detach", "resume")
"""Options that do not go with it."""


class ComparisonInterrupted(KeyboardInterrupt):
    """The kernel was interrupted while a comparison ran; IPython shows one line for it instead of a traceback."""

    def _render_traceback_(self) -> list[str]:
        return [f"KeyboardInterrupt: stopped, and what is complete is kept. `baselines.resume(…, {str(self)!r})` goes on."]


class Comparing:
    """One output of a cell, which shows a comparison. It begins at once.

    Args:
        shell: whose variable the result becomes.
        orchestrator: runs it.
        wanted: the cell's options.
        topic: the cell's body.

    Raises:
        UsageError: the options do not go together.
    """

    def __init__(self, shell: InteractiveShell, orchestrator: Orchestrator, wanted: Namespace, topic: str) -> None:
        for name in _APART:
            if getattr(wanted, name):
                raise UsageError(f"--baselines does not go with --{name.replace('_', '-')}")
        self._shell, self._orchestrator, self._output = shell, orchestrator, wanted.output
        self._steps: queue.SimpleQueue[Step | None] = queue.SimpleQueue()
        self._latest: Step | None = None
        self._handle: Any = display({"text/plain": "The debate runs first."}, raw=True, display_id=True)
        case = topic if wanted.expected is None else (topic, wanted.expected)
        options = run_options(wanted) | {"referee": wanted.referee or None, "judgements": wanted.judgements or 1}
        running = compare_async(orchestrator, wanted.mode, case, notify=self._steps.put, **options)
        self._running: Future[Comparison] = submit(running)
        self._running.add_done_callback(lambda _done: self._steps.put(None))

    @property
    def dialogue(self) -> Dialogue:
        """The debate, once it has ended."""
        return self._orchestrator.load(self._running.result().id)

    def wait(self) -> None:
        """Block until all of it has ended, and show the result.

        Raises:
            ComparisonInterrupted: the kernel was interrupted; calls are stopped by then.
            WorkbenchError: it cannot be run.
        """
        try:
            while (step := self._steps.get()) is not None:
                self._tell(step)
        except KeyboardInterrupt:
            self._running.cancel()
            while self._steps.get() is not None:
                pass
            raise self._interrupted() from None
        self._end()

    async def wait_async(self) -> None:
        """Wait as `wait` does, while the kernel goes on handling buttons; raises the same."""
        try:
            while not self._running.done():
                await asyncio.sleep(_HEARTBEAT)
                self._catch_up()
        except asyncio.CancelledError:
            self._running.cancel()
            await asyncio.wait([asyncio.wrap_future(self._running)])
            raise self._interrupted() from None
        self._end()

    def _catch_up(self) -> None:
        with suppress(queue.Empty):
            step = self._steps.get_nowait()
            while step is not None:
                self._latest = step
                step = self._steps.get_nowait()
        if self._latest is not None:
            self._tell(self._latest)

    def _tell(self, step: Step) -> None:
        self._latest = step
        self._handle.update({"text/plain": str(step)}, raw=True)

    def _end(self) -> None:
        result = self._running.result()
        if self._output:
            self._shell.user_ns[self._output] = result
        self._handle.update(bundle_of(result), raw=True)

    def _interrupted(self) -> ComparisonInterrupted:
        return ComparisonInterrupted(self._latest.comparison if self._latest else "last")


def bundle_of(comparison: Comparison) -> dict[str, Any]:
    """Return what stays in a cell: readable without a kernel, a network or this package."""
    return {
        "text/plain": repr(comparison),
        "text/markdown": comparison._repr_markdown_(),
        "text/html": comparison._repr_html_(),
        MIME: comparison.to_dict(),
    }
