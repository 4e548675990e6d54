"""Every policy keeps the constraints, says with which probability it chose, and gives its reason in a line."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from workbench.models import ModelRegistry
from workbench.routing.named import NAMES, policy_named
from workbench.routing.policy import Candidate, Constraints, Outcome, RoutingError, Task, candidate_of

CODE = Task("Mend this loop.", "code", "coding")
STRONG = Candidate("strong", {"coding": 0.95, "writing": 0.7}, price=9.0, cost_usd=0.02, latency=2.0, context_window=200_000)
MIDDLE = Candidate("middle", {"coding": 0.8, "writing": 0.8}, price=1.0, cost_usd=0.002, latency=0.5, context_window=100_000)
SMALL = Candidate("small", {"coding": 0.4}, price=0.0, cost_usd=0.0, latency=0.2, context_window=8_000, local=True)
MUTE = Candidate("mute")
ALL = [STRONG, MIDDLE, SMALL, MUTE]
POLICIES = [*NAMES[:-1], "fixed:middle"]

amounts = st.none() | st.floats(0, 1, allow_subnormal=False)
candidates = st.lists(
    st.builds(
        Candidate,
        st.sampled_from("abcdefgh"),
        st.dictionaries(st.sampled_from(["coding", "writing", "code"]), st.floats(0, 1), max_size=2),
        amounts,
        amounts,
        amounts,
        st.none() | st.integers(1, 10_000),
        st.booleans(),
    ),
    min_size=1,
    max_size=8,
    unique_by=lambda candidate: candidate.name,
)
outcomes = st.lists(st.tuples(st.integers(0, 7), st.sampled_from(["code", "prose"]), st.floats(0, 1), amounts), max_size=12)
constraints = st.builds(
    Constraints,
    max_cost_usd=amounts,
    context_tokens=st.none() | st.integers(1, 10_000),
    max_latency=amounts,
    local_only=st.booleans(),
    excluded=st.frozensets(st.sampled_from("abcdefgh"), max_size=3),
    willing_to_pay=st.none() | st.floats(1e-6, 10),
)


def keeps(candidate, constraints):
    return (
        candidate.name not in constraints.excluded
        and (candidate.local or not constraints.local_only)
        and at_most(candidate.cost_usd, constraints.max_cost_usd)
        and at_most(candidate.latency, constraints.max_latency)
        and not (
            constraints.context_tokens and candidate.context_window and candidate.context_window < constraints.context_tokens
        )
    )


def at_most(value, limit):
    return limit is None or (value is not None and value <= limit)


@pytest.mark.parametrize("name", NAMES[:-1])
@given(candidates=candidates, outcomes=outcomes, constraints=constraints)
@settings(deadline=None)
def test_the_choice_keeps_the_constraints_and_probabilities_add_up(name, candidates, outcomes, constraints):
    policy = policy_named(name, seed=3)
    for number, kind, quality, cost in outcomes:
        policy.learn(Outcome(Task("x", kind), candidates[number % len(candidates)], quality, cost))
    if not any(keeps(candidate, constraints) for candidate in candidates):
        with pytest.raises(RoutingError, match="no model can be chosen"):
            policy.choose(CODE, candidates, constraints)
        return
    choice = policy.choose(CODE, candidates, constraints)
    chosen = next(candidate for candidate in candidates if candidate.name == choice.model)
    assert keeps(chosen, constraints)
    assert all(keeps(c, constraints) for c in candidates if c.name in choice.propensities)
    assert sum(choice.propensities.values()) == pytest.approx(1)
    assert all(0 <= share <= 1 for share in choice.propensities.values())
    assert choice.propensity > 0
    assert choice.scores.keys() == choice.propensities.keys()
    assert choice.reason
    assert "\n" not in choice.reason
    json.dumps([dict(choice.scores), dict(choice.propensities)], allow_nan=False)


@pytest.mark.parametrize("name", POLICIES)
def test_the_same_seed_chooses_the_same(name):
    def choices():
        policy = policy_named(name, seed=5)
        made = []
        for i in range(40):
            choice = policy.choose(CODE, ALL)
            policy.learn(Outcome(CODE, next(c for c in ALL if c.name == choice.model), (i * 7 % 10) / 10, 0.001))
            made.append((choice.model, choice.propensity))
        return made

    assert choices() == choices()


def test_capability_takes_the_highest_declared_score():
    policy = policy_named("capability")
    assert policy.choose(CODE, ALL).model == "strong"
    assert policy.choose(Task("A poem.", "creative", "writing"), ALL).model == "middle"
    assert policy.choose(CODE, ALL, Constraints(max_cost_usd=0.01)).model == "middle"
    assert "0.95 for code" in policy.choose(CODE, ALL).reason


def test_a_score_for_the_kind_itself_counts_before_that_for_its_capability():
    own = Candidate("own", {"coding": 0.1, "code": 1.0})
    assert policy_named("capability").choose(CODE, [*ALL, own]).model == "own"


def test_equals_are_settled_by_cost_and_then_by_name():
    policy = policy_named("capability")
    twins = [Candidate("b", {"coding": 0.5}, cost_usd=1), Candidate("a", {"coding": 0.5}, cost_usd=1)]
    assert policy.choose(CODE, twins).model == "a"
    assert policy.choose(CODE, [*twins, Candidate("c", {"coding": 0.5}, cost_usd=0.5)]).model == "c"
    assert policy.choose(CODE, [Candidate("unknown", {"coding": 0.5}), *twins]).model == "a"


def test_capability_follows_the_cards_that_come_with_the_workbench():
    cards = [candidate_of(card) for card in ModelRegistry()]
    for capability in ("coding", "reasoning", "analysis", "writing", "maths"):
        chosen = policy_named("capability").choose(Task("x", "any", capability), cards).model
        best = max(card.capabilities.get(capability, 0) for card in cards)
        assert next(card for card in cards if card.name == chosen).capabilities[capability] == best


def test_cheapest_is_good_enough_first():
    policy = policy_named("cheapest")
    assert policy.choose(CODE, ALL).model == "middle"
    assert policy.choose(CODE, ALL, Constraints(good_enough=0.3)).model == "small"
    nobody = policy.choose(CODE, ALL, Constraints(good_enough=0.99))
    assert nobody.model == "strong"
    assert "nobody declares 0.99" in nobody.reason


def test_local_first_leaves_the_machine_only_where_that_helps():
    policy = policy_named("local")
    assert policy.choose(CODE, ALL, Constraints(good_enough=0.4)).model == "small"
    assert policy.choose(CODE, ALL).model == "strong"
    assert policy.choose(CODE, [SMALL, Candidate("worse", {"coding": 0.3})]).model == "small"
    assert policy.choose(CODE, [STRONG, MIDDLE]).model == "strong"


def test_round_robin_and_fixed():
    policy = policy_named("round-robin")
    assert [policy.choose(CODE, ALL).model for _ in range(5)] == ["strong", "middle", "small", "mute", "strong"]
    assert policy_named("fixed:small").choose(CODE, ALL).model == "small"
    with pytest.raises(RoutingError, match="gone is fixed"):
        policy_named("fixed:gone").choose(CODE, ALL)


def test_random_and_epsilon_choose_as_often_as_they_say():
    for name in ("random", "epsilon"):
        policy = policy_named(name, seed=1)
        for candidate in ALL:
            policy.learn(Outcome(CODE, candidate, 0.9 if candidate is STRONG else 0.1))
        choices = [policy.choose(CODE, ALL) for _ in range(4000)]
        for model, share in choices[0].propensities.items():
            often = sum(choice.model == model for choice in choices) / len(choices)
            assert abs(often - share) < 5 * (share * (1 - share) / 4000) ** 0.5


def test_refusals_name_the_reason_for_each_model():
    with pytest.raises(RoutingError) as refused:
        policy_named("capability").choose(CODE, ALL, Constraints(max_cost_usd=0.001, context_tokens=9_000))
    assert "strong (0.02 USD)" in refused.value.message
    assert "mute (cost unknown)" in refused.value.message
    assert "small (window of 8000 tokens)" in refused.value.message
    assert refused.value.hint


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        (lambda: policy_named("capability").choose(CODE, []), "there are no candidates"),
        (lambda: policy_named("random").choose(CODE, [SMALL, SMALL]), "same name"),
        (lambda: policy_named("lerned"), "Did you mean learned"),
        (lambda: policy_named("fixed:"), "fixed:MODEL"),
        (lambda: Constraints(willing_to_pay=0), "must be more than 0"),
        (lambda: Constraints(willing_to_pay=float("nan")), "must be more than 0"),
        (lambda: Outcome(CODE, SMALL, 7), "between 0 and 1"),
        (lambda: Outcome(CODE, SMALL, float("nan")), "between 0 and 1"),
        (lambda: Outcome(CODE, SMALL, 0.5, -1), "0 or more"),
    ],
)
def test_wrong_use_is_told(wrong, says):
    with pytest.raises(RoutingError) as refused:
        wrong()
    assert says in str(refused.value)


def test_bandits_find_the_better_model_and_its_price():
    dear, cheap = Candidate("dear", cost_usd=1.0), Candidate("cheap", cost_usd=0.001)
    for name in ("epsilon", "thompson", "linucb", "learned"):
        policy = policy_named(name, seed=2)
        for i in range(300):
            policy.learn(Outcome(CODE, dear, 0.9, 1.0))
            policy.learn(Outcome(CODE, cheap, float(i % 2), 0.001))
        assert policy.choose(CODE, [dear, cheap]).propensities["dear"] >= 0.9, name
        assert policy.choose(CODE, [dear, cheap], Constraints(willing_to_pay=0.1)).propensities["cheap"] >= 0.9, name
