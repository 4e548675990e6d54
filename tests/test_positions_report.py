"""What became of positions in a run: who changed from what to what, after whom, and how far all agreed, in every form."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from stage import card, orchestra

from workbench.dialogue import Dialogue
from workbench.dialogue.agreement import fleiss_kappa, krippendorff_alpha
from workbench.dialogue.agreement.beliefs import Position, agreement_by_round, follow, rounds_of
from workbench.events import Usage
from workbench.models import Chunk
from workbench.notebook.outputs import static_bundle

STATE = {"type": "object", "required": ["position"], "properties": {"position": {"type": "string"}}}


def talk(structure="sequential", roles="abc", rounds=2):
    """A mode in which each role states its position in every round."""
    turns = [{"role": role, "template": f"You are {role}.", "sees": "all", "output_schema": STATE} for role in roles]
    return {"name": "talk", "turns": [{"repeat": rounds, "structure": structure, "turns": turns}]}


@pytest.fixture
def play(tmp_path):
    opened = []

    def play(mode, **held):
        """Run a mode in which each role holds these positions in turn."""
        left = {role: iter(positions.split()) for role, positions in held.items()}

        async def act(request):
            role = request.messages[-1]["content"].split("You are ")[1][0]
            yield Chunk(text=json.dumps({"position": next(left[role]), "probability": 0.8}))
            yield Chunk(finish_reason="stop", usage=Usage(prompt=10, completion=5), served="actor")

        orchestrator, _ = orchestra(tmp_path / str(len(opened)), act)
        opened.append(orchestrator)
        return orchestrator.run(mode, "Is water wet?", models=[card()])

    yield play
    for orchestrator in opened:
        orchestrator.close()


def told(dialogue):
    return [(f.turn, f.before, f.now, f.after, f.conforms) for f in dialogue.positions_report().flips]


def test_a_change_names_the_turn_before_it(play):
    dialogue = play(talk(), a="yes no", b="no no", c="no yes")
    assert told(dialogue) == [("a_2", "yes", "no", "c_1", True), ("c_2", "no", "yes", "b_2", False)]
    report = dialogue.positions_report()
    assert report.conformity_rate == 0.5
    assert report.sentences[:3] == [
        "A, round 2: from “yes” to “no”, where most others stood, after C, round 1.",
        "C, round 2: from “no” to “yes”, after B, round 2.",
        "Changes of mind: 2, of them 1 to what most others held (conformity rate 0.50).",
    ]


def test_turns_taken_at_once_do_not_know_of_each_other(play):
    dialogue = play(talk("parallel", "ab", 1) | {"turns": parallel_rounds("ab", 2)}, a="yes no", b="no yes")
    assert told(dialogue) == [("again_a", "yes", "no", "first_b", True), ("again_b", "no", "yes", "first_a", True)]
    in_order = Dialogue.stored(without_plan(dialogue))
    assert told(in_order) == [("again_a", "yes", "no", "first_b", True), ("again_b", "no", "yes", "again_a", False)]


def parallel_rounds(roles, rounds):
    return [
        {
            "structure": "parallel",
            "turns": [
                {"id": f"{name}_{role}", "role": role, "template": f"You are {role}.", "sees": "all", "output_schema": STATE}
                for role in roles
            ],
        }
        for name in ("first", "again")[:rounds]
    ]


def without_plan(dialogue):
    """Its events, as of a record that does not say how it was run."""
    from dataclasses import replace

    first, *rest = dialogue.recorded_events()
    return [replace(first, run={}), *rest]


def test_agreement_is_told_by_round_and_beyond_chance(play):
    dialogue = play(talk(rounds=3), a="yes no no", b="no no no", c="no yes no")
    frame = dialogue.positions_report().rounds_frame
    assert list(frame["share"].round(2)) == [0.67, 0.67, 1.0]
    ratings = [["yes", "no", "no"], ["no", "no", "no"], ["no", "yes", "no"]]
    assert frame["alpha"].isna().tolist() == [True, False, False]
    assert frame["alpha"].iloc[2] == pytest.approx(krippendorff_alpha(ratings))
    assert frame["kappa"].iloc[1] == pytest.approx(fleiss_kappa([row[:2] for row in ratings]))
    assert list(dialogue.positions_report().flips_frame["turn"]) == ["a_2", "c_2", "c_3"]


def test_known_values_come_through():
    """Three speakers over four rounds; by hand: 2 of 12 values are yes, and 2 rounds have one pair of three that agrees.

    Expected disagreement is 2*10*2/(12*11) = 40/132, observed 2*(2*2/2)/12 = 4/12: alpha is 1 - 44/40.
    """
    rounds = [("no", "no", "no"), ("yes", "no", "no"), ("no", "yes", "no"), ("no", "no", "no")]
    held = [Position(f"{r}{n}", r, n, p) for n, said in enumerate(rounds, 1) for r, p in zip("abc", said, strict=True)]
    last = rounds_of(follow(held))[-1]
    assert last["alpha"] == pytest.approx(1 - 44 / 40)
    mean = (1 + 1 / 3 + 1 / 3 + 1) / 4
    chance = (10 / 12) ** 2 + (2 / 12) ** 2
    assert last["kappa"] == pytest.approx((mean - chance) / (1 - chance))


def test_where_somebody_comes_late_alpha_goes_without_and_kappa_is_unknown():
    held = [Position("a1", "a", 1, "x"), Position("b1", "b", 1, "x")]
    held += [Position(f"{role}2", role, 2, position) for role, position in zip("abc", "yyx", strict=True)]
    last = rounds_of(follow(held))[-1]
    assert last["kappa"] is None
    assert last["alpha"] == pytest.approx(krippendorff_alpha([["x", "y"], ["x", "y"], [None, "x"]]))


HELD = st.lists(
    st.builds(Position, st.just("t"), st.sampled_from("abcd"), st.integers(1, 4), st.sampled_from("xyz")), max_size=20
).map(lambda held: sorted(held, key=lambda position: position.round))


@given(HELD, st.permutations("xyz"))
def test_what_positions_are_called_makes_no_difference(held, names):
    renamed = [Position(p.turn, p.role, p.round, dict(zip("xyz", names, strict=True))[p.position]) for p in held]
    for one, other in zip(rounds_of(follow(held)), rounds_of(follow(renamed)), strict=True):
        assert (one["alpha"], one["kappa"], one["share"]) == pytest.approx((other["alpha"], other["kappa"], other["share"]))


@given(HELD)
def test_coefficients_are_at_most_one_and_one_only_where_all_agree(held):
    rows = rounds_of(follow(held))
    assert len(agreement_by_round(follow(held))) == len(rows)
    for row in rows:
        for value in (row["alpha"], row["kappa"]):
            assert value is None or value <= 1 + 1e-9
    if rows and rows[-1]["alpha"] is not None and all(row["share"] == 1 for row in rows):
        assert rows[-1]["alpha"] == pytest.approx(1)


def test_every_form_has_it_where_positions_are_stated(play):
    dialogue = play(talk(), a="yes no", b="no no", c="no no")
    sentence = "A, round 2: from “yes” to “no”, where most others stood, after C, round 1."
    bundle = static_bundle(dialogue)
    assert f"- {sentence}" in dialogue.export("markdown")
    assert "| round | speakers |" in dialogue.export("markdown")
    assert f"<li>{sentence}</li>" in bundle["text/html"]
    assert "<th>alpha</th>" in bundle["text/html"]
    assert sentence in bundle["text/plain"]
    assert repr(dialogue.positions_report()).startswith(sentence)
    told = json.loads(dialogue.export("json"))["positions"]
    assert (told["flips"][0]["after"], told["conformity_rate"], len(told["rounds"])) == ("c_1", 1, 2)


def test_no_form_has_it_where_none_is_stated(tmp_path):
    from stage import line, yes

    orchestrator, _ = orchestra(tmp_path, yes)
    with orchestrator:
        dialogue = orchestrator.run(line(2), "Well?", models=[card()])
    assert not dialogue.positions_report()
    assert repr(dialogue.positions_report()) == "No answer states a position."
    for form in ("markdown", "html", "json"):
        assert "ositions" not in dialogue.export(form)
    assert dialogue.positions_report().flips_frame.empty


def test_what_a_position_says_cannot_act(play):
    dialogue = play(talk(roles="a"), a="<img/src=x> a|b*\u202e")
    page = dialogue.export("html")
    assert "<img" not in page
    assert "\u202e" not in page
    assert "<img" not in dialogue.export("markdown")
