"""Whether speakers have come to rest: they give the same answer, or say again what they said before.

Pure decisions, each with its reason, so that a record can tell why a dialogue ended. One round is judged at a time; `lasting`
asks for several in a row.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from workbench.dialogue.agreement.votes import plain, written
from workbench.errors import ModeError

Similarity = Callable[[list[str], list[str]], list[float]]
"""Takes texts and as many others, and tells of each pair how close they are: 1 is the same, 0 unrelated."""
_ROUNDING: Final = 1e-9


@dataclass(frozen=True, slots=True)
class Verdict:
    """A decision; true if it is that they have converged.

    Attributes:
        converged: the decision.
        why: in words for the record.
        score: what was held against the threshold, 0 to 1.
    """

    converged: bool
    why: str
    score: float

    def __bool__(self) -> bool:
        return self.converged


def agree(answers: Sequence[Mapping[str, Any]], field: str, share: float = 1.0) -> Verdict:
    """Tell whether enough speakers give the same answer.

    Answers are compared as votes are. Who gives none agrees with nobody, but counts as a speaker.

    Args:
        answers: the data of each speaker.
        field: of their data that is compared.
        share: of the speakers that must give the commonest answer.

    Raises:
        ModeError: the share is not above 0 and at most 1.

    >>> agree([{"position": "Yes"}, {"position": "yes."}, {"position": "no"}], "position", share=0.6)
    Verdict(converged=True, why="2 of 3 agree on position: 'Yes'", score=0.6666666666666666)
    """
    _require_share(share, "share")
    if len(answers) < 2:  # noqa: PLR2004 - it takes two to agree
        return Verdict(converged=False, why="fewer than two have answered", score=0.0)
    given = [text for answer in answers if (text := written(answer.get(field))) is not None]
    if not given:
        return Verdict(converged=False, why=f"nobody gives {field}", score=0.0)
    key, most = Counter(map(plain, given)).most_common(1)[0]
    score = most / len(answers)
    shown = next(text for text in given if plain(text) == key)
    return Verdict(score + _ROUNDING >= share and most > 1, f"{most} of {len(answers)} agree on {field}: {shown[:80]!r}", score)


def similar(texts_before: Sequence[str], texts_now: Sequence[str], similarity: Similarity, threshold: float) -> Verdict:
    """Tell whether every speaker says nearly what it said in the round before.

    Args:
        texts_before: of the round before, a text a speaker.
        texts_now: of this round, in the same order.
        similarity: compares them pair by pair.
        threshold: that each pair must reach; the score is that of the pair furthest apart.

    Raises:
        ModeError: the threshold is not above 0 and at most 1, or similarity does not give a number for each pair.
    """
    _require_share(threshold, "threshold")
    if len(texts_before) != len(texts_now) or not texts_now:
        return Verdict(converged=False, why="not the same speakers as in the round before", score=0.0)
    scores = [float(score) for score in similarity(list(texts_before), list(texts_now))]
    if len(scores) != len(texts_now) or not all(map(math.isfinite, scores)):
        raise ModeError("similarity does not give a number for each pair of texts", hint="It takes two lists and returns one.")
    least = min(scores)
    why = f"of {len(scores)} speakers, the one who changed most is {least:.2f} alike to the round before"
    return Verdict(least + _ROUNDING >= threshold, why, max(0.0, min(1.0, least)))


def lasting(verdicts: Sequence[Verdict], window: int = 1) -> Verdict:
    """Tell whether the last rounds have all converged.

    Args:
        verdicts: one a round, the newest last.
        window: rounds in a row for which it must hold.

    Raises:
        ModeError: the window is below 1.
    """
    if window < 1:
        raise ModeError(f"a window of {window} rounds holds nothing", hint="The window is 1 or more.")
    last = verdicts[-window:]
    if len(last) < window:
        return Verdict(converged=False, why=f"{len(last)} of {window} rounds so far", score=0.0)
    weakest = min(last, key=lambda verdict: (verdict.converged, verdict.score))
    rounds = f", for {window} rounds" if window > 1 and weakest else ""
    return Verdict(weakest.converged, weakest.why + rounds, weakest.score)


def _require_share(value: float, name: str) -> None:
    if not 0 < value <= 1:
        raise ModeError(f"a {name} of {value} is never or always reached", hint=f"The {name} is above 0 and at most 1.")
