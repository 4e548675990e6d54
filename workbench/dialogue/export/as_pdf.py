"""PDF by PyMuPDF, which lays out the same HTML. PyMuPDF is AGPL and comes with the `papers` extra only."""

from __future__ import annotations

import io
import re
from typing import Any, Final

from workbench.dialogue.export.as_html import fragment
from workbench.dialogue.transcript import Transcript
from workbench.errors import ExportError

_MARGIN: Final = 54
"""Points, three quarters of an inch."""
_FEWEST: Final = 200
"""Characters of HTML that any page holds at least."""
_MATHML: Final = re.compile(r"<math.*?</math>", re.DOTALL)
"""MuPDF prints a formula's MathML as letters in a row; its source, which stands beside it, is enough."""
_CSS: Final = """
body { font-family: sans-serif; font-size: 10pt; line-height: 1.4; }
.wb-topic { font-size: 14pt; font-weight: bold; }
.wb-note { color: #555; font-size: 8.5pt; }
.wb-turn { margin-top: 12pt; }
header span { color: #555; font-size: 8.5pt; }
pre { font-family: monospace; font-size: 8.5pt; }
blockquote { margin: 4pt 0 4pt 12pt; }
"""


def to_pdf(transcript: Transcript) -> bytes:
    """Return the dialogue as an A4 PDF.

    Raises:
        ExportError: PyMuPDF is not installed.
    """
    try:
        import pymupdf
    except ImportError:
        raise ExportError(
            "PDF needs PyMuPDF, which is not installed",
            hint="pip install 'dialogue-workbench[papers]' (PyMuPDF is AGPL), or export as html and print it.",
        ) from None
    html = fragment(transcript).replace("</b><span>", "</b> <span>").replace("</span><span>", "</span> · <span>")
    html = _MATHML.sub("", _without_style(html))
    pdf = _printed(pymupdf, html) or _printed(pymupdf, _without_tables(html))
    if pdf is None:
        raise ExportError("this dialogue cannot be laid out on pages", hint="Export as html and print it.")
    return pdf


def _printed(library: Any, html: str) -> bytes | None:
    """Return the pages; None when there is no end to them: MuPDF tries a table row taller than a page for ever."""
    story = library.Story(html=html, user_css=_CSS)
    file = io.BytesIO()
    writer = library.DocumentWriter(file)
    page = library.paper_rect("a4")
    for _ in range(10 + len(html) // _FEWEST):
        device = writer.begin_page(page)
        more, _filled = story.place((page.x0 + _MARGIN, page.y0 + _MARGIN, page.x1 - _MARGIN, page.y1 - _MARGIN))
        story.draw(device)
        writer.end_page()
        if not more:
            writer.close()
            return file.getvalue()
    return None


def _without_tables(html: str) -> str:
    """Return the HTML with each table row as a paragraph, which may go on over the page."""
    rows = re.sub(r"</?(?:table|thead|tbody)>", "", html)
    return re.sub(r"</t[dh]>", " · ", re.sub(r"<t[dh]>", "", re.sub(r"(</?)tr>", r"\1p>", rows)))


def _without_style(html: str) -> str:
    before, _, rest = html.partition("<style>")
    return before + rest.partition("</style>")[2]
