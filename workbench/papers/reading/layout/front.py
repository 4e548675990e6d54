"""The front of a paper: its title and its abstract."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Final

from workbench.papers.reading.layout.document import Document
from workbench.papers.reading.layout.furniture import is_masthead
from workbench.papers.reading.layout.headings import style_of
from workbench.papers.reading.layout.lines import Line
from workbench.papers.reading.layout.names import affiliation_like, mostly_names

_ABSTRACT: Final = re.compile(
    r"^(?:[\d.]{1,3}\s*)?(?:abstract|a\s?b\s?s\s?t\s?r\s?a\s?c\s?t|summary|executive summary"
    r"|synopsis)\s*(?P<end>[.:—–-]+|$|(?=\s(?-i:[A-Z“\"'(])))\s*",
    re.IGNORECASE,
)
_ENDS: Final = re.compile(
    r"^(?:(?:additional |author )?key\s?-?words?|index terms?|ccs concepts|categories and subject"
    r"|general terms|acm reference format"
    r"|pacs|ams subject|msc\b|mathematics subject|jel\b|subject headings|contents$|1\.?\s+introduction"
    r"|i\.\s+introduction|introduction$"
    r"|©|copyright|correspondence to|plain language summary|highlights$|author summary|graphical abstract|nomenclature"
    r"|(?:received|accepted|published)\b.{0,20}\d{4})",
    re.IGNORECASE,
)
_SPACED: Final = re.compile(r"a\s?b\s?s\s?t\s?r\s?a\s?c\s?t$", re.IGNORECASE)
_STRUCTURED: Final = re.compile(
    r"^(?:background|context|objectives?|aims?|purpose|importance|design|setting|(?:materials? and )?methods?"
    r"|methods and findings|approach"
    r"|(?:main |principal )?(?:results|findings)|interpretation|conclusions?|significance|trial registration|funding)"
    r"\s*[.:]?$",
    re.IGNORECASE,
)
"""Headings inside an abstract, as journals of medicine have them."""
_INFO: Final = re.compile(r"(?:a\s?r\s?t\s?i\s?c\s?l\s?e|p\s?a\s?p\s?e\s?r)\s+i\s?n\s?f\s?o", re.IGNORECASE)
_FIRST_SECTION: Final = re.compile(r"^(?:1\.?|i\.|§\s?1)?\s*(?:introduction|background|motivation)\b\s*$", re.IGNORECASE)
_NUMBER_ONE: Final = re.compile(r"^(?:1|I)[.:]?\s+[A-Z]")
_VOLUME: Final = re.compile(r"[\s,:]*(?:vol|no|\(?\d)", re.IGNORECASE)
_ISSUE: Final = re.compile(r"\bvol(?:ume|\.)? ?\d+.*\b(?:no|number|issue)\b", re.IGNORECASE)
_CONTENTS: Final = re.compile(r"^(?:contents$|\d+(?:\.\d+)*\s.*\s\d{1,3}$|references\s+\d+$)|(?:\.\s?){4,}", re.IGNORECASE)
_JOURNAL: Final = re.compile(
    r"\b(?:journal|transactions|letters|annals|bulletin|review|proceedings|magazine|acta|archives)\b", re.IGNORECASE
)
_MARKS: Final = " *∗†‡§¶#⋆★,;"


@dataclass(slots=True)
class Abstract:
    """The abstract's lines; `skip` characters of the first are its heading. `top` is where it begins on its page."""

    lines: list[Line] = field(default_factory=list)
    skip: int = 0
    page: int = 1
    top: float = 0.0


def find_title(document: Document, heads: Sequence[str] = ()) -> list[Line]:
    """Return the title's lines, marked: of the lines set largest in the upper part of the first page, the first ones.

    A first page that has no title (a notice) is passed over, and so is the name of a journal, which running heads repeat.

    Args:
        document: the paper.
        heads: its running heads.
    """
    for page in (1, 2):
        lines = _upper(document, page)
        titles = [group for group in _groups(document, lines) if _may_be_title(document, group, heads)]
        titles = [group for group in titles if not _names_journal(document, group, titles, heads)] or titles
        if not titles:
            continue
        best = max(titles, key=lambda group: (_prominence(document, group), -group[0].box[1]))
        prominent = best[0].top_size > document.size + 0.9 or best[0].bold or best[0].capitals or best[0].centred
        if prominent:
            document.mark(best, "title")
            return best
    return []


