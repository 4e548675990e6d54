"""Numbers and years by which a paper is known: arXiv id, DOI, year."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Final

ARXIV: Final = re.compile(r"(?<![\d.])(\d{4}\.\d{4,5}|[a-z-]+(?:\.[A-Z]{2})?/\d{7})(v\d{1,2})?(?![\d])")
DOI: Final = re.compile(r"\b10\.\d{4,9}/[^\s\"<>{}|\\^`\[\]]+", re.IGNORECASE)
_STAMP: Final = re.compile(r"arxiv\s*:\s*(\d{4}\.\d{4,5}|[a-z-]+(?:\.[A-Z]{2})?/\d{7})(?:v\d+)?", re.IGNORECASE)
_YEAR: Final = re.compile(r"(?<!\d)((?:19[5-9]|20[0-4])\d)(?!\d)")
_VENUE: Final = re.compile(
    r"\b(?:proceedings|conference|published|copyright|©|journal|transactions|vol(?:ume|\.)|workshop|symposium|preprint|accepted|appear|"
    r"neurips|nips|icml|iclr|acl|emnlp|naacl|cvpr|iccv|eccv|aaai|ijcai|kdd|sigir|www|vldb|sigmod|chi|uai|aistats|colt|interspeech|"
    r"january|february|march|april|may|june|july|august|september|october|november|december|"
    r"jan|feb|mar|apr|jun|jul|aug|sep|sept|oct|nov|dec)\b",
    re.IGNORECASE,
)


def arxiv_id_in(texts: Iterable[str]) -> str | None:
    """Return the arXiv id that a stamp or a header names; without its version."""
    for text in texts:
        if found := _STAMP.search(text):
            return found.group(1)
    return None


def arxiv_year(arxiv_id: str) -> int | None:
    """Return the year that an arXiv id tells: 2308.08155 is of 2023, hep-th/9901001 of 1999."""
    digits = re.search(r"(\d{2})\d{2}\.|/(\d{2})\d{5}", arxiv_id)
    if not digits:
        return None
    short = int(digits.group(1) or digits.group(2))
    return 2000 + short if digits.group(1) or short < 91 else 1900 + short  # arXiv began in 1991


def doi_in(texts: Iterable[str]) -> str | None:
    """Return the first DOI that is printed; punctuation behind it is left out."""
    for text in texts:
        if found := DOI.search(text):
            return tidy_doi(found.group())
    return None


def tidy_doi(doi: str) -> str:
    """Return a DOI without the punctuation that a sentence puts behind it.

    >>> tidy_doi("10.1145/3.4).")
    '10.1145/3.4'
    """
    doi = doi.rstrip(".,;:'’\"”")
    while doi.endswith(")") and doi.count("(") < doi.count(")"):
        doi = doi[:-1].rstrip(".,;:")
    return doi


def year_in(furniture: Iterable[str], front: Iterable[str]) -> int | None:
    """Return the year of publication that running heads, notes and the front name; of several, that of the venue.

    Args:
        furniture: running heads, stamps, notes on the first page.
        front: lines around the title.
    """
    for texts in (furniture, front):
        found = [int(year) for text in texts if _VENUE.search(text) for year in _YEAR.findall(text)]
        if found:
            return max(set(found), key=lambda year: (found.count(year), year))
    return None


def created_year(date: str | None) -> int | None:
    """Return the year of a PDF's creation date, `D:20171207…`."""
    found = re.match(r"(?:D:)?((?:19[89]|20)\d{1,2})", date or "")
    return int(found.group(1)) if found and len(found.group(1)) == 4 else None


def likely_year(created: int | None, cited: Sequence[int]) -> int | None:
    """Return the year that a file was made in, unless it was made long after all that the paper cites: then None."""
    newest = max(cited, default=None)
    return None if created is None or (newest is not None and created - newest > 2) else created
