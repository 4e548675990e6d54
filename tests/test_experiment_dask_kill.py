"""A worker of a Dask cluster is killed with `kill -9` in the middle of a run: nothing is lost, and nothing is made twice."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from dask_cluster import cluster
from distributed import Client
from experimenters import cases, prompt_of, workshop
from patience import wait_until
from wire import Wire

from workbench.experiments import Experiment
from workbench.records import Record

pytestmark = pytest.mark.slow
CASES = 40
AT_ONCE = 8


@contextmanager
def worker_process(scheduler: str, record: str) -> Iterator[subprocess.Popen[bytes]]:
    """A worker of a cluster that is a process of its own."""
    command = [
        sys.executable,
        "-m",
        "distributed.cli.dask_worker",
        scheduler,
        "--no-nanny",
        "--nthreads",
        "1",
        "--no-dashboard",
    ]
    with subprocess.Popen(command, env=os.environ | {"WORKBENCH_RECORD_URL": record}, stderr=subprocess.DEVNULL) as process:
        yield process
        process.kill()


def test_after_kill_9_of_a_worker_each_observation_is_there_once(
    tmp_path: Path, postgres_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WORKBENCH_RECORD_URL", postgres_url)
    arms = {
        "plain": {"model": "m", "prompt": "What is {question}"},
        "careful": {"model": "m", "prompt": "With care: what is {question}"},
    }
    with (
        cluster(workers=1) as found,
        worker_process(found.scheduler_address, postgres_url) as worker,
        Client(found.scheduler_address, set_as_default=False) as client,
        Wire(delay=0.005) as wire,
        workshop(tmp_path, wire) as orchestrator,
    ):
        orchestrator._record = Record.open(postgres_url)
        client.wait_for_workers(2)
        client.run(exec, "from workbench.models.providers.quiet import library; library()")
        mine = next(address for address, pid in client.run(os.getpid).items() if pid == worker.pid)
        experiment = Experiment(
            "sums",
            cases=cases(CASES),
            arms=arms,
            metrics=["latency", "cost"],
            orchestrator=orchestrator,
            concurrency=AT_ONCE,
        )
        experiment.start(engine="dask", scheduler=found.scheduler_address)
        wait_until(lambda: sum(wire.answered.values()) >= CASES / 2 or not experiment.running)
        worker.send_signal(signal.SIGSTOP)
        wait_until(lambda: client.processing()[mine])
        worker.kill()
        assert experiment.wait().status == "completed"

        frame = experiment.results
        assert len(frame) == 2 * CASES
        assert not frame.duplicated(["case", "arm", "repeat"]).any()
        assert (frame["status"] == "ok").all()
        assert frame["dialogue"].is_unique
        asked = Counter(prompt_of(each) for each in wire.requests)
        assert len(asked) == 2 * CASES
        assert sum(asked.values()) - 2 * CASES <= AT_ONCE, "only what was on its way when the worker died may be asked again"
        assert max(asked.values()) <= 2
        assert (orchestrator.record.dialogues()["status"] == "completed").all()
