"""What is on the page but not part of the paper: running heads, page numbers, line numbers, stamps in the margin."""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Sequence
from itertools import pairwise
from statistics import median
from typing import Final

from workbench.papers.reading.layout.lines import Line

Pages = list[list[Line]]
Size = tuple[float, float]
_ZONE: Final = 0.14
"""Share of the page's height at top and bottom in which furniture stands."""
_PAGE_NUMBER: Final = re.compile(
    r"^[\s\-–—|·•]*(?:page|p\.)?\s*(?:[A-Z]?\d{1,5}(?::\d{1,3})?|[ivxl]{1,6})?(?:\s*(?:of|/|[-–—])\s*\d+)?[\s\-–—|·•]*$",
    re.IGNORECASE,
)
_CAPTION: Final = re.compile(r"^(?:fig|table|algorithm)", re.IGNORECASE)
_DEEP: Final = 3
"""Rows that furniture may have between it and the edge."""
_TITLE_SIZE: Final = 11.5
"""Points from which a line may be a title, whatever it says."""
_MASTHEAD: Final = re.compile(
    r"^(?:arxiv\s*:|preprint\b|published (?:as|in|by|at|online)\b|to (?:appear|be published)\b|accepted (?:as|to|for|in|at)\b"
    r"|under review|submitted to|proceedings of|proc\. |appear(?:s|ing|ed)? in |in proceedings|workshop track"
    r"|copyright|©|\(c\) ?\d|doi\s*:|https?://(?:dx\.)?doi\.org|issn|isbn|(?:ieee|acm) transactions"
    r"|(?:the )?journal of|vol(?:ume|\.)"
    r"|(?:.{2,20} \| )?(?:(?:original|research|review|regular|general) )?(?:article|paper)$"
    r"|open access|downloaded from|available online"
    r"|contents lists|(?:manuscript|draft)(?: (?:no|number|received|submitted|accepted|version|prepared"
    r"|id|of|date)\b|[\s:]*$|\W+\w*\d)"
    r"|received|edited by|\d+(?:st|nd|rd|th) (?:conference|international|annual|workshop)"
    r"|(?:the )?\w+ (?:ieee|acm|aaai|international|annual)\b.*conference|journal homepage|noname "
    r"manuscript|(?:january|february|march"
    r"|april|may|june|july|august|september|october|november|december)[\s\d,]*$)"
    r"|\bvol(?:ume|\.)? ?\d+.*(?:\bno\b|\bnumber\b|\bissue\b|\d{4}|pp)|\bpp?\. ?\d+|\(\d{4}\) ?\d+[-–]\d+|©|all "
    r"rights reserved|permission to make",
    re.IGNORECASE,
)


def is_masthead(text: str) -> bool:
    """Whether a line at the top of the first page is about where the paper appeared, not about what it says."""
    return bool(_MASTHEAD.search(text))


def strip_furniture(pages: Pages, sizes: Sequence[Size]) -> tuple[Pages, list[Line]]:
    """Return the pages without furniture, and the furniture."""
    repeated = Repeats(pages, sizes)
    kept: Pages = []
    taken: list[Line] = []
    for lines, (width, height) in zip(pages, sizes, strict=True):
        numbers, rows = _line_numbers(lines, width), _rows_of(lines)
        mine = []
        for line in lines:
            if not line.level or id(line) in numbers or _is_furniture(line, lines, rows, height, repeated):
                taken.append(line)
            else:
                mine.append(line)
        kept.append(mine)
    return kept, taken


def _in_zone(line: Line, height: float) -> bool:
    return line.box[3] < height * _ZONE or line.box[1] > height * (1 - _ZONE)


class Repeats:
    """On how many pages a line stands near the same place in the zones; numbers in it may differ."""

    def __init__(self, pages: Pages, sizes: Sequence[Size]) -> None:
        self._pages = len(pages)
        self._seen: Counter[tuple[str, int]] = Counter()
        self._sizes: dict[str, float] = {}
        for lines, (_, height) in zip(pages, sizes, strict=True):
            keys = set()
            for line in lines:
                if _in_zone(line, height):
                    text, at = self._key(line)
                    keys |= {(text, at - 1), (text, at), (text, at + 1)}
                    self._sizes[text] = min(line.size, self._sizes.get(text, line.size))
            self._seen.update(keys)

    def often(self, line: Line) -> bool:
        """Whether it stands on two pages at least, and on more of them the less it says."""
        share = 0.2 if len(line.text) >= 12 else 0.45
        letters = sum(map(str.isalpha, line.text))  # numbers alone are figures, or belong to headings
        text, at = self._key(line)
        if line.page == 1 and line.size > 1.3 * self._sizes.get(text, line.size):  # the title, which the other pages repeat
            return False
        return letters > 2 and self._seen[text, at] >= max(2, share * self._pages)

    def _key(self, line: Line) -> tuple[str, int]:
        return re.sub(r"\d+", "#", line.text.casefold())[:80], round(line.box[1] / 12)


def _is_furniture(line: Line, lines: list[Line], rows: list[int], height: float, repeated: Repeats) -> bool:
    if not _in_zone(line, height):
        return False
    beyond = _rows_beyond(line, rows, height)
    if beyond > _DEEP or _CAPTION.match(line.text):
        return False
    if repeated.often(line):
        return True
    if _PAGE_NUMBER.match(line.text):
        return beyond <= 1 and not _beside_text(line, lines, repeated)
    return (
        line.page == 1 and bool(_MASTHEAD.search(line.text)) and line.size < _TITLE_SIZE and not _like_text(line, lines, height)
    )


def _like_text(line: Line, lines: list[Line], height: float) -> bool:
    """Whether a line at the foot of a page is as large as the page's text: then it is some of it, whatever it says."""
    return line.middle > height / 2 and line.size > median(o.size for o in lines) - 0.6


def _beside_text(line: Line, lines: list[Line], repeated: Repeats) -> bool:
    """Whether more text stands close by on its baseline, and is no running head: then it is the number of a heading."""
    return any(
        o is not line
        and abs(o.middle - line.middle) < 0.5 * line.height
        and -1 < o.box[0] - line.box[2] < 45
        and any(map(str.isalpha, o.text))
        and not repeated.often(o)
        for o in lines
    )


def _rows_of(lines: list[Line]) -> list[int]:
    """Return where a page's rows are, in steps of four points, from the top."""
    return sorted({round(line.middle / 4) for line in lines if line.level})


def _rows_beyond(line: Line, rows: list[int], height: float) -> int:
    """Count the rows between a line and the edge of the page."""
    if line.middle < height / 2:
        return bisect_left(rows, (line.middle - 0.6 * line.height) / 4)
    return len(rows) - bisect_right(rows, (line.middle + 0.6 * line.height) / 4)


def _line_numbers(lines: list[Line], width: float) -> set[int]:
    """Return the ids of lines that only number the lines beside them, as manuscripts for review have them."""
    taken: set[int] = set()
    digits = [line for line in lines if line.text.isdecimal() and len(line.text) <= 4]
    for left in (True, False):
        edge = Counter(round(line.box[2 if left else 0] / 4) for line in digits)
        for place, count in edge.most_common(3):
            mine = [line for line in digits if abs(line.box[2 if left else 0] / 4 - place) <= 1.5]
            values = [int(line.text) for line in sorted(mine, key=lambda line: line.middle)]
            steps = sum(b - a in (1, 5) for a, b in pairwise(values))
            margin = place * 4 < 0.17 * width or place * 4 > 0.83 * width
            if count >= 10 and margin and steps >= 0.8 * (len(values) - 1):
                taken |= {id(line) for line in mine}
    return taken
