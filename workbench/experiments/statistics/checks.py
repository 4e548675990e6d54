"""The same question put in other ways: by ranks, permutation, resampling and counting. They check t; they do not replace it."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from workbench.dialogue.baselines.intervals import scipy_stats
from workbench.experiments.statistics.observations import Sample, Values

RESAMPLES: Final = 9_999
_BATCH: Final = 2_000_000
"""Numbers that one batch of resamples holds, so that memory stays flat however many cases there are."""


DISCORDANT: Final = 10
"""Pairs that differ, below which t is not to be trusted."""


@dataclass(frozen=True, slots=True)
class Discordance:
    """Binary pairs, counted. `p` is that of McNemar's exact test: as many gained as lost.

    Source: McNemar (1947), Psychometrika 12, 153-157.
    """

    both: int
    only_control: int
    only_treatment: int
    neither: int
    p: float

    @property
    def differ(self) -> int:
        """Pairs that differ."""
        return self.only_control + self.only_treatment

    @property
    def few(self) -> bool:
        """Whether so few differ that the exact p is to be trusted rather than t."""
        return self.differ < DISCORDANT


@dataclass(frozen=True, slots=True)
class Checks:
    """What other methods say about a comparison.

    Attributes:
        rank_test: `Wilcoxon` where cases are shared, else `Mann-Whitney`.
        rank_p: its two-sided p-value; None where no case differs.
        permutation_p: two-sided, of flipping signs (paired) or shuffling cases, studentised, between the arms.
        bootstrap: BCa interval of the mean difference; None where it is not defined.
        mcnemar: of binary pairs without repeats; else None.
    """

    rank_test: str
    rank_p: float | None
    permutation_p: float
    bootstrap: tuple[float, float] | None
    mcnemar: Discordance | None


def checks(found: Sample, *, confidence: float = 0.95, resamples: int = RESAMPLES, seed: int = 0) -> Checks:
    """Return what ranks, permutation, bootstrap and counts say.

    Args:
        found: the case means.
        confidence: of the bootstrap interval.
        resamples: of permutation and bootstrap; few cases are counted out exactly.
        seed: of both, so that the same data give the same figures.

    Sources: Wilcoxon (1945); Mann, Whitney (1947); Janssen (1997), Stat. Prob. Letters 36, 9-21 (studentised permutation);
    Efron (1987), J. Am. Stat. Assoc. 82, 171-185 (BCa).
    """
    return Checks(
        rank_test="Wilcoxon" if found.paired else "Mann-Whitney",
        rank_p=_rank_p(found),
        permutation_p=_permutation_p(found, resamples, seed),
        bootstrap=_bootstrap(found, confidence, resamples, seed),
        mcnemar=_mcnemar(found),
    )


def _rank_p(found: Sample) -> float | None:
    stats = scipy_stats()
    if not found.paired:
        return float(stats.mannwhitneyu(found.treatment, found.control).pvalue)
    return float(stats.wilcoxon(found.differences).pvalue) if found.differences.any() else None


def _permutation_p(found: Sample, resamples: int, seed: int) -> float:
    data = (found.differences,) if found.paired else (found.treatment, found.control)
    done = scipy_stats().permutation_test(
        data,
        _mean if found.paired else _welch,
        permutation_type="samples" if found.paired else "independent",
        n_resamples=resamples,
        batch=max(1, _BATCH // sum(map(len, data))),
        vectorized=True,
        rng=np.random.default_rng(seed),
    )
    return float(done.pvalue)


def _bootstrap(found: Sample, confidence: float, resamples: int, seed: int) -> tuple[float, float] | None:
    data = (found.differences,) if found.paired else (found.treatment, found.control)
    if not all(np.ptp(values) for values in data):
        return None
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # what is not defined comes back as NaN
        done = scipy_stats().bootstrap(
            data,
            _mean if found.paired else _mean_difference,
            confidence_level=confidence,
            n_resamples=resamples,
            batch=max(1, _BATCH // sum(map(len, data))),
            method="BCa",
            vectorized=True,
            rng=np.random.default_rng(seed),
        )
    low, high = (float(bound) for bound in done.confidence_interval)
    return (low, high) if np.isfinite([low, high]).all() else None


def _mean(values: Values, axis: int = -1) -> Any:
    return values.mean(axis=axis)


def _mean_difference(treatment: Values, control: Values, axis: int = -1) -> Any:
    return treatment.mean(axis=axis) - control.mean(axis=axis)


def _welch(treatment: Values, control: Values, axis: int = -1) -> Any:
    """Return Welch's t; a shuffle that leaves both arms without spread counts as a very large one."""
    error = np.sqrt(sum(values.var(axis=axis, ddof=1) / values.shape[axis] for values in (treatment, control)))
    return _mean_difference(treatment, control, axis) / np.maximum(error, 1e-100)


def _mcnemar(found: Sample) -> Discordance | None:
    if not (found.paired and found.binary) or any(((v != 0) & (v != 1)).any() for v in (found.control, found.treatment)):
        return None
    from statsmodels.stats.contingency_tables import mcnemar

    one, other = found.control == 1, found.treatment == 1
    both, gone, new, neither = (int(m.sum()) for m in (one & other, one & ~other, ~one & other, ~one & ~other))
    p = float(mcnemar([[both, gone], [new, neither]], exact=True).pvalue) if gone + new else 1.0
    return Discordance(both, gone, new, neither, p)
