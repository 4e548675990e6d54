"""What a heading is, and how headings and their numbers are written."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

ARABIC: Final = re.compile(
    r"^(?:section\s+)?(\d{1,2}(?:\.\d{1,2}){0,3})\s?[.:)|]?\s*(?=[^\W\d_]|[“\"'(\[$\d]+[-\w]*[^\W\d_])", re.IGNORECASE
)
ROMAN: Final = re.compile(r"^([IVX]{1,6})\s?[.:]\s*(?=\S)")
LETTER: Final = re.compile(r"^(?:appendix\s+)?([A-Z](?:\.\d{1,2}){0,3})\s?[.:)]?\s+(?=[^\W\d_])", re.IGNORECASE)
APPENDIX: Final = re.compile(
    r"^(?:supplementary |technical |online )?append(?:ix|ices)\b\s*([A-Z](?:\.\d+)*|[IVX]+|\d+)?\s*[.:—–-]?\s*", re.IGNORECASE
)
KNOWN: Final = re.compile(
    r"^(?:introduction|(?:the )?(?:related|previous|prior) works?|background(?: and related work)?"
    r"|motivation|preliminaries|methods?"
    r"|methodology|(?:materials? and methods?|methods and materials?)|experiments?|experimental "
    r"(?:results?|set-?up|evaluation|settings?)"
    r"|evaluation|results?|results and discussions?|discussions?|discussion and conclusions?|conclusions?(?: and .{4,40})?"
    r"|conclud(?:ing|ed) remarks|summary(?: and .{4,30})?|limitations?|future work|acknowledge?ments?"
    r"|references|bibliography|ethics statement"
    r"|ethical considerations?|broader impacts?|reproducibility statement|approach|implementation"
    r"|analysis|case study|our approach"
    r"|proposed (?:method|approach|model)|problem (?:formulation|statement|definition)|appendix"
    r"|supplementary materials?|funding"
    r"|author contributions?|competing interests?|data availability|conflicts? of interest)\s*[.:]?$",
    re.IGNORECASE,
)
NEVER: Final = re.compile(
    r"^(?:abstract|keywords?|index terms|ccs concepts|acm reference format|categories and subject|general terms|contents|"
    r"figure|fig\.|table|algorithm|theorem|lemma|proof|definition|proposition|corollary|remark|example|assumption|\[\d+\]|q\d|a:"
    r"|claim|fact|property|step|case|input|output|require|ensure|procedure|function|return|end|if|for|while)\b",
    re.IGNORECASE,
)
RUN_IN: Final = re.compile(r"[.:—]\s+\S")
LONGEST: Final = 110


@dataclass(slots=True)
class Heading:
    """A heading: its lines by index in the document, title without number, number, level and whether it is in an appendix."""

    start: int
    end: int
    title: str
    number: str | None
    level: int
    appendix: bool = False
    run_in: int = 0
    """How many characters of its line it takes where the text goes on behind it; 0 where it has lines of its own."""
