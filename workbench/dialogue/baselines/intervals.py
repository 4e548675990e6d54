"""How large a difference is, how sure one can be of it, and how many cases would tell.

Differences lie between -1 and 1, one for each case (several runs of a case are averaged before: they are not independent). The
usual interval of a mean, and a bootstrap, have no width at all where five cases came out alike; so the interval here is that
of Bonett and Price (2012) for paired proportions: the Wald interval after one win and one loss are added to the cases.
Student's t replaces the normal quantile, because cases are few. Counted out over all likelihoods of a win and a loss, for 2 to
50 cases, a 95 % interval covers the truth in more than 92 %, and on average in 96 % or more. For differences that are not whole
(a share of judgements) it is wider than need be.

Bonett, Price (2012), Adjusted Wald confidence interval for a difference of binomial proportions based on paired data, J. Educ.
Behav. Stat. 37, 479-488. Holm (1979), A simple sequentially rejective multiple test procedure, Scand. J. Stat. 6, 65-70.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import NormalDist, fmean
from typing import Any, Final

from workbench.errors import WorkbenchError

POWER: Final = 0.8
"""Of the number of cases that `cases_needed` names."""


@dataclass(frozen=True, slots=True)
class Difference:
    """A mean difference over cases, first minus second.

    Attributes:
        n: cases.
        mean: of the differences as they are.
        low: of the interval, like `high`; -1 and 1 where there are fewer than two cases.
        spread: standard deviation of the differences, one win and one loss added.
        p_better: of a mean of 0 or less, one-sided.
        p_not_better: of a mean of at least the margin, one-sided.
    """

    n: int
    mean: float
    low: float
    high: float
    spread: float
    p_better: float
    p_not_better: float


def paired_difference(differences: Sequence[float], *, margin: float, confidence: float = 0.95) -> Difference:
    """Return the mean difference with its interval.

    Args:
        differences: one a case, from -1 to 1.
        margin: the smallest difference that matters.
        confidence: of the interval.

    Raises:
        WorkbenchError: SciPy is not installed.
    """
    n = len(differences)
    mean, augmented = fmean(differences) if n else 0.0, [*differences, 1.0, -1.0]
    centre = fmean(augmented)
    spread = math.sqrt(fmean((value - centre) ** 2 for value in augmented))
    if n < 2:  # noqa: PLR2004 - one case says nothing about others
        return Difference(n, mean, -1.0, 1.0, spread, 1.0, 1.0)
    t, error = scipy_stats().t(n - 1), spread / math.sqrt(n + 2)
    reach = float(t.ppf((1 + confidence) / 2)) * error
    return Difference(
        n=n,
        mean=mean,
        low=max(centre - reach, -1.0),
        high=min(centre + reach, 1.0),
        spread=spread,
        p_better=float(t.sf(centre / error)),
        p_not_better=float(t.cdf((centre - margin) / error)),
    )


def holm(p_values: Sequence[float]) -> list[float]:
    """Return p-values adjusted after Holm for all being looked at together, in the order given.

    >>> holm([0.01, 0.04, 0.03])
    [0.03, 0.06, 0.06]
    """
    adjusted, least = [0.0] * len(p_values), 0.0
    for rank, place in enumerate(sorted(range(len(p_values)), key=p_values.__getitem__)):
        least = max(least, min((len(p_values) - rank) * p_values[place], 1.0))
        adjusted[place] = least
    return adjusted


def cases_needed(spread: float, effect: float, confidence: float = 0.95) -> int:
    """Return how many cases would tell a difference of `effect` from none, with 80 % power."""
    z = NormalDist()
    return max(2, math.ceil(((z.inv_cdf((1 + confidence) / 2) + z.inv_cdf(POWER)) * spread / effect) ** 2))


def scipy_stats() -> Any:
    """Return `scipy.stats`.

    Raises:
        WorkbenchError: it is not installed.
    """
    try:
        from scipy import stats
    except ImportError:
        raise WorkbenchError(
            "intervals need SciPy, which is not installed", hint="pip install 'dialogue-workbench[experiments]'"
        ) from None
    return stats
