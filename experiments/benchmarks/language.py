"""Texts in which words are drawn as languages have them, few often and most seldom, and in which some words can be looked for.

`COMMON`, `FAIR` and `RARE` are words that stand in about a third, a hundredth and a hundred-thousandth of the texts.
"""

from __future__ import annotations

import itertools
import random
from typing import Final

COMMON: Final = "model"
FAIR: Final = "gradient"
RARE: Final = "quicksilver"
_FREQUENT: Final = """\
the of and to in a is that it for as with be on not this are by or which from at we can have an more would if
no they their one but there what has such than other these so only its should because may how all when most
who some also does about answer question reason case argument cost data test result paper prompt token cache
claim
"""


class Language:
    """Draws texts.

    Args:
        random: what it draws with.

    Attributes:
        sentences: what texts are put together from.
    """

    def __init__(self, random: random.Random) -> None:
        self._random = random
        syllables = ["ra", "ti", "on", "mel", "kor", "sen", "da", "lu", "vex", "pro", "nim", "tas", "gol", "fe", "qui", "zan"]
        invented = ["".join(letters) for size in (2, 3, 4) for letters in itertools.product(syllables, repeat=size)]
        random.shuffle(invented)
        words = [*_FREQUENT.split(), *invented[:30_000]]
        weights = list(itertools.accumulate(1 / (rank + 3) for rank in range(len(words))))
        self.sentences = [
            " ".join(random.choices(words, cum_weights=weights, k=random.randint(6, 22))).capitalize() + "."
            for _ in range(30_000)
        ]

    def text(self, number: int) -> str:
        """Return what is said in a turn; its number decides on the words that are looked for."""
        draw = self._random
        said = draw.choices(self.sentences, k=min(60, max(1, round(draw.lognormvariate(1.9, 0.7)))))
        if number % 3 == 0:
            said.append(f"The {COMMON} was right.")
        if number % 100 == 7:
            said.append(f"Look at the {FAIR}.")
        if number % 100_000 == 77:
            said.append(f"It runs like {RARE}.")
        return " ".join(said)
