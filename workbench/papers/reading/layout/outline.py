"""The file's own outline (bookmarks): what its author's typesetter called the sections, and how deep.

It is used where nearly all of it is found as lines of the pages. What rules found beside it stays if it is set like the
sections of the outline: LaTeX gives no bookmark to sections without a number.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from workbench.papers.reading.layout.document import Document
from workbench.papers.reading.layout.heading import Heading
from workbench.papers.reading.layout.headings import style_of

_NUMBER: Final = re.compile(
    r"^(?:appendix\s+)?(?P<number>\d{1,2}(?:\.\d{1,2})*|[IVX]{1,5}(?=[.\s])|[A-Z](?:\.\d{1,2})*(?=[.:\s]))\s?[.:|]?\s+(?=\S)",
    re.IGNORECASE,
)
_NOT_SECTIONS: Final = frozenset({"abstract", "references", "bibliography", "contents", "keywords"})
_FOUND: Final = 0.8
"""Share of the outline that must be found on the pages."""
Entry = tuple[int, str, int]
"""Level, title, page."""


def with_outline(
    document: Document, rules: Sequence[Heading], outline: Sequence[Entry], title: str, after: int
) -> list[Heading]:
    """Return the headings that the outline names, with those that rules found beside it; the latter alone where it is no use.

    Args:
        document: the paper; lines of headings are marked.
        rules: headings found by rules.
        outline: the file's.
        title: of the paper, which some outlines have as their root.
        after: index of the line from which sections may begin.
    """
    wanted = [entry for entry in outline if _key(entry[1]) not in _NOT_SECTIONS and _key(entry[1]) != _key(title)]
    found = _found(document, wanted, after)
    tops = [heading for heading in found if heading.level == 1]
    if len(tops) < 3 or len(found) < _FOUND * len(wanted):
        return list(rules)
    style = Counter(style_of(document.lines[heading.start]) for heading in tops).most_common(1)[0][0]
    taken = {index for heading in found for index in range(heading.start, heading.end)}
    beside = [r for r in rules if r.level == 1 and r.start not in taken and style_of(document.lines[r.start]) == style]
    appendices = {rule.start for rule in rules if rule.appendix}
    document.unmark(line for rule in rules for line in document.lines[rule.start : rule.end])
    headings = sorted([*found, *beside], key=lambda heading: heading.start)
    for heading in headings:
        document.mark(document.lines[heading.start : heading.end], "heading")
    first = min(appendices, default=len(document.lines))
    return [replace(heading, appendix=heading.start >= first) for heading in headings]


def _found(document: Document, wanted: Sequence[Entry], after: int) -> list[Heading]:
    least = min((level for level, _, _ in wanted), default=1)
    found: list[Heading] = []
    start = after
    for level, title, page in wanted:
        place = _place(document, title, page, start)
        if place is not None:
            number = _NUMBER.match(document.text(document.lines[place[0] : place[1]]).text)
            bare = _NUMBER.sub("", title).strip() or title
            found.append(Heading(*place, bare, number["number"] if number else None, level - least + 1))
            start = place[1]
    return found


def _place(document: Document, title: str, page: int, after: int) -> tuple[int, int] | None:
    """Return first and last index (exclusive) of the lines that a title is printed on, on its page or the next."""
    key = _key(_NUMBER.sub("", title))
    if len(key) < 3:
        return None
    for index in range(after, len(document.lines)):
        line = document.lines[index]
        if line.page > page + 1:
            return None
        if line.page < page or document.part(line) not in ("text", "heading"):
            continue
        text = ""
        for end in range(index + 1, min(index + 4, len(document.lines)) + 1):
            text = document.text(document.lines[index:end]).text
            if key in (_key(text), _key(_NUMBER.sub("", text))):
                return index, end
            if not key.startswith(_key(_NUMBER.sub("", text))):
                break
    return None


def _key(text: str) -> str:
    plain = unicodedata.normalize("NFKD", text)
    return re.sub(r"[^a-z0-9]", "", "".join(c for c in plain if not unicodedata.combining(c)).casefold())
