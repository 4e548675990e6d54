"""Two arms on one metric: how far apart, how sure, and what to bear in mind."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from workbench.experiments.statistics.checks import RESAMPLES, Checks, checks
from workbench.experiments.statistics.effects import HedgesG, hedges_g
from workbench.experiments.statistics.estimate import Estimate, estimate
from workbench.experiments.statistics.observations import Metric, Missing, Sample, StatisticsError, sample
from workbench.experiments.statistics.power import Spread
from workbench.experiments.statistics.remarks import remarks

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, slots=True)
class Comparison:
    """What is known about treatment beside control on one metric.

    Attributes:
        metric: what was measured, and which way is better.
        control: name of the arm that is there already.
        treatment: name of the arm that might take its place.
        paired: whether cases were shared.
        cases: of control and treatment that count.
        means: of control and treatment, over case means.
        spread: standard deviations, for questions of power.
        estimate: the difference, treatment minus control, with its error.
        low: of the interval of the difference, like `high`, in the metric's unit.
        confidence: of the interval; 1 - `confidence` is the level of every test.
        p: two-sided, of no difference.
        effect: Hedges' g; None where no case differs from another.
        checks: what other methods say.
        missing: what control and treatment did not yield.
        warnings: in words, most important first.
    """

    metric: Metric
    control: str
    treatment: str
    paired: bool
    cases: tuple[int, int]
    means: tuple[float, float]
    spread: Spread
    estimate: Estimate
    low: float
    high: float
    confidence: float
    p: float
    effect: HedgesG | None
    checks: Checks
    missing: tuple[Missing, Missing]
    warnings: tuple[str, ...]

    @property
    def alpha(self) -> float:
        """Level of every test."""
        return 1 - self.confidence

    @property
    def difference(self) -> float:
        """Treatment minus control, in the metric's unit."""
        return self.estimate.difference

    @property
    def gain(self) -> float:
        """The difference, positive if treatment is the better one."""
        return self.metric.sign * self.difference

    @property
    def better(self) -> bool:
        """Whether treatment is shown to be better."""
        return self.p < self.alpha and self.metric.sign * self.estimate.centre > 0

    @property
    def worse(self) -> bool:
        """Whether treatment is shown to be worse."""
        return self.p < self.alpha and self.metric.sign * self.estimate.centre < 0

    @property
    def text(self) -> str:
        """The comparison in a sentence: the difference with its interval, never a p-value alone."""
        finding = "better" if self.better else "worse" if self.worse else "not shown to differ"
        many = f"{self.cases[0]} shared cases" if self.paired else f"{self.cases[0]} and {self.cases[1]} cases"
        size = f", g = {self.effect.g:.2f}" if self.effect else ""
        return (
            f"{self.metric.name}: {self.treatment} {self.means[1]:.4g}, {self.control} {self.means[0]:.4g}; difference "
            f"{self.difference:+.4g}, {100 * self.confidence:.3g}% interval {self.low:+.4g} to {self.high:+.4g} "
            f"({self.estimate.method}, p = {self.p:.3g}{size}, {many}): {finding}."
        )


def compare(
    frame: pd.DataFrame,
    metric: Metric,
    *,
    control: str,
    treatment: str,
    paired: bool | None = None,
    confidence: float = 0.95,
    resamples: int = RESAMPLES,
    seed: int = 0,
) -> Comparison:
    """Return what a table of observations says about two arms.

    Paired t on case means where cases are shared, Welch otherwise. It takes a second or two for thousands of cases: keep it
    off an event loop.

    Args:
        frame: one row an observation: `case`, `arm`, `repeat` (if cases were repeated), and the metric; NaN where it failed.
        metric: what to look at, and which way is better.
        control: the arm that is there already.
        treatment: the arm that might take its place.
        paired: whether cases are shared; by default as the case ids say.
        confidence: of all intervals, between 0 and 1.
        resamples: of permutation and bootstrap.
        seed: of both.

    Raises:
        StatisticsError: the table does not answer the question; the hint says what would.
        WorkbenchError: SciPy is not installed.

    >>> import pandas as pd
    >>> rows = [(case, arm, case % 3 + lift) for case in range(9) for arm, lift in (("a", 0), ("b", case % 2 + 1))]
    >>> frame = pd.DataFrame(rows, columns=["case", "arm", "score"])
    >>> found = compare(frame, Metric("score", "higher"), control="a", treatment="b")
    >>> found.paired, found.better, round(found.difference, 2)
    (True, True, 1.44)
    """
    level(confidence)
    found = sample(frame, metric, control, treatment, paired=paired)
    result = estimate(found)
    low, high = result.interval(confidence)
    checked = checks(found, confidence=confidence, resamples=resamples, seed=seed)
    return Comparison(
        metric=metric,
        control=control,
        treatment=treatment,
        paired=found.paired,
        cases=(len(found.control), len(found.treatment)),
        means=(float(found.control.mean()), float(found.treatment.mean())),
        spread=_spread(found, result),
        estimate=result,
        low=low,
        high=high,
        confidence=confidence,
        p=result.p,
        effect=hedges_g(found, confidence),
        checks=checked,
        missing=found.missing,
        warnings=remarks(found, checked, result.p, 1 - confidence),
    )


def _spread(found: Sample, result: Estimate) -> Spread:
    """Return the spread of the cases; where they showed none, the one that the interval assumes."""
    spread = Spread.of(found)
    if spread.control or spread.treatment:
        return spread
    if found.paired:
        return Spread(result.error * math.sqrt(len(found.control)))
    each = result.error * math.sqrt(min(len(found.control), len(found.treatment)) / 2)
    return Spread(each, each)


def level(confidence: float) -> None:
    """Refuse a confidence that is none."""
    if not 0 < confidence < 1:
        raise StatisticsError(f"a confidence of {confidence} is none", hint="It lies between 0 and 1; 0.95 is usual.")
