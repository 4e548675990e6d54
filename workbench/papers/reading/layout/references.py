"""The list of references: where it is, and where each of its entries begins."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

from workbench.papers.reading.layout.document import Document
from workbench.papers.reading.layout.lines import Line

_HEADING: Final = re.compile(
    r"^(?:\d{1,2}\.?\s+|[IVX]{1,5}\.\s+|[A-Z]\.\s+)?"
    r"(?:(?:cited |selected )?references?(?: and notes| cited)?|bibliography|literature(?: cited)?"
    r"|works cited|notes and references"
    r"|r[ée]f[ée]rences(?: bibliographiques)?|referencias|literatur(?:verzeichnis)?|bibliogra(?:ph|f)[íi]?[ea]"
    r"|r\s?e\s?f\s?e\s?r\s?e\s?n\s?c\s?e\s?s)\s*[:.]?$",
    re.IGNORECASE,
)
_AFTER: Final = re.compile(
    r"^(?:(?:technical |online |supplementary |supplemental )?append(?:ix|ices)\b|supplement(?:ary"
    r"|al)\b|checklist|neurips paper checklist"
    r"|author biograph|biograph(?:y|ies)$|acknowledge?ments?|about the authors?|figure legends|tables?$|figures$|contents$)",
    re.IGNORECASE,
)
_LETTERED: Final = re.compile(r"^(?:appendix\s+)?[A-Z](?:\.\d{1,2})*[.:]?\s+[A-Z][^\W\d_]+", re.IGNORECASE)
_NUMBERED: Final = re.compile(r"^\d{1,2}(?:\.\d{1,2})*\.?\s+[A-Z]")
_BRACKET: Final = re.compile(r"^\[\s?(\d{1,3})\s?\]")
_KEY: Final = re.compile(r"^\[[^\[\]]{2,40}\](?=\s|$|[A-Z])")
_POINT: Final = re.compile(r"^(\d{1,3})\s?[.)](?=\s|[A-Z]|$)")
_ROUND: Final = re.compile(r"^\((\d{1,3})\)")
_BARE: Final = re.compile(r"^(\d{1,3})(?=\s+[^\W\d_]|[A-Z]|$)")
_YEAR: Final = re.compile(r"\b(?:1[89]|20)\d{2}[a-z]?\b")
_NAME: Final = re.compile(
    r"^(?:[A-Z]\.[- ]?(?:[A-Z]\.[- ]?){0,3}(?:[a-z]{2,4} ){0,2}[A-ZÀ-ŽŁØÅ]|(?:[a-z]{2,4} "
    r")?[A-ZÀ-ŽŁØÅ][\w’'`-]+(?:,| and | et al|\s[A-Z]\.|\s[A-Z]{1,3}(?:[,.]|\s\()"
    r"|(?:\s[A-ZÀ-Ž][\w’'.-]*){1,3}(?:,|\sand\s|\.)))"
)
_FEW: Final = 3
_CONTACT: Final = re.compile(
    r"^(?:affiliations?|(?:corresponding )?authors?[’']?s? (?:address(?:es)?|affiliations?|contacts?)"
    r"|e-?mail(?: address(?:es)?)?"
    r"|(?:(?:manuscript|revision|article) )?(?:received|submitted)(?= on|\s*:))\b\s*:?",
    re.IGNORECASE,
)
"""How lines begin that say where the authors are or when the paper came in; they follow the list in some journals."""
_BIOGRAPHY: Final = re.compile(
    r"\b(?:received|earned|obtained|holds) (?:the|his|her|their|an?) (?:[A-Z]\w*\.|Ph\.?D|M\.?D|doctor|degree|bachelor|master)"
    r"|\bis (?:currently |now )?(?:an?|the) (?:\w+ ){0,3}(?:professor|student|researcher|scientist|lecturer|candidate)\b",
    re.IGNORECASE,
)
_TAIL: Final = 60
"""Lines at the end of a list in which those are looked for."""


@dataclass(slots=True)
class Entry:
    """An entry's lines, its label, and how much of the first line the label takes."""

    lines: list[Line]
    label: str | None
    skip: int


@dataclass(slots=True)
class ReferenceList:
    """The list: where its heading stands (None without one), the first line behind it, and its entries."""

    heading: int | None
    start: int
    end: int
    entries: list[Entry]


