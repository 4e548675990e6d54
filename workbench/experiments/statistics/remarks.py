"""What a careful reader would remark about the data, in words: few cases, tails, outliers, ceilings, failures, disagreement."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Final

import numpy as np

from workbench.dialogue.baselines.intervals import scipy_stats
from workbench.experiments.statistics.checks import Checks
from workbench.experiments.statistics.observations import Sample, Values, spreads

FEW: Final = 20
_FEWEST_SHAPED: Final = 4
_MANY: Final = 200
"""Cases from which on the mean is near enough to normal whatever their own distribution is."""
_PILED: Final = 0.8
"""Share of cases with the best (worst) value, from which on there is little room above (below)."""


def remarks(found: Sample, checked: Checks, p: float, alpha: float) -> tuple[str, ...]:
    """Return what to bear in mind about a comparison, most important first; empty if there is nothing."""
    return (
        *_failures(found),
        *_disagreement(checked, p, alpha),
        *_shape(found),
        *_outliers(found),
        *_ceiling(found),
        *_few(found, checked),
    )


def _failures(found: Sample) -> Iterator[str]:
    for name, missing in zip(found.arms, found.missing, strict=True):
        if missing.failed:
            yield (
                f"{name} yielded no value in {missing.failed} of {missing.observations} observations, "
                f"and none at all for {missing.lost} of {missing.cases} cases."
            )
    if found.failed_more is not None and found.failed_more < 0.05:  # noqa: PLR2004 - the usual level
        rates = [missing.lost / missing.cases for missing in found.missing]
        worse = found.arms[rates[1] > rates[0]]
        yield f"{worse} failed more (p = {found.failed_more:.2g}): what is left of it may be the easier cases."
    if found.partial:
        yield f"{found.partial} cases have a value in one arm only and are left out."


def _disagreement(checked: Checks, p: float, alpha: float) -> Iterator[str]:
    if (p < alpha) != (checked.permutation_p < alpha):
        yield f"t (p = {p:.3g}) and the permutation test (p = {checked.permutation_p:.3g}) disagree: too close to call."


def _shape(found: Sample) -> Iterator[str]:
    """Tell of values that are not normal, where cases are too few for that not to matter."""
    stats = scipy_stats()
    for name, values in _compared(found):
        if not _FEWEST_SHAPED <= len(values) < _MANY or not spreads(values) or found.binary:
            continue
        if stats.kurtosis(values) > 3:  # noqa: PLR2004 - twice the fourth moment of a normal distribution
            yield f"{name} have heavy tails: a few cases decide. Look at the bootstrap interval and at the ranks."
        elif stats.shapiro(values).pvalue < 0.01:  # noqa: PLR2004 - only what is plain
            yield f"{name} are not normally distributed. Look at the bootstrap interval and at the ranks."


def _outliers(found: Sample) -> Iterator[str]:
    """Tell of values more than three interquartile ranges beyond the quartiles (Tukey 1977, far out)."""
    cases: Sequence[Any] = found.cases
    for name, values in _compared(found):
        lower, upper = np.percentile(values, [25, 75])
        reach = 3 * (upper - lower)
        far = np.flatnonzero((values < lower - reach) | (values > upper + reach))
        if reach and len(far):
            at = len(found.control) if name.startswith(f"The values of {found.arms[1]}") and not found.paired else 0
            named = ", ".join(str(cases[at + place]) for place in far[:3])
            yield f"{name} have {len(far)} outliers far out: {named}{' …' if len(far) > 3 else ''}."  # noqa: PLR2004


def _ceiling(found: Sample) -> Iterator[str]:
    every = np.concatenate([found.control, found.treatment])
    if not spreads(every):
        return
    for end, word in ((every.max(), "highest"), (every.min(), "lowest")):
        if min(float((values == end).mean()) for values in (found.control, found.treatment)) >= _PILED:
            room = "above" if word == "highest" else "below"
            yield f"Most cases have the {word} value in both arms: there is little room {room}. Other cases would tell more."


def _few(found: Sample, checked: Checks) -> Iterator[str]:
    fewest = min(len(found.control), len(found.treatment))
    if fewest < FEW:
        yield f"{fewest} cases are few: intervals rest on normality that cannot be seen from them."
    if (pairs := checked.mcnemar) and pairs.few:
        yield f"Only {pairs.differ} pairs differ: trust McNemar's exact p = {pairs.p:.3g} rather than t."


def _compared(found: Sample) -> tuple[tuple[str, Values], ...]:
    if found.paired:
        return (("The differences", found.differences),)
    return tuple(
        (f"The values of {name}", values) for name, values in zip(found.arms, (found.control, found.treatment), strict=True)
    )
