"""Data that cannot answer: an explanation with a way out, never a traceback from elsewhere and never a NaN."""

import dataclasses
import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from workbench.experiments.statistics import (
    Comparison,
    Metric,
    NoSpreadError,
    Refusal,
    Spread,
    StatisticsError,
    adjusted,
    attempt,
    compare,
    compare_arms,
    compare_metrics,
    equivalence,
    minimum_detectable,
    power,
    recommend,
    sample_size,
)

SCORE = Metric("score", "higher", margin=0.1)


def table(rows, columns=("case", "arm", "score")):
    return pd.DataFrame(rows, columns=list(columns))


def pairs(one, other):
    return table([(i, arm, value) for arm, values in (("a", one), ("b", other)) for i, value in enumerate(values)])


def refused(frame, match, metric=SCORE, **options):
    with pytest.raises(StatisticsError, match=match) as caught:
        compare(frame, metric, control="a", treatment="b", resamples=19, **options)
    assert caught.value.hint
    return caught.value


GOOD = pairs([1, 2, 4, 3], [2, 2, 5, 5])


@pytest.mark.parametrize(
    ("frame", "match"),
    [
        (GOOD.drop(columns="arm"), "no column arm"),
        (GOOD.drop(columns="score"), "no column score"),
        (GOOD.iloc[:0], "no arm a"),
        (GOOD.loc[GOOD["arm"] == "a"], "no arm b"),
        (pairs([1], [2]), "both arms share 1 case"),
        (table([(1, "a", 1.0), (2, "b", 2.0), (3, "b", 3.0)]), "arm a has 1 case"),
        (pairs([1, 2, 3], [None, None, None]), "arm b has no value at all, of 3 cases"),
        (pairs([1, None, None], [None, 2, 3]), "arm a has 1 case"),
        (pairs([1, 2, math.inf], [1, 2, 3]), "infinite"),
        (pairs([1, 2, "three"], [1, 2, 3]), "not a number"),
        (pairs([1, 2, 1e200], [1, 2, 3]), "beyond what can be squared"),
        (pd.concat([GOOD, GOOD.iloc[:1]]), "case 0 stands more than once in arm a"),
        (GOOD.assign(case=[None, 1, 2, 3, 0, 1, 2, 3]), "names no case"),
        (pairs([1, 2, 3], [3, 4, 5]), "all 3 cases differ by exactly 2"),
        (pairs([0.1, 0.2, 0.3], [0.3, 0.4, 0.5]), "differ by exactly 0.2"),
        (pairs([7, 7, 7], [7, 7, 7]), "differ by exactly 0"),
    ],
)
def test_says_what_is_wrong(frame, match):
    refused(frame, match)


def test_repeats_need_numbers_of_their_own():
    twice = pd.concat([GOOD, GOOD])
    assert "column `repeat`" in refused(twice, "stands more than once").hint
    refused(twice.assign(repeat=1), "stands more than once")
    numbered = twice.assign(repeat=[0] * len(GOOD) + [1] * len(GOOD))
    assert compare(numbered, SCORE, control="a", treatment="b").cases == (4, 4)


def test_a_thousand_repeats_of_one_case_are_one_case():
    rng = np.random.default_rng(0)
    refused(
        table([("x", arm, r, rng.normal()) for arm in "ab" for r in range(1000)], ["case", "arm", "repeat", "score"]), "1 case"
    )


def test_identical_arms_are_told_from_a_constant_difference():
    assert refused(pairs([5, 6, 7], [5, 6, 7]), "exactly 0").identical
    assert not refused(pairs([5, 6, 7], [6, 7, 8]), "exactly 1").identical


def test_constant_arms_without_shared_cases():
    frame = table([(f"{arm}{i}", arm, value) for arm, value in (("a", 5.0), ("b", 6.0)) for i in range(4)])
    with pytest.raises(NoSpreadError, match="same value"):
        compare(frame, SCORE, control="a", treatment="b")


@pytest.mark.parametrize("shared", [True, False])
def test_all_right_in_both_arms_has_an_interval(shared):
    frame = table([(i if shared else f"{arm}{i}", arm, True) for arm in "ab" for i in range(30)])
    found = compare(frame, SCORE, control="a", treatment="b", resamples=99)
    assert found.estimate.method == ("Bonett-Price" if shared else "Agresti-Caffo")
    assert found.difference == 0
    assert found.low < -0.05 < 0.05 < found.high
    assert found.effect is None


def test_always_free_is_not_always_wrong():
    """Numbers that are all 0 may be a price or a mark; only the metric knows."""
    nothing = pairs([0.0] * 30, [0.0] * 30)
    assert refused(nothing, "exactly 0", Metric("score", "lower")).identical
    marks = compare(nothing, Metric("score", "higher", binary=True), control="a", treatment="b", resamples=19)
    assert marks.low < 0 < marks.high
    refused(pairs([0, 1, 2], [1, 1, 1]), "not 0 or 1", Metric("score", "higher", binary=True))


