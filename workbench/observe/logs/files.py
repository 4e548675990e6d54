"""The file of log lines: several processes append to it at once, and none of them loses another's.

Each line is one `write` to a file opened for appending, which the system does not mix with others. The file is opened for each
line, so that a process that has slept while another began a new file writes into the new one. Beginning a new file is done by
one process at a time, under a lock that the system frees when its holder dies.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class LogFile:
    """A file of lines, and the older ones beside it: `workbench.jsonl`, `workbench.jsonl.1` (the youngest of them), and so on.

    Args:
        path: of the newest.
        size: bytes from which on a new one is begun.
        files: how many are kept in all.
    """

    path: Path
    size: int
    files: int

    def append(self, line: str) -> None:
        """Write a line.

        Raises:
            OSError: it cannot be written.
        """
        data = line.encode("utf-8", "backslashreplace") + b"\n"
        try:
            size = self._write(data)
        except FileNotFoundError:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            size = self._write(data)
        if size >= self.size:
            self._begin_anew()

    @property
    def all(self) -> list[Path]:
        """The files that there are, the newest first."""
        return [path for path in [self.path, *map(self._older, range(1, self.files))] if path.is_file()]

    def _write(self, data: bytes) -> int:
        with self.path.open("ab", buffering=0) as file:
            file.write(data)
            return file.tell()

    def _older(self, number: int) -> Path:
        return self.path.with_name(f"{self.path.name}.{number}")

    def _begin_anew(self) -> None:
        with _alone(self.path.with_name(f"{self.path.name}.lock")):
            if not self.path.is_file() or self.path.stat().st_size < self.size:
                return  # another one has done it; while the lock is held, none does
            for number in range(self.files - 1, 1, -1):
                if self._older(number - 1).is_file():
                    self._older(number - 1).replace(self._older(number))
            self.path.replace(self._older(1))


@contextmanager
def _alone(lock: Path) -> Iterator[None]:
    with lock.open("w") as held:
        if sys.platform == "win32":
            import msvcrt

            msvcrt.locking(held.fileno(), msvcrt.LK_LOCK, 1)
        else:
            import fcntl

            fcntl.flock(held, fcntl.LOCK_EX)
        yield
