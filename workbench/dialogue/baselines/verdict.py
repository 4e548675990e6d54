"""What the debate bought, in words: worth its money, not worth it, or not to be told from these cases.

To be worth its money a debate has to be better than every baseline; to be dropped it is enough that one baseline is shown to be
as good within the margin. Both are looked for in several comparisons at once, so their p-values are adjusted after Holm,
one-sided at half of what the interval leaves out. The best baseline is the one that came out best here, which flatters it a
little.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from workbench.dialogue.baselines.intervals import Difference, cases_needed, holm

Kind = Literal["debate", "do_not_debate", "cannot_tell"]


@dataclass(frozen=True, slots=True)
class Rival:
    """A baseline beside the debate.

    Attributes:
        name: of the baseline.
        difference: the debate's quality minus the baseline's.
        p_better: that the debate is no better, adjusted.
        p_not_better: that it is better by the margin or more, adjusted.
    """

    name: str
    difference: Difference
    p_better: float
    p_not_better: float


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the comparison came to.

    Attributes:
        kind: `debate`, `do_not_debate`, or `cannot_tell`.
        best: name of the baseline that decides it; None where nothing could be compared.
        text: in sentences.
        needed: cases that would tell a difference of the margin; None where it is told.
        price_per_point: what the debate took more than a single answer for each point (hundredth) gained over it, in the
            comparison's unit; None where nothing was gained, or there was no single answer.
    """

    kind: Kind
    best: str | None
    text: str
    needed: int | None = None
    price_per_point: float | None = None

    @property
    def worth(self) -> bool:
        """Whether the debate is worth its money."""
        return self.kind == "debate"

    def __str__(self) -> str:
        return self.text

    def to_dict(self) -> dict[str, Any]:
        """Return it as JSON values."""
        return {name: getattr(self, name) for name in (*self.__slots__, "worth")}


def rivals(differences: Mapping[str, Difference]) -> list[Rival]:
    """Return the baselines with their p-values adjusted for being looked at together, in the order given."""
    found = list(differences.items())
    better = holm([difference.p_better for _, difference in found])
    not_better = holm([difference.p_not_better for _, difference in found])
    return [Rival(*one, p, q) for one, p, q in zip(found, better, not_better, strict=True)]


def kind_of(found: list[Rival], confidence: float) -> Kind:
    """Return what the comparisons show together."""
    level = (1 - confidence) / 2
    if any(rival.p_not_better < level for rival in found):
        return "do_not_debate"
    return "debate" if found and all(rival.p_better < level for rival in found) else "cannot_tell"


def decisive(found: list[Rival], kind: Kind) -> Rival:
    """Return the baseline that decides: the one most surely as good, else the one that came out best."""
    if kind == "do_not_debate":
        return min(found, key=lambda rival: rival.p_not_better)
    return min(found, key=lambda rival: rival.difference.mean)


def points(value: float) -> str:
    """Return a difference in points (hundredths): `+12`, `-0.5`."""
    number = round(100 * value, 1)
    return f"{number:+g}" if number else "0"


def interval(difference: Difference, confidence: float) -> str:
    """Return an interval in points: `95 % interval -3 to +20`."""
    return f"{confidence:.0%} interval {points(difference.low)} to {points(difference.high)}".replace("%", " %", 1)


def more_cases(rival: Rival, what: str, margin: float, confidence: float) -> tuple[int, str]:
    """Return how many cases (or whatever is counted) would tell a difference of the margin, and a sentence about it."""
    spread, seen = rival.difference.spread, abs(rival.difference.mean)
    needed = cases_needed(spread, margin, confidence)
    text = f"About {_rounded(needed):,} {what}s would tell a difference of {100 * margin:g} points from none"
    if seen > margin and rival.difference.n > 1:
        text += f", and {_rounded(cases_needed(spread, seen, confidence)):,} one as large as the one seen"
    return needed, f"{text} (80 % power)."


def _rounded(number: int) -> int:
    """Return a number with two digits that matter, rounded up: it is no more exact than that."""
    step = int("1" + "0" * max(len(str(number)) - 2, 0))
    return -(-number // step) * step
