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
from functools import cached_property
from typing import TYPE_CHECKING, Final

from workbench.errors import WorkbenchError
from workbench.models.embeddings import Embedder, local_embedder
from workbench.papers.passages.chunks import Chunk, chunk_from_json, chunk_to_json
from workbench.records.papers import ChunkRow

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

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


class Passages:
    """Passages made ready to be searched, of one paper or of many. Making it costs more than a search in it.

    Args:
        rows: as they are kept.
    """

    def __init__(self, rows: Sequence[ChunkRow]) -> None:
        self._rows = rows
        self._chunks = [chunk_from_json(row.chunk) for row in rows]
        self._holding: dict[str, list[tuple[int, int]]] = defaultdict(list)
        lengths = []
        for index, chunk in enumerate(self._chunks):
            count = Counter(_tokens(f"{chunk.heading} {chunk.body.text}"))
            lengths.append(sum(count.values()))
            for word, times in count.items():
                self._holding[word].append((index, times))
        usual = sum(lengths) / max(len(lengths), 1) or 1.0
        self._norms = [_K1 * (1 - _B + _B * length / usual) for length in lengths]

    def find(self, question: str, most: int = 8, embedder: Embedder | None = None) -> list[Hit]:
        """Return the passages that fit a question best, the best first.

        Args:
            question: in any words.
            most: how many.
            embedder: by default the local model; without one, words alone decide.
        """
        if not self._rows or not question.strip():
            return []
        orders = (self._by_words(question), self._by_meaning(question, embedder))
        score: dict[int, float] = defaultdict(float)
        for order in orders:
            for rank, index in enumerate(order):
                score[index] += 1 / (_FUSION + rank + 1)
        best = sorted(score, key=lambda index: (-score[index], index))[:most]
        return [Hit(self._rows[index].paper, self._chunks[index], score[index]) for index in best]

    def _by_words(self, question: str) -> list[int]:
        """Return the passages that share words with the question, by BM25."""
        scores: dict[int, float] = defaultdict(float)
        for word in sorted(set(_tokens(question))):
            holding = self._holding.get(word, [])
            weight = math.log(1 + (len(self._chunks) - len(holding) + 0.5) / (len(holding) + 0.5))
            for index, times in holding:
                scores[index] += weight * times * (_K1 + 1) / (times + self._norms[index])
        return sorted(scores, key=lambda index: (-scores[index], index))

    def _by_meaning(self, question: str, embedder: Embedder | None) -> list[int]:
        """Return the passages by how close their vectors are to the question's; nothing where there are none to compare."""
        if self._matrix is None:
            return []
        asked = _vectors([question], embedder)
        import numpy as np

        if not asked or len(asked[0]) != self._matrix.shape[1] * self._matrix.itemsize:
            return []  # no model, or another one than the papers were added with
        cosines = self._matrix @ np.frombuffer(asked[0], dtype=np.float32)
        return [int(index) for index in np.argsort(-cosines, kind="stable")]

    @cached_property
    def _matrix(self) -> NDArray[np.float32] | None:
        """The vectors, one row a passage; None where one is missing, or they are of different models."""
        import numpy as np

        vectors = [row.vector or b"" for row in self._rows]
        if len({len(vector) for vector in vectors}) != 1 or not vectors[0]:
            return None
        return np.stack([np.frombuffer(vector, dtype=np.float32) for vector in vectors])


def _tokens(text: str) -> list[str]:
    return [_stem(word) for word in _WORD.findall(text.casefold()) if word not in _COMMON]


def _stem(word: str) -> str:
    """Take an English plural off: enough to let `gauges` find `gauge`."""
    if len(word) > 4 and word.endswith("ies"):  # noqa: PLR2004
        return word[:-3] + "y"
    return word[:-1] if len(word) > 3 and word.endswith("s") and not word.endswith("ss") else word  # noqa: PLR2004


def _vectors(texts: Sequence[str], embedder: Embedder | None) -> list[bytes]:
    """Return the texts' vectors as bytes; none where no model for them is installed."""
    try:
        return [row.astype("float32").tobytes() for row in (embedder or local_embedder()).embed(texts)]
    except WorkbenchError:
        return []
