"""Whether a quote stands in what was said, word for word.

Verbatim means: the quote is a part of one contribution once both are treated alike in two ways, and in no other. Every run of
whitespace becomes one space, and quotation marks of all kinds become the straight ones; those around the quote, and spaces, are
taken off. Case, punctuation, dashes, Markdown and ellipses count: a quote that leaves something out is not verbatim. A short
quote proves little: "the" stands everywhere.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal

Standing = Literal["verified", "other speaker", "not found"]
_MARKS: Final = {ord(mark): '"' for mark in "“”„‟«»″"} | {ord(mark): "'" for mark in "‘’‚‛‹›′`´"}  # noqa: RUF001 - as meant
_AROUND: Final = "\"' "


@dataclass(frozen=True, slots=True)
class CheckedQuote:
    """A quote, and where it stands.

    Attributes:
        speaker: who is said to have said it.
        quote: as it was given.
        status: `verified` where that speaker said it, `other speaker` where only another one did, or `not found`.
        turn: the first turn in which it stands; None where there is none.
        said_by: whose turn that is.
    """

    speaker: str
    quote: str
    status: Standing
    turn: str | None = None
    said_by: str | None = None


def normalised(text: str) -> str:
    r"""Return a text as quotes are compared.

    >>> normalised("He  said:\n“It is wet.”")
    'He said: "It is wet."'
    """
    return " ".join(text.translate(_MARKS).split())


def check_quote(speaker: str, quote: str, said: Mapping[str, Mapping[str, str]]) -> CheckedQuote:
    """Look a quote up.

    Args:
        speaker: who is said to have said it.
        quote: as it was given.
        said: speaker to turn to text, the texts `normalised`.

    >>> check_quote("con", "“it is dry”", {"pro": {"pro_1": "No, it is dry."}, "con": {"con_1": "Yes."}}).said_by
    'pro'
    """
    wanted = normalised(quote).strip(_AROUND)
    if wanted:
        for one in sorted(said, key=lambda one: one != speaker):
            for turn, text in said[one].items():
                if wanted in text:
                    return CheckedQuote(speaker, quote, "verified" if one == speaker else "other speaker", turn, one)
    return CheckedQuote(speaker, quote, "not found")
