"""Thinking that a model writes into its answer, between `<think>` and `</think>` at its beginning, told apart from the answer.

Providers that know a model's habits do that themselves; servers of open models do it only when they were started with the
right parser.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from workbench.models.provider import Chunk

_OPEN: Final = "<think>"
_CLOSE: Final = "</think>"


class Thinking:
    """Follows one answer, whole or in pieces. What may yet become a tag is held back until that is known.

    >>> thinking = Thinking()
    >>> [(part.text, part.reasoning) for part in map(thinking.parted, (Chunk("<thi"), Chunk("nk>Hm.</think>"), Chunk("Yes.")))]
    [('', ''), ('', 'Hm.'), ('Yes.', '')]
    """

    def __init__(self) -> None:
        self._held = ""
        self._inside: bool | None = None  # not known before the answer's first characters
        self._thought = self._begun = False

    def parted(self, chunk: Chunk) -> Chunk:
        """Return a chunk with its thinking apart from its text. The last chunk of an answer must have its finish reason."""
        self._thought = self._thought or bool(chunk.reasoning)
        text, reasoning = self._split(chunk.text, ended=chunk.finish_reason is not None)
        return replace(chunk, text=text, reasoning=chunk.reasoning + reasoning)

    def _split(self, piece: str, *, ended: bool) -> tuple[str, str]:
        held, self._held = self._held + piece, ""
        if self._inside is None:
            start = held.lstrip()
            if _OPEN.startswith(start) and not ended:
                self._held = held
                return "", ""
            self._inside = start.startswith(_OPEN)
            held = start.removeprefix(_OPEN) if self._inside else held
        if not self._inside:
            return self._answer(held), ""
        self._thought = True
        thought, closed, answer = held.partition(_CLOSE)
        if closed:
            self._inside = False
            return self._answer(answer), thought
        kept = 0 if ended else _overlap(thought, _CLOSE)
        self._held = thought[len(thought) - kept :]
        return "", thought[: len(thought) - kept]

    def _answer(self, text: str) -> str:
        """Return a piece of the answer, without the blank lines between it and the thinking."""
        text = text.lstrip() if self._thought and not self._begun else text
        self._begun = self._begun or bool(text)
        return text


def _overlap(text: str, tag: str) -> int:
    """Return the length of the longest end of a text that is a beginning of the tag."""
    return next((size for size in range(min(len(text), len(tag) - 1), 0, -1) if text.endswith(tag[:size])), 0)
