"""Templates fill in the topic and named turns; nothing else in them or in what is filled in has any power."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workbench.dialogue import ModeLoader
from workbench.dialogue.planning.compiling import compile_mode
from workbench.dialogue.prompts.context import messages_for, prompt_of
from workbench.dialogue.rules.template import fill, placeholders


def plan_of(*turns, **more):
    return compile_mode(ModeLoader().load({"name": "x", "turns": list(turns), **more}))


@pytest.mark.parametrize(
    "text",
    [
        "{topic.__class__}",
        "{topic[0]}",
        "{0}",
        "{}",
        "{ topic }",
        "{topic!r}",
        "{topic:>99}",
        "{{",
        "}",
        "%(topic)s",
        "{unknown}",
    ],
)
def test_other_braces_stay_literal(text):
    plan = plan_of({"role": "a", "template": text})
    assert prompt_of(plan.turns[0], plan, {}, "T") == text


@given(st.text())
def test_what_is_filled_in_is_not_looked_at_again(topic):
    plan = plan_of({"role": "a", "template": "{topic}"}, {"role": "b", "template": "<{a}>"})
    assert prompt_of(plan.turns[0], plan, {}, topic) == topic
    assert prompt_of(plan.turns[1], plan, {"a": topic}, "secret") == f"<{topic}>"


@given(st.text(), st.dictionaries(st.from_regex(r"\A[a-z][a-z0-9_]{0,8}\Z"), st.text()))
def test_names_that_are_not_given_are_left_alone(template, values):
    filled = fill(template, values, values.__getitem__)
    if not set(placeholders(template)) & set(values):
        assert filled == template


def test_a_megabyte_of_topic_and_control_characters_pass_unchanged():
    topic = "{topic}\x00\x1b[31m\u202e" * 60_000
    plan = plan_of({"role": "a", "template": "{topic}"})
    assert prompt_of(plan.turns[0], plan, {}, topic) == topic


def test_previous_names_the_turn_before_or_all_of_a_parallel_block():
    plan = plan_of(
        {"structure": "parallel", "turns": [{"role": "a", "template": "1"}, {"role": "b", "template": "2"}]},
        {"role": "c", "template": "{previous}"},
        {"role": "d", "template": "{previous}"},
    )
    texts = {"a": "one", "b": "two", "c": "three"}
    assert prompt_of(plan.turns[2], plan, texts, "T") == "A:\none\n\nB:\ntwo"
    assert prompt_of(plan.turns[3], plan, texts, "T") == "three"


def test_a_role_gets_its_own_turns_back_as_its_own_words():
    plan = compile_mode(ModeLoader().load("debate"), {"rounds": 2})
    texts = {"pro_1": "P1", "con_1": "C1", "pro_2": "P2"}
    messages = messages_for(plan.by_id["con_2"], plan, texts, "T")
    assert [m["role"] for m in messages] == ["system", "user", "assistant", "user"]
    assert messages[0]["content"].startswith("You argue AGAINST this motion: T")
    assert messages[1]["content"].startswith("Pro, round 1:\nP1\n\n")
    assert messages[2]["content"] == "C1"
    assert messages[3]["content"].startswith("Pro, round 2:\nP2\n\n")


def test_what_a_role_was_sent_is_the_beginning_of_what_it_is_sent_next():
    plan = compile_mode(ModeLoader().load("debate"), {"rounds": 3})
    texts = {turn.id: f"text of {turn.id}" for turn in plan.turns}
    earlier, later = (messages_for(plan.by_id[i], plan, texts, "T") for i in ("pro_2", "pro_3"))
    assert later[: len(earlier)] == earlier
