"""The process that opens PDFs: `python -m workbench.papers.reading.worker`. It can be killed, and hurts nobody.

It reads one request a line on stdin, as JSON, and answers each with one line on stdout. MuPDF is C and PDFs are hostile:
what crashes, hangs or eats memory does so here.
"""

from __future__ import annotations

import base64
import json
import os
import sys
from contextlib import suppress
from dataclasses import replace
from importlib import import_module
from pathlib import Path
from typing import Any, Final, TextIO

from workbench.papers.reading.problems import Problem

_HEADER: Final = 1024
"""Bytes at the beginning among which `%PDF-` stands."""
_TRAILER: Final = 4096
_FEW_LETTERS: Final = 40
"""Letters a page, below which a document of pictures has no text."""


class _RefusedError(Exception):
    def __init__(self, problem: Problem, message: str) -> None:
        super().__init__(message)
        self.problem = problem


def main() -> None:
    """Answer requests until stdin ends."""
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)  # whatever a library prints, it does not reach the answers
    os.environ.setdefault("OMP_THREAD_LIMIT", "1")  # Tesseract would take every core
    modules: dict[str, Any] = sys.modules
    modules.setdefault("pymupdf.layout", None)  # PyMuPDF would load a model that is not used here, which takes a second
    with suppress(ImportError):  # without it, each request is answered so
        import_module("pymupdf")
    answers.write("ready\n")
    answers.flush()
    for line in sys.stdin:
        _answer(json.loads(line), answers)


def _answer(request: dict[str, Any], answers: TextIO) -> None:
    try:
        _hold_memory(request["megabytes"])
        result = {"parse": _parse, "page": _page, "figure": _figure}[request["do"]](request)
        if _ran_short(request["megabytes"]):
            raise MemoryError
        answer = {"result": result}
    except _RefusedError as refusal:
        hungry = refusal.problem in (Problem.NO_TEXT, Problem.DAMAGED) and _ran_short(request["megabytes"])
        answer = _hungry(request) if hungry else {"problem": refusal.problem, "message": str(refusal)}
    except MemoryError:
        answer = _hungry(request)
    except ImportError as error:
        answer = {"problem": Problem.NOT_INSTALLED, "message": f"reading PDFs needs PyMuPDF, which is not installed ({error})"}
    except Exception as error:  # noqa: BLE001 - MuPDF raises what it likes, and every failure is an answer
        hungry = "malloc" in str(error) or "memory" in str(error).lower()
        problem = Problem.TOO_HUNGRY if hungry else Problem.DAMAGED
        answer = {
            "problem": problem,
            "message": f"cannot be read: {' '.join(str(error).split())[:200] or type(error).__name__}",
        }
    answers.write(json.dumps(answer, default=_fields) + "\n")
    answers.flush()


def _hungry(request: dict[str, Any]) -> dict[str, Any]:
    return {"problem": Problem.TOO_HUNGRY, "message": f"needs more than {request['megabytes']:,} MB of memory"}


def _fields(value: Any) -> Any:
    """Return a dataclass's fields for JSON; `asdict` would copy every box of every line first."""
    return {name: getattr(value, name) for name in value.__dataclass_fields__}


def _hold_memory(megabytes: int) -> None:
    with suppress(ImportError, ValueError, OSError):
        import resource

        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        hard = resource.getrlimit(resource.RLIMIT_AS)[1]
        resource.setrlimit(resource.RLIMIT_AS, (megabytes * 1_000_000, hard))


def _ran_short(megabytes: int) -> bool:
    """Whether the process has come near its limit of memory. Linux alone tells."""
    with suppress(OSError, ValueError, StopIteration):
        lines = Path("/proc/self/status").read_text(encoding="ascii", errors="replace").splitlines()
        peak = next(int(line.split()[1]) for line in lines if line.startswith("VmPeak"))
        return peak * 1024 > 0.97 * megabytes * 1_000_000
    return False


def _parse(request: dict[str, Any]) -> Any:
    from workbench.papers.reading.layout.parse import parse_pages

    path = Path(request["path"])
    with _opened(path, request["pages"], request["bytes"]) as opened:
        for page in opened:
            _turn(page)
        pdf, recognised = _recognised(opened, request["ocr"]) if request.get("ocr") else (opened, None)
        paper = parse_pages(pdf, request.get("name") or path.name)
        if recognised is not None:
            paper = replace(paper, concerns=(recognised, *paper.concerns))
        if sum(map(str.isalpha, paper.lines.text)) < _FEW_LETTERS * len(pdf):
            _check_text(pdf)
        return paper


