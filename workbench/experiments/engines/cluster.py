"""A Dask cluster: processes of this machine that live as long as a run, or the scheduler at an address."""

from __future__ import annotations

import asyncio
import logging
import os
import time
from collections.abc import Mapping
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from workbench.errors import WorkbenchError, redact
from workbench.experiments.engines.order import RECORD, Order, versions
from workbench.experiments.engines.threads import in_thread

if TYPE_CHECKING:
    from distributed import Client, LocalCluster

PATIENCE: Final = 30.0
"""Seconds to wait for a scheduler and for its first worker."""
_LOOK: Final = 0.1
_INSTALL: Final = "pip install 'dialogue-workbench[dask]'"


class Cluster:
    """Workers of Dask.

    Args:
        scheduler: address, such as `tcp://host:8786`; None for processes of this machine.
        workers: how many processes; by default one a core. Only without a scheduler.
        record: URL of the record, password included: processes of this machine find it in their environment.

    Raises:
        WorkbenchError: Dask is not installed, or the record cannot be shared.
    """

    def __init__(self, scheduler: str | None, workers: int | None, record: str) -> None:
        try:
            import distributed  # noqa: F401 - it takes a second, and here nobody's loop waits
        except ImportError:
            raise WorkbenchError("the Dask engine needs the package distributed", hint=_INSTALL) from None
        if record.startswith("sqlite"):
            raise WorkbenchError(
                "a run on a Dask cluster needs a record in PostgreSQL; this one is an SQLite file",
                hint=f"Set {RECORD}=postgresql://user:password@host/database, or run it without a cluster.",
            )
        if scheduler is not None and workers is not None:
            raise WorkbenchError("a scheduler's workers are started with it", hint="Give a scheduler or a number of workers.")
        if workers is not None and workers < 1:
            raise WorkbenchError("a cluster has at least one worker", hint="Such as --workers 4.")
        self._scheduler, self._count, self._record = scheduler, workers or os.cpu_count() or 1, record
        self._local: LocalCluster | None = None
        self._client: Client | None = None

    async def open(self) -> Client:
        """Start the processes, or find the scheduler.

        Raises:
            WorkbenchError: it cannot be reached, or there is no worker.
        """
        from distributed import Client

        address = self._scheduler
        if address is None:
            self._local = await in_thread(self._start)
            address = self._local.scheduler_address
        try:
            self._client = await Client(address, asynchronous=True, timeout=PATIENCE, set_as_default=False)
        except (OSError, ValueError) as error:
            raise WorkbenchError(
                f"there is no Dask scheduler at {address}: {error}", hint="Start one: dask scheduler, then dask worker ADDRESS."
            ) from None
        since = time.monotonic()
        while not await self.workers():
            if time.monotonic() - since > PATIENCE:
                raise WorkbenchError(
                    f"the Dask scheduler at {address} has no workers", hint=f"Start some: dask worker {address}"
                )
            await asyncio.sleep(_LOOK)
        return self._client

    async def employ(self, name: str, order: Order) -> None:
        """Set a run up on all workers, those that come later too; each says when it is ready.

        Raises:
            WorkbenchError: a worker is not like this process.
        """
        from distributed.protocol.pickle import dumps

        from workbench.experiments.engines.crew import Crew, problem_of

        assert self._client is not None
        try:
            await self._client.register_plugin(Crew(name, dumps(order), versions()), name=name)
            problems: Mapping[str, str | None] = await self._client.run(problem_of, name)
        except (ImportError, AttributeError, TypeError) as error:
            raise WorkbenchError(
                f"a worker cannot load the workbench: {redact(str(error))}",
                hint="Install the same version of dialogue-workbench on all workers.",
            ) from None
        if found := [problem for problem in problems.values() if problem]:
            raise WorkbenchError("; ".join(found), hint="Install the same versions here and on all workers.")

    async def workers(self) -> list[str]:
        """Return the addresses of the workers that are there. Raises an `OSError` where the scheduler does not answer."""
        assert self._client is not None
        scheduler: Any = self._client.scheduler
        found: Mapping[str, Any] = await scheduler.identity(n_workers=-1)
        return list(found["workers"])

    async def close(self, name: str) -> None:
        """Let the workers go: they close the record, and processes of this machine end."""
        client, self._client = self._client, None
        local, self._local = self._local, None
        if client is not None:
            with suppress(Exception):  # who is gone already need not be told
                client.unsubscribe_topic(name)
                async with asyncio.timeout(PATIENCE):
                    await client.unregister_worker_plugin(name)
            with suppress(Exception):
                async with asyncio.timeout(PATIENCE):
                    await client.close()
        if local is not None:
            await in_thread(partial(local.close, PATIENCE))

    def _start(self) -> LocalCluster:
        from distributed import LocalCluster

        self._local = LocalCluster(
            n_workers=self._count,
            threads_per_worker=1,
            processes=True,
            host="127.0.0.1",
            dashboard_address="127.0.0.1:0",
            worker_dashboard_address=None,
            memory_limit=0,
            silence_logs=logging.ERROR,
            env={RECORD: self._record},
        )
        return self._local
