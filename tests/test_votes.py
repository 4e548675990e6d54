"""Votes: each way of counting, ties, abstentions, what counts as a vote, and the laws that a fair count keeps."""

from itertools import permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workbench.dialogue.agreement.votes import METHODS, plain, tally
from workbench.errors import ModeError


@pytest.mark.parametrize(
    ("votes", "winner", "tied"),
    [
        (["yes", "yes", "no"], "yes", ()),
        (["yes", "yes", "no", "perhaps"], None, ()),
        (["yes", "yes", "no", "perhaps", None, "abstain"], None, ()),
        (["yes", "yes", "no", None, None, None], "yes", ()),
        (["yes", "no"], None, ("yes", "no")),
        (["yes", "no", "perhaps"], None, ("yes", "no", "perhaps")),
        ([None], None, ()),
        ([], None, ()),
    ],
)
def test_a_majority_is_more_than_half_of_those_who_vote(votes, winner, tied):
    outcome = tally(votes)
    assert (outcome.winner, outcome.tied, outcome.tie) == (winner, tied, bool(tied))


@pytest.mark.parametrize("method", ["majority", "plurality", "ranked"])
def test_where_nobody_votes_nobody_ties(method):
    outcome = tally([None], method, options=["yes", "no"], tie="first")
    assert (outcome.winner, outcome.tie, outcome.tied) == (None, False, ())


def test_a_plurality_is_more_than_any_other():
    outcome = tally(["yes", "yes", "no", "perhaps"], "plurality")
    assert (outcome.winner, outcome.decided_by) == ("yes", "votes")
    assert outcome.counts == {"yes": 2, "no": 1, "perhaps": 1}


def test_weights_are_added_as_they_are_written():
    outcome = tally(["a", "b", "b"], "weighted", weights=[0.3, 0.1, 0.2])
    assert (outcome.winner, outcome.tied, outcome.counts) == (None, ("a", "b"), {"a": 0.3, "b": 0.3})
    assert tally(["a", "b", "b"], "weighted", weights=[3, 1, 1]).winner == "a"
    assert tally(["a", "b"], "weighted", weights=[0, 0]).winner is None


def test_a_run_off_moves_the_votes_of_those_who_go_out():
    """Tennessee's capital, the textbook example: Memphis has most first choices, Knoxville wins."""
    votes = (
        [["Memphis", "Nashville", "Chattanooga", "Knoxville"]] * 42
        + [["Nashville", "Chattanooga", "Knoxville", "Memphis"]] * 26
        + [["Chattanooga", "Knoxville", "Nashville", "Memphis"]] * 15
        + [["Knoxville", "Chattanooga", "Nashville", "Memphis"]] * 17
    )
    outcome = tally(votes, "ranked")
    assert outcome.winner == "Knoxville"
    assert outcome.rounds == (
        {"Memphis": 42, "Nashville": 26, "Chattanooga": 15, "Knoxville": 17},
        {"Memphis": 42, "Nashville": 26, "Knoxville": 32},
        {"Memphis": 42, "Knoxville": 58},
    )
    assert tally([ballot[0] for ballot in votes], "plurality").winner == "Memphis"


def test_ballots_without_anyone_left_no_longer_count():
    outcome = tally([["a"]] * 4 + [["b", "c"]] * 3 + [["c", "b"]] * 2 + [["d"]] * 2, "ranked")
    assert outcome.winner == "b"
    assert outcome.rounds[-1] == {"a": 4, "b": 5}


def test_of_several_with_the_fewest_the_one_goes_that_had_fewer_before():
    votes = [["a"]] * 6 + [["b"]] * 5 + [["c"]] * 4 + [["d", "c"]] * 1
    outcome = tally(votes, "ranked")
    assert outcome.rounds[1] == {"a": 6, "b": 5, "c": 5}
    assert outcome.rounds[2] == {"a": 6, "b": 5}