def _page(request: dict[str, Any]) -> Any:
    """Return a page as a PNG in base64, with boxes marked, and its size in pixels."""
    import pymupdf

    with _opened(Path(request["path"]), request["pages"], request["bytes"]) as pdf:
        if not 1 <= request["page"] <= len(pdf):
            raise _RefusedError(Problem.DAMAGED, f"has no page {request['page']}; it has {len(pdf)}")
        page = _turn(pdf[request["page"] - 1])
        for box in request["boxes"]:
            page.draw_rect(pymupdf.Rect(box), color=None, fill=(1.0, 0.85, 0.2), fill_opacity=0.4, overlay=True)
        largest = max(page.rect.width, page.rect.height, 1.0)
        zoom = min(request["dpi"] / 72, 3000 / largest)
        clip = pymupdf.Rect(request["clip"]) & page.rect if request.get("clip") else page.rect
        picture = page.get_pixmap(matrix=pymupdf.Matrix(zoom, zoom), clip=clip, alpha=False)
        png = base64.b64encode(picture.tobytes("png")).decode()
        return {"png": png, "width": picture.width, "height": picture.height}


def _figure(request: dict[str, Any]) -> Any:
    """Return the box of a figure on its page, by the box of its caption; null where nothing is drawn near that."""
    from workbench.papers.reading.layout.pictures import area_of

    with _opened(Path(request["path"]), request["pages"], request["bytes"]) as pdf:
        if not 1 <= request["page"] <= len(pdf):
            raise _RefusedError(Problem.DAMAGED, f"has no page {request['page']}; it has {len(pdf)}")
        return area_of(_turn(pdf[request["page"] - 1]), tuple(request["caption"]), [tuple(box) for box in request["others"]])


def _turn(page: Any) -> Any:
    """Return a page as it is seen, so that boxes are where a reader sees them: files may say that a page is shown turned."""
    if page.rotation:
        page.remove_rotation()
    return page


def _opened(path: Path, most_pages: int, most_bytes: int) -> Any:
    """Return the open document.

    Raises:
        _RefusedError: it is none, or too much of one.
    """
    head = _head(path, most_bytes)
    if b"%PDF-" not in head:
        like = "a web page" if head.lstrip()[:1] == b"<" else "something else"
        raise _RefusedError(Problem.NOT_A_PDF, f"is not a PDF; it looks like {like}")
    import pymupdf

    pymupdf.TOOLS.mupdf_display_errors(False)  # noqa: FBT003 - PyMuPDF's signature
    cut_off = not _ends(path)
    try:
        pdf = pymupdf.open(path, filetype="pdf")
    except MemoryError:
        raise
    except Exception as error:  # noqa: BLE001 - as above
        problem = Problem.TRUNCATED if cut_off else Problem.DAMAGED
        words = "breaks off in the middle" if cut_off else "is damaged"
        raise _RefusedError(problem, f"{words}: {' '.join(str(error).split())[:120]}") from None
    if pdf.needs_pass and not pdf.authenticate(""):
        raise _RefusedError(Problem.ENCRYPTED, "is protected by a password")
    if cut_off and pdf.is_repaired:
        raise _RefusedError(Problem.TRUNCATED, "breaks off in the middle")
    if len(pdf) == 0:
        raise _RefusedError(Problem.DAMAGED, "has no pages")
    if len(pdf) > most_pages:
        raise _RefusedError(Problem.TOO_LONG, f"has {len(pdf):,} pages, more than {most_pages:,}")
    return pdf


def _head(path: Path, most: int) -> bytes:
    try:
        size = path.stat().st_size
        if not path.is_file():
            raise _RefusedError(Problem.UNREADABLE, "is not a file")
        if size == 0:
            raise _RefusedError(Problem.EMPTY, "is empty")
        if size > most:
            raise _RefusedError(Problem.TOO_LARGE, f"has {size / 1e6:,.0f} MB, more than {most / 1e6:,.0f}")
        with path.open("rb") as file:
            return file.read(_HEADER)
    except OSError as error:
        raise _RefusedError(Problem.UNREADABLE, f"cannot be read: {error.strerror or error}") from None


def _ends(path: Path) -> bool:
    """Whether the file has the mark that every whole PDF ends with."""
    with path.open("rb") as file:
        file.seek(0, os.SEEK_END)
        file.seek(max(0, file.tell() - _TRAILER))
        tail = file.read()
    return b"%%EOF" in tail or b"startxref" in tail


def _recognised(pdf: Any, language: str) -> Any:
    """Return a document like this one in which pages without text have one, and a note of that; the note is None without."""
    from workbench.papers.reading.ocr import recognised

    try:
        return recognised(pdf, language, _FEW_LETTERS)
    except LookupError as error:
        raise _RefusedError(Problem.NO_OCR, f"has to be recognised, but {error.args[0]}") from None


def _check_text(pdf: Any) -> None:
    pictures = sum(bool(page.get_images()) for page in list(pdf)[:50])
    if pictures:
        raise _RefusedError(Problem.NO_TEXT, f"has no text: {pictures} of its {len(pdf)} pages are pictures, a scan")
    raise _RefusedError(Problem.NO_TEXT, "has no text")


if __name__ == "__main__":
    main()
