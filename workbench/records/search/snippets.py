"""The piece of a text that shows why it was found, with what was looked for marked in it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final, NamedTuple

from workbench.records.search.query import Query, Term
from workbench.records.search.words import places

WIDTH: Final = 180
"""Characters of a snippet, or a few more."""
_LEAD: Final = 50
"""Characters before the first mark."""
_SPACE: Final = re.compile(r"\s+")


class Piece(NamedTuple):
    """A part of a snippet, and whether it was looked for."""

    text: str
    hit: bool = False


Snippet = tuple[Piece, ...]


def snippet(texts: Sequence[str], query: Query | None) -> Snippet:
    """Return a snippet from the text that has most of what was looked for; without any, the first text's beginning."""
    best: tuple[int, str, list[tuple[int, int]]] = (0, next(filter(None, texts), ""), [])
    for text in texts if query else ():
        assert query is not None
        many, marks = _densest(_marks(text, query.terms))
        if many > best[0]:
            best = (many, text, marks)
    return _cut(best[1], best[2])


def _marks(text: str, terms: Sequence[Term]) -> list[tuple[int, int, int]]:
    """Return where terms stand in a text: beginning, end, and the term's number."""
    found = places(text)
    words = [word for word, _, _ in found]
    exact: dict[str, list[int]] = {}
    for number, term in enumerate(terms):
        exact.setdefault("" if term.begins and len(term.words) == 1 else term.words[0], []).append(number)
    begun = exact.pop("", [])
    return [
        (found[at][1], found[at + len(terms[number].words) - 1][2], number)
        for at, word in enumerate(words)
        for number in [*exact.get(word, ()), *begun]
        if terms[number].fits(words, at)
    ]


def _densest(marks: list[tuple[int, int, int]]) -> tuple[int, list[tuple[int, int]]]:
    """Return the marks of the window with most different terms, and how many those are."""
    best: tuple[int, list[tuple[int, int]]] = (0, [])
    for first, (start, _, _) in enumerate(marks):
        inside = [mark for mark in marks[first : first + 40] if mark[1] - start <= WIDTH - _LEAD]
        many = len({number for _, _, number in inside} or {0})
        if many > best[0]:
            best = (many, [mark[:2] for mark in inside or [marks[first]]])
    return best


def _cut(text: str, marks: list[tuple[int, int]]) -> Snippet:
    start = max(0, marks[0][0] - _LEAD) if marks else 0
    if start:
        start = next((at + 1 for at in range(start, marks[0][0]) if text[at].isspace()), start)
    end = min(len(text), max(start + WIDTH, marks[-1][1] if marks else 0))
    if end < len(text):
        end = next((at for at in range(end, max(end - 30, 0), -1) if text[at].isspace()), end)
    pieces, at = [Piece("…")] if start else [], start
    for begin, over in marks:
        if begin >= at and over <= max(end, over):
            pieces += [Piece(text[at:begin]), Piece(text[begin:over], hit=True)]
            at = over
    pieces += [Piece(text[at : max(end, at)]), Piece("…" if end < len(text) else "")]
    return tuple(Piece(_SPACE.sub(" ", text), hit) for text, hit in pieces if text)
