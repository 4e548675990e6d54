"""The four lengths of a summary, and how they are held: by counting words, and cutting where a sentence ends."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from workbench.errors import WorkbenchError

_END: Final = re.compile(r"[.!?][\"”')\]]*(?=\s|$)")
_SHORT: Final = re.compile(r"(?:\b(?:al|approx|cf|e\.g|eq|eqs|etc|fig|figs|i\.e|no|sec|tab|vs)|\b[A-Z])\.$", re.IGNORECASE)
"""What ends in a full stop and ends no sentence."""
_TOKENS_A_WORD: Final = 2
_SLACK: Final = 200
"""Tokens; an answer that is a little too long is to arrive whole, so that it can be made shorter."""


@dataclass(frozen=True, slots=True)
class Level:
    """A length of a summary.

    Attributes:
        name: as it is asked for.
        title: above it.
        words: that it may have.
        asks: what the model is asked for, behind "Write".
        one: whether it must be a single sentence.
    """

    name: str
    title: str
    words: int
    asks: str
    one: bool = False

    @property
    def tokens(self) -> int:
        """Tokens that an answer may have."""
        return _TOKENS_A_WORD * self.words + _SLACK

    def excess(self, text: str) -> str | None:
        """Return what is too long about a text, in words; None where nothing is."""
        words = count_words(text)
        if words > self.words:
            return f"it has {words} words, and {self.words} are allowed"
        if self.one and (sentences := len(_ends(text))) > 1:
            return f"it has {sentences} sentences, and one is allowed"
        return None

    def cut(self, text: str) -> str:
        """Return the beginning of a text that is as long as is allowed, to the end of a sentence where there is one."""
        fitting = [end for end in _ends(text) if count_words(text[:end]) <= self.words]
        if fitting:
            return text[: fitting[0] if self.one else fitting[-1]].rstrip()
        last = 0
        for number, word in enumerate(_words(text)):
            if number == self.words:
                break
            last = word.end()
        return f"{text[:last].rstrip(' ,;:')} …"


LEVELS: Final[Mapping[str, Level]] = {
    level.name: level
    for level in (
        Level(
            "sentence",
            "In a sentence",
            30,
            "one sentence that says what the paper did and what it found",
            one=True,
        ),
        Level(
            "paragraph",
            "In a paragraph",
            150,
            "one paragraph: the question, the method, the main results with their figures, and what limits them",
        ),
        Level(
            "detailed",
            "In detail",
            500,
            "a summary in several paragraphs: the problem, earlier work as far as it matters, the method, the data, the "
            "results with their figures, the limitations, and what follows",
        ),
        Level(
            "technical",
            "For those who build it",
            1500,
            "a technical summary for somebody who wants to implement the paper, under the Markdown headings `## Method`, "
            "`## Assumptions`, `## Data`, `## Results`, `## Limitations`, `## How to implement`: formulas, parameters and "
            "figures as the paper gives them, and what it leaves out",
        ),
    )
}
"""Name to length, the shortest first."""


def levels_named(names: str) -> tuple[Level, ...]:
    """Return the lengths of these names, with commas between them; `all` is every one.

    Raises:
        WorkbenchError: there is no such length.

    >>> [level.words for level in levels_named("paragraph,sentence")]
    [30, 150]
    """
    wanted = {name.strip() for name in names.split(",") if name.strip()}
    if wanted == {"all"}:
        return tuple(LEVELS.values())
    if unknown := wanted - LEVELS.keys():
        raise WorkbenchError(f"there is no level {min(unknown)!r}", hint=f"There are: {', '.join(LEVELS)}, and all.")
    return tuple(level for name, level in LEVELS.items() if name in wanted)


def count_words(text: str) -> int:
    """Return how many words a text has: what stands between blanks and has a letter or a digit.

    >>> count_words("## Results: 3.5 % — as before")
    4
    """
    return len(_words(text))


def _words(text: str) -> list[re.Match[str]]:
    return [word for word in re.finditer(r"\S+", text) if any(map(str.isalnum, word[0]))]


def _ends(text: str) -> list[int]:
    """Return where sentences end; each has a word."""
    ends: list[int] = []
    for end in _END.finditer(text):
        begun = ends[-1] if ends else 0
        if not _SHORT.search(text[begun : end.start() + 1]) and _words(text[begun : end.start()]):
            ends.append(end.end())
    return ends
