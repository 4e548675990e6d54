"""Processes that write a record, or deliver it, and may be killed: forked from one that has imported everything.

As a script it is that first process: a line of JSON on stdin is a job, and the answer is the id of the process that does it.
It starts no thread and no event loop, because neither survives a fork.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from itertools import count
from typing import Any, Self

import psutil
from patience import wait_until
from sync_service import SmallTarget, deliver

from workbench.events import DialogueEnded, DialogueStarted, Status
from workbench.records import Record
from workbench.records.rating import Rating


class Mortals:
    """The process that the others are forked from. Use as a context manager."""

    def __enter__(self) -> Self:
        self._process = subprocess.Popen([sys.executable, __file__], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        assert self._process.stdout.readline() == "ready\n"
        return self

    def __exit__(self, *_: object) -> None:
        self._process.stdin.close()
        self._process.wait(10)
        self._process.stdout.close()

    def start(self, do: str, **job: Any) -> psutil.Process:
        """Have a job done by a process of its own."""
        self._process.stdin.write(json.dumps(job | {"do": do}) + "\n")
        self._process.stdin.flush()
        return psutil.Process(int(self._process.stdout.readline()))


def kill(process: psutil.Process) -> None:
    """Kill a process as `kill -9` does, and wait until it is gone."""
    try:
        process.kill()
        process.wait(10)
    except psutil.NoSuchProcess:
        pass


def ended(process: psutil.Process) -> None:
    """Wait until a process has ended by itself."""
    wait_until(lambda: not process.is_running())


def make_target(name: str, arguments: list[Any]) -> Any:
    """Return a target by the name of its class."""
    if name == "LangfuseTarget":
        from workbench.observe.sync.langfuse import LangfuseTarget

        return LangfuseTarget(*arguments)
    if name == "LangSmithTarget":
        from workbench.observe.sync.langsmith import LangSmithTarget

        return LangSmithTarget(*arguments)
    return SmallTarget(*arguments)


def a_dialogue(name: str, run: dict[str, Any] | None = None) -> list[Any]:
    """Return the events of a dialogue that began and ended."""
    return [
        DialogueStarted(dialogue=name, seq=1, at=1.0, mode="chat", topic="Tabs?", run=run or {}),
        DialogueEnded(dialogue=name, seq=5, at=2.0, status=Status.COMPLETED),
    ]


def a_rating(dialogue: str, quality: float = 0.5, turn: str = "t") -> Rating:
    """Return what somebody says of a turn."""
    return Rating(dialogue=dialogue, turn=turn, role="r", model="m", quality=quality, source="person", by="Ann", at=3.0)


def work(job: dict[str, Any]) -> None:
    """Do a job."""
    with Record.open(job["url"]) as record:
        if job["do"] == "write":
            for number in count():
                name = f"p{os.getpid()}n{number}"
                record.write(a_dialogue(name))
                record.rate([a_rating(name)])
        else:
            target = make_target(*job["target"])
            if "lag" in job:
                target.lag = job["lag"]
            deliver(record, target)


def main() -> None:
    """Import everything, then fork a process for each job."""
    import tempfile

    import httpcore  # noqa: F401 - imported once, for all

    for name in ("LangfuseTarget", "LangSmithTarget"):
        make_target(name, ["http://localhost", "none", "none"])
    with tempfile.TemporaryDirectory() as folder:
        Record.open(f"sqlite:///{folder}/warm.db").close()
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    print("ready", flush=True)
    for line in sys.stdin:
        pid = os.fork()
        if pid == 0:
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            try:
                work(json.loads(line))
            finally:
                os._exit(0)
        print(pid, flush=True)


if __name__ == "__main__":
    main()
