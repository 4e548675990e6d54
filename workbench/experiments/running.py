"""A run that goes on in this process: on the engine's loop, stopped and waited for from anywhere else."""

from __future__ import annotations

import asyncio
from concurrent.futures import Future

from workbench.experiments.runner import Runner
from workbench.loop import engine_loop, submit


class Running:
    """One run under way. It begins at once.

    Args:
        runner: what goes on.

    Attributes:
        ended: its status, or what went wrong, once everything is tidied up.
    """

    def __init__(self, runner: Runner) -> None:
        self.ended: Future[str] = Future()
        self._task = submit(self._begin(runner)).result()

    def stop(self) -> None:
        """Stop it, and return when what is complete is kept."""
        engine_loop().call_soon_threadsafe(self._task.cancel)
        self.ended.exception()

    async def _begin(self, runner: Runner) -> asyncio.Task[str]:
        task = asyncio.create_task(runner.go())
        task.add_done_callback(self._end)
        return task

    def _end(self, task: asyncio.Task[str]) -> None:
        if task.cancelled():
            self.ended.set_result("cancelled")
        elif (error := task.exception()) is not None:
            self.ended.set_exception(error)
        else:
            self.ended.set_result(task.result())
