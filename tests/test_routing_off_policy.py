"""From a log of one policy's choices the value of another is estimated, with an honest error, or no claim is made."""

from __future__ import annotations

import numpy as np
import pytest

from workbench.routing.declared import Fixed, Random
from workbench.routing.kinds import FEATURES
from workbench.routing.off_policy import LEAST_EFFECTIVE, Logged, estimate, evaluate
from workbench.routing.policy import Candidate, RoutingError, Task

TRUTH = {("code", "a"): 0.9, ("code", "b"): 0.4, ("prose", "a"): 0.3, ("prose", "b"): 0.7}
MODELS = [Candidate("a", price=1.0), Candidate("b", price=1.0)]
OF_A = 0.6
"""What always choosing `a` is worth where half of the tasks are code."""


def log(n, seed, share_of_a=0.7):
    random = np.random.default_rng(seed)
    rows = []
    for _ in range(n):
        kind = "code" if random.random() < 0.5 else "prose"
        model = "a" if random.random() < share_of_a else "b"
        share = share_of_a if model == "a" else 1 - share_of_a
        rows.append(Logged(Task("", kind), MODELS, model, share, float(random.random() < TRUTH[kind, model])))
    return rows


def test_all_three_find_the_truth_about_as_often_as_they_say():
    found = [evaluate(log(400, seed), Fixed("a")) for seed in range(40)]
    for name in ("ips", "snips", "dr"):
        values = [getattr(estimates, name) for estimates in found]
        assert abs(np.mean([value.mean for value in values]) - OF_A) < 3 * 0.035 / np.sqrt(40)
        assert sum(value.low <= OF_A <= value.high for value in values) >= 34, name
        assert np.std([value.mean for value in values]) == pytest.approx(np.mean([value.se for value in values]), rel=0.4)
    assert np.mean([e.dr.se for e in found]) < np.mean([e.snips.se for e in found]) < np.mean([e.ips.se for e in found])


def test_a_log_of_the_policy_itself_is_its_mean():
    rows = log(300, 1, 0.5)
    found = evaluate(rows, Random())
    mean = np.mean([row.quality for row in rows])
    assert found.effective == pytest.approx(300)
    assert found.ips.mean == found.snips.mean == pytest.approx(mean)


def test_no_outcome_predicts_itself():
    random = np.random.default_rng(5)
    rows = []
    for _ in range(110):  # quality is a coin, the features are rich: a regression that had seen a coin would know it
        task = Task("", "code", "", tuple(random.normal(0, 3, FEATURES)))
        model = str(random.choice(["a", "b"]))
        rows.append(Logged(task, MODELS, model, 0.5, float(random.integers(2))))
    found = evaluate(rows, Random())
    assert found.dr.se > found.ips.se


def test_by_hand():
    quality, propensity, target = (np.tile(values, 100) for values in ([1.0, 0.0, 1.0], [0.5, 0.5, 0.25], [0.5, 0.25, 0.375]))
    found = estimate(quality, propensity, target)  # weights 1, 0.5, 1.5
    assert found.ips.mean == pytest.approx(2.5 / 3)
    assert found.snips.mean == pytest.approx(2.5 / 3)
    assert found.effective == pytest.approx(300 * 9 / 3 / 3.5)
    assert found.dr is None
    robust = estimate(quality, propensity, target, predicted=np.full(300, 0.5), expected=np.full(300, 0.6))
    assert robust.dr.mean == pytest.approx(0.6 + (0.5 - 0.25 + 0.75) / 3)


def test_dr_holds_though_the_regression_is_wrong():
    rows = log(4000, 7)
    quality, propensity = np.array([row.quality for row in rows]), np.array([row.propensity for row in rows])
    target = np.array([float(row.model == "a") for row in rows])
    wrong = estimate(quality, propensity, target, predicted=np.full(4000, 0.9), expected=np.full(4000, 0.9))
    assert abs(wrong.dr.mean - OF_A) < 4 * wrong.dr.se


@pytest.mark.parametrize(
    ("rows", "why"),
    [
        (log(120, 3, 0.1), "effective sample size"),
        ([row for row in log(1000, 3) if row.model == "b"], "never have chosen"),
        ([Logged(row.task, MODELS, row.model, 1.0, row.quality) for row in log(1000, 3)], "instead of 1"),
        ([Logged(row.task, MODELS, row.model, row.propensity / 2, row.quality) for row in log(1000, 3)], "instead of 1"),
    ],
    ids=["too few", "never logged", "a policy that had no choice", "wrong propensities"],
)
def test_no_claim_is_made_where_the_log_cannot_carry_it(rows, why):
    found = evaluate(rows, Fixed("a"))
    assert found.ips is found.snips is found.dr is None
    assert why in found.refused
    assert found.logged == len(rows)


def test_the_least_effective_size_is_the_limit():
    for n, claimed in ((LEAST_EFFECTIVE, True), (LEAST_EFFECTIVE - 1, False)):
        found = estimate(np.ones(n), np.full(n, 0.5), np.full(n, 0.5))
        assert (found.ips is not None) is claimed


@pytest.mark.parametrize("share", [0.0, -0.1, 1.5, float("nan")])
def test_a_propensity_that_is_none_is_refused(share):
    with pytest.raises(RoutingError, match="propensity"):
        estimate(np.ones(200), np.full(200, share), np.ones(200))


def test_wrong_logs_are_refused():
    with pytest.raises(RoutingError, match="empty"):
        evaluate([], Fixed("a"))
    with pytest.raises(RoutingError, match="not among"):
        evaluate([Logged(Task(""), MODELS, "gone", 1.0, 1.0)] * 2, Fixed("a"))
    with pytest.raises(RoutingError, match="every choice"):
        estimate(np.ones(3), np.ones(2), np.ones(3))