def test_of_several_with_the_fewest_that_nothing_tells_apart_all_go():
    outcome = tally([["a"]] * 4 + [["b", "c"]] * 3 + [["c", "b"]] * 3, "ranked")
    assert outcome.rounds == ({"a": 4, "b": 3, "c": 3}, {"a": 4})
    assert outcome.winner == "a"


def test_all_that_are_left_may_be_equal():
    outcome = tally([["a", "b"], ["b", "a"], ["c"]], "ranked")
    assert (outcome.winner, outcome.tied, len(outcome.rounds)) == (None, ("a", "b", "c"), 1)


@pytest.mark.parametrize(
    ("votes", "method", "first"),
    [
        (["b", "a"], "majority", "b"),
        (["b", "a", "c"], "majority", None),
        (["b", "b", "a", "a", "c"], "majority", None),
        (["b", "b", "a", "a", "c"], "plurality", "b"),
        ([["b"], ["a"]], "ranked", "b"),
    ],
)
def test_a_tie_is_broken_as_by_one_more_vote(votes, method, first):
    outcome = tally(votes, method, tie="first")
    assert outcome.winner == first
    assert outcome.tie
    assert outcome.decided_by == ("first" if first else None)
    judged = tally(votes, method, tie="judge")
    assert judged.winner is None
    assert judged.decided_by == ("judge" if first else None)


def test_the_first_is_that_of_the_options():
    assert tally(["b", "a"], tie="first", options=["a", "b"]).winner == "a"
    assert tally(["b", "a"], tie="first").winner == "b"


@pytest.mark.parametrize(
    "vote", ["Option A", "option a", " OPTION\u00a0A. ", '"Option A"', "**Option-A**", "(option_a)", "\uff4fption A!"]
)
def test_case_space_and_punctuation_around_make_no_difference(vote):
    outcome = tally([vote], options=["Option A", "Option B"])
    assert outcome.winner == "Option A"


@pytest.mark.parametrize(
    ("one", "other"), [("1", "-1"), ("C", "C++"), ("C", "C#"), ("3.5", "35"), ("A", "AB"), ("?", "!"), ("5%", "5")]
)
def test_what_differs_by_more_is_another_option(one, other):
    assert tally([one, other]).tied == (one, other)


def test_what_names_no_option_is_invalid():
    outcome = tally(["I vote for A", "A", "", "Abstain.", None, 3], options=["A", "B"])
    assert (outcome.winner, outcome.counts) == ("A", {"A": 1, "B": 0})
    assert (outcome.abstentions, outcome.invalid) == (3, ("I vote for A", "3"))
    ranked = tally([["C", "A", "A", "B"], ["C"], []], "ranked", options=["A", "B"])
    assert (ranked.winner, ranked.abstentions, ranked.invalid) == ("A", 1, ("C",))


def test_abstain_may_be_an_option():
    assert tally(["abstain", "Abstain", "yes"], options=["yes", "Abstain"]).winner == "Abstain"


def test_votes_may_be_any_json():
    assert tally([True, True, False]).winner == "true"
    assert tally([2, 2.0, 3]).winner == "2"
    assert tally([{"b": 1, "a": 2}, {"a": 2, "b": 1}]).winner == '{"a": 2, "b": 1}'


def test_an_option_is_shown_as_most_spell_it():
    assert tally(["yes", "YES", "yes", "Yes"]).counts == {"yes": 4}


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({"method": "lottery"}, "no way to count called 'lottery'"),
        ({"method": "weighted"}, "method weighted needs weights"),
        ({"weights": [1, 1]}, "method majority has no weights"),
        ({"method": "weighted", "weights": [1]}, "2 votes and 1 weights"),
        ({"method": "weighted", "weights": [1, -1]}, "-1 is no weight"),
        ({"method": "weighted", "weights": [1, float("nan")]}, "nan is no weight"),
        ({"method": "weighted", "weights": [1, None]}, "None is no weight"),
        ({"options": ["Yes", "yes."]}, "the options 'Yes' and 'yes.' cannot be told apart"),
    ],
)
def test_what_cannot_be_counted_is_refused(given, says):
    with pytest.raises(ModeError, match=says.replace(".", r"\.")):
        tally(["a", "b"], **given)