def find_references(document: Document) -> ReferenceList | None:
    """Return the list of references, its lines marked; None where there is none.

    Of several lists (the paper's and an appendix's) it is the longest, and with it a later one whose numbers go on.
    """
    lists = [_list_from(document, index) for index, line in enumerate(document.lines) if _is_heading(document, index, line)]
    lists = [one for one in lists if len(one.entries) >= 1]
    chosen = max(lists, key=lambda one: len(one.entries), default=None)
    if chosen is None or (len(chosen.entries) < _FEW and len(document.lines) > 300):
        chosen = _without_heading(document) or chosen
    if chosen is None:
        return None
    for other in lists:
        if other.start > chosen.end and _goes_on(chosen, other):
            chosen.entries += other.entries
            document.mark(document.lines[other.start : other.end], "reference")
    document.mark(document.lines[chosen.start : chosen.end], "reference")
    return chosen


def _is_heading(document: Document, index: int, line: Line) -> bool:
    if not _HEADING.match(line.text) or document.part(line) == "caption":
        return False
    following = document.lines[index + 1 : index + 2]
    return bool(following) and line.width < 0.6 * (line.frame[1] - line.frame[0] or line.width * 2)


def _goes_on(first: ReferenceList, other: ReferenceList) -> bool:
    last, begin = first.entries[-1].label, other.entries[0].label
    numbers = [int(found.group()) for label in (last, begin) if label and (found := re.search(r"\d+", label))]
    return len(numbers) == 2 and numbers[1] == numbers[0] + 1


def _list_from(document: Document, heading: int) -> ReferenceList:
    start = heading + 1
    end = _end(document, heading)
    return ReferenceList(heading, start, end, split_entries(document, _kept(document, start, end)))


def _kept(document: Document, start: int, end: int) -> list[Line]:
    """Return the lines of a list; what says where its authors are is left out, with all behind it."""
    kept = [line for line in document.lines[start:end] if document.part(line) in ("text", "reference")]
    tail = [index for index in range(max(2, len(kept) - _TAIL), len(kept)) if _about_authors(kept, index)]
    return kept[: tail[0]] if tail else kept


def _about_authors(lines: Sequence[Line], index: int) -> bool:
    """Whether something about the authors begins at a line: where they are, or a biography that stands apart."""
    line, before = lines[index], lines[index - 1]
    if _CONTACT.match(line.text):
        return True
    same = (line.page, line.column) == (before.page, before.column)
    apart = not same or line.box[1] - before.box[3] > 0.5 * line.height
    return apart and bool(_BIOGRAPHY.search(" ".join(one.text for one in lines[index : index + 2])))


def _end(document: Document, heading: int) -> int:
    """Return the index of the first line behind the list: a heading in another style than its entries."""
    lines = document.lines
    head = lines[heading]
    sample = [line for line in lines[heading + 1 : heading + 40] if document.part(line) == "text"]
    sizes: Counter[float] = Counter()
    for line in sample:  # labels of a figure beside the list are many, and short
        sizes[round(line.size, 1)] += len(line.text)
    size = sizes.most_common(1)[0][0] if sizes else document.size
    labelled = sum(bool(_BRACKET.match(line.text) or _POINT.match(line.text) or _KEY.match(line.text)) for line in sample) >= 3
    for index in range(heading + 2, len(lines)):
        line = lines[index]
        if document.part(line) in ("caption", "footnote", "table"):
            continue
        if _ends_list(line, head, size, document.gap_above(index), labelled=labelled):
            return index
    return len(lines)


def _ends_list(line: Line, head: Line, size: float, gap: float, *, labelled: bool) -> bool:
    text = line.text
    like_head = abs(line.top_size - head.top_size) < 0.6 and line.bold == head.bold and line.capitals == head.capitals
    stands_out = (line.bold and head.bold) or line.top_size > size + 0.9 or (like_head and (head.bold or head.capitals))
    apart = gap > 0.5 * line.height
    if len(text) > 130 or not any(c.isalpha() for c in text):
        return False
    if _AFTER.match(text) and len(text) < 80 and (stands_out or (apart and line.width < 0.6 * (line.frame[1] - line.frame[0]))):
        return True
    if not stands_out:
        return False
    if _LETTERED.match(text) and not _NAME.match(text):
        return line.bold or line.top_size > size + 0.9 or (apart and like_head)
    if like_head and (head.bold or head.top_size > size + 0.9) and apart:
        return not (_BRACKET.match(text) or _KEY.match(text))
    return line.top_size > size + 1.9 and apart and not (labelled and _POINT.match(text))


def _without_heading(document: Document) -> ReferenceList | None:
    """Return the list that begins with a 1 behind which five numbers follow in order, most with years; None without one.

    Of several it is the longest: steps of an appendix are numbered too.
    """
    found = [one for pattern in (_BRACKET, _POINT, _ROUND, _BARE) if (one := _numbered_list(document, pattern))]
    best = max(found, key=lambda one: len(one.entries) * _dated(one.entries) ** 4, default=None)
    return best or _by_author_without_heading(document)