def title_text(document: Document, lines: Sequence[Line]) -> str:
    """Return the title on one line; marks for footnotes at its end are left out."""
    if not lines:
        return ""
    shown = [_unmarked(line) for line in lines]
    return document.text(shown).text.strip(_MARKS)


def _unmarked(line: Line) -> Line:
    """Return a line without the raised marks at its end."""
    spans = list(line.spans)
    while len(spans) > 1 and (spans[-1].raised or spans[-1].size < 0.72 * line.top_size) and len(spans[-1].text.strip()) <= 2:
        spans.pop()
    return Line(line.page, line.box, spans, column=line.column)


def _upper(document: Document, page: int) -> list[Line]:
    if page > len(document.sizes):
        return []
    height = document.sizes[page - 1][1]
    lines = [line for line in document.lines if line.page == page and line.box[1] < 0.62 * height]
    return sorted(lines, key=lambda line: line.box[1])


def _groups(document: Document, lines: list[Line]) -> list[list[Line]]:
    """Return lines that are set alike and follow each other; a line is in one group."""
    found: list[list[Line]] = []
    taken: set[int] = set()
    for start, line in enumerate(lines):
        if id(line) not in taken and document.part(line) == "text":
            found.append(_group(document, lines, start))
            taken |= {id(one) for one in found[-1]}
    return found


def _group(document: Document, lines: list[Line], start: int) -> list[Line]:
    """Return the line at `start` and those below it that go on in the same letters."""
    first = lines[start]
    group = [first]
    for line in lines[start + 1 :]:
        last = group[-1]
        gap = line.box[1] - last.box[3]
        if gap > 0.9 * first.top_size or len(group) >= 6:
            break
        alike = abs(line.top_size - first.top_size) <= 0.09 * first.top_size and line.bold == first.bold
        below = gap > -0.5 * first.height
        if (
            alike
            and below
            and document.part(line) == "text"
            and (line.italic == first.italic or line.top_size > document.size + 2)
        ):
            if first.top_size <= document.size + 0.9 and not _goes_on(last, line):
                break
            group.append(line)
        elif gap > 0:
            break
    return group


def _goes_on(last: Line, line: Line) -> bool:
    """Among lines no larger than the text, tell a title's second line from the authors below it."""
    return last.capitals == line.capitals and (line.bold or last.capitals)


def _may_be_title(document: Document, group: list[Line], heads: Sequence[str]) -> bool:
    text = " ".join(line.text for line in group)
    letters = sum(c.isalpha() for c in text)
    if letters < 6 or len(text) > 400 or letters < 0.6 * len(text.replace(" ", "")):
        return False
    if len(text.split()) <= 8 and any(head.startswith(text) and _VOLUME.match(head[len(text) :]) for head in heads):
        return False
    if is_masthead(text) or _ABSTRACT.match(text) or _FIRST_SECTION.match(text) or "@" in text or "http" in text:
        return False
    return document.part(group[0]) == "text"


def _names_journal(document: Document, group: list[Line], groups: list[list[Line]], heads: Sequence[str]) -> bool:
    """Whether a group is the name of a journal: volume and issue stand below it, and what may be a title below them."""
    text = " ".join(line.text for line in group)
    if not _JOURNAL.search(text) or len(text.split()) > 8:
        return False
    first, last = group[0], group[-1]
    lines = [line for line in document.lines if line.page == first.page and 0 <= line.box[1] - last.box[3] < 2.5 * last.height]
    below = any(other[0].box[1] > last.box[3] and other[0].top_size > document.size + 1.9 for other in groups)
    return below and (any(is_masthead(line.text) for line in lines) or any(_ISSUE.search(head) for head in heads))


def _prominence(document: Document, group: list[Line]) -> float:
    """Say how much a group stands out: its size, rounded so that the upper one of two alike wins."""
    first = group[0]
    words = sum(len(line.text.split()) for line in group)
    size = round(first.top_size * 2) / 2
    few = 0.25 * size if words < 2 else 0.0  # a journal's name, more often than a title
    low = 1.0 if first.box[1] > 0.4 * document.sizes[first.page - 1][1] else 0.0
    return size + (0.6 if first.bold else 0.0) + (0.3 if any(line.centred for line in group) else 0.0) - few - low


