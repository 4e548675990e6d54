"""The mean of values between 0 and 1, and how sure one can be of it.

Where all are 0 or 1 the interval is Wilson's (1927), which never leaves 0 to 1. Otherwise it is Student's t, cut to 0 to 1.
Where values that are neither came out all alike, t would have no width; Wilson's stands in, which is wide enough, because
nothing between 0 and 1 varies more than a coin with the same mean (Popoviciu 1935; Bhatia, Davis 2000).

Wilson, E. B. (1927), Probable inference, the law of succession, and statistical inference, JASA 22, 209-212.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from statistics import NormalDist
from typing import Final, Literal

Method = Literal["Wilson", "t"]
_CLOSED: Final = 2
"""Degrees of freedom up to which Student's quantile has a closed form that is used here."""


@dataclass(frozen=True, slots=True)
class Mean:
    """A mean with its interval; both ends are None where one value alone says nothing about others."""

    value: float
    low: float | None
    high: float | None
    method: Method | None


def mean_of(n: int, total: float, squares: float, *, whole: bool, alike: bool, confidence: float = 0.95) -> Mean:
    """Return the mean of independent values between 0 and 1.

    Args:
        n: how many; at least 1.
        total: their sum.
        squares: the sum of their squares.
        whole: whether each is 0 or 1.
        alike: whether all are the same.
        confidence: of the interval.
    """
    value = min(max(total / n, 0.0), 1.0)
    if whole or (alike and n > 1):
        return Mean(value, *share_interval(value * n, n, confidence), "Wilson")
    if n == 1:
        return Mean(value, None, None, None)
    variance = max(squares - n * value * value, 0.0) / (n - 1)
    reach = student_quantile((1 + confidence) / 2, n - 1) * math.sqrt(variance / n)
    return Mean(value, max(value - reach, 0.0), min(value + reach, 1.0), "t")


def share_interval(right: float, n: int, confidence: float = 0.95) -> tuple[float, float]:
    """Return Wilson's interval of a share, which stays within 0 and 1; all of it where there is no case."""
    if not n:
        return 0.0, 1.0
    z = NormalDist().inv_cdf((1 + confidence) / 2)
    share, wide = right / n, 1 + z * z / n
    reach = z * math.sqrt(share * (1 - share) / n + z * z / (4 * n * n)) / wide
    centre = (share + z * z / (2 * n)) / wide
    return max(centre - reach, 0.0), min(centre + reach, 1.0)


def student_quantile(p: float, freedom: int) -> float:
    """Return a quantile of Student's t, for p from 0.5 to 0.975 within 0.2 %.

    Closed forms for one and two degrees of freedom, else the expansion of Abramowitz, Stegun (1964), 26.7.5. SciPy has it
    exactly; it takes more than a second to import, and is not part of the base installation.

    >>> round(student_quantile(0.975, 10), 3)
    2.228
    """
    if freedom == 1:
        return math.tan(math.pi * (p - 0.5))
    if freedom == _CLOSED:
        return (2 * p - 1) * math.sqrt(2 / (4 * p * (1 - p)))
    z = NormalDist().inv_cdf(p)
    terms = (
        (z**3 + z) / 4,
        (5 * z**5 + 16 * z**3 + 3 * z) / 96,
        (3 * z**7 + 19 * z**5 + 17 * z**3 - 15 * z) / 384,
        (79 * z**9 + 776 * z**7 + 1482 * z**5 - 1920 * z**3 - 945 * z) / 92160,
    )
    return z + math.fsum(term / freedom**power for power, term in enumerate(terms, 1))
