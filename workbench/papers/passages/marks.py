"""Marks for the tags that a paper's text stands between in a prompt: no text can hold its own, so none closes its tag."""

from __future__ import annotations

import hashlib
from typing import Final

_LENGTH: Final = 16
PLACEHOLDER: Final = "0" * _LENGTH
"""As long as a mark, for measuring a prompt before its mark is known."""


def mark_of(*texts: str) -> str:
    """Return the mark for texts: the beginning of their SHA-256, 64 bits in hexadecimal.

    Equal texts have equal marks, so that a prompt can be replayed from a cassette. A text that contains its own mark would
    have to be found among 2**64, and whoever writes a paper does not know the other texts of the prompt.

    >>> mark_of("a", "b") == mark_of("a", "b") != mark_of("ab", "")
    True
    """
    digest = hashlib.sha256()
    for text in texts:
        told = text.encode("utf-8", "surrogatepass")
        digest.update(len(told).to_bytes(8, "big") + told)
    return digest.hexdigest()[:_LENGTH]
