"""People's scores as ratings, from which routing learns."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from workbench.errors import RecordError, WorkbenchError
from workbench.observe.pull.service import Score, signed

if TYPE_CHECKING:
    from workbench.dialogue import Orchestrator

_CLOSE: Final = 1e-9


@dataclass(slots=True)
class Kept:
    """What came of scores.

    Attributes:
        new: scores that are ratings now.
        known: those that were already, with the same value.
        left: reasons why others are not, with how many each.
    """

    new: int = 0
    known: int = 0
    left: Counter[str] = field(default_factory=Counter)

    def __str__(self) -> str:
        left = "".join(f"\n  {count} left out: {reason}" for reason, count in self.left.most_common())
        return f"{self.new} new scores kept as ratings, {self.known} known already.{left}"


def keep(orchestrator: Orchestrator, title: str, scores: Iterable[Score]) -> Kept:
    """Keep scores as a person's ratings, under who gave them and what for. Blocks.

    Args:
        orchestrator: whose record the scored dialogues are in.
        title: of the service.
        scores: as it has told them; where one name has scored a turn twice, the last one counts.

    Raises:
        RecordError: the record does not take them.
    """
    found = Kept()
    latest = {(score.dialogue, score.turn, score.by, score.name): score for score in scores}
    here = orchestrator.record.experiments.dialogues_there([score.dialogue for score in latest.values()])
    for score in latest.values():
        quality, reason = quality_of(score)
        if score.dialogue not in here:
            reason = "about a dialogue of another record" if score.dialogue else "about something that no workbench has sent"
        if reason or quality is None:
            found.left[reason] += 1
        elif _is_known(orchestrator, title, score, quality):
            found.known += 1
        else:
            _rate(orchestrator, title, score, quality, found)
    return found


def _rate(orchestrator: Orchestrator, title: str, score: Score, quality: float, found: Kept) -> None:
    try:
        why = score.comment or score.label
        orchestrator.rate(score.dialogue, quality, score.turn, by=signed(score, title), comment=why)
    except RecordError:
        raise
    except WorkbenchError as error:  # a turn that no model has spoken
        found.left[error.message] += 1
    else:
        found.new += 1


def quality_of(score: Score) -> tuple[float | None, str]:
    """Return a score as a quality from 0 to 1, or None and why there is none.

    >>> quality_of(Score("1", "helpful", "d", None, 4, least=1, most=5))
    (0.75, '')
    >>> quality_of(Score("1", "helpful", "d", None, 4))
    (None, 'helpful has no scale at the service, and its values do not lie between 0 and 1')
    """
    if score.value is None or not math.isfinite(score.value):
        return None, f"{score.name} is words, not a number"
    least, most = (0.0, 1.0) if isinstance(score.value, bool) else (score.least, score.most)
    if least is None or most is None or most <= least:
        if not 0 <= score.value <= 1:
            return None, f"{score.name} has no scale at the service, and its values do not lie between 0 and 1"
        least, most = 0.0, 1.0
    quality = (float(score.value) - least) / (most - least)
    if not 0 <= quality <= 1:
        return None, f"{score.name} has values that do not lie on its scale from {least:g} to {most:g}"
    return quality, ""


def _is_known(orchestrator: Orchestrator, title: str, score: Score, quality: float) -> bool:
    """Whether a score was kept before, with the same value."""
    by, why = signed(score, title), score.comment or score.label
    said = [
        each
        for each in orchestrator.record.ratings(dialogue=score.dialogue)
        if each.by == by and score.turn in (None, each.turn)
    ]
    return bool(said) and all(abs(each.quality - quality) < _CLOSE and each.comment == why for each in said)
