"""Learned routing holds the exact posterior of its model, whatever the order of outcomes, keeps it in JSON, and shares strength."""

from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from workbench.routing.features import MOST_KINDS, Rows
from workbench.routing.hierarchy import Hierarchy, Prior
from workbench.routing.kinds import FEATURES
from workbench.routing.learned import Belief, Learned
from workbench.routing.policy import Candidate, Constraints, Outcome, RoutingError, Task

MODELS = [Candidate(name, price=price, cost_usd=price / 1000) for name, price in [("a", 0.2), ("b", 1.0), ("c", 8.0)]]
KINDS = ["code", "maths", "prose"]


def task(number: int) -> Task:
    features = tuple(np.random.default_rng(number).normal(0, 0.2, FEATURES))
    return Task(f"task {number}", KINDS[number % len(KINDS)], "", features)


def learn(policy, rows):
    for number, model, quality in rows:
        policy.learn(Outcome(task(number), MODELS[model], quality, 0.001))
    return policy


rows = st.lists(st.tuples(st.integers(0, 20), st.integers(0, 2), st.floats(0, 1)), min_size=1, max_size=25)


@given(st.integers(0, 2**32 - 1))
@settings(max_examples=25, deadline=None)
def test_the_posterior_is_that_of_the_joint_normal_model(seed):
    random = np.random.default_rng(seed)
    d, p, k, n, noise = 4, 2, 3, 30, 0.2
    prior = Prior(*(random.uniform(0.1, 1, size) for size in (p, p, d, d, (2, d))), noise)
    some = Prior(
        prior.covariates,
        prior.covariates_variance,
        *(part[..., :3] for part in (prior.common, prior.common_variance, prior.own_variance)),
        noise,
    )
    ours = Hierarchy(some)
    size = p + d + k * d
    mean = np.concatenate([prior.covariates, prior.common, np.zeros(k * d)])
    variances = [
        np.concatenate([prior.covariates_variance, prior.common_variance, np.tile(own, k)]) for own in prior.own_variance
    ]

    def row(model, x, z):
        full = np.zeros(size)
        full[:p], full[p : p + d] = z, x
        full[p + d + model * d : p + d + (model + 1) * d] = x
        return full

    for _ in range(k):
        ours.add_model()
    seen, qualities = [], []
    for i in range(n):
        if i == n // 2:  # the last feature comes up later: until then it was 0
            ours.add_features(prior.common[3:], prior.common_variance[3:], prior.own_variance[:, 3:])
        model, x, z, y = int(random.integers(k)), random.normal(size=d), random.normal(size=p), random.normal()
        x[3] *= i >= n // 2
        ours.learn(model, x[: 3 if i < n // 2 else d], z, y)
        seen.append(row(model, x, z))
        qualities.append(y)
    design, residual = np.array(seen), np.array(qualities) - np.array(seen) @ mean
    x, z = random.normal(size=d), random.normal(size=(k, p))
    known = ours.predict(np.arange(k), x, z)
    asked = np.array([row(model, x, z[model]) for model in range(k)])
    evidence, means = [], []
    for hypothesis, variance in enumerate(variances):
        marginal = design @ np.diag(variance) @ design.T + noise * np.eye(n)
        gain = asked @ np.diag(variance) @ design.T @ np.linalg.inv(marginal)
        covariance = asked @ np.diag(variance) @ asked.T - gain @ design @ np.diag(variance) @ asked.T
        means.append(asked @ mean + gain @ residual)
        evidence.append(-(np.linalg.slogdet(marginal)[1] + residual @ np.linalg.solve(marginal, residual)) / 2)
        assert np.allclose(known.means[hypothesis], means[-1])
        assert np.allclose(known.variances[hypothesis], np.diag(covariance))
    weights = np.exp(np.array(evidence) - max(evidence)) / np.exp(np.array(evidence) - max(evidence)).sum()
    assert np.allclose(known.weights, weights)
    assert np.allclose(known.mean, weights @ np.array(means))
    again = Hierarchy(ours.prior)
    again.restore(ours.sums())
    assert np.allclose(again.predict(np.arange(k), x, z).mean, known.mean)
    assert np.allclose(again.predict(np.array([2, 0]), x, z[[2, 0]]).variances, known.variances[:, [2, 0]])


def test_how_far_models_specialise_is_learned():
    def weights(quality):
        policy = learn(Learned(), [(number, model, quality(number % 3, model)) for number in range(30) for model in range(3)])
        return policy._posterior.weights

    assert weights(lambda kind, model: float(kind == model))[0] < 0.01
    assert weights(lambda kind, model: model / 2)[0] > 0.6


@given(rows, st.randoms())
@settings(deadline=None)
def test_the_order_of_outcomes_does_not_matter(rows, random):
    shuffled = rows.copy()
    random.shuffle(shuffled)
    one, other = learn(Learned(), rows), learn(Learned(), shuffled)
    for number in range(3):
        for model, (mean, deviation) in one.expected(task(number), MODELS).items():
            assert other.expected(task(number), MODELS)[model] == (pytest.approx(mean), pytest.approx(deviation))


@given(rows)
@settings(deadline=None)
def test_what_was_learned_survives_json(rows):
    before = learn(Learned(seed=4), rows)
    after = Learned.from_state(json.loads(json.dumps(before.state())))
    for number in range(10):
        one, other = (policy.choose(task(number), MODELS, Constraints(willing_to_pay=0.01)) for policy in (before, after))
        assert one.model == other.model
        assert one.propensities == pytest.approx(other.propensities)
        assert one.scores == pytest.approx(other.scores)
        learn(before, [(number, 1, 0.5)])
        learn(after, [(number, 1, 0.5)])


def test_the_state_does_not_grow_with_what_is_learned():
    policy = learn(Learned(), [(i % 20, i % 3, (i % 7) / 7) for i in range(100)])
    small = len(json.dumps(policy.state()))
    learn(policy, [(i % 20, i % 3, (i % 5) / 5) for i in range(3000)])
    assert len(json.dumps(policy.state())) < 1.3 * small


@pytest.mark.parametrize(
    "spoil",
    [
        lambda state: state | {"version": 99},
        lambda state: state | {"features": "others"},
        lambda state: state | {"kinds": state["kinds"] + ["more"]},
        lambda state: state | {"models": state["models"][:1]},
        lambda state: state | {"sums": state["sums"] | {"xy": {"shape": [1], "data": "!"}}},
        lambda state: {name: value for name, value in state.items() if name != "costs"},
        lambda state: state | {"belief": {"nonsense": 1}},
    ],
    ids=["version", "features", "kinds", "models", "sums", "missing", "belief"],
)
def test_a_damaged_state_is_refused(spoil):
    state = learn(Learned(), [(0, 0, 1.0), (1, 1, 0.0)]).state()
    with pytest.raises(RoutingError, match="learned") as refused:
        Learned.from_state(spoil(state))
    assert "Learn anew" in refused.value.hint


def test_what_is_learned_of_one_model_on_one_kind_moves_its_other_kinds_less_and_the_other_models_least():
    policy, fresh = learn(Learned(), [(0, 0, 1.0)] * 5), Learned()

    def moved(number, model):
        return policy.expected(task(number), MODELS)[model][0] - fresh.expected(task(number), MODELS)[model][0]

    assert moved(0, "a") > moved(1, "a") > moved(1, "b") > 0


def test_before_any_outcome_price_and_declared_scores_tell():
    one = Task("x", "code", "coding")
    cards = [Candidate("plain", price=1.0), Candidate("dear", price=10.0), Candidate("good", {"coding": 0.95}, price=1.0)]
    expected = Learned().expected(one, cards)
    assert expected["dear"][0] == pytest.approx(expected["plain"][0] + Belief().price)
    assert expected["good"][0] == pytest.approx(expected["plain"][0] + 0.25 * Belief().score)
    assert Learned().expected(one, [Candidate("free", price=0.0)])["free"][0] > 0


def test_costs_are_corrected_by_what_was_paid():
    policy, priced = Learned(), Constraints(willing_to_pay=0.01)
    before = policy.choose(task(0), MODELS, priced).scores["a"]
    for _ in range(50):
        policy.learn(Outcome(task(0), MODELS[0], policy.expected(task(0), MODELS)["a"][0], 0.02))
    after = policy.choose(task(0), MODELS, priced)
    assert before - after.scores["a"] > 1  # 0.0002 was declared, 0.02 is paid: two points at this price
    unknown = Candidate("unknown", price=1.0)
    assert policy.choose(task(0), [*MODELS, unknown], priced).scores["unknown"] < after.scores["b"]


def test_every_model_stays_measurable():
    policy = learn(Learned(), [(0, 0, 1.0), (0, 1, 0.0), (0, 2, 0.0)] * 200)
    shares = policy.choose(task(0), MODELS).propensities
    assert shares["a"] > 0.98
    assert min(shares.values()) == pytest.approx(Belief().floor / 3)


def test_models_are_drawn_as_often_as_is_logged():
    policy = learn(Learned(seed=9), [(0, 0, 0.6), (0, 1, 0.6), (0, 2, 0.4)] * 3)
    choices = [policy.choose(task(0), MODELS) for _ in range(4000)]
    shares = choices[0].propensities
    assert all(choice.propensities == shares for choice in choices)
    for model, share in shares.items():
        often = sum(choice.model == model for choice in choices) / len(choices)
        assert abs(often - share) < 5 * (share * (1 - share) / 4000) ** 0.5


def test_the_reason_tells_what_is_expected_and_what_is_tried():
    policy = learn(Learned(seed=1), [(0, 0, 1.0), (0, 1, 0.2), (0, 2, 0.2)] * 30)
    reasons = {choice.model: choice.reason for choice in (policy.choose(task(0), MODELS) for _ in range(800))}
    assert "expected quality 0.9" in reasons["a"]
    assert "for code" in reasons["a"]
    assert "tried instead of a" in (reasons.get("b") or reasons["c"])


def test_kinds_beyond_the_most_share_a_place():
    features = Rows()
    assert [features.place(f"kind {i}") for i in range(MOST_KINDS + 2)] == [True] * MOST_KINDS + [False] * 2
    late, later = features.row(Task("", f"kind {MOST_KINDS}")), features.row(Task("", f"kind {MOST_KINDS + 1}"))
    assert np.array_equal(late, later)
    with pytest.raises(RoutingError, match="features"):
        features.row(Task("", "kind 1", "", (0.1, 0.2)))
