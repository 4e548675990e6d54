"""What a word is, for both databases: letters and digits, in small letters, without accents.

Scripts that put no spaces between words are taken one character at a time, so that any part of a Chinese sentence is found as a
phrase. Korean is treated alike, because its words carry their particles with them.
"""

from __future__ import annotations

import re
import unicodedata
from typing import Final

LONGEST: Final = 200_000
"""Characters of a text that are looked at: a tsvector holds a megabyte."""
_SPACELESS: Final = (
    (0x0E00, 0x0EFF),  # Thai, Lao
    (0x1000, 0x109F),  # Myanmar
    (0x1780, 0x17FF),  # Khmer
    (0x3005, 0x3007),
    (0x3040, 0x30FF),  # Kana
    (0x31F0, 0x31FF),
    (0x3400, 0x4DBF),  # Han
    (0x4E00, 0x9FFF),
    (0xAC00, 0xD7AF),  # Hangul
    (0xF900, 0xFAFF),
    (0x20000, 0x3FFFF),
)
_ACCENTS: Final = ((0x0300, 0x036F), (0x0591, 0x05C7), (0x064B, 0x065F), (0x1AB0, 0x1AFF), (0x1DC0, 0x1DFF))
_WORD: Final = re.compile(r"\S+")
_ASCII: Final = bytes.maketrans(
    bytes(range(128)), "".join(chr(code).lower() if chr(code).isalnum() else " " for code in range(128)).encode()
)


def searchable(text: str) -> str:
    """Return the words of a text with spaces between them, as both indexes hold them.

    >>> searchable("Crème brûlée, GPT-4!")
    'creme brulee  gpt 4 '
    >>> searchable("机器学习").split()
    ['机', '器', '学', '习']
    """
    text = text[:LONGEST]
    if text.isascii():
        return text.encode().translate(_ASCII).decode()
    unfolded = unicodedata.normalize("NFKD", text.casefold())
    return unicodedata.normalize("NFC", unfolded.translate(_FOLDED)).translate(_APART)


def words_of(text: str) -> list[str]:
    """Return the words of a text, in order."""
    return searchable(text).split()


def places(text: str) -> list[tuple[str, int, int]]:
    """Return the words of a text with the places in it where they begin and end."""
    text = text[:LONGEST]
    if text.isascii():
        return [(found[0], found.start(), found.end()) for found in _WORD.finditer(searchable(text))]
    pieces = [searchable(character) or "" for character in text]
    origin = [number for number, piece in enumerate(pieces) for _ in piece]
    folded = "".join(pieces)
    return [(found[0], origin[found.start()], origin[found.end() - 1] + 1) for found in _WORD.finditer(folded)]


class _Folding(dict[int, "str | None"]):
    """What `str.translate` puts in a character's place: nothing for an accent, a space for what is in no word."""

    def __missing__(self, code: int) -> str | None:
        kept = unicodedata.category(chr(code))[0] in "LNM"
        self[code] = None if _within(code, _ACCENTS) else chr(code) if kept else " "
        return self[code]


class _Spacing(dict[int, str]):
    """What `str.translate` puts in a character's place: itself, with spaces around it where it is a word of its own."""

    def __missing__(self, code: int) -> str:
        self[code] = f" {chr(code)} " if _within(code, _SPACELESS) else chr(code)
        return self[code]


def _within(code: int, ranges: tuple[tuple[int, int], ...]) -> bool:
    return any(first <= code <= last for first, last in ranges)


_FOLDED: Final = _Folding()
_APART: Final = _Spacing()
