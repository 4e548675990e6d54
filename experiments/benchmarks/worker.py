"""One contestant in a process of its own: `python worker.py NAME BASE FOLDER [--trace]`.

Each line on stdin is a job, `{"do": METHOD, **options}`; each line on stdout what it cost: `cpu` and `wall` in seconds, of
all threads of the process; `rss` and `traced` in bytes afterwards; `swept`, the longest garbage collection in seconds;
`blocked`, the longest gap of the event loop's heartbeat in seconds, where the job asked for one with `"beat": true`.
"""

from __future__ import annotations

import gc
import json
import sys
import time
import tracemalloc
from pathlib import Path
from typing import Any

from contestants import CONTESTANTS
from sync_contestant import Copied


def resident() -> int:
    """Return the resident memory of this process in bytes."""
    import psutil

    return psutil.Process().memory_info().rss


class Sweeps:
    """Times garbage collections: Python calls it at the start and at the end of each."""

    def __init__(self) -> None:
        self.longest = self._began = 0.0

    def __call__(self, phase: str, _info: dict[str, int]) -> None:
        """Be told by the collector."""
        if phase == "start":
            self._began = time.perf_counter()
        else:
            self.longest = max(self.longest, time.perf_counter() - self._began)


SWEEPS = Sweeps()


def measured(contestant: Any, job: dict[str, Any]) -> dict[str, float]:
    """Do a job and return what it cost."""
    method, beat, gaps = job.pop("do"), job.pop("beat", False), [0.0]
    SWEEPS.longest = 0.0
    wall, cpu = time.perf_counter(), time.process_time()
    if beat:
        gaps = contestant.beating(method, **job)
    else:
        getattr(contestant, method)(**job)
    cost = {"cpu": time.process_time() - cpu, "wall": time.perf_counter() - wall}
    return cost | {
        "blocked": max(gaps),
        "swept": SWEEPS.longest,
        "rss": resident(),
        "traced": tracemalloc.get_traced_memory()[0],
    }


def main(name: str, base: str, folder: str, *flags: str) -> None:
    """Serve jobs until stdin ends."""
    if "--trace" in flags:
        tracemalloc.start()
    gc.callbacks.append(SWEEPS)
    contestant = (CONTESTANTS | {"copied": Copied})[name](base, Path(folder))
    contestant.load()
    for line in sys.stdin:
        print(json.dumps(measured(contestant, json.loads(line))), flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
