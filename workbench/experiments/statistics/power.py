"""How many cases would tell, what the cases at hand could have told, and with which probability.

Student's t with a true difference is noncentral t; nothing is approximated but, for Welch, its degrees of freedom. Plan with
the difference that matters, not with the one that was found: power at the found one only repeats its p-value.

Sources: Cohen (1988), Statistical Power Analysis, ch. 2; Julious (2004), Statistics in Medicine 23, 1921-1986.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final, Literal

from workbench.dialogue.baselines.intervals import POWER, scipy_stats
from workbench.experiments.statistics.observations import FEWEST, Sample, StatisticsError

Sides = Literal[1, 2]
_MOST: Final = 2**40


@dataclass(frozen=True, slots=True)
class Spread:
    """How far cases differ, in the metric's unit.

    Attributes:
        control: standard deviation of the control's case means; of the differences if `treatment` is None.
        treatment: that of the treatment; None if cases are shared.
    """

    control: float
    treatment: float | None = None

    @classmethod
    def of(cls, found: Sample) -> Spread:
        """Return the spread of a pilot."""
        if found.paired:
            return cls(float(found.differences.std(ddof=1)))
        return cls(float(found.control.std(ddof=1)), float(found.treatment.std(ddof=1)))

    def at(self, cases: int) -> tuple[float, float]:
        """Return the standard error of the mean difference and its degrees of freedom, with so many cases an arm."""
        if self.treatment is None:
            return self.control / math.sqrt(cases), cases - 1
        one, other = self.control**2, self.treatment**2
        return math.sqrt((one + other) / cases), (cases - 1) * (one + other) ** 2 / (one**2 + other**2)


def power(spread: Spread, cases: int, difference: float, *, alpha: float = 0.05, sides: Sides = 2) -> float:
    """Return the probability to show a true difference of this size.

    Args:
        spread: of the cases.
        cases: of each arm.
        difference: that is true, in the metric's unit. For non-inferiority: the margin, with `sides=1`, if nothing changes.
        alpha: level of the test.
        sides: 2 asks whether there is a difference, 1 whether it goes this way.

    Raises:
        StatisticsError: a figure makes no sense.
    """
    _require(spread, difference, alpha)
    if cases < FEWEST:
        raise StatisticsError(f"{cases} cases have no power", hint="Two are the least.")
    stats = scipy_stats()
    error, df = spread.at(cases)
    shift, bound = abs(difference) / error, float(stats.t.isf(alpha / sides, df))
    reached = float(stats.nct.sf(bound, df, shift))
    if sides == 2:  # noqa: PLR2004
        wrong_way = float(stats.nct.cdf(-bound, df, shift))
        reached += wrong_way if math.isfinite(wrong_way) else 0.0
    # SciPy's noncentral t gives NaN far out, where the tails are 1 and 0 but for what a float can hold.
    return min(reached, 1.0) if math.isfinite(reached) else 1.0


def sample_size(spread: Spread, difference: float, *, target: float = POWER, alpha: float = 0.05, sides: Sides = 2) -> int:
    """Return the fewest cases of each arm that show a true difference with a power of at least `target`.

    Raises:
        StatisticsError: a figure makes no sense, or no number of cases would do.

    >>> sample_size(Spread(1.0), 0.5), sample_size(Spread(1.0, 1.0), 0.5)
    (34, 64)
    """
    _require(spread, difference, alpha)
    _share(target, "power")
    most = FEWEST
    while power(spread, most, difference, alpha=alpha, sides=sides) < target:
        most *= 2
        if most > _MOST:
            raise StatisticsError(f"no number of cases shows a difference of {difference:g}", hint="State a larger one.")
    least = max(FEWEST, most // 2)
    while least < most:
        middle = (least + most) // 2
        if power(spread, middle, difference, alpha=alpha, sides=sides) < target:
            least = middle + 1
        else:
            most = middle
    return most


def minimum_detectable(spread: Spread, cases: int, *, target: float = POWER, alpha: float = 0.05, sides: Sides = 2) -> float:
    """Return the smallest true difference that so many cases of each arm show with a power of `target`.

    Raises:
        StatisticsError: a figure makes no sense.
    """
    from scipy.optimize import brentq

    _require(spread, spread.control or 1.0, alpha)
    _share(target, "power")
    if cases < FEWEST:
        raise StatisticsError(f"{cases} cases have no power", hint="Two are the least.")
    error, _ = spread.at(cases)
    high = error
    while power(spread, cases, high, alpha=alpha, sides=sides) < target:
        high *= 2
    return float(
        brentq(
            lambda true: power(spread, cases, true, alpha=alpha, sides=sides) - target, 1e-9 * error, high, xtol=1e-12 * error
        )
    )


def _require(spread: Spread, difference: float, alpha: float) -> None:
    for sd in (spread.control, spread.treatment):
        if sd is not None and not 0 <= sd < math.inf:
            raise StatisticsError(f"a standard deviation of {sd} is none", hint="Take it from a pilot of some twenty cases.")
    if spread.control + (spread.treatment or 0.0) == 0:
        raise StatisticsError("cases without spread need no power", hint="Take the spread from a pilot whose cases differ.")
    if not 0 < abs(difference) < math.inf:
        raise StatisticsError(f"a difference of {difference} cannot be shown", hint="Name the smallest one that matters.")
    _share(alpha, "level")


def _share(value: float, what: str) -> None:
    if not 0 < value < 1:
        raise StatisticsError(f"a {what} of {value} is none", hint="It lies between 0 and 1.")
