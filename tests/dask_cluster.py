"""A Dask cluster for tests: a scheduler with workers that are threads of this process, which is quick."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from distributed import LocalCluster


@contextmanager
def cluster(workers: int = 2) -> Iterator[LocalCluster]:
    """A cluster; its `scheduler_address` is what users give."""
    with LocalCluster(
        n_workers=workers,
        threads_per_worker=1,
        processes=False,
        protocol="tcp",
        host="127.0.0.1",
        dashboard_address="127.0.0.1:0",
        worker_dashboard_address=None,
        memory_limit=0,
        silence_logs=50,
    ) as found:
        yield found
