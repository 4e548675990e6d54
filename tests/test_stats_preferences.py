"""Pairwise preferences become strengths, or silence; judges are held against people."""

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm

from workbench.dialogue.agreement import cohen_kappa, fleiss_kappa, krippendorff_alpha
from workbench.errors import WorkbenchError
from workbench.experiments.statistics import StatisticsError, bradley_terry, judge_agreement, settle

COLUMNS = ["case", "first", "second", "winner"]


def judged(strengths, cases, *, seed=0, ties=0.1):
    """Both orders of every pair on every case; the judge is the same in both orders three times out of four."""
    rng, rows = np.random.default_rng(seed), []
    for case in range(cases):
        for one in strengths:
            for other in strengths:
                if one < other:
                    better = 1 / (1 + np.exp(strengths[other] - strengths[one]))
                    winner = None if rng.random() < ties else one if rng.random() < better else other
                    again = winner if rng.random() < 0.75 else one
                    rows += [(case, one, other, winner), (case, other, one, again)]
    return pd.DataFrame(rows, columns=COLUMNS)


def test_strengths_are_those_of_a_logistic_regression():
    judgements = judged({"a": 0.0, "b": 0.7, "c": 1.5}, 40)
    settled, arms = settle(judgements), ["a", "b", "c"]
    design = np.array(
        [[(arm == one) - (arm == other) for arm in arms[1:]] for one, other in settled[["one", "other"]].to_numpy()]
    )
    known = sm.GLM(settled["points"].to_numpy(), design, family=sm.families.Binomial()).fit(tol=1e-14, maxiter=100)
    strengths = np.concatenate([[0.0], known.params])
    found = {s.arm: s.strength for s in bradley_terry(judgements, virtual_ties=0, resamples=20).standings}
    assert [found[arm] for arm in arms] == pytest.approx(strengths - strengths.mean(), rel=1e-9)


def test_virtual_ties_are_ties_on_every_pair():
    judgements = judged({"a": 0.0, "b": 1.0}, 20, ties=0.0)
    tied = pd.concat([judgements, pd.DataFrame([(f"v{i}", "a", "b", None) for i in range(3)], columns=COLUMNS)])
    one, other = bradley_terry(judgements, virtual_ties=3, resamples=20), bradley_terry(tied, virtual_ties=0, resamples=20)
    assert [s.strength for s in one.standings] == pytest.approx([s.strength for s in other.standings], rel=1e-9)


def test_orders_that_disagree_are_a_tie():
    rows = [
        (1, "a", "b", "a"),
        (1, "b", "a", "b"),
        (2, "a", "b", "a"),
        (2, "b", "a", "a"),
        (3, "a", "b", "b"),
        (3, "b", "a", None),
    ]
    settled = settle(pd.DataFrame(rows, columns=COLUMNS))
    assert list(settled["points"]) == [0.5, 1.0, 0.5]
    assert list(settled["agree"]) == [False, True, False]
    found = bradley_terry(pd.DataFrame(rows, columns=COLUMNS))
    assert found.consistency == pytest.approx(1 / 3)
    assert (found.standings[0].wins, found.standings[0].ties) == (1, 2)


def test_a_plain_order_is_shown_with_intervals():
    found = bradley_terry(judged({"weak": -1.5, "fair": 0.0, "good": 1.5}, 120))
    assert found.ranking == ("good", "fair", "weak")
    assert found.reliability > 0.95
    for standing in found.standings:
        assert standing.low < standing.strength < standing.high
    assert found.standings[0].low > found.standings[1].high
    assert found.text.startswith("1. good: +")


def test_an_order_that_other_cases_would_change_is_not_shown():
    found = bradley_terry(judged({"a": 0.0, "b": 0.0, "c": 0.05, "d": 0.0}, 12, seed=3))
    assert found.reliability < 0.8
    assert found.ranking == ()
    assert found.text.startswith("No order")
    assert all(arm not in found.text.split() for arm in "bcd")


def test_intervals_cover_the_strengths():
    truth = {"a": -0.5, "b": 0.0, "c": 0.5}
    covered = 0
    for seed in range(60):
        rng = np.random.default_rng(seed)
        rows = [
            (case, one, other, one if rng.random() < 1 / (1 + np.exp(truth[other] - truth[one])) else other)
            for case in range(60)
            for one, other in (("a", "b"), ("b", "c"), ("a", "c"))
        ]
        found = bradley_terry(pd.DataFrame(rows, columns=COLUMNS), resamples=200, seed=seed)
        covered += sum(s.low <= truth[s.arm] <= s.high for s in found.standings)
    assert 0.90 <= covered / 180 <= 0.99


def test_one_who_never_lost_has_a_finite_strength_or_an_explanation():
    always = pd.DataFrame([(i, "a", "b", "a") for i in range(5)], columns=COLUMNS)
    found = bradley_terry(always)
    assert np.isfinite([(s.strength, s.low, s.high) for s in found.standings]).all()
    with pytest.raises(StatisticsError, match="never lost"):
        bradley_terry(always, virtual_ties=0)


@pytest.mark.parametrize(
    ("rows", "match"),
    [
        ([], "no judgements"),
        ([(1, "a", "b", "a")], "one case"),
        ([(1, "a", "a", "a"), (2, "a", "b", "a")], "against itself"),
        ([(1, "a", "b", "z"), (2, "a", "b", "a")], "'z' did not take part"),
        ([(1, "a", "b", "a"), (1, "a", "b", "b")], "judged twice"),
        ([(None, "a", "b", "a")], "lacks its case"),
        ([(1, "a", "b", "a"), (2, "c", "d", "c")], "cannot be compared"),
    ],
)
def test_judgements_that_make_no_sense(rows, match):
    with pytest.raises(StatisticsError, match=match) as caught:
        bradley_terry(pd.DataFrame(rows, columns=COLUMNS))
    assert caught.value.hint


def test_a_missing_column_is_named():
    with pytest.raises(StatisticsError, match="no column winner"):
        settle(pd.DataFrame({"case": [1], "first": ["a"], "second": ["b"]}))


JUDGE = ["yes", "no", "yes", "yes", "no", "yes", None, "no"]
ANN = ["yes", "no", "yes", "no", "no", "yes", "yes", "no"]
BEN = ["yes", "no", "no", "yes", "no", "yes", "yes", "no"]


def test_a_judge_beside_people():
    found = judge_agreement(JUDGE, {"ann": ANN, "ben": BEN}, resamples=200)
    assert found.units == 7
    assert found.same == pytest.approx(12 / 14)
    assert found.kappas == {"ann": cohen_kappa(JUDGE, ANN), "ben": cohen_kappa(JUDGE, BEN)}
    assert found.alpha == krippendorff_alpha([JUDGE, ANN, BEN])
    assert found.people == krippendorff_alpha([ANN, BEN])
    assert found.fleiss == fleiss_kappa([ANN, BEN])
    assert found.low < found.alpha < found.high
    assert "people among themselves" in found.text


def test_a_judge_who_only_says_yes_cannot_be_told_from_chance():
    found = judge_agreement(["yes"] * 4, {"ann": ["yes"] * 4})
    assert found.alpha is None
    assert found.kappa is None
    assert "cannot be told from chance" in found.text


def test_ratings_that_cannot_be_held_against_each_other():
    with pytest.raises(StatisticsError, match="nobody"):
        judge_agreement(JUDGE, {})
    with pytest.raises(StatisticsError, match="no unit in common"):
        judge_agreement([1, None], {"ann": [None, 1]})
    with pytest.raises(WorkbenchError, match="equally many"):
        judge_agreement([1, 2], {"ann": [1]})
