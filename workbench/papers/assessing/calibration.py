"""How well models estimate: their probabilities and weeks against what came of the papers.

Probabilities are scored by Brier's score (Brier 1950, Verification of forecasts expressed in terms of probability, Monthly
Weather Review 78, 1-3): the mean of (probability - outcome)², 0 is perfect. Beside it stands the score of somebody who always
gives the share that worked, p(1 - p): who scores no better knows nothing of the single paper. Weeks are given as intervals
that should hold the true number in 80 of 100 cases; the share that does has a Wilson interval. How far the likely number is off
is the mean logarithm of spent over likely: 0 is right on average, 0.69 means that work takes twice as long.

A model is judged by its own positions, before it has seen the others'. Where it had several in one debate, their probabilities
and weeks are averaged, so that one outcome counts once.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import TYPE_CHECKING, Final

from workbench.papers.assessing.assessment import CONSENSUS, Assessment, Estimate, Weeks, assessments_of
from workbench.records.assessments import OutcomeRow
from workbench.records.means import share_interval

if TYPE_CHECKING:
    import plotly.graph_objects as go

    from workbench.records import Record

ENOUGH: Final = 10
"""Outcomes below which a model is not judged: the interval of a share is then wider than half of everything."""
NOMINAL: Final = 0.8
"""The probability that intervals of weeks are asked for."""
_POSITION: Final = "position"


@dataclass(frozen=True, slots=True)
class Forecast:
    """What one model, or the consensus, said of one paper, and what came of it.

    Attributes:
        who: the model, or `consensus`.
        spent: weeks really spent; None where nobody counted.
    """

    who: str
    assessment: str
    confidence: float
    weeks: Weeks
    worked: bool
    spent: float | None

    @property
    def within(self) -> bool | None:
        """Whether the weeks spent lie in the interval; None where nobody counted."""
        return None if self.spent is None else self.weeks.low <= self.spent <= self.weeks.high

    @property
    def log_ratio(self) -> float | None:
        """Logarithm of the weeks spent over the likely ones; None where one of them is missing or 0."""
        return math.log(self.spent / self.weeks.likely) if self.spent and self.weeks.likely > 0 else None


@dataclass(frozen=True, slots=True)
class Calibration:
    """How well one forecaster estimates.

    Attributes:
        who: the model, or `consensus`.
        n: papers with an outcome.
        brier: score of its probabilities.
        reference: score of always giving the share that worked.
        worked: that share.
        timed: papers whose weeks were counted.
        coverage: share of them within the interval; None without any.
        coverage_low, coverage_high: 95 % Wilson interval of it.
        log_ratio: mean logarithm of weeks spent over likely ones; None without any.
    """

    who: str
    n: int
    brier: float
    reference: float
    worked: float
    timed: int
    coverage: float | None
    coverage_low: float
    coverage_high: float
    log_ratio: float | None

    @property
    def enough(self) -> bool:
        """Whether there are outcomes enough to judge it."""
        return self.n >= ENOUGH

    @property
    def verdict(self) -> str:
        """What can be said of it, in a few words."""
        if not self.enough:
            return f"too few: {self.n} of {ENOUGH} outcomes"
        told = ["better than the base rate" if self.brier < self.reference else "no better than the base rate"]
        if self.timed >= ENOUGH:
            fits = self.coverage_low <= NOMINAL <= self.coverage_high
            narrow = self.coverage is not None and self.coverage < NOMINAL
            told.append("weeks as sure as said" if fits else "weeks too narrow" if narrow else "weeks too wide")
        return "; ".join(told)


def forecasts(record: Record) -> list[Forecast]:
    """Return all forecasts of papers that something came of, oldest assessment first."""
    last = {outcome.assessment_id: outcome for outcome in record.assessments.outcomes()}
    assessments = [each for each in reversed(assessments_of(record)) if each.id in last]
    return [forecast for each in assessments for forecast in forecasts_in(each, last[each.id])]


def forecasts_in(assessment: Assessment, outcome: OutcomeRow) -> list[Forecast]:
    """Return each model's forecast in an assessment, by its own positions, and last the consensus."""
    own: dict[str, list[Estimate]] = defaultdict(list)
    for estimate in assessment.estimates:
        if estimate.turn.startswith(_POSITION):
            own[estimate.model].append(estimate)
    own[CONSENSUS] = [estimate for estimate in assessment.estimates if estimate.turn == CONSENSUS]
    return [_joined(who, assessment.id, estimates, outcome) for who, estimates in own.items() if estimates]


def calibrate(found: Iterable[Forecast]) -> list[Calibration]:
    """Return how well each forecaster estimates: those with most outcomes first, of equals the better score."""
    by: Mapping[str, list[Forecast]] = defaultdict(list)
    for forecast in found:
        by[forecast.who].append(forecast)
    return sorted((_calibration(who, mine) for who, mine in by.items()), key=lambda each: (-each.n, each.brier, each.who))


def brier_score(pairs: Sequence[tuple[float, bool]]) -> float:
    """Return Brier's score of probabilities with what came of each.

    >>> brier_score([(1.0, True), (0.5, False)])
    0.125
    """
    return fmean((probability - worked) ** 2 for probability, worked in pairs)


def plot_calibration(found: Sequence[Forecast]) -> go.Figure:
    """Return a figure: how often it worked beside how probable that was said to be, and how often the weeks were right."""
    from workbench.papers.assessing.plot_calibration import calibration_figure

    return calibration_figure(found, calibrate(found))


def _joined(who: str, assessment: str, estimates: Sequence[Estimate], outcome: OutcomeRow) -> Forecast:
    weeks = Weeks(*(fmean(getattr(each.weeks, name) for each in estimates) for name in ("low", "likely", "high")))
    return Forecast(who, assessment, fmean(each.confidence for each in estimates), weeks, outcome.worked, outcome.weeks)


def _calibration(who: str, mine: Sequence[Forecast]) -> Calibration:
    within = [each.within for each in mine if each.within is not None]
    ratios = [each.log_ratio for each in mine if each.log_ratio is not None]
    share = fmean(each.worked for each in mine)
    low, high = share_interval(sum(within), len(within))
    return Calibration(
        who=who,
        n=len(mine),
        brier=brier_score([(each.confidence, each.worked) for each in mine]),
        reference=share * (1 - share),
        worked=share,
        timed=len(within),
        coverage=fmean(within) if within else None,
        coverage_low=low,
        coverage_high=high,
        log_ratio=fmean(ratios) if ratios else None,
    )
