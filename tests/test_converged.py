"""Convergence: enough of the same answer, or hardly another word, for as many rounds as asked, and the reason for each decision."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workbench.dialogue.agreement.converged import Verdict, agree, lasting, similar
from workbench.errors import ModeError


def answers(*positions):
    return [{"position": position} if position is not None else {} for position in positions]


@pytest.mark.parametrize(
    ("given_positions", "share", "converged", "score"),
    [
        (["yes", "Yes."], 1, True, 1),
        (["yes", "no"], 1, False, 0.5),
        (["yes", "no"], 0.5, False, 0.5),
        (["yes", "yes", "no"], 2 / 3, True, 2 / 3),
        (["yes", "yes", "no"], 0.67, False, 2 / 3),
        (["yes", "yes", None], 1, False, 2 / 3),
        ([None, None], 0.5, False, 0),
        (["yes"], 1, False, 0),
        ([], 1, False, 0),
        ([1, 1.0], 1, True, 1),
        ([["a"], ["a"]], 1, True, 1),
        ([True, "true"], 1, True, 1),
    ],
)
def test_enough_speakers_give_the_same_answer(given_positions, share, converged, score):
    verdict = agree(answers(*given_positions), "position", share)
    assert (verdict.converged, verdict.score) == (converged, pytest.approx(score))
    assert bool(verdict) is converged


def test_a_verdict_says_why():
    assert agree(answers("no", "Yes", "yes"), "position").why == "2 of 3 agree on position: 'Yes'"
    assert agree(answers(None, None), "position").why == "nobody gives position"
    assert agree(answers("x" * 500, "x" * 500), "position").why == f"2 of 2 agree on position: '{'x' * 80}'"
    assert similar(["a"], ["a", "b"], alike, 0.9).why == "not the same speakers as in the round before"
    assert similar(["a b", "a b"], ["a b", "a c"], alike, 0.9).why.startswith(
        "of 2 speakers, the one who changed most is 0.33 alike"
    )
    assert lasting([Verdict(True, "all agree", 1.0)] * 3, 2).why == "all agree, for 2 rounds"
    assert lasting([Verdict(True, "all agree", 1.0)], 2).why == "1 of 2 rounds so far"


def alike(before, now):
    """Share of words in common."""
    pairs = [(set(one.split()), set(other.split())) for one, other in zip(before, now, strict=True)]
    return [len(one & other) / len(one | other) for one, other in pairs]


@pytest.mark.parametrize(
    ("now", "converged", "score"),
    [
        (["a b", "c d"], True, 1),
        (["a b", "c e"], False, 1 / 3),
        (["a b c", "c d"], False, 2 / 3),
        (["a b"], False, 0),
        ([], False, 0),
    ],
)
def test_every_speaker_says_nearly_what_it_said(now, converged, score):
    verdict = similar(["a b", "c d"], now, alike, 0.9)
    assert (verdict.converged, verdict.score) == (converged, pytest.approx(score))


def test_it_must_last_for_as_many_rounds_as_asked():
    yes, no = Verdict(True, "yes", 1.0), Verdict(False, "no", 0.5)
    assert lasting([no, yes])
    assert lasting([no, yes, yes], 2)
    assert not lasting([yes, no, yes], 2)
    assert lasting([yes, no, yes], 2) == no
    assert not lasting([yes], 2)
    assert not lasting([])


@pytest.mark.parametrize(
    "use",
    [
        lambda: agree([], "position", 0),
        lambda: agree([], "position", 1.1),
        lambda: agree([], "position", float("nan")),
        lambda: similar(["a"], ["a"], alike, 2),
        lambda: similar(["a"], ["a"], lambda _before, _now: [], 0.5),
        lambda: similar(["a"], ["a"], lambda _before, _now: [float("nan")], 0.5),
        lambda: lasting([], 0),
    ],
)
def test_what_cannot_be_decided_is_refused(use):
    with pytest.raises(ModeError) as caught:
        use()
    assert caught.value.hint


@given(st.lists(st.sampled_from(["yes", "no", None]), max_size=8), st.randoms(use_true_random=False))
def test_the_order_of_speakers_makes_no_difference(held, random):
    one = agree(answers(*held), "position", 0.6)
    other = agree(answers(*random.sample(held, len(held))), "position", 0.6)
    assert (one.converged, one.score) == (other.converged, other.score)


@given(st.lists(st.sampled_from(["yes", "no"]), min_size=2, max_size=8), st.floats(0.01, 1), st.floats(0.01, 1))
def test_asking_for_more_never_converges_sooner(held, share, more):
    low, high = sorted([share, more])
    assert agree(answers(*held), "position", low) or not agree(answers(*held), "position", high)
