"""Looking while the data come in. An interval that holds at every look, so that one may stop whenever it tells.

The usual interval promises 95 % for one look that was fixed before; who looks after every ten cases finds something in every
fourth experiment where there is nothing. This one mixes the likelihood of t over effects of all sizes (normal, with standard
deviation `scale`): what comes out is a fair bet against "no difference", and a fair bet passes 1 / alpha at any time with a
probability of at most alpha. It is exact for normal differences, holds well for symmetric ones (as differences are where
nothing changes), and is wider than the usual one; that is its price. Lopsided differences pass it more often. Where the metric
has bounds, `bounds` asks for the empirical-Bernstein interval, which holds for all shapes and is wider still.

Sources: Lai (1976), Annals of Statistics 4, 265-280; Gönen, Johnson, Lu, Westfall (2005), The American Statistician 59,
252-257 (the closed form); Pérez-Ortiz, Lardy, de Heide, Grünwald (2024), Annals of Statistics 52, 1410-1432 (why it holds at
every time); Waudby-Smith, Ramdas (2024), J. R. Stat. Soc. B 86, 1-27, theorem 2 (empirical Bernstein).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from workbench.experiments.statistics.comparison import level
from workbench.experiments.statistics.observations import StatisticsError, Values, numbers


@dataclass(frozen=True, slots=True, eq=False)
class Monitored:
    """Looks after each case, from the second one on.

    Attributes:
        cases: how many there were at each look.
        means: of the differences until then.
        lows: of the interval at each look, like `highs`; infinite while there are too few cases for any bound.
        ps: always-valid p-value at each look: the least so far.
        confidence: that the true difference lies in all the intervals.
    """

    cases: Values
    means: Values
    lows: Values
    highs: Values
    ps: Values
    confidence: float

    @property
    def stopped_at(self) -> int | None:
        """Cases after which a difference was shown; None if none was."""
        at = np.flatnonzero(self.ps < 1 - self.confidence)
        return int(self.cases[at[0]]) if len(at) else None


def monitor(
    differences: Sequence[float],
    *,
    planned: int = 100,
    confidence: float = 0.95,
    bounds: tuple[float, float] | None = None,
) -> Monitored:
    """Return what may be said after each case, however often one looks.

    Args:
        differences: treatment minus control of each case (repeats averaged), in the order in which the cases were completed.
            Where cases are not shared, take the first of one arm with the first of the other, and so on.
        planned: number of cases at which the interval is to be narrowest; it holds at any number.
        confidence: that the true difference lies in the intervals of all looks.
        bounds: that no difference can pass, for an interval that needs no normality: (-1, 1) for a quality from 0 to 1.

    Raises:
        StatisticsError: there are fewer than two differences, they are no numbers, or lie outside the bounds.
    """
    level(confidence)
    values = numbers(differences, "the differences")
    if planned < 2:  # noqa: PLR2004 - there is no look before
        raise StatisticsError(f"a plan of {planned} cases is none", hint="Say how many cases you expect, at least 2.")
    if bounds is not None:
        return _bounded(values, planned, confidence, bounds)
    cases = np.arange(1.0, len(values) + 1)[1:]
    means = np.cumsum(values)[1:] / cases
    df = cases - 1
    variances = _variances(values)
    growth = 1 + cases * _scale(planned, 1 - confidence) ** 2
    factor = np.exp((0.5 * np.log(growth) - math.log(1 - confidence)) * 2 / cases)
    bounded = factor < growth
    ratio = np.where(bounded, (factor - 1) / np.where(bounded, 1 - factor / growth, 1.0), np.inf)
    reach = np.where(bounded, np.sqrt(np.where(bounded, ratio, 0.0) * df * variances / cases), np.inf)
    return Monitored(cases, means, means - reach, means + reach, _p_values(means, variances, cases, growth), confidence)


def _scale(planned: int, alpha: float) -> float:
    """Return the standard deviation of effects that makes the interval narrowest at so many cases, near enough.

    Source: Waudby-Smith, Arbour, Sinha, Kennedy, Ramdas (2024), Annals of Statistics 52, 2613-2640, appendix B.
    """
    spent = -2 * math.log(alpha)
    return math.sqrt((spent + math.log(spent) + 1) / planned)


def _variances(values: Values) -> Values:
    """Return the variance of the first 2, 3, … values; centred first, so that nothing cancels."""
    centred = values - values.mean()
    cases = np.arange(1.0, len(values) + 1)
    squares = np.cumsum(centred**2) - np.cumsum(centred) ** 2 / cases
    found: Values = np.maximum(squares[1:], 0.0) / (cases[1:] - 1)
    return found


def _p_values(means: Values, variances: Values, cases: Values, growth: Values) -> Values:
    """Return the least 1 / Bayes factor so far; 1 while the cases came out alike."""
    squares = (cases - 1) * variances
    spread = squares > np.finfo(float).eps * cases * means**2
    u = np.where(spread, cases * means**2 / np.where(spread, squares, 1.0), 0.0)
    log_bet = 0.5 * (cases * (np.log1p(u) - np.log1p(u / growth)) - np.log(growth))
    found: Values = np.minimum.accumulate(np.exp(-np.maximum(log_bet, 0.0)))
    return found


def _bounded(values: Values, planned: int, confidence: float, bounds: tuple[float, float]) -> Monitored:
    """Bet on and against each value with what the values before it suggest (at most 3/4), narrowest at the planned number."""
    low, high = bounds
    if not low < 0 < high or values.min() < low or values.max() > high:
        raise StatisticsError(
            f"the differences do not lie in {low:g} to {high:g} around 0",
            hint="Of a metric from 0 to 1 they lie in (-1, 1).",
        )
    x = (values - low) / (high - low)
    before = np.arange(1.0, len(x) + 1)
    guesses = np.concatenate([[0.5], (0.5 + np.cumsum(x)) / (before + 1)])
    spreads = np.concatenate([[0.25], (0.25 + np.cumsum((x - guesses[1:]) ** 2)) / (before + 1)])[:-1]
    threshold = math.log(2 / (1 - confidence))
    bets = np.minimum(np.sqrt(2 * threshold / (spreads * planned)), 0.75)
    paid = np.cumsum((x - guesses[:-1]) ** 2 * (-np.log1p(-bets) - bets))[1:]
    staked, won = np.cumsum(bets)[1:], np.cumsum(bets * x)[1:]
    centre, reach = won / staked, (threshold + paid) / staked
    log_bet = np.abs(won + staked * low / (high - low)) - paid
    ps = np.minimum.accumulate(np.minimum(2 * np.exp(-log_bet), 1.0))
    width = high - low
    lows, highs = np.maximum(low + width * (centre - reach), low), np.minimum(low + width * (centre + reach), high)
    return Monitored(before[1:], np.cumsum(values)[1:] / before[1:], lows, highs, ps, confidence)
