"""Shown not worse, shown the same: what "not significant" does not say, and a stated margin does.

Two one-sided tests against the margin, each at the level `alpha`, so that the interval they correspond to is that of
1 - 2 `alpha`. Sources: Schuirmann (1987), J. Pharmacokinet. Biopharm. 15, 657-680; Lakens (2017), Soc. Psychol. Personal.
Sci. 8, 355-362.
"""

from __future__ import annotations

from dataclasses import dataclass

from workbench.experiments.statistics.comparison import Comparison
from workbench.experiments.statistics.observations import StatisticsError


@dataclass(frozen=True, slots=True)
class Equivalence:
    """A comparison held against its margin. Gains are positive where treatment is better.

    Attributes:
        margin: the smallest difference that matters, in the metric's unit.
        alpha: level of each test.
        p_not_worse: of treatment being worse by the margin or more.
        p_no_gain: of treatment being better by the margin or more.
        low: of the gain's interval with confidence 1 - 2 `alpha`, like `high`.
    """

    margin: float
    alpha: float
    p_not_worse: float
    p_no_gain: float
    low: float
    high: float

    @property
    def p(self) -> float:
        """Of the arms differing by the margin or more."""
        return max(self.p_not_worse, self.p_no_gain)

    @property
    def not_worse(self) -> bool:
        """Whether treatment is shown to be worse by less than the margin: non-inferiority."""
        return self.p_not_worse < self.alpha

    @property
    def no_gain(self) -> bool:
        """Whether treatment is shown to be better by less than the margin."""
        return self.p_no_gain < self.alpha

    @property
    def equivalent(self) -> bool:
        """Whether the arms are shown to differ by less than the margin."""
        return self.p < self.alpha


def equivalence(found: Comparison, margin: float | None = None, *, alpha: float | None = None) -> Equivalence:
    """Hold a comparison against a margin.

    Args:
        found: the comparison.
        margin: the smallest difference that matters; by default the metric's own.
        alpha: level of each of the two tests; by default the comparison's.

    Raises:
        StatisticsError: no margin is stated, or it is not above 0.
    """
    margin = found.metric.margin if margin is None else margin
    if margin is None:
        raise StatisticsError(
            f"{found.metric.name} has no margin, and without one nothing can be shown to be the same",
            hint="State the smallest difference that matters, before you look: Metric(…, margin=0.02).",
        )
    if not 0 < margin < float("inf"):
        raise StatisticsError(f"{found.metric.name}: a margin of {margin} is none", hint="A margin is a number above 0.")
    alpha = found.alpha if alpha is None else alpha
    if not 0 < alpha < 0.5:  # noqa: PLR2004 - above, the interval would have no width
        raise StatisticsError(f"a level of {alpha} is none", hint="It lies between 0 and 0.5; 0.05 is usual.")
    low, high = found.estimate.interval(1 - 2 * alpha)
    result = found.estimate
    if found.metric.better == "higher":
        return Equivalence(margin, alpha, result.p_above(-margin), result.p_below(margin), low, high)
    return Equivalence(margin, alpha, result.p_below(margin), result.p_above(-margin), -high, -low)
