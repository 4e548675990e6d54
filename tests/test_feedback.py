"""What dialogues say of how good their turns were: judges' marks, scores, checks, and a person's word."""

import sqlite3

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from scripted import USUAL, Script
from stage import orchestra, quick
from wire import Wire, first

from workbench.dialogue import Orchestrator
from workbench.dialogue.prompts.feedback import parse_quality
from workbench.errors import RecordError, WorkbenchError
from workbench.events import Status
from workbench.events.listening import Incident, flush, listen
from workbench.records import Record
from workbench.records.rating import Rating

COUNTED = {
    "name": "counted",
    "description": "One answer in JSON.",
    "roles": {"speaker": {"system": "Speak."}},
    "turns": [
        {
            "role": "speaker",
            "template": "Count: {topic}",
            "output_schema": {"type": "object", "required": ["n"], "properties": {"n": {"type": "integer"}}},
            "check": {"condition": "n > 2", "attempts": 3},
        }
    ],
}


def run(tmp_path, script, mode, **more):
    workbench, _ = orchestra(tmp_path, script)
    with workbench:
        dialogue = workbench.run(
            mode, "What is best?", models=["a", "b", "c"][: more.pop("models", 2)], api_base="http://x", **more
        )
        return dialogue, workbench.record.ratings()


def test_a_judges_marks_rate_every_turn_of_each_contestant(tmp_path):
    marks = Script(Judge_between={"reason": "So.", "quotes": [], "scores": {"A": 9, "B": 4}, "winner": "A"})
    dialogue, ratings = run(tmp_path, marks, "judged_debate", parameters={"rounds": 2}, models=3)
    assert dialogue.status is Status.COMPLETED
    judged = [rating for rating in ratings if rating.source == "judge"]
    assert {(rating.role, rating.quality) for rating in judged} == {("pro", 0.65), ("con", 0.65)}  # A is each of them once
    spoken = {turn.id for turn in dialogue.transcript.turns if turn.role in ("pro", "con")}
    assert {rating.turn for rating in judged} == spoken
    assert all(rating.model == dialogue.transcript[rating.turn].served and rating.kind for rating in judged)


def test_a_score_rates_the_turn_before_it(tmp_path):
    _, ratings = run(tmp_path, Script(**USUAL | {"Mark_it:": {"score": 7, "feedback": "fine"}}), "linear")
    scored = {rating.quality for rating in ratings if rating.source == "judge"}
    assert scored == {0.7}


@pytest.mark.parametrize(
    ("answers", "quality"),
    [(['{"n": 3}'], 1.0), (["no", '{"n": 3}'], 0.5), (['{"n": 1}', '{"n": 2}', '{"n": 5}'], 1 / 3), (["no", "no"], 0.0)],
)
def test_an_answer_rates_itself_by_how_often_it_was_asked_for(tmp_path, answers, quality):
    left = iter(answers)
    _, ratings = run(tmp_path, Script(Count=lambda _: next(left), **{"": lambda _: next(left)}), COUNTED)
    assert [(rating.source, rating.quality) for rating in ratings] == [("check", pytest.approx(quality))]


def test_a_retry_is_no_second_answer(tmp_path):
    answering = Wire(answer=lambda _asked: '{"n": 3}', faults=first(1, "500"))
    with answering as wire, Orchestrator(settings=quick(tmp_path)) as workbench:
        workbench.run(COUNTED, "What?", models=["openai/wire"], api_base=wire.openai)
        ratings = workbench.record.ratings()
    assert len(wire.requests) == 2
    assert [rating.quality for rating in ratings] == [1.0]


def test_a_debate_of_plain_words_rates_nothing(tmp_path):
    _, ratings = run(tmp_path, Script(), "debate", parameters={"rounds": 1})
    assert ratings == []


def test_a_resumed_dialogue_rates_each_turn_once(tmp_path):
    workbench, _ = orchestra(tmp_path, Script(**USUAL))
    with workbench:
        first = workbench.run("linear", "Do it.", models=["a"], api_base="http://x", limits={"max_turns": 3})
        before = workbench.record.ratings()
        whole = workbench.resume(first.id, limits={"max_turns": 50})
        after = workbench.record.ratings()
    assert whole.status is Status.COMPLETED
    assert after[: len(before)] == before
    assert len({(rating.turn, rating.source, rating.by) for rating in after}) == len(after)


