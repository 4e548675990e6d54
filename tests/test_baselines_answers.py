"""When an answer is the expected one, which answer a dialogue gave, and what a list of cases may look like."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from stage import card, orchestra

from workbench.dialogue.baselines import Case, read_cases
from workbench.dialogue.baselines.answers import answer_of, came_to_an_end, same
from workbench.dialogue.baselines.approaches import with_answer
from workbench.dialogue.baselines.cases import as_cases
from workbench.dialogue.planning.compiling import compile_mode
from workbench.dialogue.rules.loader import ModeLoader
from workbench.errors import WorkbenchError
from workbench.events import Usage
from workbench.models import Chunk


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        ("42", "42.0"),
        ("1,200", "1200"),
        ("$3.50", "3.5"),
        ("**Yes.**", "yes"),
        ("True", "yes"),
        ("false", "No"),
        ("  new   york ", "New York"),
        ("-1", "-1.00"),
        ("1e3", "1000"),
        ("5 %", "5"),
        ("`12`", "12"),
    ],
)
def test_the_same_answer_in_other_words(answer, expected):
    assert same(answer, expected)
    assert same(expected, answer)


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        ("it is 42", "42"),
        ("-1", "1"),
        ("1.20", "12"),
        ("yes and no", "yes"),
        ("", "0"),
        ("1,20", "120"),
        (".", "0"),
        ("C++", "C"),
    ],
)
def test_another_answer(answer, expected):
    assert not same(answer, expected)


@given(st.integers(-(10**9), 10**9))
def test_numbers_are_compared_as_numbers(number):
    assert same(f"{number:,}", str(number))
    assert same(f"{number}.0", str(number))
    assert not same(str(number + 1), str(number))


@given(st.text(max_size=40))
def test_every_answer_is_itself(text):
    assert same(text, text)


def test_cases_come_in_many_shapes(tmp_path):
    wanted = (Case("One?", "1"), Case("Two?", "2"))
    (tmp_path / "c.csv").write_text("question,answer\nOne?,1\nTwo?,2\n")
    (tmp_path / "c.jsonl").write_text('{"topic": "One?", "expected": 1}\n\n{"topic": "Two?", "expected": "2"}\n')
    (tmp_path / "c.json").write_text('[{"topic": "One?", "answer": 1}, {"question": "Two?", "expected": 2}]')
    assert all(read_cases(tmp_path / f"c.{kind}") == wanted for kind in ("csv", "jsonl", "json"))
    assert as_cases([("One?", 1), {"topic": "Two?", "expected": 2}]) == wanted
    assert as_cases("One?") == as_cases(["One?"]) == as_cases(Case("One?")) == (Case("One?"),)
    assert as_cases(("One?", True)) == (Case("One?", "true"),)


@pytest.mark.parametrize(
    ("given_", "says"),
    [
        ([], "no case"),
        ([""], "no topic"),
        ([("One?", 1), "Two?"], "case 2 has no expected answer"),
        ([3], "is no case"),
        ([{"subject": "x"}], "no topic"),
    ],
)
def test_what_is_no_list_of_cases_is_refused(given_, says):
    with pytest.raises(WorkbenchError, match=says):
        as_cases(given_)


@pytest.mark.parametrize(
    ("name", "text", "says"),
    [
        ("c.txt", "x", "no file of cases"),
        ("c.json", "{", "c.json"),
        ("c.jsonl", '{"topic": "x"}\n{"topic"', "c.jsonl"),
        ("c.csv", "a,b\n1,2\n", "no topic"),
    ],
)
def test_a_broken_file_is_named(tmp_path, name, text, says):
    (tmp_path / name).write_text(text)
    with pytest.raises(WorkbenchError, match=says):
        read_cases(tmp_path / name)
    with pytest.raises(WorkbenchError, match="cannot be read"):
        read_cases(tmp_path / "nowhere.csv")


@pytest.mark.parametrize("mode", sorted(mode.name for mode in ModeLoader().modes()))
def test_every_mode_can_be_brought_to_one_answer(mode):
    whole = ModeLoader().load(mode)
    plan = compile_mode(whole)
    asked = compile_mode(with_answer(whole, plan))
    last = asked.turns[-1]
    assert "answer" in last.output_schema["properties"]
    if len(asked.turns) > len(plan.turns):
        assert {turn.id for turn in plan.turns} <= set(last.sees)
        assert [turn.id for turn in asked.turns[:-1]] == [turn.id for turn in plan.turns]


def test_the_judge_gives_the_answer_of_a_debate():
    debate = ModeLoader().load("debate")
    asked = compile_mode(with_answer(debate, compile_mode(debate, {"rounds": 2})), {"rounds": 2})
    assert (asked.turns[-1].id, asked.turns[-1].role) == ("answer", "judge")
    short = ModeLoader().loads('{"name": "short", "turns": 2, "prompts": {"turn_1": {"role": "a"}, "turn_2": {"role": "b"}}}')
    assert [t.role for t in compile_mode(with_answer(short, compile_mode(short))).turns] == ["a", "b", "b"]


def answering(*answers):
    """An act that gives these answers, then fails to give JSON."""
    left = iter(answers)

    async def act(request):
        given_ = next(left, None) if "JSON" in request.messages[-1]["content"] else "thinking"
        yield Chunk(text="no" if given_ is None else given_ if isinstance(given_, str) else json.dumps(given_))
        yield Chunk(finish_reason="stop", usage=Usage(prompt=10, completion=5), served="actor")

    return act


def run(folder, act, mode, **options):
    orchestrator, _ = orchestra(folder, act)
    with orchestrator:
        return orchestrator.run(mode, "What?", models=[card()], **options)


def test_the_last_structured_answer_counts(tmp_path):
    assert answer_of(run(tmp_path, answering({"answer": 42}), "chain_of_thought")) == "42"


def test_the_most_frequent_answer_counts(tmp_path):
    dialogue = run(
        tmp_path, answering({"answer": "a"}, {"answer": "b"}, {"answer": "B."}), "self_consistency", parameters={"samples": 3}
    )
    assert same(answer_of(dialogue), "b")
    assert "choice" in dialogue.transcript.skipped


def test_where_no_answer_leads_the_model_chooses(tmp_path):
    act = answering({"answer": "a"}, {"answer": "b"}, {"answer": "chosen"})
    assert answer_of(run(tmp_path, act, "self_consistency", parameters={"samples": 2})) == "chosen"


def test_what_was_answered_before_a_ceiling_counts(tmp_path):
    act = answering({"answer": "a"}, {"answer": "a"})
    dialogue = run(tmp_path, act, "self_consistency", parameters={"samples": 5}, limits={"max_calls": 7})
    assert dialogue.status == "cost_limited"
    assert came_to_an_end(dialogue)
    assert answer_of(dialogue) == "a"


def test_no_answer_is_none_and_counts(tmp_path):
    dialogue = run(tmp_path, answering(), "single")
    assert (dialogue.status, answer_of(dialogue), came_to_an_end(dialogue)) == ("failed", None, True)
