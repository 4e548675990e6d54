"""Every built-in mode runs to its end: who speaks, who is skipped, who is counted, and what each is shown."""

import pytest
from scripted import USUAL, Script
from stage import card, orchestra

from workbench.dialogue import ModeLoader
from workbench.dialogue.planning.compiling import compile_mode
from workbench.events import Status

MODES = sorted(mode.name for mode in ModeLoader().modes())


@pytest.fixture
def play(tmp_path):
    opened = []

    def play(mode, parameters=None, **answers):
        script = Script(**(USUAL | answers))
        orchestrator, _ = orchestra(tmp_path / str(len(opened)), script)
        opened.append(orchestrator)
        dialogue = orchestrator.run(mode, "Which way?", models=[card("a"), card("b"), card("c")], parameters=parameters or {})
        dialogue.prompts = script.asked
        dialogue.orchestrator = orchestrator
        return dialogue

    yield play
    for orchestrator in opened:
        orchestrator.close()


def spoken(dialogue):
    return [turn.id for turn in dialogue.transcript if turn.status is Status.COMPLETED]


@pytest.mark.parametrize("mode", MODES)
def test_it_runs_to_its_end_and_is_the_same_again(play, mode):
    first, second = play(mode), play(mode)
    assert first.status.succeeded, first.reason
    assert first.text
    assert spoken(first) == spoken(second)
    assert first.transcript.skipped.keys() == second.transcript.skipped.keys()
    assert len(spoken(first)) + len(first.transcript.skipped) == len(compile_mode(ModeLoader().load(mode)).turns)


@pytest.mark.parametrize("mode", MODES)
def test_no_placeholder_is_left_in_a_prompt(play, mode):
    for prompt in play(mode).prompts:
        for name in ("topic", "item", "parts", "answer", "hypothesis", "result", "mark", "creation", "challenge"):
            assert f"{{{name}}}" not in prompt


def test_the_refiner_sees_work_and_challenge(play):
    dialogue = play("challenge", {"rounds": 3})
    assert spoken(dialogue) == ["creation", *(f"{kind}_{n}" for n in (1, 2, 3) for kind in ("challenge", "refinement"))]
    refined = dialogue.transcript["refinement_2"].messages[-1]["content"]
    assert dialogue.transcript["refinement_1"].text in refined
    assert dialogue.transcript["challenge_2"].text in refined


def test_experts_are_a_parameter(play):
    dialogue = play("multi_perspective", {"experts": "law,cost"})
    assert spoken(dialogue) == ["view_1", "view_2", "synthesis"]
    assert "Your field is law." in dialogue.prompts[0]
    final = dialogue.transcript["synthesis"].messages[-1]["content"]
    assert all(dialogue.transcript[view].text in final for view in ("view_1", "view_2"))


def test_votes_are_counted_and_not_asked_for(play):
    dialogue = play("consensus")
    count = dialogue.transcript["count"]
    assert count.data["winner"] == "2"
    assert not count.calls
    assert len(dialogue.prompts) == 3 + 3 + 1
    assert "The winner is 2" in dialogue.prompts[-1]


def test_a_loop_ends_once_it_converges(play):
    dialogue = play("loop")
    assert dialogue.status is Status.CONVERGED
    assert "trial.holds" in dialogue.reason
    assert spoken(dialogue) == ["hypothesis_1", "trial_1", "synthesis"]
    assert dialogue.transcript["hypothesis_1"].text in dialogue.prompts[-1]
    stubborn = play("loop", **{"Does_it_hold?": {"holds": False, "problem": "much"}})
    assert stubborn.status is Status.COMPLETED
    assert len(spoken(stubborn)) == 4 * 2 + 1


def test_settled_dialogues_save_a_third_of_the_turns_and_more(play):
    adaptive, fixed = play("loop"), play("loop", **{"Does_it_hold?": {"holds": False, "problem": "much"}})
    assert adaptive.metrics.calls <= 0.7 * fixed.metrics.calls


def test_work_is_done_again_while_its_mark_is_low(play):
    marks = iter([3, 5, 9])
    dialogue = play("linear", **{"Mark_it:": lambda _prompt: {"score": next(marks), "feedback": "more"}})
    assert spoken(dialogue) == ["analysis", "result_1", "mark_1", "result_2", "mark_2", "result_3", "mark_3", "summary"]
    enough = play("linear", {"enough": 2}, **{"Mark_it:": {"score": 3, "feedback": "more"}})
    assert spoken(enough) == ["analysis", "result_1", "mark_1", "summary"]


def test_a_supervisor_decides_who_goes_next(play):
    orders = iter(["researcher", "writer", "done"])
    dialogue = play("supervisor", Who_goes_next=lambda _prompt: {"next": next(orders), "task": "work"})
    assert spoken(dialogue) == ["order_1", "research_1", "order_2", "text_2", "order_3", "answer"]


def test_parts_are_as_many_as_the_lead_says(play):
    dialogue = play("hierarchical")
    assert spoken(dialogue) == ["plan", "part_1", "part_2", "summary"]
    assert "Your part: the right half" in dialogue.prompts[2]
    assert dialogue.transcript.skipped.keys() == {"part_3", "part_4"}


def test_the_best_bid_wins_and_is_logged(play):
    bids = iter([(0.5, 10), (0.9, 10), (0.9, 90)])

    def bid(_prompt):
        confidence, price = next(bids)
        return {"confidence": confidence, "price": price}

    dialogue = play("market", Bid_for_it=bid)
    winner = dialogue.transcript["award"].data["number"]
    assert dialogue.transcript[f"bid_{winner}"].data["confidence"] == 0.9
    assert spoken(dialogue)[-1] == f"work_{winner}"
    assert len(dialogue.transcript.skipped) == 2


@pytest.mark.parametrize(
    ("structure", "turns"),
    [
        ("sequential", ["opening", "answer", "handshake"]),
        ("parallel", ["one", "two", "three", "handshake"]),
        ("debate", ["one", "two", "three", "reply_one", "reply_two", "reply_three", "handshake"]),
    ],
)
def test_three_shake_hands_in_three_ways(play, structure, turns):
    assert spoken(play("triple_handshake", {"structure": structure})) == turns
