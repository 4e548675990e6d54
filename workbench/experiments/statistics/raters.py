"""Can a judge stand in for people? Its agreement with them beside their agreement with each other."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import Any

import numpy as np

from workbench.dialogue.agreement import Level, cohen_kappa, fleiss_kappa, krippendorff_alpha
from workbench.errors import WorkbenchError
from workbench.experiments.statistics.comparison import level as require_level
from workbench.experiments.statistics.observations import StatisticsError


@dataclass(frozen=True, slots=True)
class Agreement:
    """A judge beside people. A coefficient is None where it is undefined: nothing varies.

    Attributes:
        units: that the judge and at least one person rated.
        same: share of ratings of people that the judge gave too.
        kappas: Cohen's kappa of the judge with each person.
        kappa: their mean.
        alpha: Krippendorff's alpha of the judge and the people together.
        low: of its bootstrap interval over units, like `high`.
        people: Krippendorff's alpha of the people alone; None with one person.
        fleiss: Fleiss' kappa of the people alone; None with one person, or where ratings are missing.
    """

    units: int
    same: float
    kappas: Mapping[str, float | None]
    kappa: float | None
    alpha: float | None
    low: float | None
    high: float | None
    people: float | None
    fleiss: float | None

    @property
    def text(self) -> str:
        """The agreement in words."""
        if self.alpha is None:
            return f"Over {self.units} units nothing varies, so that agreement cannot be told from chance."
        reach = "" if self.low is None else f" ({self.low:.2f} to {self.high:.2f})"
        alone = "" if self.people is None else f"; people among themselves: {self.people:.2f}"
        return (
            f"With the judge, alpha is {self.alpha:.2f}{reach} over {self.units} units{alone}. Same ratings: {self.same:.0%}."
        )


def judge_agreement(
    judge: Sequence[Any],
    people: Mapping[str, Sequence[Any]],
    *,
    level: Level = "nominal",
    order: Sequence[Hashable] | None = None,
    confidence: float = 0.95,
    resamples: int = 1_000,
    seed: int = 0,
) -> Agreement:
    """Return how far a judge agrees with people.

    Args:
        judge: a rating for every unit; None or NaN where there is none.
        people: the same of each person, by name.
        level: what differences mean; see `krippendorff_alpha`.
        order: of the values, the lowest first, where the level is ordinal and they are no numbers.
        confidence: of the interval of alpha.
        resamples: of units.
        seed: of the resamples.

    Raises:
        StatisticsError: there are no people, or no unit that the judge and a person rated.
        WorkbenchError: lengths differ, or values have no order or distance.
    """
    require_level(confidence)
    if not people:
        raise StatisticsError("there is nobody to hold the judge against", hint="Give the ratings of at least one person.")
    rows = [list(judge), *(list(ratings) for ratings in people.values())]
    alpha = krippendorff_alpha(rows, level, order=order)
    units = [unit for unit in zip(*rows, strict=True) if not _absent(unit[0]) and not all(map(_absent, unit[1:]))]
    if not units:
        raise StatisticsError("the judge and the people rated no unit in common", hint="Let both rate the same units.")
    pairs = [(unit[0], rating) for unit in units for rating in unit[1:] if not _absent(rating)]
    kappas = {name: cohen_kappa(rows[0], ratings) for name, ratings in people.items()}
    known = [kappa for kappa in kappas.values() if kappa is not None]
    low, high = _interval(rows, level, order, confidence, resamples, seed) if alpha is not None else (None, None)
    alone = len(people) > 1
    return Agreement(
        units=len(units),
        same=fmean(one == other for one, other in pairs),
        kappas=kappas,
        kappa=fmean(known) if known else None,
        alpha=alpha,
        low=low,
        high=high,
        people=krippendorff_alpha(rows[1:], level, order=order) if alone else None,
        fleiss=_fleiss(rows[1:]) if alone else None,
    )


def _interval(
    rows: list[list[Any]], level: Level, order: Sequence[Hashable] | None, confidence: float, resamples: int, seed: int
) -> tuple[float | None, float | None]:
    """Return the percentile interval of alpha over units."""
    rng, count = np.random.default_rng(seed), len(rows[0])
    found = []
    for _ in range(resamples):
        drawn = rng.integers(count, size=count).tolist()
        alpha = krippendorff_alpha([[row[i] for i in drawn] for row in rows], level, order=order)
        if alpha is not None:
            found.append(alpha)
    if len(found) < resamples / 2:
        return None, None
    low, high = np.quantile(found, [(1 - confidence) / 2, (1 + confidence) / 2])
    return float(low), float(high)


def _fleiss(rows: list[list[Any]]) -> float | None:
    try:
        return fleiss_kappa(rows)
    except WorkbenchError:
        return None


def _absent(value: Any) -> bool:
    return value is None or (isinstance(value, float) and np.isnan(value))
