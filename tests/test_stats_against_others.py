"""Every exact figure equals an independent implementation (SciPy's own tests, statsmodels) or a published example."""

import math

import numpy as np
import pandas as pd
import pytest
from scipy import stats
from statsmodels.stats.contingency_tables import mcnemar
from statsmodels.stats.meta_analysis import effectsize_smd
from statsmodels.stats.multitest import multipletests
from statsmodels.stats.power import TTestIndPower, TTestPower
from statsmodels.stats.weightstats import ttest_ind, ttost_ind, ttost_paired

from workbench.dialogue.baselines.intervals import holm
from workbench.experiments.statistics import (
    Metric,
    Spread,
    adjusted,
    compare,
    equivalence,
    minimum_detectable,
    power,
    sample_size,
)
from workbench.experiments.statistics.effects import hedges_g
from workbench.experiments.statistics.observations import Missing, Sample

EXACT = {"rel": 1e-9, "abs": 1e-12}
SCORE = Metric("score", "higher")

# Student's sleep data (1908): extra hours of sleep of ten patients with two drugs. R: t = -4.0621, df = 9, p = 0.002833 paired,
# t = -1.8608, df = 17.776, p = 0.07939 Welch; paired interval -2.4598858 to -0.7001142.
SLEEP = [0.7, -1.6, -0.2, -1.2, -0.1, 3.4, 3.7, 0.8, 0.0, 2.0], [1.9, 0.8, 1.1, 0.1, -0.1, 4.4, 5.5, 1.6, 4.6, 3.4]


def table(control, treatment, *, shared=True):
    rows = [(f"c{i}", "a", value) for i, value in enumerate(control)]
    rows += [(f"c{i}" if shared else f"d{i}", "b", value) for i, value in enumerate(treatment)]
    return pd.DataFrame(rows, columns=["case", "arm", "score"])


def between(control, treatment, *, shared=True, **options):
    return compare(table(control, treatment, shared=shared), SCORE, control="a", treatment="b", resamples=199, **options)


def drawn(seed, n, m=None, spread=1.0):
    rng = np.random.default_rng(seed)
    return rng.normal(size=n), rng.normal(0.4, spread, size=m or n)


def test_published_sleep_data_paired():
    found = between(*SLEEP)
    assert found.p == pytest.approx(0.002833, abs=5e-7)
    assert (found.low, found.high) == pytest.approx((0.7001142, 2.4598858), abs=5e-8)


def test_published_sleep_data_welch():
    found = between(*SLEEP, shared=False)
    assert (found.p, found.estimate.df) == pytest.approx((0.07939, 17.776), abs=5e-4)


@pytest.mark.parametrize("n", [2, 7, 40])
def test_paired_t(n):
    one, other = drawn(n, n)
    found, known = between(one, other), stats.ttest_rel(other, one)
    assert found.estimate.method == "paired t"
    assert found.p == pytest.approx(known.pvalue, **EXACT)
    assert (found.low, found.high) == pytest.approx(tuple(known.confidence_interval(0.95)), **EXACT)


@pytest.mark.parametrize(("n", "m"), [(2, 3), (9, 30), (40, 12)])
def test_welch(n, m):
    one, other = drawn(n, n, m, spread=3.0)
    found = between(one, other, shared=False)
    known = ttest_ind(other, one, usevar="unequal")
    assert found.estimate.method == "Welch"
    assert (found.p, found.estimate.df) == pytest.approx(known[1:], **EXACT)
    assert (found.low, found.high) == pytest.approx(
        tuple(stats.ttest_ind(other, one, equal_var=False).confidence_interval(0.95)), **EXACT
    )


def test_repeats_count_as_one_case():
    one, other = drawn(3, 20)
    rng = np.random.default_rng(4)
    rows = [
        (i, arm, repeat, values[i] + rng.normal())
        for i in range(20)
        for arm, values in (("a", one), ("b", other))
        for repeat in range(5)
    ]
    frame = pd.DataFrame(rows, columns=["case", "arm", "repeat", "score"])
    means = frame.pivot_table(index="case", columns="arm", values="score", aggfunc="mean")
    found = compare(frame, SCORE, control="a", treatment="b", resamples=199)
    assert found.cases == (20, 20)
    assert found.p == pytest.approx(stats.ttest_rel(means["b"], means["a"]).pvalue, **EXACT)


def test_rank_tests():
    one, other = drawn(5, 15)
    assert between(one, other).checks.rank_p == pytest.approx(stats.wilcoxon(other, one).pvalue, **EXACT)
    found = between(one, other, shared=False)
    assert found.checks.rank_test == "Mann-Whitney"
    assert found.checks.rank_p == pytest.approx(stats.mannwhitneyu(other, one).pvalue, **EXACT)


def test_few_pairs_are_permuted_exactly():
    one, other = drawn(6, 7)
    difference = other - one
    signs = np.array(np.meshgrid(*[[-1, 1]] * 7)).reshape(7, -1)
    extreme = np.abs((signs * difference[:, None]).mean(axis=0)) >= abs(difference.mean()) - 1e-12
    assert between(one, other).checks.permutation_p == pytest.approx(extreme.mean(), **EXACT)


