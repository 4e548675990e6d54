"""Beliefs: who changed their mind, when, towards what the others held, and the figure of it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workbench.dialogue.agreement.beliefs import (
    Position,
    agreement_by_round,
    conformity_rate,
    follow,
    trajectories,
    yielding_rate,
)
from workbench.dialogue.figures.plot_beliefs import plot_beliefs


def positions(*rounds, probability=None):
    """Positions from one text a round: `a:yes b:no`."""
    return [
        Position(f"{role}_{number}", role, number, position, probability)
        for number, said in enumerate(rounds, 1)
        for role, _, position in (one.partition(":") for one in said.split())
    ]


def changes(steps):
    return [
        (step.held.turn, step.before, step.held.position, step.most_others, step.conforms) for step in steps if step.changed
    ]


def test_a_change_is_told_with_what_most_others_held():
    steps = follow(positions("a:yes b:no c:no", "a:no b:no c:maybe", "a:no b:no c:no"))
    assert changes(steps) == [
        ("a_2", "yes", "no", "no", True),
        ("c_2", "no", "maybe", "no", False),
        ("c_3", "maybe", "no", "no", True),
    ]
    assert conformity_rate(steps) == pytest.approx(2 / 3)


def test_yielding_counts_those_who_stood_firm_too():
    steps = follow(positions("a:yes b:no c:no", "a:yes b:no c:no", "a:no b:no c:no"))
    assert [step.held.turn for step in steps if step.critical] == ["a_2", "a_3"]
    assert (conformity_rate(steps), yielding_rate(steps)) == (1, 0.5)


def test_half_of_the_others_are_not_most_of_them():
    steps = follow(positions("a:yes b:no c:maybe", "a:no b:no c:maybe"), at_once=True)
    assert changes(steps) == [("a_2", "yes", "no", None, False)]
    assert (conformity_rate(steps), yielding_rate(steps)) == (0, None)


def test_where_turns_are_taken_at_once_nobody_knows_of_this_round():
    held = positions("a:yes b:no", "a:no b:yes")
    assert changes(follow(held)) == [("a_2", "yes", "no", "no", True), ("b_2", "no", "yes", "no", False)]
    assert changes(follow(held, at_once=True)) == [("a_2", "yes", "no", "no", True), ("b_2", "no", "yes", "yes", True)]


def test_who_is_silent_still_holds_what_it_held():
    steps = follow(positions("a:yes b:no c:no", "a:no", "a:yes"))
    assert [step.most_others for step in steps if step.held.role == "a"] == [None, "no", "no"]
    assert list(agreement_by_round(steps)["share"]) == pytest.approx([2 / 3, 1, 2 / 3])


def test_the_same_in_other_words_is_no_change():
    steps = follow([Position("t1", "a", 1, "Fact-check."), Position("t2", "a", 2, "fact check")])
    assert changes(steps) == []
    assert conformity_rate(steps) is None


def test_trajectories_are_one_row_a_position():
    frame = trajectories(follow(positions("a:yes b:no", "a:no", probability=0.7)))
    assert list(frame["turn"]) == ["a_1", "b_1", "a_2"]
    assert list(frame["probability"]) == [0.7] * 3
    assert list(frame["changed"]) == [False, False, True]
    assert list(frame["most_others"].isna()) == [True, False, False]
    assert str(frame["round"].dtype) == "Int64"
    assert list(trajectories([]).columns) == list(frame.columns)
    assert dict(trajectories([]).dtypes) == dict(frame.dtypes)


def test_agreement_is_told_by_round():
    steps = follow(positions("a:yes b:no c:no d:yes", "a:no", probability=0.5))
    frame = agreement_by_round(steps)
    assert list(frame["round"]) == [1, 2]
    assert list(frame["speakers"]) == [4, 4]
    assert list(frame["leading"].fillna("")) == ["", "no"]
    assert list(frame["share"]) == [0.5, 0.75]
    assert list(frame["pairs"]) == [pytest.approx(2 / 6), 0.5]
    assert list(frame["probability"]) == [0.5, 0.5]
    alone = agreement_by_round(follow([Position("t", "a", None, "yes")]))
    assert alone[["round", "pairs", "probability"]].isna().all(axis=None)
    assert list(agreement_by_round([]).columns) == list(frame.columns)


ROLES = st.sampled_from("abcd")
HELD = st.lists(st.builds(Position, st.just("t"), ROLES, st.integers(1, 3), st.sampled_from(["x", "y", "z"])), max_size=20)


@given(HELD, st.booleans())
def test_what_holds_of_any_dialogue(held, at_once):
    steps = follow(held, at_once=at_once)
    assert [step.held for step in steps] == held
    assert sum(step.before is None for step in steps) == len({one.role for one in held})
    assert all(step.critical and step.changed for step in steps if step.conforms)
    for rate in (conformity_rate(steps), yielding_rate(steps)):
        assert rate is None or 0 <= rate <= 1
    assert all(0 < share <= 1 for share in agreement_by_round(steps)["share"])


@given(HELD, st.permutations(["x", "y", "z"]))
def test_the_names_of_positions_make_no_difference(held, names):
    renamed = [Position(one.turn, one.role, one.round, dict(zip("xyz", names, strict=True))[one.position]) for one in held]
    assert [step.conforms for step in follow(held)] == [step.conforms for step in follow(renamed)]


def test_the_figure_has_a_line_for_each_speaker():
    steps = follow(positions("a:yes b:no c:no", "a:no b:no c:no"))
    figure = plot_beliefs(steps)
    assert [line.name for line in figure.data] == ["A", "B", "C"]
    assert next(figure.select_yaxes()).ticktext == ("yes", "no")
    assert [[round(y) for y in line.y] for line in figure.data] == [[0, 1], [1, 1], [1, 1]]
    assert len({line.y[1] for line in figure.data}) == 3
    assert figure.data[0].marker.symbol == ("circle", "diamond-open")
    assert next(figure.select_xaxes()).title.text == "round"


def test_the_figure_has_probabilities_where_there_are_some():
    sure = [Position("t1", "a", None, "yes", 0.9), Position("t2", "a", None, "no", None)]
    figure = plot_beliefs(follow(sure))
    assert list(figure.data[1].y) == [0.9, None]
    assert [axis.title.text for axis in figure.select_yaxes()] == [None, "probability"]
    assert [axis.title.text for axis in figure.select_xaxes()] == [None, "position"]
    assert figure.data[0].marker.symbol == ("circle", "diamond")
    assert not plot_beliefs([]).data


def test_names_in_the_figure_are_no_markup():
    hostile = "<b>bold</b><img src=x>"
    held = [Position(f"t{n}", f"{hostile}{n % 2}", n, f"{hostile}{n}") for n in range(4)]
    figure = plot_beliefs(follow(held))
    text = repr(figure.to_dict())
    assert "bold" in text
    assert not any(mark in text for mark in ("<b>", "<img", "</b>"))
