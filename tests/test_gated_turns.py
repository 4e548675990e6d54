"""Conditions decide which turns take place; the decision is in the record, and a resumed dialogue comes to the same one."""

import json

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from stage import card, mode_of, orchestra

from workbench.dialogue import ModeLoader, Transcript
from workbench.dialogue.planning.compiling import compile_mode
from workbench.errors import ModeError
from workbench.events import Status, TurnSkipped, Usage
from workbench.models import Chunk

SCORE = {"type": "object", "required": ["score"], "properties": {"score": {"type": "number"}}}


def replies(*answers):
    """An act that gives these answers in turn, the last one again and again."""
    left = list(answers)

    async def act(_request):
        answer = left.pop(0) if len(left) > 1 else left[0]
        yield Chunk(text=answer if isinstance(answer, str) else json.dumps(answer))
        yield Chunk(finish_reason="stop", usage=Usage(prompt=10, completion=5), served="actor")

    return act


@pytest.fixture
def play(tmp_path):
    opened = []

    def play(mode, *answers, **options):
        orchestrator, actors = orchestra(tmp_path / str(len(opened)), replies(*answers))
        opened.append(orchestrator)
        dialogue = orchestrator.run(mode, "Which way?", models=[card()], **options)
        dialogue.actors, dialogue.orchestrator = actors, orchestrator
        return dialogue

    yield play
    for orchestrator in opened:
        orchestrator.close()


def turns(dialogue):
    return [turn.id for turn in dialogue.transcript]


def test_when_decides_and_what_comes_after_goes_on(play):
    mode = mode_of(
        {"role": "judge", "output_schema": SCORE, "template": "{topic}"},
        {"role": "praise", "when": "judge.score >= 5", "template": "{judge}"},
        {"role": "blame", "when": "judge.score < 5", "template": "{judge}"},
        {"role": "end", "template": "{previous}|{praise}|{blame}"},
    )
    dialogue = play(mode, {"score": 7}, "well done", "bye")
    assert turns(dialogue) == ["judge", "praise", "end"]
    assert dialogue.status is Status.COMPLETED
    assert dialogue.transcript.skipped["blame"].reason == "not judge.score < 5"
    assert dialogue.transcript["end"].messages[-1]["content"] == "|well done|"


def test_a_condition_on_a_skipped_turn_is_false(play):
    mode = mode_of(
        {"role": "a", "output_schema": SCORE, "template": "x"},
        {"role": "b", "when": "a.score > 5", "output_schema": SCORE, "template": "x"},
        {"role": "c", "when": "b.score < 99", "template": "x"},
    )
    assert turns(play(mode, {"score": 1})) == ["a"]


def test_agreement_of_all_speakers_ends_the_rounds(play):
    speaker = {"type": "object", "required": ["position"], "properties": {"position": {"type": "string"}}}
    voices = [{"role": name, "output_schema": speaker, "template": "Where do you stand?"} for name in ("x", "y")]
    mode = {
        "name": "talk",
        "turns": [{"repeat": 5, "converge": {"threshold": 1.0}, "turns": voices}, {"role": "end", "template": "."}],
    }
    said = [{"position": position} for position in ("yes", "no", "Yes ", "yes")]
    dialogue = play(mode, *said, "the end")
    assert dialogue.status is Status.CONVERGED
    assert dialogue.reason == "2 of 2 agree on position: 'Yes'"
    assert turns(dialogue) == ["x_1", "y_1", "x_2", "y_2", "end"]
    assert len(dialogue.transcript.skipped) == 6


def test_agreement_may_have_to_last(play):
    schema = {"type": "object", "required": ["position"]}
    speakers = [{"role": name, "output_schema": schema, "template": "?"} for name in ("x", "y")]
    block = {"repeat": 4, "converge": {"window": 2}, "turns": speakers}
    dialogue = play({"name": "talk", "turns": [block]}, {"position": 1})
    assert turns(dialogue) == ["x_1", "y_1", "x_2", "y_2"]


@pytest.mark.parametrize("structure", ["sequential", "parallel"])
def test_a_list_from_a_turn_is_gone_through(play, structure):
    plan = {"role": "plan", "output_schema": {"type": "object"}, "template": "{topic}"}
    each = {
        "foreach": {"over": "plan.items", "at_most": 4},
        "structure": structure,
        "turns": [{"role": "do", "template": "Do {item}"}],
    }
    dialogue = play({"name": "list", "turns": [plan, each]}, {"items": ["one", "two"]}, "done")
    assert turns(dialogue) == ["plan", "do_1", "do_2"]
    assert [dialogue.transcript[t].messages[-1]["content"] for t in ("do_1", "do_2")] == ["Do one", "Do two"]


def test_an_answer_that_does_not_fit_is_mended_once(play):
    mode = mode_of({"role": "judge", "output_schema": SCORE, "template": "{topic}"})
    mended = play(mode, "seven, I think", {"score": 7})
    assert mended.transcript["judge"].data == {"score": 7}
    assert mended.metrics.calls == 2
    hopeless = play(mode, "no idea")
    assert hopeless.status is Status.FAILED
    assert hopeless.metrics.calls == 2
    assert "does not fit the schema" in hopeless.reason


