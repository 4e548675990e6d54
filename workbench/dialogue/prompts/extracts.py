"""Parts of texts that are closest to a prompt: how relevant a text is, and what of it stays when it must be shorter.

Nothing here writes a word: what stays is the speaker's own, in order, and `GAP` marks every place where something is missing.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from typing import Final

from workbench.models.embeddings import Embedder, similarity

GAP: Final = "[…]"
_SENTENCE: Final = re.compile(r"(?:[^.!?。！？\n]|[.!?](?=\S))*[.!?。！？\n]*[\"'”’)\]]*\s*")  # noqa: RUF001 - they end sentences too
_PIECE: Final = 400
"""Characters; what has no end of a sentence for so long is taken apart between words, or anywhere."""
_PASSAGE: Final = 2000
"""Characters that are compared as one. Shorter passages, or sentences, find the right turn less often (docs/context.md)."""


def pieces(text: str) -> list[str]:
    """Return the sentences and lines of a text with the blanks behind them; joined they are the text.

    >>> pieces("It costs 1.9 million. Who pays? Nobody said.")
    ['It costs 1.9 million. ', 'Who pays? ', 'Nobody said.']
    """
    return [part for sentence in _SENTENCE.findall(text) if sentence for part in _taken_apart(sentence)]


def closeness(prompt: str, texts: Sequence[str], embedder: Embedder) -> list[float]:
    """Return how close each text comes to a prompt: the cosine of its closest passage.

    Args:
        prompt: what the texts shall be about.
        texts: to be compared.
        embedder: what compares them; blocks.
    """
    asked = embedder.embed(_passages(prompt) or [""]).mean(axis=0)
    found = [_passages(text) or [""] for text in texts]
    cosines = iter(similarity(embedder.embed([passage for passages in found for passage in passages]), asked).tolist())
    return [max(next(cosines) for _ in passages) for passages in found]


def shortened(text: str, prompt: str, most: int, count: Callable[[str], int], embedder: Embedder) -> str | None:
    """Return the sentences of a text that are closest to a prompt, as many as fit; None if not one does.

    A sentence counts by itself and with its neighbours: by itself it often does not say what it is about.

    Args:
        text: to be shortened.
        prompt: what the rest shall be about.
        most: tokens that the rest may have, with its marks.
        count: tells the tokens of a text.
        embedder: what compares them; blocks.
    """
    parts = pieces(text)
    around = ["".join(parts[max(0, place - 1) : place + 2]) for place in range(len(parts))]
    asked = embedder.embed(_passages(prompt) or [""]).mean(axis=0)
    scores = similarity(embedder.embed(parts), asked) + similarity(embedder.embed(around), asked)
    room, kept = most - count(GAP), list[int]()
    for place in sorted(range(len(parts)), key=lambda place: -scores[place]):
        size = count(parts[place]) + count(GAP)
        if size <= room:
            kept.append(place)
            room -= size
    while kept and count(rest := _joined(parts, set(kept))) > most:
        kept.pop()
    return rest if kept else None


def _joined(parts: Sequence[str], kept: set[int]) -> str:
    out: list[str] = []
    for place, part in enumerate(parts):
        if place in kept:
            out.append(part)
        elif not out or out[-1] != f"{GAP} ":
            out.append(f"{GAP} ")
    return "".join(out).strip()


def _taken_apart(sentence: str) -> Iterator[str]:
    while len(sentence) > _PIECE:
        cut = sentence.rfind(" ", 1, _PIECE) + 1 or _PIECE
        yield sentence[:cut]
        sentence = sentence[cut:]
    yield sentence


def _passages(text: str) -> list[str]:
    """Return a text in lengths that a vector can speak for, without splitting a sentence."""
    passages: list[str] = []
    for piece in pieces(text):
        if passages and len(passages[-1]) + len(piece) <= _PASSAGE:
            passages[-1] += piece
        else:
            passages.append(piece)
    return passages
