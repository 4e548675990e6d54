"""What names of persons look like, and what affiliations do."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

_AFFILIATION: Final = re.compile(
    r"\b(?:univ(?:ersit\w*|\.)?|institut\w*|inst\.|dep(?:artment|artement|t)\b\.?|departamento|dipartimento|facult\w*|school|college|labs?\b|laborator\w*|"
    r"research|academy|academia|center|centre|centro|hospital|clinic|corporation|corp\.?|inc\.?|ltd\.?"
    r"|gmbh|llc|company|co\.|group at|division|"
    r"ministry|council|agency|foundation|observatory|national|technolog\w*|sciences?|engineering|informatics|computing|computer|"
    r"mathematics|physics|statistics|psychology|biology|chemistry|economics|linguistics|medicine|neuroscience|robotics|"
    r"mila|megvii|sensetime|naver|kakao|ant group|spotify|netflix|qualcomm|toyota|bloomberg|sapienza|weizmann|technion|"
    r"caltech|tsinghua|peking|zhejiang|fudan|kaust|riken|nec\b|ntt\b|hitachi|toshiba|criteo|yandex|xerox|nokia|ericsson|"
    r"polytechnic\w*|tech|technikum|politecnico|école|ecole|universidad\w*|universit\w*|hochschule|technische|fakultät|"
    r"max planck|"
    r"google|microsoft|deepmind|openai|facebook|meta ai|fair\b|amazon|nvidia|ibm\b|huawei|tencent"
    r"|alibaba|baidu|bytedance|apple|adobe|"
    r"salesforce|samsung|intel\b|yahoo|linkedin|twitter|uber\b|bosch|siemens|hugging ?face|allen institute|anthropic|cohere|"
    r"mit\b|eth\b|epfl|cmu\b|ucla\b|ucsd\b|uc berkeley|inria|cnrs|kaist|cern\b|csail|fnal|slac\b|stanford|harvard|princeton|"
    r"street|st\.$|avenue|ave\.?$|road|blvd|building|room|floor|p\.?\s?o\.? box|campus|"
    r"usa|u\.s\.a\.?|united states|united kingdom|u\.k\.|uk$|china|germany|france|italy|spain|japan|korea|canada|india|israel|"
    r"switzerland|netherlands|belgium|austria|australia|singapore|sweden|denmark|norway|finland|poland|russia|brazil|ireland|portugal|"
    r"taiwan|hong kong|turkey|greece|czech|hungary|iran|egypt|mexico|chile|argentina|romania|pakistan"
    r"|vietnam|scotland|new zealand)\b",
    re.IGNORECASE,
)
_PLACE: Final = frozenset((Path(__file__).parent / "places.txt").read_text(encoding="utf-8").split("\n"))
"""Towns and states of two words and more, which look like names; in small letters."""
_NOT_NAMES: Final = re.compile(
    r"\b(?:abstract|introduction|keywords?|proceedings|conference|journal|preprint|draft|version|submitted|accepted|received|published|"
    r"revised|equal|contribut\w*|corresponding|author|authors?|email|e-mail|and others|project|code"
    r"|available|https?|www|copyright|"
    r"member|fellow|student|lecturer|ieee|acm|siam|phd|ph\.d|m\.d|professor|prof\.|technical|report|paper|article|review|anonymous|"
    r"the|of|for|with|from|this|that|using|via|toward|towards|learning|neural|networks?|models?|"
    r"(?-i:in|on|at|by|to|a|an|we|our|is|are|under|lead|core|senior)|^on|"  # An, In, To and A. are parts of names
    r"(?:january|february|march|april|may|june|july|august|september|october|november|december)(?= \d)"
    r"|vol|no\.|pp|work|done|during|"
    r"figure|table|section|chapter|lecture|notes|advisor|supervisor|editor|edited|team leads?|leads)\b",
    re.IGNORECASE,
)
_PARTICLES: Final = frozenset({
    "van", "von", "der", "den", "de", "del", "della", "di", "da", "dos", "das", "du", "la", "le", "el", "al", "bin",
    "ibn", "ben", "ter", "ten", "zu", "zur", "vom", "y", "e", "af", "av", "do", "san", "st.", "mac", "'t", "dal", "lo",
    "van't", "bint", "abu", "ould", "mc",
})  # fmt: skip
_WORD: Final = re.compile(
    r"^(?:[A-ZÀ-ÖØ-ÞŁŚŠŽŻŹČĆĐĞİŞŐŰŘŤŇĽÐÞŌĀĒĪŪ][^\W\d_]*(?:[’'`ʼ\-‐–][^\W\d_]+)*[’']?\.?|[A-Z]\.(?:-?[A-Z]\.)*|[A-Z])$"
)
_SUFFIX: Final = frozenset(("jr.", "jr", "sr.", "sr", "ii", "iii", "iv"))
_TITLES: Final = frozenset({
    "dr.", "prof.", "mr.", "mrs.", "ms.", "dr", "prof", "sir", "phd", "ph.d.", "md", "m.d.", "msc", "bsc", "dphil",
})  # fmt: skip
_COLLECTIVE: Final = re.compile(
    r"\b(?:team|collaboration|consortium|working group|project|initiative|committee|community)\b"
    r"|^[\w-]*AI$|^OpenAI|^DeepSeek|^Anthropic$",
    re.IGNORECASE,
)
_NICKNAME: Final = re.compile(r"[(“\"‘'][^\W\d_][\w.-]*[)”\"’']")
_PERSONS: Final = re.compile(
    r"^(?:Israel|Mila|India|France|Chile|Ireland)(?= [A-Z][^\W\d_]+$)"
    r"|(?<=\b[A-Z]\. )(?:Bosch|Fair|Street|Ireland|Israel|Siemens|Apple|College)$"
)
"""Persons' names that are names of countries and firms as well, where they stand as persons' names do."""
_GROUP: Final = re.compile(r"\b(?:team|group|consortium|collaboration|committee|society)\b", re.IGNORECASE)
_RUN_TOGETHER: Final = re.compile(r"(?<=[a-zà-ÿ])(?=[A-ZÀ-Þ])")
_PREFIXES: Final = re.compile(
    r"(?:^|[-\s’'])(?:Mc|Mac|De|Di|Da|Du|La|Le|Van|Von|Fitz|O|D|El|Al|Ben|Ter|Del|Della|St|Mac|Vander|Des|Dell|Lo|Li|ud|Te|Ó|Mb|Ní)$"
)


def affiliation_like(text: str) -> bool:
    """Whether a text names an institution, a firm or an address."""
    if _AFFILIATION.search(text) or re.search(r"\b\d{4,6}\b|@|\bhttps?:", text):
        return True
    bare = re.sub(r"[^\w\s-]", " ", text.lower())
    return " ".join(bare.split()) in _PLACE


def collective(text: str) -> bool:
    """Whether a text may be the name of a group that signs as an author."""
    return bool(_COLLECTIVE.search(text)) and len(text.split()) <= 8


def is_name(text: str) -> bool:
    """Whether a text looks like the name of one person: two to six words, capitals, initials, particles.

    >>> [is_name(text) for text in ("Aidan N. Gomez", "Ludwig van der Maas", "Stanford University", "attention is")]
    [True, True, False, False]
    """
    words = text.split()
    if not 2 <= len(words) <= 6 or len(text) > 45 or any(c.isdigit() for c in text) or _NOT_NAMES.search(text):
        return False
    if affiliation_like(_PERSONS.sub("", text)) or _GROUP.search(text):
        return False
    if words[-1].lower() in _SUFFIX:
        words = words[:-1]
    if len(words) > 2:
        words = [words[0], *(word for word in words[1:-1] if not _NICKNAME.fullmatch(word)), words[-1]]
    real = [word for word in words if word.lower() not in _PARTICLES]
    if not real or not all(_WORD.match(word.rstrip(",")) for word in real):
        return False
    if words[0].lower() in _PARTICLES and words[0].islower():
        return False
    full = [word for word in real if len(word.rstrip(".")) > 1 and "." not in word]
    return bool(full)


def is_single(text: str) -> bool:
    """Whether a text may be a name of one word, as some people have."""
    return bool(_WORD.match(text)) and len(text) > 2 and not affiliation_like(text) and not _NOT_NAMES.search(text)


def tidy_name(text: str) -> str:
    """Return a name as it is written: spaces mended, titles and degrees taken off, capitals only where they belong.

    >>> tidy_name("JeffRasley"), tidy_name("MARTIN J. MCDONALD"), tidy_name("Dr. Ada Lovelace, PhD")
    ('Jeff Rasley', 'Martin J. Mcdonald', 'Ada Lovelace')
    """
    text = re.sub(r"^(?:by|By|BY)[\s:]\s*|(?<=\w)\s*\([^()]*\)\W*$", "", " ".join(text.split()))
    text = text.replace("’", "'").strip(" ,;:.*·•|&-–—()[]{}") + ("." if re.search(r"\b(?:Jr|Sr)\.$", text) else "")
    text = re.sub(r"(?<=[^\W\d_])\.(?=[^\W\d_]{2})", ". ", text)
    words = text.split()
    while words and words[0].lower().rstrip(",") in _TITLES:
        words = words[1:]
    while len(words) > 1 and words[-1].lower().rstrip(",") in _TITLES:
        words = words[:-1]
    words = _parted(" ".join(words)).split()
    letters = [c for word in words for c in word if c.isalpha()]
    if letters and all(c.isupper() for c in letters) and any(len(word.strip(".")) > 3 for word in words):
        words = [_lowered(word) for word in words]
    return " ".join(words).strip(" ,;")


def _parted(text: str) -> str:
    """Return a name with the space that was lost between its parts."""
    pieces, last = [], 0
    for found in _RUN_TOGETHER.finditer(text):
        if not _PREFIXES.search(text[last : found.start()]) and found.start() - last > 2:
            pieces.append(text[last : found.start()])
            last = found.start()
    return " ".join([*pieces, text[last:]])


def _lowered(word: str) -> str:
    if "." in word or len(word) == 1:
        return word
    if word.lower() in _PARTICLES and len(word) <= 3:
        return word.lower()
    return re.sub(r"[^\W\d_]+", lambda found: found.group().capitalize(), word)


def mostly_names(text: str) -> bool:
    """Whether a line names persons and hardly anything else; marks and numbers on names do not matter.

    >>> mostly_names("Ada Lovelace1,*, Charles Babbage2 & Mary Somerville1"), mostly_names("Gauges report, and we listen.")
    (True, False)
    """
    parts = [re.sub(r"[\d*∗†‡§¶,]+", " ", part).strip() for part in re.split(r",|;|·|&|\band\b", text)]
    named = [part for part in parts if any(map(str.isalpha, part))]
    return bool(named) and sum(is_name(tidy_name(part)) for part in named) > 0.5 * len(named)
