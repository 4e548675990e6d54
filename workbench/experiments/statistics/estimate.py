"""A mean difference, its standard error, and the one distribution from which all its p-values and intervals come.

Every test of a shift (is it 0, is it below the margin) and every interval asks the same Student's t, so that they can never
contradict one another.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np

from workbench.dialogue.baselines.intervals import paired_difference, scipy_stats
from workbench.experiments.statistics.observations import NoSpreadError, Sample, Values, spreads

Method = Literal["paired t", "Welch", "Bonett-Price", "Agresti-Caffo"]


@dataclass(frozen=True, slots=True)
class Estimate:
    """A mean difference, treatment minus control, in the metric's unit.

    Attributes:
        difference: as it was found.
        centre: of the interval: the difference, except where Bonett-Price or Agresti-Caffo draw it towards 0.
        error: standard error of `centre`.
        df: degrees of freedom of Student's t.
        method: how they came about.
    """

    difference: float
    centre: float
    error: float
    df: float
    method: Method

    @property
    def p(self) -> float:
        """Probability, if there were no difference, of one at least as large either way."""
        return float(2 * scipy_stats().t.sf(abs(self.centre) / self.error, self.df))

    def interval(self, confidence: float = 0.95) -> tuple[float, float]:
        """Return the interval that covers the true difference with this confidence."""
        reach = float(scipy_stats().t.ppf((1 + confidence) / 2, self.df)) * self.error
        return self.centre - reach, self.centre + reach

    def p_above(self, bound: float) -> float:
        """Probability, if the true difference were `bound`, of finding one as high as this; small: it lies above."""
        return float(scipy_stats().t.sf((self.centre - bound) / self.error, self.df))

    def p_below(self, bound: float) -> float:
        """Probability, if the true difference were `bound`, of finding one as low as this; small: it lies below."""
        return float(scipy_stats().t.cdf((self.centre - bound) / self.error, self.df))


def estimate(found: Sample) -> Estimate:
    """Return the mean difference of two arms: paired t on case means where cases are shared, Welch otherwise.

    Where 0 and 1 came out without any spread, t has no width. Then the interval is Bonett and Price's for pairs, Agresti and
    Caffo's otherwise: they add a success and a failure.

    Sources: Student (1908); Welch (1947), Biometrika 34, 28-35; Bonett, Price (2012), J. Educ. Behav. Stat. 37, 479-488;
    Agresti, Caffo (2000), The American Statistician 54, 280-288.

    Raises:
        NoSpreadError: all cases came out alike, and are not 0 and 1.
    """
    return _paired(found) if found.paired else _independent(found)


def _paired(found: Sample) -> Estimate:
    differences = found.differences
    n = len(differences)
    difference = float(differences.mean())
    if spreads_beside(differences, found):
        return Estimate(difference, difference, float(differences.std(ddof=1)) / math.sqrt(n), n - 1, "paired t")
    if not found.binary:
        raise _no_spread(found, f"all {n} cases differ by exactly {difference:.6g}", identical=not differences.any())
    alike = paired_difference(differences.tolist(), margin=0.0)
    return Estimate(difference, alike.mean * n / (n + 2), alike.spread / math.sqrt(n + 2), n - 1, "Bonett-Price")


def _independent(found: Sample) -> Estimate:
    arms = (found.control, found.treatment)
    difference = float(found.treatment.mean() - found.control.mean())
    if not any(spreads(values) for values in arms):
        if not found.binary:
            raise _no_spread(found, "every case of each arm has the same value", identical=difference == 0)
        return _agresti_caffo(found, difference)
    parts = [float(values.var(ddof=1)) / len(values) for values in arms]
    df = sum(parts) ** 2 / sum(part**2 / (len(values) - 1) for part, values in zip(parts, arms, strict=True))
    return Estimate(difference, difference, math.sqrt(sum(parts)), df, "Welch")


def _agresti_caffo(found: Sample, difference: float) -> Estimate:
    sizes = [len(found.control) + 2, len(found.treatment) + 2]
    shares = [(values.sum() + 1) / size for values, size in zip((found.control, found.treatment), sizes, strict=True)]
    error = math.sqrt(sum(share * (1 - share) / size for share, size in zip(shares, sizes, strict=True)))
    return Estimate(difference, float(shares[1] - shares[0]), error, min(sizes) - 3, "Agresti-Caffo")


def spreads_beside(differences: Values, found: Sample) -> bool:
    """Return whether differences vary by more than the rounding of the values that they come from."""
    size = max(float(np.abs(found.control).max()), float(np.abs(found.treatment).max()))
    return bool(np.ptp(differences) > 1e-12 * size)


def _no_spread(found: Sample, what: str, *, identical: bool) -> NoSpreadError:
    return NoSpreadError(
        f"{found.metric.name}: {what}, so that nothing tells how far chance reaches",
        identical=identical,
        hint="Take cases on which the arms can differ, or repeat without a cache; if the metric cannot vary, read the means.",
    )
