"""Which process runs a dialogue, and whether that process still lives.

An owner is `host:pid:start`, with the process's start time in Unix seconds, because process ids are used again. A
process on another host cannot be looked at: it counts as alive until its dialogue has been silent for a while.
"""

from __future__ import annotations

import os
import socket
import time
from functools import lru_cache
from typing import Final

FOREIGN_SILENCE: Final = 15 * 60.0
"""Seconds without an event after which an owner on another host is taken for dead."""
_CLOCK_SLACK: Final = 2.0
"""Seconds by which two readings of one process's start time may differ."""
_gone: Final[set[str]] = set()


def this_process() -> str:
    """Return this process as an owner."""
    return _owner(os.getpid())


@lru_cache(maxsize=4)
def _owner(pid: int) -> str:
    import psutil

    return f"{socket.gethostname()}:{pid}:{psutil.Process(pid).create_time():.2f}"


def is_alive(owner: str | None, last_seen: float) -> bool:
    """Whether the owning process lives.

    Args:
        owner: as `this_process` writes it; None for nobody.
        last_seen: Unix time in seconds of the owner's latest sign of life.
    """
    if owner is None or owner in _gone:
        return False
    host, pid, start = owner.rsplit(":", 2)
    if host != socket.gethostname():
        return time.time() - last_seen < FOREIGN_SILENCE
    return owner == this_process() or _runs_here(int(pid), float(start))


def is_here(owner: str) -> bool:
    """Whether an owner is, or was, a process on this host."""
    return owner.rsplit(":", 2)[0] == socket.gethostname()


def presume_gone(owner: str) -> None:
    """Take a process on another host for dead from now on, because whoever looks after it says so."""
    _gone.add(owner)


def local_pid(owner: str | None) -> int | None:
    """Return the process id of an owner that lives on this host; None for any other."""
    if owner is None:
        return None
    host, pid, start = owner.rsplit(":", 2)
    return int(pid) if host == socket.gethostname() and _runs_here(int(pid), float(start)) else None


def _runs_here(pid: int, start: float) -> bool:
    import psutil

    try:
        process = psutil.Process(pid)
        same = abs(process.create_time() - start) <= _CLOCK_SLACK
        return bool(same and process.status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False
    except psutil.AccessDenied:
        return True
