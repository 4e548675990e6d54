"""What an entry of the list of references says: authors, title, year, DOI, arXiv id.

Entries are read as styles set them: authors first, as `A. Turing`, `Turing, A.` or `Alan Turing`; the title quoted, or behind
the authors and perhaps the year, up to the next full stop. What fits no style is left unknown.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from workbench.papers.reading.layout.identifiers import ARXIV, doi_in
from workbench.papers.reading.paper import Reference, Text

_PARTICLE: Final = (
    r"(?:(?:[Vv]an|[Vv]on|[Dd]e|[Dd]er|[Dd]en|[Dd]el|[Dd]ella|[Dd]i|[Dd]a|[Dd]os|[Dd]u|[Ll]a|[Ll]e"
    r"|[Ee]l|[Aa]l|ter|ten|zu|bin|Mc|Mac|St\.)[\s-])*"
)
_CAPITAL: Final = r"[^\W\d_a-zà-öø-ÿ]"
_PART: Final = rf"(?:[OD]['’])?{_CAPITAL}[^\W\d_]*(?:[-’'‐–]{{1,2}}[^\W\d_]+)*"
_SURNAME: Final = rf"{_PARTICLE}{_PART}(?:\s{_PART}){{0,2}}"
_INITIALS: Final = rf"(?:{_CAPITAL}\.(?:\s?-?\s?)){{1,4}}"
_JUNIOR: Final = r"(?:,?\s(?:Jr|Sr|II|III|IV)\.?)?"
_NAME: Final = {
    "surname first": (
        rf"{_SURNAME},\s*(?:{_INITIALS}|{_CAPITAL}{{1,3}}(?=[,;.\s])){_JUNIOR}(?:(?<=\s)(?:van|von|de|der"
        rf"|den)(?:\s(?:der|den))?)?"
    ),
    "initials first": rf"{_INITIALS}\s*{_SURNAME}{_JUNIOR}",
    "bare initials": rf"{_SURNAME}\s{_CAPITAL}{{1,3}}(?=[,.;])",
    "given name first": rf"{_PART}\.?(?:\s(?:{_CAPITAL}\.?(?=\s)|{_PARTICLE}{_PART})){{1,4}}{_JUNIOR}",
}
_BETWEEN: Final = r"\s*(?:[,;]\s*(?:and|&|und|et)\s|[,;]|\s(?:and|&|und|et)\s)\s*"
_OTHERS: Final = r"(?:\s*[,;]?\s*(?:and\s+|&\s+)?(?:et\.?\s?al\.?|others|\.\s?\.\s?\.|…))?"
_LISTS: Final = {
    style: re.compile(rf"(?:{name})(?:{_BETWEEN}(?:{name}|{_NAME['initials first']}))*{_OTHERS}")
    for style, name in _NAME.items()
}
_EDITORS: Final = r"(?:\s*\(?[Ee]ds?\.?\)?)?"
_YEAR_FIRST: Final = re.compile(rf"^{_EDITORS}[\s.,:]*\(?((?:1[89]|20)\d{{2}})[a-z]?(?:,\s*\w+\.?(?:\s\d+)?)?\)?[.,:;]*\s+")
_YEARS: Final = re.compile(r"(?<![\d.:/–-])((?:1[89]|20)\d{2})(?=[a-z]?(?![\d–-]|\.\d))")
_QUOTED: Final = re.compile(r"[“\"]\s*([^“”\"]{8,}?)[,.]?\s*[”\"]|``(.{8,}?)[,.]?''|‘([^‘’]{15,}?)[,.]?’")
_TITLE_END: Final = re.compile(
    r"(?<!\bvs)(?<!\bSt)(?<!\bDr)(?<! [A-Z])[.](?=\s|$)|[?!](?=\s+(?:[A-Z\d]|arXiv|in\b)|$)"
    r"|,\s(?=(?:in\s)?(?:[Pp]roc\b|[Pp]roceedings|arXiv|CoRR)|in:?\s[A-Z]|\d{4}[.,)]|vol\.|pp\.)"
)
_JOURNAL: Final = re.compile(
    r"^(?:[A-Z][\w-]*\.?,?\s){1,6}(?:[A-Z]{1,2}\s?)?(?:\d{1,4}|[A-Z]?\d{1,3}\s?\()|^(?:Phys|Nucl|Proc|J|Ann|Rev|Z|Nature|Science|Astrophys)\b\.?\s"
)
_MOST: Final = 60
"""Authors of an entry that are kept."""


@dataclass(frozen=True, slots=True)
class _Front:
    authors: tuple[str, ...]
    rest: str


def read_reference(body: Text, label: str | None) -> Reference:
    """Return an entry with what it says of itself.

    >>> r = read_reference(Text("Ada Lovelace and Charles Babbage. 1843. Notes on the engine. Taylor's Memoirs."), None)
    >>> r.authors, r.title, r.year
    (('Ada Lovelace', 'Charles Babbage'), 'Notes on the engine', 1843)
    """
    raw = body.text
    front = _front(raw)
    arxiv = ARXIV.search(raw) if re.search(r"arxiv|abs/|CoRR", raw, re.IGNORECASE) else None
    doi = doi_in([re.sub(r"(?<=/)\s|(?<=\.)\s(?=\d)", "", raw) if "doi" in raw.lower() else raw])
    return Reference(body, label, front.authors, _title(raw, front), _year(raw, front), doi, arxiv.group(1) if arxiv else None)


def _front(raw: str) -> _Front:
    """Return the authors that an entry begins with, and what follows them."""
    best = ""
    style = ""
    for name, pattern in _LISTS.items():
        found = pattern.match(raw)
        if found and len(found.group()) > len(best) and _plausible(raw, found.end(), name):
            best, style = found.group(), name
    if not best:
        return _Front((), raw)
    names = tuple(_split(best, style))[:_MOST]
    return _Front(names, raw[len(best) :])


def _plausible(raw: str, end: int, style: str) -> bool:
    """Whether what follows names goes on like an entry; a title in capitals looks like a given name otherwise."""
    after = raw[end : end + 30]
    if style == "given name first":
        return raw[:end].endswith(".") or (
            bool(re.match(r"\s*(?:[.,:;(]|\(?(?:1[89]|20)\d{2}|[“\"])|$", after)) and len(raw[:end].split()) < 160
        )
    return True


def _split(text: str, style: str) -> list[str]:
    text = re.sub(rf"{_OTHERS}$", "", text) if re.search(r"et\.?\s?al|others|\.\s?\.\s?\.|…", text[-14:]) else text
    pattern = re.compile(rf"{_NAME[style]}|{_NAME['initials first']}")
    return [" ".join(found.group().split()).strip(" ,;&") for found in pattern.finditer(text)]


def _title(raw: str, front: _Front) -> str | None:
    if quoted := _QUOTED.search(raw):
        return next(group for group in quoted.groups() if group).strip(" ,.")
    if not front.authors:
        return None
    if between := _between_commas(front.rest):
        return between
    rest = _YEAR_FIRST.sub("", front.rest, count=1)
    dated = rest != front.rest
    rest = re.sub(rf"^{_EDITORS}[\s.,:;]+", "", rest)
    end = _TITLE_END.search(rest)
    title = rest[: end.start() if end else len(rest)].strip(" ,.;:")
    if end and end.group() in "?!":
        title += end.group()
    words = title.split()
    if len(words) < 2 and not (dated and len(title) > 4):
        return None
    if (_JOURNAL.match(rest) and not dated) or (title[:1].isdigit() and len(words) < 3) or len(title) > 300:
        return None
    return title


def _between_commas(rest: str) -> str | None:
    """Return a title that commas part from authors and journal, as physicists set it: mostly small words, then a place."""
    found = re.match(r"\s*,\s+([^,.]+(?:,[^,.]+?)?),\s+(?=[A-Z][^,]*\d)", rest)
    if not found:
        return None
    words = found.group(1).split()
    return found.group(1) if len(words) > 2 and sum(word[0].islower() for word in words) >= 0.5 * len(words) else None


def _year(raw: str, front: _Front) -> int | None:
    if found := _YEAR_FIRST.match(front.rest):
        return int(found.group(1))
    bracketed = re.findall(r"\(((?:1[89]|20)\d{2})[a-z]?\)", raw)
    if bracketed:
        return int(bracketed[-1])
    years = _YEARS.findall(
        re.sub(
            r"https?://\S+|abs/\S+|arXiv:\S+|pp?\.\s*\d+\s*[-–]\s*\d+|pages\s+\d+\s*[-–]+\s*\d+|\d+\s*\(\d+\)\s*:\s*\d+",
            " ",
            raw,
        )
    )
    return int(years[-1]) if years else None
