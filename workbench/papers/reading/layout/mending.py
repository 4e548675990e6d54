"""Text as it was meant: ligatures, accents that fonts set apart, control characters, words cut at the end of a line."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Set as AbstractSet
from typing import Final

_CONTROL: Final = {
    0x0B: "ff", 0x0C: "fi", 0x0D: "fl", 0x0E: "ffi", 0x0F: "ffl",
    0x1B: "ff", 0x1C: "fi", 0x1D: "fl", 0x1E: "ffi", 0x1F: "ffl",
    0x15: "–", 0x16: "—",
    0xA0: " ", 0x2002: " ", 0x2003: " ", 0x2009: " ", 0x200A: " ", 0x202F: " ", 0x200B: "", 0x2060: "", 0xFEFF: "",
    0x2010: "-", 0x2011: "-",
}  # fmt: skip
"""Places where TeX's two old text encodings (OT1, T1) keep ligatures and dashes; a PDF without a map shows them as controls."""
_LIGATURES: Final = {code: unicodedata.normalize("NFKC", chr(code)) for code in range(0xFB00, 0xFB07)}
_TABLE: Final = _LIGATURES | {code: "" for code in range(0x20) if code not in (0x09, 0x0A)} | _CONTROL
_MARKS: Final = {
    "´": "\u0301", "`": "\u0300", "¨": "\u0308", "ˆ": "\u0302", "˜": "\u0303", "ˇ": "\u030c", "˘": "\u0306", "˚": "\u030a",
    "¯": "\u0304", "˙": "\u0307", "˝": "\u030b", "¸": "\u0327", "˛": "\u0328", "ˊ": "\u0301", "ˋ": "\u0300",
}  # fmt: skip
ACCENTS: Final = frozenset(_MARKS)
"""Accents that stand by themselves, as old fonts set them."""
_ACCENT: Final = re.compile(rf"([^\W\d_])?( ?)([{''.join(_MARKS)}])( ?)([^\W\d_])?")
_T1: Final = dict(
    enumerate(
        "ĂĄĆČĎĚĘĞĹĽŁŃŇŊŐŔŘŚŠŞŤŢŰŮŸŹŽŻĲİđ§ăąćčďěęğĺľłńňŋőŕřśšşťţűůÿźžżĳ¡¿£",
        start=0x80,
    )
) | {0xD7: "Œ", 0xDF: "SS", 0xF7: "œ", 0xFF: "ß"}
_TS1: Final = {"\x84": "†", "\x85": "‡", "\x86": "‖", "\x88": "•"}
_SOFT: Final = "\u00ad"
_LONGEST: Final = 60
"""Letters of a word."""
_CUT: Final = re.compile(r"([^\W\d_]{2,})[-\u00ad]$")
_HEAD: Final = re.compile(r"^[^\W\d_]+")


def from_t1(text: str) -> str:
    r"""Return text whose codes above ASCII are places in TeX's T1 encoding.

    >>> from_t1("\x8aukasz Wi\xb1niewski")
    'Łukasz Wiśniewski'
    """
    if text.isascii():
        return text
    alone = _TS1.get(text.strip())  # a mark of its own comes from the font of symbols beside the letters
    return alone or text.translate(_T1)


def mend(text: str) -> str:
    r"""Return a piece of text with ligatures spelled out, accents put on their letters and controls taken out.

    >>> mend("Gy\u00a8ongyi is e\ufb03cient")
    'Gyöngyi is efficient'
    """
    text = text.translate(_TABLE)
    if "\ufffd" in text:  # a stroke through an l, which OT1 sets as a letter of its own
        text = text.replace("\ufffdL", "Ł").replace("\ufffdl", "ł")
    if any(mark in text for mark in _MARKS):
        text = _ACCENT.sub(_accented, text)
    return unicodedata.normalize("NFC", text) if not text.isascii() else text


def _accented(found: re.Match[str]) -> str:
    before, space, mark, gap, after = found.groups(default="")
    ends = not found.string[found.end() : found.end() + 1].isalpha()
    if mark in "´`" and after in ("s", "t") and before and not gap and ends:  # an apostrophe
        return found.group(0)
    bare = {"ı": "i", "ȷ": "j"}
    if after and len(joined := unicodedata.normalize("NFC", bare.get(after, after) + _MARKS[mark])) == 1:
        glued = space if not before or not after.islower() or (before.isupper() and not gap) else ""
        return before + glued + joined
    if before and len(joined := unicodedata.normalize("NFC", bare.get(before, before) + _MARKS[mark])) == 1:
        return joined + gap + after
    return found.group(0)


def join_lines(lines: list[str], vocabulary: AbstractSet[str] = frozenset()) -> tuple[str, list[int]]:
    """Join printed lines into one text; words that were cut are whole again.

    Args:
        lines: without line ends.
        vocabulary: words of the paper in small letters. A cut word that stands there whole loses its hyphen, one that
            stands there with the hyphen keeps it; of others it is taken to be the printer's.

    Returns:
        the text, and where each line begins in it.

    >>> join_lines(["a self-", "explaining tech-", "nology"], {"self-explaining"})
    ('a self-explaining technology', [0, 7, 22])
    """
    parts: list[str] = []
    starts: list[int] = []
    length = 0
    for line in lines:
        words = " ".join(line.split())
        if words and parts:
            ending, link = _linked(parts[-1], words, vocabulary)
            length += len(ending) - len(parts[-1]) + len(link)
            parts[-1] = ending + link
            for index in range(len(starts) - 1, -1, -1):
                if starts[index] <= length:
                    break
                starts[index] = length  # an empty line behind a hyphen that is gone
        starts.append(length)
        if words:
            parts.append(words)
            length += len(words)
    return "".join(parts).replace(_SOFT, "-"), starts


def _linked(before: str, after: str, vocabulary: AbstractSet[str]) -> tuple[str, str]:
    """Return a line as it ends where the next one follows, and what stands between them."""
    cut, head = _CUT.search(before[-_LONGEST:]), _HEAD.match(after)
    if cut and head and (head.group()[0].islower() or before.endswith(_SOFT)):
        whole, hyphenated = cut.group(1) + head.group(), f"{cut.group(1)}-{head.group()}"
        keeps = hyphenated.lower() in vocabulary and whole.lower() not in vocabulary
        return before[:-1], "-" if keeps else ""
    if before.endswith(_SOFT):
        return before[:-1], ""
    if before.endswith(("-", "/")) and not before.endswith(" -") and after[0].isalnum():
        return before, ""
    return before, " "