OPTIONS = ["ant", "bee", "cat", "dog"]
RANKINGS = st.lists(st.lists(st.sampled_from(OPTIONS), unique=True, max_size=4), max_size=12)
CASTS = st.tuples(
    RANKINGS, st.sampled_from(METHODS), st.sampled_from(["none", "first", "judge"]), st.randoms(use_true_random=False)
)


def cast(rankings, method, **more):
    """Count these rankings, or the first on each where one option is asked for; a voter's weight is the length of the ranking."""
    votes = rankings if method == "ranked" else [ranking[0] if ranking else None for ranking in rankings]
    weights = [len(ranking) / 10 for ranking in rankings] if method == "weighted" else None
    return tally(votes, method, weights=weights, **more)


@given(CASTS)
def test_the_order_of_voters_makes_no_difference(given):
    rankings, method, tie, random = given
    shuffled = random.sample(rankings, len(rankings))
    assert cast(rankings, method, options=OPTIONS, tie=tie) == cast(shuffled, method, options=OPTIONS, tie=tie)
    if tie != "first":
        one, other = cast(rankings, method, tie=tie), cast(shuffled, method, tie=tie)
        assert (one.winner, set(one.tied), one.counts, list(one.rounds)) == (
            other.winner,
            set(other.tied),
            other.counts,
            list(other.rounds),
        )


@given(CASTS)
def test_the_names_of_options_make_no_difference(given):
    rankings, method, tie, random = given
    names = dict(zip(OPTIONS, random.sample(["Zebra", "yak", "wolf", "vole"], 4), strict=True))
    renamed = [[names[option] for option in ranking] for ranking in rankings]
    one = cast(rankings, method, options=OPTIONS, tie=tie)
    other = cast(renamed, method, options=list(names.values()), tie=tie)
    assert other.winner == (one.winner and names[one.winner])
    assert other.tied == tuple(names[option] for option in one.tied)
    assert other.counts == {names[option]: count for option, count in one.counts.items()}


@given(RANKINGS)
def test_whom_more_than_half_put_first_wins_every_count_but_a_weighted_one(rankings):
    winner = cast(rankings, "majority").winner
    if winner is not None:
        assert cast(rankings, "plurality").winner == winner
        assert cast(rankings, "ranked").winner == winner


@given(RANKINGS)
def test_the_winner_of_a_run_off_has_more_than_half_at_the_end(rankings):
    outcome = cast(rankings, "ranked", options=OPTIONS)
    if outcome.winner is not None:
        assert 2 * outcome.rounds[-1][outcome.winner] > sum(outcome.rounds[-1].values())


@given(RANKINGS, st.sampled_from(OPTIONS))
def test_one_more_vote_for_the_winner_keeps_it_winning(rankings, option):
    """Of majority, plurality and weights; a run-off is known not to have this property."""
    for method in ("majority", "plurality", "weighted"):
        if cast(rankings, method).winner == option:
            assert cast([*rankings, [option]], method).winner == option


@given(CASTS)
def test_every_vote_is_counted_once(given):
    rankings, method, tie, _ = given
    outcome = cast(rankings, method, tie=tie)
    if method != "weighted":
        assert sum(outcome.counts.values()) + outcome.abstentions + len(outcome.invalid) == len(rankings)
    assert (outcome.decided_by is None) == (outcome.winner is None) or outcome.decided_by == "judge"


def test_three_voters_who_go_round_in_a_circle_tie():
    """Condorcet's paradox, in every order of the voters."""
    for votes in permutations([["a", "b", "c"], ["b", "c", "a"], ["c", "a", "b"]]):
        assert tally(votes, "ranked").winner is None


@given(st.text())
def test_setting_punctuation_aside_twice_changes_nothing(text):
    assert plain(plain(text)) == plain(text)
