"""What a paper is to the workbench: plain data, each piece of text with the places that it was printed in.

Pages count from 1. A box is `(x0, y0, x1, y1)` in points (1/72 inch) from the page's upper left corner.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas as pd

Box = tuple[float, float, float, float]


@dataclass(frozen=True, slots=True)
class Anchor:
    """Where a stretch of a text is printed: one line of one page, from character `start` of the text on."""

    start: int
    page: int
    box: Box


@dataclass(frozen=True, slots=True)
class Text:
    """A text as one reads it, lines joined and hyphens mended, with an anchor for each printed line, in order."""

    text: str = ""
    anchors: tuple[Anchor, ...] = ()

    @property
    def pages(self) -> tuple[int, ...]:
        """The pages that it stands on, rising."""
        return tuple(sorted({anchor.page for anchor in self.anchors}))


@dataclass(frozen=True, slots=True)
class Author:
    """Somebody who is printed as an author, in the order of the paper."""

    name: str


@dataclass(frozen=True, slots=True)
class Section:
    """A section, without the text of its subsections.

    Attributes:
        title: without its number; empty for what stands before the first heading.
        level: 1 for the top level.
        body: its text; captions, footnotes, headers and footers are not part of it.
        number: as printed (`2.1`, `IV`, `A`), None without.
        page: where its heading stands.
        appendix: whether it comes after the paper proper.
    """

    title: str
    level: int
    body: Text
    page: int
    number: str | None = None
    appendix: bool = False


@dataclass(frozen=True, slots=True)
class Reference:
    """An entry of the list of references. What is not printed, or was not recognised, is None or empty.

    Attributes:
        raw: the whole entry as printed, on one line, without its label.
        label: `[3]`, `3.`, `[Vas17]`.
        authors: names as printed.
    """

    body: Text
    label: str | None = None
    authors: tuple[str, ...] = ()
    title: str | None = None
    year: int | None = None
    doi: str | None = None
    arxiv_id: str | None = None

    @property
    def raw(self) -> str:
        """The whole entry on one line, without its label."""
        return self.body.text


@dataclass(frozen=True, slots=True)
class Figure:
    """A figure: its label (`Figure 2`), its caption, and where the caption stands."""

    label: str
    caption: Text
    page: int


@dataclass(frozen=True, slots=True)
class Table:
    """A table: label, caption, and its cells by row where they are ruled or well aligned, else no rows."""

    label: str
    caption: Text
    page: int
    rows: tuple[tuple[str, ...], ...] = ()
    box: Box | None = None

    @property
    def frame(self) -> pd.DataFrame:
        """The cells as a DataFrame of texts; the first row gives the columns their names."""
        import pandas as pd

        head, *body = self.rows or ((),)
        return pd.DataFrame([list(row) for row in body], columns=list(head), dtype="str")


@dataclass(frozen=True, slots=True)
class Concern:
    """Something in the file that a reader does not see, or that speaks to a machine.

    Attributes:
        kind: `invisible`, `white`, `tiny`, `off the page` or `addresses a model`; `recognised` where the file had no text, and
            what is there was read from pictures.
        text: what it says.
        page, box: where.
    """

    kind: str
    text: str
    page: int
    box: Box

    def __str__(self) -> str:
        return f"page {self.page}, {self.kind}: {self.text[:160]!r}"


@dataclass(frozen=True, slots=True)
class Paper:
    """A paper, as far as its file tells.

    Attributes:
        references: in the order of the list.
        footnotes: also notes on the first page.
        lines: everything that is printed, line by line in reading order; nothing of it is lost, wherever else it belongs.
        concerns: hidden text, and sentences that address a model that reads the paper.
        page_sizes: width and height of each page, in points.
        year: of publication or, failing that, of the version at hand.
    """

    title: str = ""
    authors: tuple[Author, ...] = ()
    abstract: Text = field(default_factory=Text)
    sections: tuple[Section, ...] = ()
    references: tuple[Reference, ...] = ()
    tables: tuple[Table, ...] = ()
    figures: tuple[Figure, ...] = ()
    footnotes: tuple[Text, ...] = ()
    lines: Text = field(default_factory=Text)
    concerns: tuple[Concern, ...] = ()
    arxiv_id: str | None = None
    doi: str | None = None
    year: int | None = None
    page_sizes: tuple[tuple[float, float], ...] = ()
