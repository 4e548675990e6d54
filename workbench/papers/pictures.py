"""Pictures of figures and tables: the part of the page that a caption speaks of."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from workbench.papers.reading.problems import PaperError

if TYPE_CHECKING:
    from workbench.papers.reading.paper import Box, Figure, Paper, Table
    from workbench.papers.shelf import Shelf

_MARGIN: Final = 6.0
_SAME: Final = {
    "fig": "figure",
    "figs": "figure",
    "tab": "table",
    "tbl": "table",
    **{
        roman: str(number)
        for number, roman in enumerate(["i", "ii", "iii", "iv", "v", "vi", "vii", "viii", "ix", "x", "xi", "xii"], start=1)
    },
}
"""What is the same in labels."""


def picture_of(shelf: Shelf, name: str, label: str, *, dpi: int = 200) -> bytes:
    """Return a figure or a table of a paper as a PNG, with its caption.

    It is cut from the page: what is drawn or printed next to the caption, as far as no running text stands between.

    Args:
        shelf: that the paper is on.
        name: of the paper, as `Shelf.find` takes it.
        label: `Figure 2`, `fig. 2`, `Table 1`; a number alone means the figure.
        dpi: pixels an inch.

    Raises:
        RecordError: there is no such paper.
        PaperError: it has no such figure, nothing is drawn near the caption, or its file cannot be read.
    """
    row = shelf.find(name)
    paper, file = shelf.paper(row.id), shelf.file(row.id)
    found = labelled(paper, label)
    page, caption = _caption(found)
    others = [box for each in _all(paper) if each is not found and (box := _box(each, page))]
    box = getattr(found, "box", None)
    area = _around(box, caption) if box else shelf.reader.figure(file, page, caption, others)
    if area is None:
        raise PaperError(
            f"nothing is drawn near {found.label} on page {page} of {row.id}",
            hint="Its picture may be set as text, or stand on another page. The file is in the workspace's papers/ folder.",
        )
    return shelf.reader.page(file, page, dpi=dpi, clip=area)


def labelled(paper: Paper, label: str) -> Figure | Table:
    """Return the figure or table of a label.

    Raises:
        PaperError: there is none; the text names those that there are.
    """
    every, wanted = _all(paper), _plain(label)
    for each in every:
        if _plain(each.label) == wanted:
            return each
    there = ", ".join(each.label for each in every[:20])
    raise PaperError(f"the paper has no {label!r}", hint=f"There are: {there}." if there else "No captions were found in it.")


def _all(paper: Paper) -> list[Figure | Table]:
    return [*paper.figures, *paper.tables]


def _plain(label: str) -> str:
    """Return a label as it is compared: `Fig. 2:` is `figure 2`, and so are `2` and `Figure II`."""
    words = re.findall(r"[a-z]+(?![\w.]*\d)|[a-z]?\d[\w.]*|[ivxl]+\b", label.casefold())
    kind, *rest = [_SAME.get(word, word) for word in words] or [""]
    return f"{kind} {' '.join(rest)}".rstrip(". ") if rest else f"figure {kind}".rstrip(". ")


def _caption(found: Figure | Table) -> tuple[int, Box]:
    """Return the page of a caption, and its box there."""
    if (box := _box(found, found.page)) is None:
        raise PaperError(f"where {found.label} is printed is not known", hint="Add the paper again.")
    return found.page, box


def _box(found: Figure | Table, page: int) -> Box | None:
    boxes = [anchor.box for anchor in found.caption.anchors if anchor.page == page]
    if not boxes:
        return None
    return (min(b[0] for b in boxes), min(b[1] for b in boxes), max(b[2] for b in boxes), max(b[3] for b in boxes))


def _around(box: Box, caption: Box) -> Box:
    return (
        max(0.0, min(box[0], caption[0]) - _MARGIN),
        max(0.0, min(box[1], caption[1]) - _MARGIN),
        max(box[2], caption[2]) + _MARGIN,
        max(box[3], caption[3]) + _MARGIN,
    )
