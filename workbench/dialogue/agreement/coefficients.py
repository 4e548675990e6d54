"""How far raters agree, beyond what chance would bring: Krippendorff's alpha, Fleiss' kappa, Cohen's kappa.

All are 1 where everybody agrees, 0 where they agree as often as by chance, and below where they agree less. Where nothing
varies chance explains everything, and the coefficients are undefined: that is None here, not 1 and not 0.

Written here because the library for alpha is under the GPL, and the one for the kappas brings SciPy.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Hashable, Mapping, Sequence
from itertools import combinations
from typing import Any, Final, Literal

from workbench.errors import WorkbenchError

Level = Literal["nominal", "ordinal", "interval"]
Counts = Mapping[Any, int]
_EQUAL: Final = 1e-12


def krippendorff_alpha(
    ratings: Sequence[Sequence[Any]], level: Level = "nominal", *, order: Sequence[Hashable] | None = None
) -> float | None:
    """Return Krippendorff's alpha; None where it is undefined.

    Raters may leave units out; a unit that fewer than two have rated tells nothing and is left out altogether.

    Args:
        ratings: one row a rater, in each a value for every unit; None or NaN where there is none.
        level: what differences mean: none but being different, the ranks between two values, or their distance.
        order: of the values, where the level is ordinal and they are no numbers; the lowest first.

    Raises:
        WorkbenchError: the rows differ in length, or values have no order or distance.

    Source: Krippendorff (2011), Computing Krippendorff's Alpha-Reliability.

    >>> round(krippendorff_alpha([[0, 1, 0, 0, 0, 0, 0, 0, 1, 0], [1, 1, 1, 0, 0, 1, 0, 0, 0, 0]]), 3)
    0.095
    """
    units = [Counter(unit) for unit in _units(ratings) if len(unit) > 1]
    totals: Counter[Any] = Counter()
    for unit in units:
        totals.update(unit)
    squared = _difference(level, totals, order)
    observed = sum(_disagreement(unit, squared) / (unit.total() - 1) for unit in units)
    expected = _disagreement(totals, squared)
    return None if expected == 0 else 1 - (totals.total() - 1) * observed / expected


def fleiss_kappa(ratings: Sequence[Sequence[Any]]) -> float | None:
    """Return Fleiss' kappa, for values without order; None where it is undefined.

    Raters need not be the same from unit to unit, only as many.

    Args:
        ratings: one row a rater, in each a value for every unit.

    Raises:
        WorkbenchError: the rows differ in length, or a value is missing.

    Source: Fleiss (1971), Measuring nominal scale agreement among many raters, Psychological Bulletin 76(5), 378-382.

    >>> fleiss_kappa([["a", "b", "a"], ["a", "b", "a"], ["a", "b", "a"]])
    1.0
    """
    units = _units(ratings)
    if any(len(unit) < len(ratings) for unit in units):
        raise WorkbenchError("Fleiss' kappa needs a value of every rater", hint="Krippendorff's alpha allows for missing ones.")
    raters, total = len(ratings), len(ratings) * len(units)
    if raters < 2 or not units:  # noqa: PLR2004 - one rater agrees with nobody
        return None
    pairs = [sum(n * (n - 1) for n in Counter(unit).values()) / (raters * (raters - 1)) for unit in units]
    shares = Counter(value for unit in units for value in unit).values()
    return _beyond_chance(sum(pairs) / len(units), sum((n / total) ** 2 for n in shares))


def cohen_kappa(one: Sequence[Any], other: Sequence[Any]) -> float | None:
    """Return Cohen's kappa of two raters, over the units that both have rated; None where it is undefined.

    Args:
        one: a value for every unit; None or NaN where there is none.
        other: the same of the other rater.

    Raises:
        WorkbenchError: they differ in length.

    Source: Cohen (1960), A coefficient of agreement for nominal scales, Educational and Psychological Measurement 20(1), 37-46.

    >>> cohen_kappa([1, 1, 0, 0], [1, 0, 0, 0])
    0.5
    """
    both = [unit for unit in _units([one, other]) if len(unit) > 1]
    if not both:
        return None
    first, second = (Counter(unit[rater] for unit in both) for rater in (0, 1))
    chance = sum(first[value] * second[value] for value in first) / len(both) ** 2
    return _beyond_chance(sum(a == b for a, b in both) / len(both), chance)


def _units(ratings: Sequence[Sequence[Any]]) -> list[list[Any]]:
    """Return the values of each unit, without those that are missing."""
    if len({len(row) for row in ratings}) > 1:
        raise WorkbenchError("the raters have not rated equally many units", hint="Put None where a rating is missing.")
    return [[value for value in unit if not _missing(value)] for unit in zip(*ratings, strict=True)]


def _missing(value: Any) -> bool:
    return value is None or (isinstance(value, float) and math.isnan(value))


def _beyond_chance(observed: float, chance: float) -> float | None:
    return None if 1 - chance < _EQUAL else (observed - chance) / (1 - chance)


def _disagreement(counts: Counts, squared: Callable[[Any, Any], float]) -> float:
    """Return the sum of squared differences over all ordered pairs of values."""
    return 2 * sum(counts[one] * counts[other] * squared(one, other) for one, other in combinations(counts, 2))


def _difference(level: Level, totals: Counts, order: Sequence[Hashable] | None) -> Callable[[Any, Any], float]:
    """Return the squared difference between two different values."""
    if level == "nominal":
        return lambda _one, _other: 1.0
    if level == "interval":
        _require_numbers(totals, "distance", "Use the level nominal, or give the values numbers.")
        return lambda one, other: float((one - other) ** 2)
    if order is None:
        _require_numbers(totals, "order", "Say the order of the values: order=[lowest, ..., highest].")
        order = sorted(totals)
    if unknown := [value for value in totals if value not in order]:
        raise WorkbenchError(f"{unknown[0]!r} has no place in the order", hint="List every value in it.")
    return _ranks_between(totals, order)


def _ranks_between(totals: Counts, order: Sequence[Hashable]) -> Callable[[Any, Any], float]:
    """Return the squared number of ratings between two values, each itself by half."""
    middle, below = {}, 0
    for value in order:
        middle[value] = below + totals.get(value, 0) / 2
        below += totals.get(value, 0)
    return lambda one, other: (middle[one] - middle[other]) ** 2


def _require_numbers(values: Counts, what: str, hint: str) -> None:
    for value in values:
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise WorkbenchError(f"{value!r} has no {what}", hint=hint)
