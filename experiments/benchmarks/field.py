"""The processes of one benchmark: the provider, and the contestants that take turns.

Rounds are interleaved (A B C, A B C, …), so that whatever else the machine does falls on all alike, and medians are taken
over the rounds, so that a single bad one does not count.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from statistics import median
from typing import Any, Final

HERE: Final = Path(__file__).parent
Cost = dict[str, float]


class Worker:
    """One contestant's process."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process

    def do(self, method: str, **options: Any) -> Cost:
        """Have a job done and return what it cost; see `worker.py`."""
        pipes = self._process
        if pipes.stdin is None or pipes.stdout is None:
            raise RuntimeError("a worker without pipes")
        print(json.dumps({"do": method, **options}), file=pipes.stdin, flush=True)
        line = pipes.stdout.readline()
        if not line:
            raise RuntimeError(f"a contestant ended with code {pipes.wait()}: {' '.join(map(str, pipes.args))}")  # type: ignore[arg-type]
        cost: Cost = json.loads(line)
        return cost


class Field:
    """Where contestants meet: one provider, one folder, and workers made on request.

    Args:
        base: the provider's address, without pace.
        folder: for databases; gone when the field is closed.
        stack: closes what was opened.
    """

    def __init__(self, base: str, folder: Path, stack: ExitStack) -> None:
        self.base, self._folder, self._stack = base, folder, stack
        self.environment = ordinary(folder)

    def worker(self, name: str, *flags: str) -> Worker:
        """Start a contestant."""
        place = Path(tempfile.mkdtemp(prefix=f"{name}-", dir=self._folder))
        command = [sys.executable, "worker.py", name, self.base, str(place), *flags]
        return Worker(self._stack.enter_context(_process(command, self.environment)))


@contextmanager
def open_field() -> Iterator[Field]:
    """Start the provider; end it and every worker afterwards."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        server = stack.enter_context(_process([sys.executable, "server.py"], ordinary(folder)))
        port = server.stdout.readline().strip() if server.stdout else ""
        yield Field(f"http://127.0.0.1:{port}", folder, stack)


def ordinary(folder: Path) -> dict[str, str]:
    """Return the environment of an ordinary installation: bytecode in this folder, and no network to wait for."""
    ours = {"LITELLM_LOCAL_MODEL_COST_MAP": "True", "PYTHONPYCACHEPREFIX": str(folder / "bytecode")}
    return {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"} | ours


@contextmanager
def _process(command: list[str], environment: dict[str, str]) -> Iterator[subprocess.Popen[str]]:
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    process = subprocess.Popen(command, cwd=HERE, env=environment, text=True, **pipes)  # type: ignore[call-overload]
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def interleaved(workers: dict[str, Worker], rounds: int, method: str, **options: Any) -> dict[str, Cost]:
    """Return each worker's median cost of a job."""
    return {name: combined(costs, median) for name, costs in each_round(workers, rounds, method, **options).items()}


def each_round(workers: dict[str, Worker], rounds: int, method: str, **options: Any) -> dict[str, list[Cost]]:
    """Return each worker's costs of a job, round by round; one round more warms up and does not count."""
    costs: dict[str, list[Cost]] = {name: [] for name in workers}
    for number in range(rounds + 1):
        for name, worker in workers.items():
            cost = worker.do(method, **options)
            if number:
                costs[name].append(cost)
    return costs


def combined(costs: Sequence[Cost], how: Callable[[list[float]], float]) -> Cost:
    """Return the median, or the maximum, of every quantity."""
    return {quantity: how([cost[quantity] for cost in costs]) for quantity in costs[0]}
