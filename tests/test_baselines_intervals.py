"""The statistics of a comparison, against exact counts, published values and SciPy."""

import math
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from workbench.dialogue.baselines.intervals import cases_needed, holm, paired_difference
from workbench.records.means import share_interval

DIFFERENCES = st.lists(st.floats(-1, 1), min_size=2, max_size=30)


def outcomes(n):
    """Every number of wins and losses in n cases, with the interval."""
    for wins in range(n + 1):
        for losses in range(n + 1 - wins):
            found = paired_difference([1.0] * wins + [-1.0] * losses + [0.0] * (n - wins - losses), margin=0.05)
            yield wins, losses, found


@pytest.mark.parametrize("n", [2, 3, 5, 8, 12, 20])
def test_the_interval_covers_the_truth_whatever_it_is(n):
    """Counted out, not simulated: each number of wins and losses weighted by how likely it is."""
    every = list(outcomes(n))
    for wins_tenths in range(11):
        for losses_tenths in range(11 - wins_tenths):
            p, q = wins_tenths / 10, losses_tenths / 10
            covered = 0.0
            for wins, losses, found in every:
                if found.low - 1e-9 <= p - q <= found.high + 1e-9:
                    ways = math.comb(n, wins) * math.comb(n - wins, losses)
                    covered += ways * p**wins * q**losses * max(1 - p - q, 0.0) ** (n - wins - losses)
            assert covered > 0.92, (p, q)


@pytest.mark.parametrize("n", [5, 8, 12, 20])
def test_a_debate_that_is_no_better_is_seldom_said_to_be(n):
    every = list(outcomes(n))
    for tenths in range(6):
        p = tenths / 10
        said = sum(
            math.comb(n, wins) * math.comb(n - wins, losses) * p ** (wins + losses) * max(1 - 2 * p, 0.0) ** (n - wins - losses)
            for wins, losses, found in every
            if found.p_better < 0.025
        )
        assert said <= 0.036


def test_it_is_the_published_interval_but_for_the_quantile():
    """Bonett and Price (2012): counts f12, f21 of n pairs; (f12 - f21) / (n + 2) plus and minus q times its error."""
    wins, losses, n = 12, 5, 40
    found = paired_difference([1.0] * wins + [-1.0] * losses + [0.0] * (n - wins - losses), margin=0.05)
    p12, p21 = (wins + 1) / (n + 2), (losses + 1) / (n + 2)
    error = math.sqrt((p12 + p21 - (p12 - p21) ** 2) / (n + 2))
    reach = stats.t.ppf(0.975, n - 1) * error
    assert (found.low, found.high) == pytest.approx((p12 - p21 - reach, p12 - p21 + reach))


def test_with_many_cases_it_is_the_paired_t_interval():
    differences = [1.0] * 400 + [0.0] * 500 + [-1.0] * 300
    found = paired_difference(differences, margin=0.05)
    usual = stats.ttest_1samp(differences, 0).confidence_interval(0.95)
    assert (found.low, found.high) == pytest.approx(tuple(usual), abs=0.002)


@pytest.mark.parametrize("value", [0.0, 1.0, -1.0])
def test_five_equal_cases_prove_nothing(value):
    found = paired_difference([value] * 5, margin=0.05)
    assert found.high - found.low > 0.5
    assert found.p_not_better > 0.05 or value == -1.0


@pytest.mark.parametrize("differences", [[], [1.0]])
def test_one_case_says_nothing(differences):
    found = paired_difference(differences, margin=0.05)
    assert (found.low, found.high, found.p_better, found.p_not_better) == (-1, 1, 1, 1)


@given(DIFFERENCES)
def test_swapping_sides_mirrors_everything(differences):
    found, other = paired_difference(differences, margin=0.05), paired_difference([-d for d in differences], margin=0.05)
    assert (found.low, found.high) == pytest.approx((-other.high, -other.low))
    assert found.p_better == pytest.approx(1 - other.p_better)


@given(DIFFERENCES)
def test_interval_and_p_say_the_same(differences):
    found = paired_difference(differences, margin=0.05)
    if abs(found.low) > 1e-9:
        assert (found.p_better < 0.025) == (found.low > 0)
    if abs(found.high - 0.05) > 1e-9:
        assert (found.p_not_better < 0.025) == (found.high < 0.05)


@given(st.lists(st.floats(0, 1), min_size=1, max_size=12))
def test_holm_is_never_below_what_it_adjusts_nor_out_of_order(values):
    adjusted = holm(values)
    assert all(a >= p for a, p in zip(adjusted, values, strict=True))
    ranked = [a for _, a in sorted(zip(values, adjusted, strict=True))]
    assert all(a <= b for a, b in pairwise(ranked))
    assert min(adjusted) == min(1.0, len(values) * min(values))


def test_wilson_as_scipy_has_it():
    for right, n in ((0, 5), (3, 8), (12, 12), (70, 100)):
        usual = stats.binomtest(right, n).proportion_ci(method="wilson")
        assert share_interval(right, n) == pytest.approx((usual.low, usual.high))
    assert share_interval(0, 0) == (0, 1)


def test_as_many_cases_as_needed_have_the_power():
    """With n cases, a difference of `effect` at this spread is found with 80 % by the usual normal approximation."""
    n = cases_needed(0.6, 0.1)
    z = 0.1 / (0.6 / math.sqrt(n))
    assert stats.norm.sf(stats.norm.ppf(0.975) - z) == pytest.approx(0.8, abs=0.005)
    assert cases_needed(0.6, 0.05) == pytest.approx(4 * n, rel=0.01)