def test_a_fork_does_not_rate_what_it_copied(tmp_path):
    workbench, _ = orchestra(tmp_path, Script(**USUAL))
    with workbench:
        parent = workbench.run("linear", "Do it.", models=["a"], api_base="http://x")
        fork = workbench.fork(f"{parent.id}@2").wait()
        copied = {turn.id for turn in fork.transcript.turns if turn.copied_from}
        own = {rating.turn for rating in workbench.record.ratings(dialogue=fork.id)}
    assert copied
    assert not own & copied


def test_what_sub_dialogues_say_counts_too(tmp_path):
    inner = COUNTED | {"name": "inner"}
    outer = {
        "name": "outer",
        "description": "Opens one.",
        "roles": {"speaker": {"system": "Speak."}},
        "turns": [
            {"id": "first", "role": "speaker", "template": "{topic}"},
            {"id": "inside", "sees": ["first"], "spawn": {"mode": "inner"}},
        ],
    }
    (tmp_path / "inner.yaml").write_text(yaml.safe_dump(inner))
    dialogue, ratings = run(tmp_path, Script(Count={"n": 3}), outer)
    assert [rating.dialogue for rating in ratings] == list(dialogue.transcript.children)


def test_a_record_that_takes_no_ratings_does_not_fail_the_dialogue(tmp_path):
    workbench, _ = orchestra(tmp_path, Script(Count={"n": 3}))
    heard = []
    stop = listen(heard.append)
    with workbench:
        workbench.record.flush()
        with sqlite3.connect(tmp_path / ".workbench" / "records.db") as database:
            database.execute("CREATE TRIGGER full BEFORE INSERT ON ratings BEGIN SELECT RAISE(ABORT, 'no room'); END")
        dialogue = workbench.run(COUNTED, "What?", models=["a"], api_base="http://x")
    assert dialogue.status is Status.COMPLETED
    assert flush()
    stop()
    (incident,) = [told.what for told in heard if isinstance(told.what, Incident)]
    assert incident.name == "turns_not_rated"
    assert "no room" in incident.fields["error"]


def test_a_persons_word_is_kept_and_replaced_by_the_next(tmp_path):
    workbench, _ = orchestra(tmp_path, Script())
    with workbench:
        dialogue = workbench.run("debate", "Why?", models=["a", "b"], api_base="http://x", parameters={"rounds": 1})
        assert workbench.rate("last", 0.8) == 3
        assert workbench.rate(dialogue.id, 0.2, "judge", comment="too short") == 1
        assert workbench.rate(dialogue.id, 1.0, "judge", by="Anna") == 1
        words = workbench.record.ratings(dialogue=dialogue.id)
        assert {(word.role, word.by, word.quality, word.comment) for word in words} == {
            ("pro", "", 0.8, ""),
            ("con", "", 0.8, ""),
            ("judge", "", 0.2, "too short"),
            ("judge", "Anna", 1.0, ""),
        }
        with pytest.raises(WorkbenchError, match="no turn 'jugde'") as error:
            workbench.rate("last", 0.5, "jugde")
        assert "verdict" in error.value.hint
        with pytest.raises(RecordError, match="between 0 and 1"):
            workbench.rate("last", 1.5)


def test_ratings_hold_what_a_column_cannot(open_record):
    record: Record = open_record()
    word = Rating("d", "t", "pro", "m", 0.5, "person", comment="half \ud83d of \x00 it")
    assert record.rate([word]) == 1
    assert record.rate([word]) == 0
    assert record.ratings()[0].comment == "half ? of \ufffd it"


@given(st.floats(0, 1), st.sampled_from(["{}", "{:.0%}", "{}/1"]))
def test_a_typed_quality_is_read_back(quality, form):
    assert parse_quality(form.format(quality)) == pytest.approx(quality, abs=0.006)


@pytest.mark.parametrize("text", ["", "fine", "1.5", "-0.1", "11/10", "nan", "inf", "1/0", "80%/2", "1e400"])
def test_what_is_no_quality_is_refused(text):
    with pytest.raises(WorkbenchError, match="is no rating"):
        parse_quality(text)
