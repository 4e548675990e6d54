"""Processes that run dialogues and may be killed: forked from one that has imported everything, so that each begins at once.

As a script it is that first process: a line of JSON on stdin is a job, and the answer is the id of the process that does it.
It starts no thread and no event loop, because neither survives a fork. A job's outcome is written to the file that it names.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil

from workbench.dialogue import Orchestrator
from workbench.errors import WorkbenchError
from workbench.records import Record
from workbench.settings import RecordSettings, RetrySettings, Settings


@dataclass
class Mortal:
    """One process that does a job."""

    pid: int
    outcome: Path

    @property
    def lives(self) -> bool:
        return psutil.pid_exists(self.pid)

    def kill(self) -> None:
        """Kill it as `kill -9` does, and wait until it is gone."""
        try:
            process = psutil.Process(self.pid)
            process.kill()
            process.wait(10)
        except psutil.NoSuchProcess:
            pass

    def result(self) -> dict[str, Any]:
        """Wait for its end and return what it found."""
        give_up = time.monotonic() + 60
        while self.lives and time.monotonic() < give_up:
            time.sleep(0.005)
        return json.loads(self.outcome.read_text())


class Nursery:
    """The process that the others are forked from. Use as a context manager."""

    def __enter__(self) -> Nursery:
        self._process = subprocess.Popen([sys.executable, __file__], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        assert self._process.stdout.readline() == "ready\n"
        self._folder = tempfile.TemporaryDirectory()
        self._jobs = 0
        return self

    def __exit__(self, *_: object) -> None:
        self._process.stdin.close()
        self._process.wait(10)
        self._process.stdout.close()
        self._folder.cleanup()

    def start(self, do: str, url: str, *arguments: Any, **options: Any) -> Mortal:
        """Have `Orchestrator.<do>(*arguments, **options)` done by a process of its own, on the record at `url`."""
        self._jobs += 1
        outcome = Path(self._folder.name) / f"{self._jobs}.json"
        job = {"do": do, "url": url, "arguments": arguments, "options": options, "outcome": str(outcome)}
        self._process.stdin.write(json.dumps(job) + "\n")
        self._process.stdin.flush()
        return Mortal(int(self._process.stdout.readline()), outcome)


def work(job: dict[str, Any]) -> None:
    """Do a job and write down what came of it."""
    outcome = Path(job["outcome"])
    settings = Settings(
        workspace=outcome.parent,
        record=RecordSettings(url=job["url"]),
        retry=RetrySettings(base=0.01, cap=0.05, breaker_seconds=0.2),
    )
    with Orchestrator(settings=settings) as orchestrator:
        began = time.perf_counter()
        try:
            dialogue = getattr(orchestrator, job["do"])(*job["arguments"], **job["options"])
        except WorkbenchError as error:
            found: dict[str, Any] = {"error": str(error)}
        else:
            found = {"status": str(dialogue.status), "seconds": time.perf_counter() - began}
    outcome.with_suffix(".new").write_text(json.dumps(found))
    outcome.with_suffix(".new").replace(outcome)


def main() -> None:
    """Import everything, then fork a process for each job."""
    import psycopg  # noqa: F401 - imported once, for all

    from workbench.models.providers.quiet import _silent_class, library

    library()
    _silent_class()
    with tempfile.TemporaryDirectory() as folder:
        Record.open(f"sqlite:///{folder}/warm.db").close()
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    print("ready", flush=True)
    for line in sys.stdin:
        pid = os.fork()
        if pid == 0:
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            work(json.loads(line))
            os._exit(0)
        print(pid, flush=True)


if __name__ == "__main__":
    main()