def test_a_check_is_answered_with_feedback_until_it_holds(play):
    check = {"condition": "score >= 8", "attempts": 3, "feedback": "Try harder."}
    mode = mode_of({"role": "judge", "output_schema": SCORE, "check": check, "template": "{topic}"})
    dialogue = play(mode, {"score": 1}, {"score": 2}, {"score": 9})
    assert dialogue.transcript["judge"].data == {"score": 9}
    assert [asked.messages[-1]["content"] for asked in dialogue.actors.asked][1:] == ["Try harder."] * 2
    failed = play(mode, {"score": 1})
    assert failed.status is Status.FAILED
    assert failed.metrics.calls == 3
    assert "after 3 attempts" in failed.reason


def test_a_condition_on_what_no_answer_has_fails_by_name(play):
    mode = mode_of(
        {"role": "a", "output_schema": SCORE, "template": "x"}, {"role": "b", "when": "a.points > 1", "template": "x"}
    )
    dialogue = play(mode, {"score": 1})
    assert dialogue.status is Status.FAILED
    assert "points" in dialogue.reason


@pytest.mark.parametrize(
    ("turn", "said"),
    [
        ({"when": "later.score > 1"}, "'later'"),
        ({"when": "a.score >"}, "a.score >"),
        ({"when": "().__class__"}, "__class__"),
    ],
)
def test_a_wrong_condition_is_refused_before_anything_runs(play, turn, said):
    with pytest.raises(ModeError, match="(?s).*" + said.replace("(", r"\(").replace(")", r"\)")):
        play(mode_of({"role": "a", "template": "x"}, {"role": "b", "template": "x", **turn}), "never")


def test_the_record_tells_who_was_skipped_and_the_story_is_the_same(play):
    mode = mode_of(
        {"role": "a", "output_schema": SCORE, "template": "x"}, {"role": "b", "when": "a.score > 5", "template": "x"}
    )
    dialogue = play(mode, {"score": 1})
    stored = dialogue.orchestrator.record.events(dialogue.id)
    assert [event.turn for event in stored if isinstance(event, TurnSkipped)] == ["b"]
    assert vars(Transcript(stored)) == vars(dialogue.transcript)


@pytest.mark.parametrize("name", ["linear", "loop", "hierarchical", "supervisor", "consensus", "market"])
def test_from_every_event_on_the_same_end_is_reached_and_nothing_is_asked_twice(name, tmp_path):
    from scripted import USUAL, Script

    def orchestrator(folder):
        return orchestra(tmp_path / folder, Script(**USUAL))

    first, _ = orchestrator("whole")
    with first:
        events = first.run(name, "Which way?", models=[card()]).recorded_events()
    whole = Transcript(events)
    for length in range(1, len(events)):
        again, actors = orchestrator(str(length))
        with again:
            again.record.write(events[:length])
            dialogue = again.resume(events[0].dialogue)
        assert dialogue.transcript.skipped.keys() == whole.skipped.keys()
        assert [turn.id for turn in dialogue.transcript] == [turn.id for turn in whole]
        assert dialogue.status is whole.status
        known = Transcript(events[:length])
        assert len(actors.asked) == sum(bool(t.calls) for t in whole) - sum(any(c.ok for c in t.calls) for t in known)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(scores=st.lists(st.integers(0, 10), min_size=1, max_size=8), enough=st.integers(1, 10), attempts=st.integers(1, 6))
def test_a_refinement_stops_at_the_first_good_mark_or_at_its_limit(scores, enough, attempts, tmp_path_factory):
    block = {
        "repeat": "attempts",
        "until": "mark.score >= enough",
        "turns": [{"role": "work", "template": "."}, {"role": "mark", "output_schema": SCORE, "template": "."}],
    }
    mode = {"name": "refine", "parameters": {"attempts": 3, "enough": 5}, "turns": [block]}
    said = [answer for score in scores for answer in ("work", {"score": score})]
    given_scores = [*scores, *[scores[-1]] * attempts][:attempts]
    orchestrator, _ = orchestra(tmp_path_factory.mktemp("refine"), replies(*said, *["work", {"score": scores[-1]}] * attempts))
    with orchestrator:
        dialogue = orchestrator.run(mode, "?", models=[card()], parameters={"attempts": attempts, "enough": enough})
    good = next((n for n, score in enumerate(given_scores, 1) if score >= enough), attempts)
    assert dialogue.status is Status.COMPLETED
    assert len(dialogue.transcript) == 2 * good


def test_every_built_in_mode_says_at_once_how_many_turns_it_may_take():
    for mode in ModeLoader().modes():
        plan = compile_mode(mode)
        assert all(set(turn.depends_on) <= {earlier.id for earlier in plan.turns[: turn.index - 1]} for turn in plan.turns)


def test_who_changed_their_mind_is_told(play):
    schema = {"type": "object", "required": ["position"]}
    speakers = [{"role": name, "output_schema": schema, "template": "?"} for name in ("x", "y")]
    said = [
        {"position": "yes", "probability": 0.9},
        {"position": "no"},
        {"position": "no", "probability": 0.6},
        {"position": "no"},
    ]
    dialogue = play({"name": "talk", "turns": [{"repeat": 2, "turns": speakers}]}, *said)
    beliefs = dialogue.beliefs
    assert list(beliefs[beliefs.changed].turn) == ["x_2"]
    assert list(beliefs.probability.dropna()) == [0.9, 0.6]
    assert dialogue.plot_beliefs().data
    assert play(mode_of({"role": "a", "template": "x"}), "nothing held").beliefs.empty
