"""Recognising the text of pages that are pictures, by the Tesseract that PyMuPDF brings; its data must be installed.

It runs in the worker process. Each such page becomes a picture of itself with the recognised text, unpainted, on it. Scanners
make the same, and it is read like any other page.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, Final

from workbench.papers.reading.paper import Concern

_DPI: Final = 300
"""What Tesseract's models were made for."""
_LARGEST: Final = 5000
"""Pixels of a page's longer side."""
_LANGUAGE: Final = re.compile(r"[A-Za-z_]+(?:\+[A-Za-z_]+)*")


def recognised(pdf: Any, language: str, few: int) -> tuple[Any, Concern | None]:
    """Return a document in which every page has text, and a note of how many were recognised; the note is None for none.

    Args:
        pdf: of PyMuPDF.
        language: as Tesseract calls it: `eng`, or several as `deu+eng`.
        few: letters below which a page counts as a picture.

    Raises:
        LookupError: Tesseract's data are missing.
    """
    import pymupdf

    pictures = [number for number, page in enumerate(pdf) if sum(map(str.isalpha, page.get_text())) < few]
    if not pictures:
        return pdf, None
    data = _data_for(language)
    result = pymupdf.open()
    for number, page in enumerate(pdf):
        if number not in pictures:
            result.insert_pdf(pdf, from_page=number, to_page=number)
            continue
        zoom = min(_DPI / 72, _LARGEST / max(page.rect.width, page.rect.height, 1.0))
        picture = page.get_pixmap(matrix=pymupdf.Matrix(zoom, zoom), alpha=False)
        with pymupdf.open("pdf", picture.pdfocr_tobytes(language=language, tessdata=data)) as read:
            made = result.new_page(width=page.rect.width, height=page.rect.height)
            made.show_pdf_page(made.rect, read, 0)
    said = f"the text of {len(pictures)} of {len(pdf)} pages was recognised from pictures: names and figures may be misread"
    return result, Concern("recognised", said, pictures[0] + 1, tuple(pdf[pictures[0]].rect))


def _data_for(language: str) -> str:
    """Return the folder of Tesseract's data."""
    import pymupdf

    if not _LANGUAGE.fullmatch(language):
        raise LookupError(f"{language!r} is no language of Tesseract, such as eng or deu+eng")
    try:
        folder = pymupdf.get_tessdata()
    except Exception:  # noqa: BLE001 - PyMuPDF raises what it likes where there is none
        folder = None
    if not folder:
        raise LookupError("Tesseract is not installed")
    missing = [name for name in language.split("+") if not (Path(folder) / f"{name}.traineddata").is_file()]
    if missing:
        raise LookupError(f"Tesseract has no data for {missing[0]!r} in {folder}")
    return str(folder)
