"""Finding passages: by words (BM25) and, where the extra `embeddings` is installed, by meaning too.

The two orders are joined by reciprocal rank fusion (Cormack, Clarke and Büttcher, SIGIR 2009), which needs no scores that
could be compared.
"""

from __future__ import annotations

import math
import re
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from workbench.errors import WorkbenchError
from workbench.models.embeddings import Embedder, local_embedder
from workbench.papers.chunks import Chunk, chunk_from_json, chunk_to_json
from workbench.records.papers import ChunkRow

_K1: Final = 1.2
_B: Final = 0.75
"""BM25's usual constants (Robertson and Zaragoza, 2009)."""
_FUSION: Final = 60
_WORD: Final = re.compile(r"[^\W_]+")
_COMMON: Final = frozenset({
    "a", "an", "and", "are", "as", "at", "be", "by", "for", "from", "has", "have", "how", "in", "is", "it", "its", "of",
    "on", "or", "that", "the", "their", "this", "to", "was", "we", "were", "what", "when", "which", "who", "why",
    "with", "does", "do", "did", "can",
})  # fmt: skip


@dataclass(frozen=True, slots=True)
class Hit:
    """A passage that was found, the paper that it is of, and how well it fits: a rank, not a probability."""

    paper: str
    chunk: Chunk
    score: float


def rows_of(paper: str, chunks: Sequence[Chunk], embedder: Embedder | None = None) -> list[ChunkRow]:
    """Return a paper's passages as they are kept, with vectors where a model for them is installed.

    Args:
        paper: its full id.
        chunks: its passages.
        embedder: by default the local model.
    """
    vectors = _vectors([f"{chunk.heading}. {chunk.body.text}" for chunk in chunks], embedder)
    return [
        ChunkRow(paper, chunk.number, chunk_to_json(chunk), vectors[index] if vectors else None)
        for index, chunk in enumerate(chunks)
    ]


def find_passages(rows: Sequence[ChunkRow], question: str, most: int = 8, embedder: Embedder | None = None) -> list[Hit]:
    """Return the passages that fit a question best, the best first.

    Args:
        rows: the passages, of one paper or of many.
        question: in any words.
        most: how many.
        embedder: by default the local model; without one, words alone decide.
    """
    if not rows or not question.strip():
        return []
    chunks = [chunk_from_json(row.chunk) for row in rows]
    orders = [order for order in (_by_words(chunks, question), _by_meaning(rows, question, embedder)) if order]
    score: dict[int, float] = defaultdict(float)
    for order in orders:
        for rank, index in enumerate(order):
            score[index] += 1 / (_FUSION + rank + 1)
    best = sorted(score, key=lambda index: (-score[index], index))[:most]
    return [Hit(rows[index].paper, chunks[index], score[index]) for index in best]


def _tokens(text: str) -> list[str]:
    return [_stem(word) for word in _WORD.findall(text.casefold()) if word not in _COMMON]


def _stem(word: str) -> str:
    """Take an English plural off: enough to let `gauges` find `gauge`."""
    if len(word) > 4 and word.endswith("ies"):  # noqa: PLR2004
        return word[:-3] + "y"
    return word[:-1] if len(word) > 3 and word.endswith("s") and not word.endswith("ss") else word  # noqa: PLR2004


def _by_words(chunks: Sequence[Chunk], question: str) -> list[int]:
    """Return the passages that share words with the question, by BM25."""
    wanted = set(_tokens(question))
    counts = [Counter(_tokens(f"{chunk.heading} {chunk.body.text}")) for chunk in chunks]
    lengths = [sum(count.values()) for count in counts]
    usual = sum(lengths) / len(lengths) or 1.0
    holding = {word: sum(word in count for count in counts) for word in wanted}
    scores = []
    for index, count in enumerate(counts):
        norm = _K1 * (1 - _B + _B * lengths[index] / usual)
        score = sum(
            math.log(1 + (len(chunks) - holding[word] + 0.5) / (holding[word] + 0.5))
            * count[word]
            * (_K1 + 1)
            / (count[word] + norm)
            for word in wanted
            if count[word]
        )
        if score > 0:
            scores.append((score, index))
    return [index for _, index in sorted(scores, key=lambda one: (-one[0], one[1]))]


def _by_meaning(rows: Sequence[ChunkRow], question: str, embedder: Embedder | None) -> list[int]:
    """Return the passages by how close their vectors are to the question's; nothing where there are none."""
    if any(row.vector is None for row in rows):
        return []
    asked = _vectors([question], embedder)
    if not asked:
        return []
    import numpy as np

    matrix = np.stack([np.frombuffer(row.vector or b"", dtype=np.float32) for row in rows])
    cosines = matrix @ np.frombuffer(asked[0], dtype=np.float32)
    return [int(index) for index in np.argsort(-cosines, kind="stable")]


def _vectors(texts: Sequence[str], embedder: Embedder | None) -> list[bytes]:
    """Return the texts' vectors as bytes; none where no model for them is installed."""
    try:
        return [row.astype("float32").tobytes() for row in (embedder or local_embedder()).embed(texts)]
    except WorkbenchError:
        return []
