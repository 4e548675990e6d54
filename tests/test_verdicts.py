"""Verdicts: letters back to roles, disagreement of orders is a tie, points of several, and the laws of a fair count."""

from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workbench.dialogue.rules.judging import Contest, Order
from workbench.dialogue.running.verdicts import settle

SAID = {"pro_1": "Water is wet.", "con_1": "Fish disagree."}


def contest(*roles, both=True):
    """A contest of these roles, one turn each."""
    orders = []
    for one, other in combinations(roles, 2):
        orders.append(Order(f"v_{one}_{other}", one, other))
        if both:
            orders.append(Order(f"v_{other}_{one}", other, one))
    return Contest("judge", {role: (f"{role}_1",) for role in roles}, tuple(orders))


def answer(winner, a=5, b=5, quotes=()):
    return {
        "winner": winner,
        "reason": f"Because {winner}.",
        "scores": {"A": a, "B": b},
        "quotes": [{"speaker": speaker, "quote": quote} for speaker, quote in quotes],
    }


def judged(judge, *roles, both=True):
    """The verdict of a judge, a function from Speaker A and Speaker B to the role that wins, or None."""
    held = contest(*roles, both=both)
    letters = {order.turn: {order.first: "A", order.second: "B", None: "tie"} for order in held.orders}
    answers = {order.turn: answer(letters[order.turn][judge(order.first, order.second)]) for order in held.orders}
    return settle(held, answers, {})[1]


@pytest.mark.parametrize(
    ("first", "second", "winner", "consistency"),
    [
        ("A", "B", "pro", 1),
        ("B", "A", "con", 1),
        ("A", "A", None, 0),
        ("B", "B", None, 0),
        ("tie", "tie", None, 1),
        ("A", "tie", None, 0),
        ("tie", "A", None, 0),
    ],
)
def test_what_the_orders_do_not_agree_on_is_a_tie_and_both_are_kept(first, second, winner, consistency):
    text, data = settle(contest("pro", "con"), {"v_pro_con": answer(first), "v_con_pro": answer(second)}, SAID)
    assert (data["winner"], data["tie"], data["consistency"]) == (winner, winner is None, consistency)
    assert [one["winner"] for one in data["by_order"]] == [
        {"A": "pro", "B": "con"}.get(first),
        {"A": "con", "B": "pro"}.get(second),
    ]
    assert (f"The winner is {(winner or '').capitalize()}: both orders say so." in text) == (winner is not None)
    assert ("the orders disagree" in text) == (consistency == 0)


def test_an_order_that_was_left_out_leaves_the_other_one():
    text, data = settle(contest("pro", "con"), {"v_con_pro": answer("A", 9, 2)}, SAID)
    assert (data["winner"], data["consistency"], data["scores"]) == ("con", None, {"pro": 2, "con": 9})
    assert "judged in one order only" in text
    left = {order.turn: answer("A") for order in contest("a", "b", "c").orders}
    del left["v_a_b"]
    text, data = settle(contest("a", "b", "c"), left, {})
    assert (data["points"], data["consistency"]) == ({"a": 0.5, "b": 1.5, "c": 1}, 0)
    assert "both orders say the same of 0 of 2 pairs" in text


def test_where_nobody_has_judged_nobody_wins_and_nobody_ties():
    text, data = settle(contest("pro", "con"), {}, SAID)
    assert (text, data["winner"], data["tie"], data["scores"], data["quotes"]) == ("Nobody has judged.", None, False, {}, [])


def test_marks_are_those_of_the_contestants_whatever_their_letter():
    _, data = settle(contest("pro", "con"), {"v_pro_con": answer("A", 9, 2), "v_con_pro": answer("B", 4, 7)}, SAID)
    assert data["scores"] == {"pro": 8, "con": 3}


def test_one_order_decides_alone_and_says_so():
    text, data = settle(contest("pro", "con", both=False), {"v_pro_con": answer("B")}, SAID)
    assert (data["winner"], data["consistency"]) == ("con", None)
    assert "judged in one order only" in text


def test_quotes_go_back_to_the_one_whose_letter_they_bear():
    quotes = {
        "v_pro_con": answer("A", quotes=[("A", "water is  wet"), ("B", "Fish disagree"), ("B", "Water is wet")]),
        "v_con_pro": answer("B", quotes=[("B", "“Water is wet.”"), ("A", "Fish agree.")]),
    }
    text, data = settle(contest("pro", "con"), quotes, SAID)
    assert [(quote["speaker"], quote["status"]) for quote in data["quotes"]] == [
        ("pro", "not found"),
        ("con", "verified"),
        ("con", "other speaker"),
        ("pro", "verified"),
        ("con", "not found"),
    ]
    assert data["verified"] == 2
    assert "Quotes: 2 of 5 stand word for word" in text
    assert "- “Water is wet” (not by Con: Pro said it, in pro_1)" in text
    assert "- “Fish agree.” (not found; ascribed to Con)" in text


def test_of_several_the_one_with_most_points_wins():
    rank = ["b", "c", "a"]
    data = judged(lambda one, other: min(one, other, key=rank.index), "a", "b", "c")
    assert (data["winner"], data["points"], data["consistency"]) == ("b", {"a": 0, "b": 2, "c": 1}, 1)


def test_who_goes_round_in_a_circle_ties():
    beats = {("a", "b"): "a", ("b", "c"): "b", ("a", "c"): "c"}
    data = judged(lambda one, other: beats[tuple(sorted((one, other)))], "a", "b", "c")
    assert (data["winner"], data["tied"]) == (None, ["a", "b", "c"])


ROLES = st.permutations(["a", "b", "c", "d"]).flatmap(lambda roles: st.integers(2, 4).map(lambda n: list(roles[:n])))
JUDGE = st.dictionaries(
    st.frozensets(st.sampled_from("abcd"), min_size=2, max_size=2), st.sampled_from(["a", "b", "c", "d", None])
)


def fair(answers):
    """A judge that looks at nobody's place."""
    return lambda one, other: won if (won := answers.get(frozenset((one, other)))) in (one, other) else None


@given(ROLES, JUDGE, st.randoms(use_true_random=False))
def test_a_fair_judge_gives_the_same_winner_in_whatever_order_contestants_are_named(roles, answers, random):
    one, other = judged(fair(answers), *roles), judged(fair(answers), *random.sample(roles, len(roles)))
    assert (one["winner"], set(one["tied"]), one["points"]) == (other["winner"], set(other["tied"]), other["points"])
    assert one["consistency"] == 1


@given(ROLES)
def test_a_judge_that_looks_at_places_alone_never_finds_a_winner(roles):
    for judge in (lambda one, _: one, lambda _, other: other):
        data = judged(judge, *roles)
        assert (data["winner"], set(data["tied"]), data["consistency"]) == (None, set(roles), 0)


LOOKS = st.lists(st.sampled_from(["A", "B", "tie"]), min_size=12, max_size=12)


@given(ROLES, LOOKS)
def test_points_are_dealt_out_once_a_pair(roles, looks):
    held = contest(*roles)
    answers = {order.turn: answer(look) for order, look in zip(held.orders, looks, strict=False)}
    data = settle(held, answers, {})[1]
    assert sum(data["points"].values()) == len(data["by_pair"])
    assert data["tie"] == (data["winner"] is None)
    named = [
        {one["winner"] for one in data["by_order"] if {one["first"], one["second"]} == set(p["pair"])} for p in data["by_pair"]
    ]
    assert [pair["winner"] for pair in data["by_pair"]] == [n.copy().pop() if len(n) == 1 else None for n in named]
