"""Observations on their way into the record: what is complete while one transaction is written goes into the next one."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Final

from workbench.errors import RecordError
from workbench.experiments.judging import Judgement
from workbench.records.experiments import ExperimentRows, ObservationRow

BEAT: Final = 1.0
"""Seconds between two signs of life, and two looks at whether somebody asked the run to stop."""
_APART: Final = 0.2
"""Seconds between two words on how far it is."""


class Halt(Exception):  # noqa: N818 - no error: it says how a run ends before its end
    """A run stops here.

    Args:
        status: of the run.
        reason: in words.
    """

    def __init__(self, status: str, reason: str | None) -> None:
        super().__init__(reason)
        self.status, self.reason = status, reason


class Keeper:
    """Writes observations in batches, off the event loop.

    Args:
        rows: the record.
        run: id.
        beat: seconds between two signs of life of the run; None gives none.

    Attributes:
        ok: observations that are kept.
        failed: those that are kept as failed.
        tell: called when more is kept.
        halt: called where the run cannot go on.
    """

    def __init__(self, rows: ExperimentRows, run: str, beat: float | None = BEAT) -> None:
        self.ok = self.failed = 0
        self.tell: Callable[[], None] = lambda: None
        self.halt: Callable[[BaseException], None] = lambda _why: None
        self._rows, self._run, self._beat = rows, run, beat
        self._waiting: list[tuple[ObservationRow, asyncio.Future[None]]] = []
        self._news = asyncio.Event()
        self._closed = False
        self._told = 0.0

    @property
    def done(self) -> int:
        """Observations that are kept."""
        return self.ok + self.failed

    def count(self, *, ok: bool, again: bool) -> None:
        """Count an observation that is on disk.

        Args:
            ok: whether it has an answer.
            again: whether it takes the place of one that failed.
        """
        self.failed -= again
        if ok:
            self.ok += 1
        else:
            self.failed += 1
        now = asyncio.get_running_loop().time()
        if now - self._told >= _APART:
            self._told = now
            self.tell()

    async def compared(self, row: ObservationRow, found: Mapping[str, Judgement]) -> None:
        """Keep what judges, by metric, said of a treatment's observation beside the control's; `results` makes scores of it."""
        notes = json.loads(row.notes)
        for name, each in found.items():
            about = {"winner": each.value, "dialogues": list(each.dialogues), "cost": each.cost}
            notes.setdefault("pairs", {})[name] = about | ({"error": each.error} if each.error else {})
        await self.keep(replace(row, notes=json.dumps(notes)))

    async def keep(self, row: ObservationRow) -> None:
        """Return when an observation is on disk.

        Raises:
            RecordError: it is not.
        """
        kept = asyncio.get_running_loop().create_future()
        self._waiting.append((row, kept))
        self._news.set()
        await asyncio.shield(kept)

    async def work(self) -> None:
        """Write until `close`."""
        while not self._closed or self._waiting:
            try:
                async with asyncio.timeout(None if self._closed else self._beat):
                    await self._news.wait()
            except TimeoutError:
                pass
            self._news.clear()
            batch, self._waiting = self._waiting, []
            await self._write(batch)
            if self._closed:
                self._news.set()

    def close(self) -> None:
        """Write what is left, and end."""
        self._closed = True
        self._news.set()

    async def _write(self, batch: list[tuple[ObservationRow, asyncio.Future[None]]]) -> None:
        latest = {(row.number, row.arm, row.repeat): row for row, _ in batch}
        try:
            status = await asyncio.to_thread(self._rows.observe, self._run, list(latest.values()))
        except RecordError as error:
            for _, kept in batch:
                kept.set_exception(error)
                kept.exception()  # who waits may be gone
            self.halt(error)
            return
        for _, kept in batch:
            kept.set_result(None)
        if status == "stopping":
            self.halt(Halt("cancelled", "it was asked to stop"))
