"""What results recommend: the table, and what must hold whatever the data are."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from workbench.experiments.statistics import Metric, StatisticsError, Verdict, attempt, compare, recommend

QUALITY = Metric("quality", "higher", margin=0.1)
LATENCY = Metric("latency", "lower", margin=0.1)
COST = Metric("cost", "lower", margin=0.1)
ORDER = list(Verdict)
SHIFTS = st.floats(-1, 1).map(lambda value: round(value, 3))
CASES = st.integers(5, 60)


def noise(n, seed):
    found = np.random.default_rng(seed).normal(size=n)
    return (found - found.mean()) / found.std(ddof=1)


def result(metric, shift, n=40, spread=0.2, *, seed=0, swapped=False, shared=True):
    """A comparison whose difference is `shift`, and the standard deviation of whose differences is `spread`."""
    base = np.random.default_rng(seed + 1).normal(size=n)
    arms = {"old": base, "new": base + shift + spread * noise(n, seed)}
    rows = [(i if shared else f"{arm}{i}", arm, value) for arm, values in arms.items() for i, value in enumerate(values)]
    frame = pd.DataFrame(rows, columns=["case", "arm", metric.name])
    control, treatment = ("new", "old") if swapped else ("old", "new")
    return compare(frame, metric, control=control, treatment=treatment, resamples=19)


def same(metric, n=30):
    frame = pd.DataFrame([(i, arm, 5.0) for i in range(n) for arm in ("old", "new")], columns=["case", "arm", metric.name])
    return attempt(frame, metric, "old", "new")


# Differences, treatment minus control, with 40 cases and a standard deviation of 0.2: an interval reaches 0.064 either way.
@pytest.mark.parametrize(
    ("quality", "latency", "cost", "verdict"),
    [
        (0.3, -0.3, 0.0, "STRONG MERGE"),
        (0.3, 0.03, -0.3, "STRONG MERGE"),
        (0.3, 0.0, 0.0, "MERGE"),
        (0.3, 0.06, 0.0, "NEEDS MORE DATA"),
        (0.0, -0.3, 0.0, "CONDITIONAL MERGE"),
        (-0.06, -0.3, 0.0, "NEEDS MORE DATA"),
        (-0.3, -0.3, -0.3, "REJECT"),
        (0.3, 0.3, -0.3, "REJECT"),
        (0.0, 0.0, 0.0, "REJECT"),
        (0.06, 0.0, 0.0, "NEEDS MORE DATA"),
    ],
)
def test_the_table(quality, latency, cost, verdict):
    found = recommend(result(QUALITY, quality), [result(LATENCY, latency, seed=5), result(COST, cost, seed=9)])
    assert found.verdict == verdict
    assert found.text.startswith(f"{verdict}: ")
    assert (found.cases is not None) == (verdict == "NEEDS MORE DATA")


def test_worse_by_less_than_the_margin_is_still_worse():
    found = recommend(result(QUALITY, -0.05, n=400), [result(LATENCY, -0.5)])
    assert found.quality.not_worse
    assert found.verdict == "REJECT"
    assert "better latency" in found.reason


def test_says_how_many_cases_would_tell():
    found = recommend(result(QUALITY, 0.06, n=10, spread=0.4), [same(COST)])
    assert found.verdict == "NEEDS MORE DATA"
    assert found.cases == 128  # two-sided t, d = 0.1 / 0.4, power 0.8
    assert "128 cases" in found.text


def test_asks_for_twice_as_many_where_the_plan_was_met():
    assert recommend(result(QUALITY, 0.06, n=40), [same(COST)]).cases == 80


def test_a_price_that_is_the_same_everywhere_is_not_worse():
    assert recommend(result(QUALITY, 0.3), [same(COST)]).verdict == "MERGE"


def test_quality_that_could_not_be_compared_merges_nothing():
    found = recommend(attempt(pd.DataFrame({"case": [1], "arm": ["old"]}), QUALITY, "old", "new"), [result(COST, -0.5)])
    assert found.verdict == "NEEDS MORE DATA"
    assert "no column quality" in found.text


def test_all_right_in_both_arms_is_not_worse_once_cases_are_enough():
    def answers(n):
        frame = pd.DataFrame([(i, arm, True) for i in range(n) for arm in ("old", "new")], columns=["case", "arm", "quality"])
        return attempt(frame, QUALITY, "old", "new")

    faster = result(LATENCY, -0.3)
    assert recommend(answers(10), [faster]).verdict == "NEEDS MORE DATA"
    assert recommend(answers(100), [faster]).verdict == "CONDITIONAL MERGE"


def test_one_of_several_prices_is_not_found_by_looking_often():
    lucky = result(LATENCY, -0.067)
    assert 0.025 < lucky.p < 0.05
    assert recommend(result(QUALITY, 0.0), [lucky]).verdict == "CONDITIONAL MERGE"
    assert recommend(result(QUALITY, 0.0), [lucky, result(COST, 0.0)]).verdict != "CONDITIONAL MERGE"


def test_without_a_margin_nothing_is_shown_to_be_the_same():
    with pytest.raises(StatisticsError, match="no margin"):
        recommend(result(Metric("quality", "higher"), 0.3))


def test_refuses_other_arms_and_metrics_given_twice():
    with pytest.raises(StatisticsError, match="different arms"):
        recommend(result(QUALITY, 0.3), [result(COST, 0.1, swapped=True)])
    with pytest.raises(StatisticsError, match="twice"):
        recommend(result(QUALITY, 0.3), [result(COST, 0.1), result(COST, 0.1)])


@settings(max_examples=40, deadline=None)
@given(SHIFTS, SHIFTS, SHIFTS, CASES, st.booleans())
def test_a_significant_change_the_wrong_way_never_merges(quality, latency, cost, n, shared):
    every = [
        result(m, s, n, seed=i, shared=shared)
        for i, (m, s) in enumerate([(QUALITY, quality), (LATENCY, latency), (COST, cost)])
    ]
    found = recommend(every[0], every[1:])
    wrong = any(r.p < 0.05 and (r.difference < 0 if r.metric.better == "higher" else r.difference > 0) for r in every)
    if wrong:
        assert found.verdict == Verdict.REJECT
    assert not (wrong and found.verdict.merges)


@settings(max_examples=40, deadline=None)
@given(SHIFTS, SHIFTS, SHIFTS, st.floats(0, 0.5), st.sampled_from([0, 1, 2]), CASES)
def test_a_better_treatment_never_fares_worse(quality, latency, cost, more, which, n):
    def verdict(*shifts):
        found = [result(m, s, n, seed=i) for i, (m, s) in enumerate(zip([QUALITY, LATENCY, COST], shifts, strict=True))]
        return ORDER.index(recommend(found[0], found[1:]).verdict)

    shifts = [quality, latency, cost]
    before = verdict(*shifts)
    shifts[which] += more if which == 0 else -more
    assert verdict(*shifts) >= before


@settings(max_examples=25, deadline=None)
@given(SHIFTS, SHIFTS, CASES)
def test_swapping_arms_and_directions_changes_nothing(quality, price, n):
    def turned(metric):
        return Metric(metric.name, "lower" if metric.better == "higher" else "higher", metric.margin)

    one = recommend(result(QUALITY, quality, n), [result(COST, price, n)])
    other = recommend(result(turned(QUALITY), quality, n, swapped=True), [result(turned(COST), price, n, swapped=True)])
    assert (one.verdict, one.cases) == (other.verdict, other.cases)


@settings(max_examples=25, deadline=None)
@given(SHIFTS, SHIFTS, CASES)
def test_both_of_two_arms_are_never_merged_for_the_other(quality, price, n):
    one = recommend(result(QUALITY, quality, n), [result(COST, price, n)])
    other = recommend(result(QUALITY, quality, n, swapped=True), [result(COST, price, n, swapped=True)])
    assert not (one.verdict.merges and other.verdict.merges)


def test_an_order_of_verdicts_is_stated():
    assert ORDER == ["REJECT", "NEEDS MORE DATA", "CONDITIONAL MERGE", "MERGE", "STRONG MERGE"]


def binary(gained, lost, n=100):
    """A comparison of binary pairs, of which some are right in one arm only."""
    old = [1.0] * lost + [0.0] * gained + [1.0] * (n - gained - lost)
    new = [0.0] * lost + [1.0] * gained + [1.0] * (n - gained - lost)
    rows = [(i, arm, value) for arm, values in (("old", old), ("new", new)) for i, value in enumerate(values)]
    metric = Metric("right", "higher", margin=0.02, binary=True)
    frame = pd.DataFrame(rows, columns=["case", "arm", "right"])
    return compare(frame, metric, control="old", treatment="new", resamples=19)


@pytest.mark.parametrize(
    ("gained", "lost", "latency", "verdict"),
    [
        (5, 0, 0.0, "NEEDS MORE DATA"),  # t: p = 0.024; McNemar: p = 0.0625
        (5, 0, -0.3, "CONDITIONAL MERGE"),
        (6, 0, 0.0, "MERGE"),  # McNemar: p = 0.03125
        (6, 0, -0.3, "STRONG MERGE"),
        (20, 9, 0.0, "MERGE"),  # 29 pairs differ, so t decides, though McNemar: p = 0.06
    ],
)
def test_where_few_pairs_differ_mcnemars_exact_test_has_a_say(gained, lost, latency, verdict):
    quality = binary(gained, lost)
    found = recommend(quality, [result(LATENCY, latency, seed=5)])
    assert found.verdict == verdict
    doubted = gained == 5
    assert ("McNemar's exact test (p = 0.0625)" in found.reason) == doubted
    assert ("5 pairs that differ" in found.reason) == doubted
    assert (found.cases is not None) == (verdict == "NEEDS MORE DATA")
