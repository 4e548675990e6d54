"""Where quotes stand, as pictures: the stretch of a page around each, the quote highlighted."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from workbench.papers.passages.quotes import CheckedQuote
from workbench.papers.reading.problems import PaperError

if TYPE_CHECKING:
    from workbench.papers.shelf import Shelf

_AROUND: Final = 24.0
"""Points of the page shown above and below a quote: two lines. Notebooks keep the pictures, so they are small."""
_WIDE: Final = 10_000.0
"""Points; more than any page has."""


def highlights_of(shelf: Shelf, paper: str, quotes: Sequence[CheckedQuote]) -> list[str | None]:
    """Return for each quote a PNG in base64; None where it stands nowhere, a quote before it stands there, or the file is gone.

    Args:
        shelf: that the paper is on.
        paper: its id, as `Shelf.find` takes it.
        quotes: that were looked up in it.
    """
    places = [quote.boxes for quote in quotes]
    return [None if quote.boxes in places[:number] else _highlight(shelf, paper, quote) for number, quote in enumerate(quotes)]


def _highlight(shelf: Shelf, paper: str, quote: CheckedQuote) -> str | None:
    boxes = [box for page, box in quote.boxes if page == quote.page]
    if not boxes or quote.page is None:
        return None
    top, bottom = min(box[1] for box in boxes) - _AROUND, max(box[3] for box in boxes) + _AROUND
    try:
        png = shelf.reader.page(shelf.file(paper), quote.page, boxes, clip=(0.0, top, _WIDE, bottom))
    except PaperError:
        return None
    return base64.b64encode(png).decode()
