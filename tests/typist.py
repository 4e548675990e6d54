"""Types papers line by line, in fonts that every PDF reader has."""

from __future__ import annotations

from typing import Any

TITLE, AUTHORS = "Late Readings and Early Gates", "Ada Marlowe, Wei-Lin Zhao"
ABSTRACT = "Water gauges along the upper valley report their level once an hour, and late ones are of little use."
FILL = "A reading that arrives late is of little use to the people who open the gates of the river."


class Typist:
    """Types a paper line by line; its `pdf` is an open document of PyMuPDF."""

    def __init__(self) -> None:
        import pymupdf

        self.pdf = pymupdf.open()
        self.new_page()

    def new_page(self) -> Typist:
        self.page, self.y = self.pdf.new_page(), 60.0
        return self

    def line(self, text: Any, size: float = 10, font: str = "helv", x: float = 72.0, gap: float = 0.0) -> Typist:
        """Type a line; a list has parts: words, (words, font), or (words, font, size, points that they are raised)."""
        import pymupdf

        self.y += gap + 1.25 * size
        if self.y > 780:
            self.new_page()
            self.y += 1.25 * size
        for part in [text] if isinstance(text, str) else text:
            given = (part,) if isinstance(part, str) else part
            words, its_font, its_size, raised = given + (font, size, 0)[len(given) - 1 :]
            self.page.insert_text((x, self.y - raised), words, fontsize=its_size, fontname=its_font)
            x += pymupdf.get_text_length(words + ("" if raised else " "), fontname=its_font, fontsize=its_size)
        return self

    def front(self) -> Typist:
        self.line(TITLE, 16, "hebo", 120).line(AUTHORS, 11, x=180, gap=8)
        self.line("Abstract", 11, "hebo", x=270, gap=12)
        return self.text(ABSTRACT, ABSTRACT)

    def text(self, *lines: str) -> Typist:
        for number, line in enumerate(lines):
            self.line(line, gap=6 if number == 0 else 0)
        return self

    def heading(self, text: str, size: float = 13, font: str = "hebo") -> Typist:
        return self.line(text, size, font, gap=12)