def front_ends(document: Document, title: Sequence[Line]) -> int:
    """Return the index of the line from which sections may begin: behind the abstract's heading or, without one, the title."""
    for index, line in enumerate(document.lines):
        if line.page > 3:
            break
        found = _ABSTRACT.match(line.text)
        if found and document.part(line) == "text" and _is_heading(document, index, line, found):
            return index + 1
    last = id(title[-1]) if title else 0
    start = next((index + 1 for index, line in enumerate(document.lines) if id(line) == last), 0)
    for index, (line, following) in enumerate(pairwise(document.lines[start:]), start):
        numbered = line.bold and _NUMBER_ONE.match(line.text) and not _CONTENTS.search(line.text)
        if numbered or _FIRST_SECTION.match(line.text) or (_prose(line) and _prose(following)):
            return index
    return start


def find_abstract(document: Document, title: Sequence[Line]) -> Abstract | None:
    """Return the abstract, its lines marked: what follows its heading, or the first paragraph below the authors."""
    if beside := _beside_article_info(document):
        return beside
    for index, line in enumerate(document.lines):
        if line.page > 3:
            break
        found = _ABSTRACT.match(line.text)
        if found and document.part(line) in ("text", "heading") and _is_heading(document, index, line, found):
            return _marked(document, _from_heading(document, index, found))
    return _marked(document, _without_heading(document, title))


def _beside_article_info(document: Document) -> Abstract | None:
    """Return an abstract that stands to the right of a box of article info, as some journals set it; not in columns."""
    pieces = document.pieces[0] if document.pieces else []
    heads = [piece for piece in pieces if _SPACED.match(piece.text)]
    infos = [piece for piece in pieces if _INFO.match(piece.text)]
    pairs = [(a, i) for a in heads for i in infos if abs(a.middle - i.middle) < a.height and i.box[2] < a.box[0]]
    if not pairs:
        return None
    head, info = pairs[0]
    kept: list[Line] = []
    for piece in sorted(pieces, key=lambda piece: piece.middle):
        if piece.middle <= head.box[3] or piece.box[0] < head.box[0] - 3:
            continue
        if (kept and piece.box[1] - kept[-1].box[3] > 1.2 * kept[-1].height) or _ENDS.match(piece.text):
            break
        kept.append(piece)
    low = kept[-1].box[3] if kept else head.box[3]
    box = [line for line in document.lines if line.page == 1 and info.box[1] - 1 <= line.middle <= low + 1]
    document.mark(box, "abstract")
    return Abstract(kept, 0, 1, head.box[1])


def _marked(document: Document, abstract: Abstract | None) -> Abstract | None:
    if abstract is not None:
        document.mark(abstract.lines, "abstract")
    return abstract


def _is_heading(document: Document, index: int, line: Line, found: re.Match[str]) -> bool:
    word = line.text[: found.end()].strip(" .:—–-")
    alone = not line.text[found.end() :].strip()
    if word.lower().replace(" ", "") != "abstract" and not (alone and line.page == 1):
        return False
    if alone:
        return index + 1 < len(document.lines)
    first = line.spans[0]
    return bool(found["end"]) or first.bold or first.italic or word.isupper()


def _from_heading(document: Document, index: int, found: re.Match[str]) -> Abstract | None:
    head = document.lines[index]
    alone = not head.text[found.end() :].strip()
    start = index + 1 if alone else index
    lines = _until_end(document, start, head, alone=alone)
    if not lines:
        return None
    if alone:
        document.mark([head], "abstract")
    return Abstract(lines, 0 if alone else found.end(), head.page, head.box[1])


def _until_end(document: Document, start: int, head: Line, *, alone: bool) -> list[Line]:
    """Return the lines from `start` to where something else than the abstract begins."""
    kept: list[Line] = []
    lines = document.lines
    for index in range(start, min(len(lines), start + 90)):
        line = lines[index]
        part = document.part(line)
        if part in ("footnote", "caption", "table", "author", "title") or (kept and _notes(line, kept)):
            continue
        parted = bool(kept) and bool(_STRUCTURED.match(kept[0].text) and _STRUCTURED.match(line.text))
        if kept and not parted and (part == "heading" or _stops(document, index, kept, head, alone=alone)):
            break
        kept.append(line)
    return kept


def _notes(line: Line, kept: Sequence[Line]) -> bool:
    """Whether a line is in smaller notes at the foot of a page on which the abstract does not end."""
    last = kept[-1]
    same = (line.page, line.column) == (last.page, last.column)
    return same and kept[0].size - line.size > 0.5 and not _ended(last) and line.box[1] - last.box[3] > 0.6 * last.height