def test_mcnemar():
    one = [1] * 30 + [1] * 3 + [0] * 12 + [0] * 15
    other = [1] * 30 + [0] * 3 + [1] * 12 + [0] * 15
    found = between(one, other).checks.mcnemar
    assert (found.both, found.only_control, found.only_treatment, found.neither) == (30, 3, 12, 15)
    assert found.p == pytest.approx(stats.binomtest(3, 15).pvalue, **EXACT)
    assert found.p == pytest.approx(mcnemar([[30, 3], [12, 15]], exact=True).pvalue, **EXACT)


def test_hedges_g_of_independent_arms():
    one, other = drawn(7, 18, 30, spread=2.0)
    found = between(one, other, shared=False).effect
    g, variance = effectsize_smd(other.mean(), other.std(ddof=1), 30, one.mean(), one.std(ddof=1), 18)
    assert found.g == pytest.approx(float(g), **EXACT)
    assert found.high - found.g == pytest.approx(stats.norm.ppf(0.975) * math.sqrt(variance), **EXACT)


def test_hedges_g_of_pairs_as_published():
    """Means 110.4 and 102.1, deviations 15.3 and 14.6, correlation 0.75, 25 pairs (Bonett's R package statpsych, ci.stdmean.ps)."""
    rng = np.random.default_rng(8)
    basis = np.linalg.qr(np.column_stack([np.ones(25), rng.normal(size=(25, 2))]))[0][:, 1:] * math.sqrt(24)
    one = 102.1 + 14.6 * basis[:, 0]
    other = 110.4 + 15.3 * (0.75 * basis[:, 0] + math.sqrt(1 - 0.75**2) * basis[:, 1])
    none = Missing(25, 0, 25, 0)
    found = hedges_g(Sample(SCORE, ("a", "b"), one, other, tuple(range(25)), True, False, (none, none), 0, None))
    assert (found.low, found.high) == pytest.approx((0.2394905, 0.8705732), abs=5e-8)
    assert found.g == pytest.approx(0.5550319 * (1 - 3 / (4 * 48 - 1)), abs=5e-8)


def test_equivalence_of_pairs_and_independent_arms():
    one, other = drawn(9, 25, 25)
    whole, low, high = ttost_paired(other, one, -0.5, 0.9)
    found = between(one, other).estimate
    assert (found.p_above(-0.5), found.p_below(0.9)) == pytest.approx((low[1], high[1]), **EXACT)
    assert max(low[1], high[1]) == pytest.approx(whole, **EXACT)
    whole, *_ = ttost_ind(other, one, -0.7, 0.7, usevar="unequal")
    assert equivalence(between(one, other, shared=False), 0.7).p == pytest.approx(whole, **EXACT)


@pytest.mark.parametrize("better", ["higher", "lower"])
def test_equivalence_turns_with_the_direction(better):
    one, other = drawn(10, 25)
    found = compare(table(one, other), Metric("score", better, margin=0.6), control="a", treatment="b", resamples=99)
    held, (_, low, high) = equivalence(found), ttost_paired(other, one, -0.6, 0.6)
    expected = (low[1], high[1]) if better == "higher" else (high[1], low[1])
    assert (held.p_not_worse, held.p_no_gain) == pytest.approx(expected, **EXACT)


def test_corrections():
    p = [0.001, 0.3, 0.04, 0.012, 0.04, 1.0]
    assert adjusted(p) == pytest.approx(holm(p), **EXACT)
    assert adjusted(p, "benjamini-hochberg") == pytest.approx(stats.false_discovery_control(p), **EXACT)
    assert adjusted(p) == pytest.approx(multipletests(p, method="holm")[1], **EXACT)


@pytest.mark.parametrize("n", [4, 20, 130])
@pytest.mark.parametrize("effect", [0.1, 0.5, 1.3])
def test_power(n, effect):
    assert power(Spread(2.0), n, 2 * effect) == pytest.approx(TTestPower().power(effect, n, 0.05), **EXACT)
    known = TTestIndPower().power(effect, n, 0.05)
    assert power(Spread(2.0, 2.0), n, 2 * effect) == pytest.approx(known if math.isfinite(known) else 1.0, **EXACT)
    larger = TTestPower().power(effect, n, 0.05, alternative="larger")
    assert power(Spread(1.0), n, effect, sides=1) == pytest.approx(larger, **EXACT)


def test_published_sample_sizes():
    """G*Power 3.1 and Cohen (1988, table 2.4.1): d = 0.2, 0.5, 0.8 take 394, 64 and 26 an arm; d = 0.5 takes 34 pairs."""
    assert [sample_size(Spread(1.0, 1.0), d) for d in (0.2, 0.5, 0.8)] == [394, 64, 26]
    assert sample_size(Spread(1.0), 0.5) == 34


def test_minimum_detectable_difference_has_just_that_power():
    found = minimum_detectable(Spread(1.0, 3.0), 50, target=0.9)
    assert power(Spread(1.0, 3.0), 50, found) == pytest.approx(0.9, rel=1e-9)


def test_power_far_out_is_one_and_not_nan():
    assert power(Spread(1e-6), 100_000, 1e6) == 1.0


def test_bootstrap_interval_is_bca():
    one, other = np.zeros(30), np.random.default_rng(11).lognormal(size=30)
    found = between(one, other, seed=5).checks.bootstrap
    known = stats.bootstrap((other,), np.mean, n_resamples=199, method="BCa", rng=np.random.default_rng(5)).confidence_interval
    assert found == pytest.approx(tuple(known), **EXACT)
    assert found[1] - other.mean() > other.mean() - found[0]
