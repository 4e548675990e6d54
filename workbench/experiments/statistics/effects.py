"""How large a difference is beside the spread of the cases: Hedges' g."""

from __future__ import annotations

import math
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np

from workbench.experiments.statistics.observations import Sample


@dataclass(frozen=True, slots=True)
class HedgesG:
    """A standardised mean difference, treatment minus control.

    Attributes:
        g: without unit; corrected for few cases.
        low: of its interval, like `high`; approximate.
    """

    g: float
    low: float
    high: float


def hedges_g(found: Sample, confidence: float = 0.95) -> HedgesG | None:
    """Return Hedges' g; None where no case differs from another.

    Independent arms are standardised by their pooled standard deviation, with the variance of Hedges and Olkin. Paired ones by
    the root of the mean of both variances (not by that of the differences, which would make g depend on how alike the arms
    are), with the variance of Bonett. Both are corrected by 1 - 3 / (4 df - 1), df of the pooled variances.

    Sources: Hedges (1981), J. Educ. Stat. 6, 107-128; Hedges, Olkin (1985), Statistical Methods for Meta-Analysis, ch. 5;
    Bonett (2008), Psychological Methods 13, 99-109.
    """
    sizes = len(found.control), len(found.treatment)
    variances = float(found.control.var(ddof=1)), float(found.treatment.var(ddof=1))
    df = sum(sizes) - 2
    pooled = sum(v * (n - 1) for v, n in zip(variances, sizes, strict=True)) / df
    if pooled == 0:
        return None
    d = float(found.treatment.mean() - found.control.mean()) / math.sqrt(pooled)
    correction = 1 - 3 / (4 * df - 1)
    z = NormalDist().inv_cdf((1 + confidence) / 2)
    if found.paired:
        reach = z * math.sqrt(_bonett(found, variances, pooled, d))
        return HedgesG(d * correction, d - reach, d + reach)
    g = d * correction
    reach = z * math.sqrt(sum(sizes) / (sizes[0] * sizes[1]) + g**2 / (2 * (sum(sizes) - 3.94)))
    return HedgesG(g, g - reach, g + reach)


def _bonett(found: Sample, variances: tuple[float, float], pooled: float, d: float) -> float:
    """Return the variance of a paired d."""
    df, (one, other) = len(found.control) - 1, variances
    shared = float(np.cov(found.control, found.treatment, ddof=1)[0, 1])
    spread = (one**2 + other**2 + 2 * shared**2) / (8 * df * pooled**2)
    return d**2 * spread + (one + other - 2 * shared) / (df * pooled)
