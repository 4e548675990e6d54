"""Keeps steps of a delivery in the record: while one transaction is written, the steps of other parcels gather for the next.

A record that takes nothing just now (locked, disk full) is asked again for a while, because an answer that a service gave is
not given twice.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final

from workbench.errors import RecordError
from workbench.records.parcels import ClaimLostError

if TYPE_CHECKING:
    from workbench.records.parcels import ParcelRows, Step

PATIENCE: Final = (0.1, 0.3, 1.0, 3.0, 10.0)
"""Seconds between attempts to write; each attempt waits for a lock by itself as well."""


class Ledger:
    """The steps of one delivery. Use it on one event loop.

    Args:
        rows: of the record.
        target: id of the target.
    """

    def __init__(self, rows: ParcelRows, target: str) -> None:
        self._rows = rows
        self._target = target
        self._waiting: list[tuple[Step, asyncio.Future[None]]] = []
        self._writing: asyncio.Task[None] | None = None

    async def keep(self, step: Step) -> None:
        """Return when a step is on disk; it is written even if nobody waits for it any more.

        Raises:
            RecordError: it is not.
        """
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append((step, future))
        if self._writing is None or self._writing.done():
            self._writing = asyncio.create_task(self._write())
        await future

    async def settled(self) -> None:
        """Return when everything is written, or has failed to be."""
        if self._writing is not None:
            await asyncio.wait([self._writing])

    async def _write(self) -> None:
        while self._waiting:
            batch, self._waiting = self._waiting, []
            try:
                await self._apply([step for step, _ in batch])
            except Exception as error:  # noqa: BLE001 - those who wait are told, whatever it is
                for _, future in batch:
                    if not future.done():
                        future.set_exception(error)
                        future.exception()  # nobody may wait any more
            else:
                for _, future in batch:
                    if not future.done():
                        future.set_result(None)

    async def _apply(self, steps: list[Step]) -> None:
        for pause in (*PATIENCE, None):
            try:
                return await asyncio.to_thread(self._rows.apply, self._target, steps)
            except ClaimLostError:
                raise
            except RecordError:
                if pause is None:
                    raise
                await asyncio.sleep(pause)
        return None
