"""What can be wrong with a paper's file, and how much of it is read."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from workbench.errors import WorkbenchError


class Problem(StrEnum):
    """Why a file cannot be read. The only classification of such failures."""

    UNREADABLE = "unreadable"
    EMPTY = "empty"
    NOT_A_PDF = "not a pdf"
    ENCRYPTED = "encrypted"
    TRUNCATED = "truncated"
    DAMAGED = "damaged"
    NO_TEXT = "no text"
    TOO_LARGE = "too large"
    TOO_LONG = "too long"
    TOO_SLOW = "too slow"
    TOO_HUNGRY = "too hungry"
    CRASHED = "crashed"
    NOT_INSTALLED = "not installed"
    NO_OCR = "no ocr"


_HINTS: Final = {
    Problem.UNREADABLE: "Check the path and its permissions.",
    Problem.EMPTY: "Fetch it again.",
    Problem.NOT_A_PDF: "A paper is a PDF; of a web page, take its PDF link.",
    Problem.ENCRYPTED: "Save it without a password first: `qpdf --decrypt --password=… in.pdf out.pdf`",
    Problem.TRUNCATED: "The download broke off: fetch it again.",
    Problem.DAMAGED: "Fetch it again, or mend it: `mutool clean in.pdf out.pdf`",
    Problem.NO_TEXT: 'Its pages are pictures. `--ocr` (in Python `ocr="eng"`) recognises the text, by Tesseract.',
    Problem.TOO_LARGE: "Raise `Limits.bytes` (--max-megabytes) if you trust it.",
    Problem.TOO_LONG: "Raise `Limits.pages` (--max-pages) if it really is a paper.",
    Problem.TOO_SLOW: "Raise `Limits.seconds` (--max-seconds) if you trust it.",
    Problem.TOO_HUNGRY: "Raise `Limits.megabytes` if you trust it.",
    Problem.CRASHED: "The file may be hostile. Mend it first: `mutool clean in.pdf out.pdf`",
    Problem.NOT_INSTALLED: "pip install 'dialogue-workbench[papers]' (PyMuPDF, licence AGPL-3.0)",
    Problem.NO_OCR: "Install Tesseract with the language's data: `apt-get install tesseract-ocr` has English, "
    "tesseract-ocr-deu German and so on; `brew install tesseract` on a Mac. Elsewhere TESSDATA_PREFIX says where the data are.",
}


class PaperError(WorkbenchError):
    """A paper cannot be read, found or fetched.

    Args:
        message: what happened, naming the file.
        problem: its class, where a file is to blame.
        hint: the way out; by default that of the class.
    """

    def __init__(self, message: str, *, problem: Problem | None = None, hint: str | None = None) -> None:
        super().__init__(message, hint=hint or (_HINTS[problem] if problem else None))
        self.problem = problem


@dataclass(frozen=True, slots=True)
class Limits:
    """How much of a machine reading one file may take.

    Attributes:
        pages: of the document.
        bytes: of the file.
        seconds: of reading it; the process that reads is killed then.
        megabytes: of memory of that process; held only on POSIX.
        ocr_seconds: instead of `seconds`, where text is to be recognised: a page takes seconds.
    """

    pages: int = 2_000
    bytes: int = 200_000_000
    seconds: float = 180.0
    megabytes: int = 3_000
    ocr_seconds: float = 1_800.0