def _numbered_list(document: Document, pattern: re.Pattern[str]) -> ReferenceList | None:
    """Return the last list whose numbers are written as `pattern` has them; numbers alone must be raised."""
    lines, bare = document.lines, pattern is _BARE
    for index in range(len(lines) - 1, int(0.3 * len(lines)), -1):
        line = lines[index]
        label = pattern.match(line.text)
        if not label or int(label.group(1)) != 1 or document.part(line) != "text" or (bare and not line.spans[0].raised):
            continue
        entries = split_entries(document, _kept(document, index, len(lines)))
        if len(entries) >= 5 and entries[0].lines[0] is line and _dated(entries) > (0.75 if bare else 0.5):
            return ReferenceList(None, index, len(lines), entries)
    return None


def _dated(entries: Sequence[Entry]) -> float:
    """Return which share of the entries has a year in it."""
    return sum(bool(_YEAR.search(" ".join(line.text for line in entry.lines))) for entry in entries) / max(1, len(entries))


def _by_author_without_heading(document: Document) -> ReferenceList | None:
    """Return the longest run of entries at the end that begin with names and have years, set apart from the text above."""
    lines = document.lines
    begins = [
        index
        for index in range(len(lines) // 2, len(lines))
        if _NAME.match(lines[index].text)
        and document.part(lines[index]) == "text"
        and document.gap_above(index) > 0.5 * document.leading
    ]
    for index in begins[:40]:
        entries = split_entries(document, _kept(document, index, len(lines)))
        named = sum(bool(_NAME.match(entry.lines[0].text)) for entry in entries)
        if len(entries) >= 5 and _dated(entries) > 0.85 and named > 0.8 * len(entries) and _short(entries):
            return ReferenceList(None, index, len(lines), entries)
    return None


def _short(entries: Sequence[Entry]) -> bool:
    return max(len(entry.lines) for entry in entries) <= 14


def split_entries(document: Document, lines: Sequence[Line]) -> list[Entry]:
    """Return the entries that lines of a list make: by label, else by hanging indent, else by the space between them."""
    lines = list(lines)
    if not lines:
        return []
    numbered = max((_numbered(lines, pattern) for pattern in (_BRACKET, _POINT, _ROUND, _BARE)), key=len)
    keyed = [index for index, line in enumerate(lines) if _KEY.match(line.text)]
    if len(numbered) >= 2 and len(numbered) >= 0.6 * len(keyed) and _covers(numbered, lines):
        return _trimmed(document, [_labelled(lines, *ends) for ends in _stretches([i for i, _ in numbered], len(lines))])
    if len(keyed) >= _FEW and len(keyed) > 0.08 * len(lines):
        return [_labelled(lines, *ends) for ends in _stretches(keyed, len(lines))]
    if bullets := _bulleted(lines):
        return _trimmed(document, [Entry(lines[a:b], None, 2) for a, b in _stretches(bullets, len(lines))])
    starts = _outdented(lines) or _spaced(lines) or _by_names(lines)
    return _trimmed(document, [Entry(lines[a:b], None, 0) for a, b in _stretches(starts, len(lines))])


def _bulleted(lines: list[Line]) -> list[int]:
    """Return the lines that begin with a point, where the list is set so."""
    starts = [index for index, line in enumerate(lines) if re.match(r"[•·▪■‣]\s", line.text)]
    return starts if len(starts) >= 2 and starts[0] == 0 else []


def _covers(numbered: list[tuple[int, int]], lines: list[Line]) -> bool:
    """Whether the first number stands near the beginning, and the entries are of a size that entries have."""
    return numbered[0][0] <= 4 and len(lines) / len(numbered) < 14


def _stretches(starts: Sequence[int], end: int) -> list[tuple[int, int]]:
    return list(zip(starts, [*starts[1:], end], strict=True)) if starts else []


def _numbered(lines: list[Line], pattern: re.Pattern[str]) -> list[tuple[int, int]]:
    """Return index and number of the lines whose numbers rise by one, or by a few where a label was not read."""
    found: list[tuple[int, int]] = []
    for index, line in enumerate(lines):
        match = pattern.match(line.text)
        if not match:
            continue
        number = int(match.group(1))
        expected = found[-1][1] + 1 if found else 1
        if number == expected or (found and expected < number <= expected + 2) or (not found and number <= 1):
            found.append((index, number))
    return found


def _labelled(lines: list[Line], start: int, end: int) -> Entry:
    text = lines[start].text
    for pattern in (_BRACKET, _KEY, _POINT, _ROUND, _BARE):
        if found := pattern.match(text):
            skip = len(text) - len(text[found.end() :].lstrip())
            return Entry(lines[start:end], found.group().strip(), skip)
    return Entry(lines[start:end], None, 0)


def _trimmed(document: Document, entries: list[Entry]) -> list[Entry]:
    """Cut the last entry where something else begins: biographies, addresses and notes follow lists."""
    if not entries:
        return []
    last = entries[-1]
    usual = sorted(len(entry.lines) for entry in entries)[len(entries) // 2]
    for index in range(1, len(last.lines)):
        before, line = last.lines[index - 1], last.lines[index]
        same = (before.page, before.column) == (line.page, line.column)
        apart = same and line.box[1] - before.box[3] > 0.6 * document.leading
        if ((apart or not same) and before.text.endswith((".", "]", ")"))) or index > 3 * usual + 2:
            last.lines = last.lines[:index]
            break
    return entries


def _edges(lines: list[Line], tell: Callable[[Line], float]) -> dict[tuple[int, int], float]:
    """Return the left edge of each column of each page."""
    edges: dict[tuple[int, int], float] = {}
    for line in lines:
        key = (line.page, line.column)
        edges[key] = min(edges.get(key, 1e9), tell(line))
    return edges


def _outdented(lines: list[Line]) -> list[int]:
    """Return the lines that stand further left than those which go on, where the list is set so."""
    edges = _edges(lines, lambda line: line.box[0])
    offsets = [line.box[0] - edges[line.page, line.column] for line in lines]
    inside = Counter(round(offset) for offset in offsets if 5 < offset < 45)
    if not inside:
        return []
    usual = inside.most_common(1)[0][0]
    deep = sum(abs(offset - usual) <= 2 for offset in offsets)
    deeper = min(4, usual - 3)
    parted = {(line.page, line.column) for line, offset in zip(lines, offsets, strict=True) if offset > deeper}
    shallow = [
        index
        for index, (line, offset) in enumerate(zip(lines, offsets, strict=True))
        if offset <= deeper and ((line.page, line.column) in parted or not _carried_over(lines, index))
    ]
    if deep + len(shallow) < 0.7 * len(lines) or len(shallow) < 2:
        return []
    named = sum(bool(_NAME.match(lines[index].text)) for index in shallow)
    if named >= 0.6 * len(shallow):
        return shallow
    if deep < 0.25 * len(lines):  # entries that begin indented: the deep lines are the first ones
        starts = [index for index, offset in enumerate(offsets) if abs(offset - usual) <= 2]
        named = sum(bool(_NAME.match(lines[index].text)) for index in starts)
        return starts if named > 0.6 * len(starts) else []
    return shallow if named >= 0.4 * len(shallow) else []


def _carried_over(lines: list[Line], index: int) -> bool:
    """Whether the first line of a column, where no indent tells, goes on with the entry at the foot of the column before."""
    line, before = lines[index], lines[index - 1]
    if index == 0 or (line.page, line.column) == (before.page, before.column):
        return False
    following = lines[index + 1].text if index + 1 < len(lines) else ""
    ended = before.text.endswith((".", ")", "]")) or bool(re.search(r"[/\d]\S*$", before.text))
    begins = bool(_NAME.match(line.text)) or (line.text[0].isupper() and bool(_YEAR.search(f"{line.text} {following}")))
    return not (ended and begins)


def _spaced(lines: list[Line]) -> list[int]:
    """Return the lines above which there is more space than between the lines of an entry."""
    gaps = [
        line.box[1] - before.box[1] if (line.page, line.column) == (before.page, before.column) else None
        for before, line in pairwise(lines)
    ]
    known = sorted(gap for gap in gaps if gap is not None and gap > 0)
    if len(known) < 4:
        return []
    tight = known[len(known) // 5]
    starts = [0]
    for index, gap in enumerate(gaps, start=1):
        line, before = lines[index], lines[index - 1]
        if gap is None:
            ended = before.text.endswith((".", ")", "]")) or bool(re.search(r"(?:https?|doi|\d)\S*$", before.text))
            if ended and _NAME.match(line.text):
                starts.append(index)
        elif gap > 1.18 * tight + 0.5:
            starts.append(index)
    if len(starts) < 3:
        return []
    share = len(starts) / len(lines)
    named = sum(bool(_NAME.match(lines[index].text)) for index in starts)
    return starts if 0.12 < share < 0.75 and named > 0.5 * len(starts) else []


def _by_names(lines: list[Line]) -> list[int]:
    """Return the lines that begin with a name behind one that ends an entry, a year in it."""
    starts = [0]
    since = lines[0].text
    for index, (before, line) in enumerate(pairwise(lines), start=1):
        short = before.width < 0.9 * max(1.0, before.frame[1] - before.frame[0])
        ended = before.text.endswith((".", ")", "]")) or short
        if ended and _NAME.match(line.text) and _YEAR.search(since):
            starts.append(index)
            since = ""
        since += line.text
    return starts