def _stops(document: Document, index: int, kept: list[Line], head: Line, *, alone: bool) -> bool:
    line, first, last = document.lines[index], kept[0], kept[-1]
    unfinished = bool(re.match(r"©|copyright|received|accepted|published", line.text, re.IGNORECASE)) and not _ended(last)
    if (_ENDS.match(line.text) and not unfinished) or _FIRST_SECTION.match(line.text):
        return True
    if alone and style_of(line) == style_of(head) and len(line.text) < 90 and style_of(head) != style_of(first):
        return not line.text.rstrip().endswith(".")
    same = (line.page, line.column) == (last.page, last.column)
    gap = line.box[1] - last.box[3] if same else 0.0
    usual = kept[1].box[1] - kept[0].box[3] if len(kept) > 1 and kept[1].box[1] > kept[0].box[1] else 0.0
    if abs(line.size - first.size) > 0.8 and (len(kept) > 2 or (same and gap > 0.3 * line.height)):
        return True
    ended = _ended(last)
    if same and ended and gap > max(usual + 0.45 * line.height, 0.55 * line.height) and _words(kept) > 40:
        return True
    if all(one.bold for one in kept) and not line.bold and ended and _words(kept) > 40:
        return True
    wider = line.frame[1] - line.frame[0] > 0 and line.width > 1.12 * max(one.width for one in kept)
    return same and ended and wider and _words(kept) > 40


def _ended(line: Line) -> bool:
    """Whether a line ends a sentence."""
    return line.text.rstrip().endswith((".", "!", "?", ".”", ")", "]")) or bool(re.search(r"https?://\S+$", line.text))


def _words(lines: Sequence[Line]) -> int:
    return sum(len(line.text.split()) for line in lines)


def _without_heading(document: Document, title: Sequence[Line]) -> Abstract | None:
    """Return the first paragraph of some length below the title that is neither authors nor the first section."""
    if not title:
        return None
    bottom = title[-1].box[3]
    lines = document.lines
    page = title[0].page
    for index, line in enumerate(lines):
        if line.page != page or line.box[1] < bottom or document.part(line) not in ("text", "heading"):
            continue
        if _FIRST_SECTION.match(line.text) or (line.bold and _NUMBER_ONE.match(line.text) and not _prose(line)):
            return None
        if document.part(line) == "heading" or not _prose(line):
            continue
        begin = _paragraph_begins(document, index, bottom)
        kept = _until_end(document, begin, document.lines[begin], alone=False)
        if _words(kept) >= 35 and _is_prose(kept):
            before = [one for one in lines[:index] if one.page == page and _FIRST_SECTION.match(one.text)]
            return None if before else Abstract(kept, 0, page, line.box[1])
    return None


def _paragraph_begins(document: Document, index: int, bottom: float) -> int:
    """Return the index of a paragraph's first line, going up from a line of it; not above `bottom`."""
    lines = document.lines
    while index > 0:
        line, above = lines[index], lines[index - 1]
        step = line.box[3] - above.box[3]
        alike = abs(line.size - above.size) < 0.6 and (line.bold, line.italic) == (above.bold, above.italic)
        near = (line.page, line.column) == (above.page, above.column) and 0 < step < 1.5 * line.top_size
        ended = above.text.endswith((".", ":")) and above.width < 0.8 * (line.frame[1] - line.frame[0])
        if (
            not (alike and near)
            or _CONTENTS.search(above.text)
            or ended
            or above.box[1] < bottom
            or document.part(above) != "text"
            or "@" in above.text
        ):
            break
        bare = "".join(span.text for span in above.spans if not span.raised)
        if above.width < 0.8 * line.width or mostly_names(bare) or (affiliation_like(bare) and not _small_words(bare)):
            break
        index -= 1
    return index


def _prose(line: Line) -> bool:
    width = line.frame[1] - line.frame[0]
    return (
        len(line.text.split()) >= 5
        and line.width > 0.5 * width
        and not affiliation_like(line.text)
        and "@" not in line.text
        and not mostly_names(line.text)
        and not _CONTENTS.search(line.text)
    )


def _is_prose(lines: Sequence[Line]) -> bool:
    return _small_words(" ".join(line.text for line in lines))


def _small_words(text: str) -> bool:
    """Whether most words begin with small letters, as in sentences."""
    words = text.split()
    return sum(word[:1].islower() for word in words) > 0.6 * len(words)
