"""Reading PDFs in another process, which is killed when it takes too long.

One `Reader` holds one such process and gives it file after file; starting it costs a second, a page a few hundredths.
"""

from __future__ import annotations

import base64
import json
import queue
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

from workbench.papers.reading.paper import Box, Paper
from workbench.papers.reading.problems import Limits, PaperError, Problem
from workbench.papers.reading.serial import paper_from_json

_START_SECONDS: Final = 60.0
"""Longest that starting the process may take."""


class Reader:
    """Reads papers one after the other; blocks, and may be called from any thread. Close it, or use it in a `with`.

    Args:
        limits: for each file.

    >>> with Reader() as reader:                                                 # doctest: +SKIP
    ...     reader.read("paper.pdf").title
    'Attention Is All You Need'
    """

    def __init__(self, limits: Limits | None = None) -> None:
        self.limits = limits or Limits()
        self._lock = threading.Lock()
        self._process: subprocess.Popen[str] | None = None
        self._lines: queue.SimpleQueue[str] = queue.SimpleQueue()

    def read(self, path: Path | str, name: str = "", *, ocr: str | None = None) -> Paper:
        """Return the paper that a PDF holds.

        Args:
            path: of the file.
            name: that the file had, where it was another one.
            ocr: recognise the text of pages that are pictures, in this language (`eng`, `deu+eng`), by Tesseract.

        Raises:
            PaperError: it cannot be read; `problem` says why.
        """
        return paper_from_json(self._ask("parse", Path(path), name=name, ocr=ocr))

    def page(self, path: Path | str, page: int, boxes: Sequence[Box] = (), *, dpi: int = 110, clip: Box | None = None) -> bytes:
        """Return a page as a PNG, with boxes highlighted.

        Args:
            path: of the PDF.
            page: from 1.
            boxes: in points, as in a `Paper`.
            dpi: pixels an inch; less where the page is very large.
            clip: the part of the page to show; by default all of it.

        Raises:
            PaperError: as `read`.
        """
        answer = json.loads(self._ask("page", Path(path), page=page, boxes=list(boxes), dpi=dpi, clip=clip))
        return base64.b64decode(answer["png"])

    def figure(self, path: Path | str, page: int, caption: Box, others: Sequence[Box] = ()) -> Box | None:
        """Return the box of the figure that a caption is of, caption included; None where nothing is drawn near it.

        Args:
            path: of the PDF.
            page: from 1.
            caption: where it is printed, in points.
            others: the other captions of that page.

        Raises:
            PaperError: as `read`.
        """
        found = json.loads(self._ask("figure", Path(path), page=page, caption=caption, others=list(others)))
        return tuple(found) if found else None

    def close(self) -> None:
        """End the process."""
        process, self._process = self._process, None
        if process is not None:
            process.kill()
            process.wait()
            for pipe in (process.stdin, process.stdout):
                with suppress(OSError):
                    if pipe is not None:
                        pipe.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    def _ask(self, do: str, path: Path, **more: Any) -> str:
        """Return the result of a request, as JSON."""
        limits = self.limits
        seconds = limits.ocr_seconds if more.get("ocr") else limits.seconds
        request = {
            "do": do,
            "path": str(path.absolute()),
            "pages": limits.pages,
            "bytes": limits.bytes,
            "megabytes": limits.megabytes,
        }
        with self._lock:
            try:
                if self._process is None or self._process.poll() is not None:
                    self.close()
                    self._start()
                answer = self._exchange(json.dumps(request | more), seconds)
            except BaseException as error:
                self.close()
                if isinstance(error, PaperError):
                    raise PaperError(f"{path.name} {error.message}", problem=error.problem) from None
                raise
            if answer.startswith(f'{{"problem": "{Problem.TOO_HUNGRY}"'):
                self.close()  # what it has taken it would not give back
        return _result(path, answer)

    def _start(self) -> None:
        self._lines = queue.SimpleQueue()
        self._process = subprocess.Popen(
            [sys.executable, "-m", "workbench.papers.reading.worker"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            encoding="utf-8",
            bufsize=1,
        )
        threading.Thread(target=_pump, args=(self._process, self._lines), name="workbench-paper", daemon=True).start()
        try:
            began = self._lines.get(timeout=_START_SECONDS)
        except queue.Empty:
            began = ""
        if not began:
            raise PaperError("cannot be read: the process that reads papers does not start", problem=Problem.CRASHED)

    def _exchange(self, request: str, seconds: float) -> str:
        process = self._process
        assert process is not None
        assert process.stdin is not None
        end = time.monotonic() + seconds
        try:
            process.stdin.write(request + "\n")
            process.stdin.flush()
            answer = self._lines.get(timeout=max(0.0, end - time.monotonic()))
        except queue.Empty:
            raise PaperError(f"took longer than {seconds:g} s to read", problem=Problem.TOO_SLOW) from None
        except OSError:
            answer = ""
        if not answer:
            raise PaperError("made the process that reads it crash", problem=Problem.CRASHED)
        return answer


def _pump(process: subprocess.Popen[str], lines: queue.SimpleQueue[str]) -> None:
    """Hand on the process's answers, and an empty one when it ends."""
    assert process.stdout is not None
    with suppress(OSError, ValueError):
        for line in process.stdout:
            lines.put(line)
    lines.put("")


def _result(path: Path, answer: str) -> str:
    prefix = '{"result": '
    if answer.startswith(prefix):
        return answer.strip()[len(prefix) : -1]
    failure = json.loads(answer)
    raise PaperError(f"{path.name} {failure['message']}", problem=Problem(failure["problem"]))