def test_a_metric_that_cannot_be_compared_leaves_the_others_standing():
    frame = GOOD.assign(cost=0.0)
    found = compare_metrics(frame, [SCORE, Metric("cost", "lower"), Metric("speed", "lower")], control="a", treatment="b")
    assert [finding.comparison.metric.name for finding in found.findings] == ["score"]
    assert [refusal.metric.name for refusal in found.refusals] == ["cost", "speed"]
    assert [refusal.identical for refusal in found.refusals] == [True, False]
    assert all(refusal.reason and refusal.hint for refusal in found.refusals)
    assert list(found.frame["metric"]) == ["score"]


def test_every_arm_that_failed_is_named():
    frame = pd.concat([GOOD, table([(i, "c", None) for i in range(4)])])
    found = compare_arms(frame, SCORE, control="a")
    assert found.refusals[0].treatment == "c"
    assert "no value" in found.refusals[0].reason


def test_settings_that_make_no_sense():
    for make, match in (
        (lambda: Metric("x", "up"), "better is 'up'"),
        (lambda: Metric("x", "higher", margin=0), "margin of 0"),
        (lambda: Metric("x", "higher", margin=math.nan), "margin of nan"),
        (lambda: compare(GOOD, SCORE, control="a", treatment="a"), "with itself"),
        (lambda: compare(GOOD, SCORE, control="a", treatment="b", confidence=95), "confidence of 95"),
        (lambda: compare_arms(GOOD, SCORE, control="z"), "no arm z"),
        (lambda: compare_arms(GOOD.loc[GOOD["arm"] == "a"], SCORE), "nothing to compare"),
        (lambda: adjusted([0.5, math.nan]), "no p-value"),
        (lambda: power(Spread(1.0), 1, 1.0), "1 cases"),
        (lambda: power(Spread(0.0), 5, 1.0), "without spread"),
        (lambda: power(Spread(math.nan), 5, 1.0), "standard deviation of nan"),
        (lambda: sample_size(Spread(1.0), 0.0), "difference of 0"),
        (lambda: sample_size(Spread(1.0), 1e-9), "no number of cases"),
        (lambda: sample_size(Spread(1.0), 1.0, target=1.0), "power of 1"),
        (lambda: minimum_detectable(Spread(1.0), 1), "1 cases"),
        (lambda: equivalence(compare(GOOD, SCORE, control="a", treatment="b"), alpha=0.7), "level of 0.7"),
        (lambda: equivalence(compare(GOOD, SCORE, control="a", treatment="b"), -1.0), "margin of -1"),
    ):
        with pytest.raises(StatisticsError, match=match) as caught:
            make()
        assert caught.value.hint


def test_an_arm_that_fails_more_is_said_to():
    rng = np.random.default_rng(1)
    other = [None if i < 12 else value for i, value in enumerate(rng.normal(size=40))]
    found = compare(pairs(rng.normal(size=40), other), SCORE, control="a", treatment="b", resamples=99)
    assert found.missing[1].lost == 12
    assert found.cases == (28, 28)
    assert "b yielded no value in 12 of 40" in found.warnings[0]
    assert "b failed more" in " ".join(found.warnings)


@pytest.mark.parametrize(
    ("control", "treatment", "word"),
    [
        ([1, 2, 3, 4, 5], [2, 2, 4, 4, 7], "few"),
        ([10] * 27 + [4, 5, 6], [10] * 26 + [9, 5, 6, 3], "little room above"),
        (np.zeros(60), np.r_[np.linspace(-1, 1, 59), 400.0], "outliers far out: 59"),
        (np.zeros(60), np.r_[np.linspace(-1, 1, 59), 400.0], "heavy tails"),
        (np.zeros(60), np.exp(np.linspace(-2, 1.6, 60)), "not normally distributed"),
        ([0, 1] * 30, [0, 1] * 29 + [1, 1], "Only 1 pairs differ"),
    ],
)
def test_remarks(control, treatment, word):
    found = compare(pairs(control, treatment), SCORE, control="a", treatment="b", resamples=99)
    assert any(word in warning for warning in found.warnings), found.warnings


def test_unremarkable_data_bring_no_remark():
    rng = np.random.default_rng(2)
    assert compare(pairs(rng.normal(size=100), rng.normal(size=100)), SCORE, control="a", treatment="b").warnings == ()


VALUES = st.one_of(
    st.none(), st.sampled_from([0.0, 1.0, 1e-300, 1e150, 1e59, 1e-59, -7.0]), st.floats(-1e6, 1e6), st.booleans()
)


@settings(max_examples=150, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 9), st.sampled_from("ab"), VALUES), max_size=25), st.sampled_from([None, True, False]))
def test_whatever_the_table_the_answer_is_finite_or_explained(rows, paired):
    frame = table(rows).drop_duplicates(["case", "arm"])
    found = attempt(frame, SCORE, "a", "b", resamples=19, paired=paired)
    if isinstance(found, Refusal):
        assert found.reason
        assert found.hint
    else:
        assert all(map(math.isfinite, numbers(dataclasses.asdict(found))))
        assert found.low <= found.estimate.centre <= found.high
        assert 0 <= found.p <= 1
    assert isinstance(found, Comparison | Refusal)
    recommend(found)


def numbers(value):
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, list | tuple):
        return [number for inner in value for number in numbers(inner)]
    return [value] if isinstance(value, float) else []
