"""What a run will take, against numbers worked out by hand: from the record where it knows, assumed where not, never zero for unknown."""

from dataclasses import replace

import pytest
from record_examples import whole
from stage import card, line, mode_of, orchestra, yes

from workbench.dialogue import ModeLoader
from workbench.dialogue.casting.run import RunSpec
from workbench.dialogue.money.budget import bound
from workbench.dialogue.money.estimate import ASSUMED, Habit, estimate_run, habits_in, prompts_of
from workbench.dialogue.prompts.context import messages_for
from workbench.errors import RecordError
from workbench.models import Prices
from workbench.records import Record

TWO = mode_of(
    {"id": "a", "role": "first", "template": "12345678"},
    {"id": "b", "role": "second", "template": "1234{a}5678{a}"},
)


def spec(mode, model=None, topic="Tabs?", **more):
    whole = ModeLoader().load(mode)
    model = model or card()
    run = RunSpec(mode=whole, topic=topic, cast={}, **more)
    return run.model_copy(update={"cast": dict.fromkeys(run.plan().roles, (model,))})


def test_prompts_and_answers_are_counted():
    first, second = estimate_run(spec(TWO)).turns
    assert (first.prompt_tokens, first.completion_tokens) == (8 // 4 + 4, ASSUMED)
    assert (second.prompt_tokens, second.completion_tokens) == (8 // 4 + 4 + 2 * ASSUMED, ASSUMED)


def test_what_a_turn_sees_is_counted_with_its_quotation():
    mode = mode_of(
        {"id": "a", "role": "first", "template": "1234"}, {"id": "b", "role": "second", "sees": "all", "template": "5678"}
    )
    quoted = len("First:\n") + len("\n\n") + len("5678")
    assert estimate_run(spec(mode)).turns[1].prompt_tokens == -(-quoted // 4) + 4 + ASSUMED


def test_a_topic_is_counted_in_bytes():
    chat = mode_of({"role": "a", "template": "{topic}"})
    assert estimate_run(spec(chat, topic="日本語日")).turns[0].prompt_tokens == 12 // 4 + 4


def test_private_characters_in_topic_and_mode_are_not_taken_for_answers():
    own, other = "\U000f0001\U000f0002", "\U000f0fff"
    mode = mode_of(
        {"id": "a", "role": "first", "template": "x{topic}x"}, {"id": "b", "role": "second", "template": f"1234{other}"}
    )
    first, second = estimate_run(spec(mode, topic=own)).turns
    assert first.prompt_tokens == 1 + 4
    assert second.prompt_tokens == 1 + 4


def test_a_cost_is_tokens_times_prices():
    priced = card().model_copy(update={"prices": Prices(input=2.0, output=10.0)})
    estimate = estimate_run(spec(TWO, priced))
    assert estimate.prompt_tokens == 6 + 606
    assert estimate.completion_tokens == 600
    assert estimate.cost == pytest.approx((612 * 2 + 600 * 10) / 1e6)
    assert "$0.007224" in estimate.total


def test_unknown_is_not_zero():
    run = spec(TWO, card(price=None))
    estimate = estimate_run(run)
    assert estimate.cost is None
    assert "cost unknown" in estimate.total
    half = run.model_copy(update={"cast": run.cast | {"first": (card("priced"),)}})
    estimate = estimate_run(half)
    assert estimate.cost == pytest.approx(306 / 1e6)
    assert estimate.unpriced == 1
    assert "at least $0.000306 (1 of 2 turns have no known price)" in estimate.total
    free = run.model_copy(update={"cast": run.cast | {"first": (card("free", price=0.0),)}})
    assert "cost unknown (1 of 2 turns have no known price, the others are free)" in estimate_run(free).total
    assert "600 out, free." in estimate_run(spec(TWO, card(price=0.0))).total


def test_the_upper_bound_is_what_the_budget_reserves():
    run = spec(TWO, max_output=50)
    plan, model = run.plan(), run.cast["first"][0]
    said = {"a": "x" * 50 * 4}
    estimate = estimate_run(run)
    for turn, taken in zip(plan.turns, estimate.turns, strict=True):
        reserved = bound(model, messages_for(turn, plan, said, run.topic), 50)
        assert (taken.most_tokens, taken.most_cost) == (reserved.tokens, reserved.cost)
    assert estimate.most_tokens == sum(turn.most_tokens for turn in estimate.turns)


@pytest.mark.parametrize(
    ("changes", "mode", "longest"),
    [
        ({}, TWO, 1024),
        ({"default_output": 200}, TWO, 200),
        ({"max_output": 40}, TWO, 40),
        ({}, mode_of({"role": "a", "template": "x", "sampling": {"max_tokens": 7}}), 7),
    ],
)
def test_no_answer_is_expected_to_be_longer_than_it_may_be(changes, mode, longest):
    taken = estimate_run(spec(mode, card(**changes))).turns[0]
    assert taken.completion_tokens == min(ASSUMED, longest)
    assert taken.most_tokens - longest in {8 + 16, 1 + 16}


def test_habits_of_the_record_replace_the_assumption():
    estimate = estimate_run(spec(TWO), {"actor": Habit(80, 9), "other": Habit(1, 5)})
    assert [turn.completion_tokens for turn in estimate.turns] == [80, 80]
    assert estimate.turns[1].prompt_tokens == 6 + 160
    assert estimate.turns[0].answers == 9
    assert "the median of 9 recorded answers of actor" in estimate.basis
    assert "assumed" not in estimate.basis


def test_five_complete_answers_in_this_mode_make_a_habit(record):
    record.write(whole("one", turns=4))
    assert habits_in(record.url, "debate") == {}
    record.write(whole("two", turns=1))
    assert habits_in(record.url, "debate") == {"small": Habit(20, 5)}
    record.write(
        [replace(event, mode="chat") if event.type == "dialogue_started" else event for event in whole("three", turns=9)]
    )
    assert habits_in(record.url, "debate") == {"small": Habit(20, 5)}
    assert habits_in(record.url, "chat") == {"small": Habit(20, 9)}


def test_turns_that_were_cut_off_make_no_habit(record):
    events = whole("one", turns=5)
    record.write([event for event in events if event.type != "turn_completed" or event.turn != "turn_5"])
    assert habits_in(record.url, "debate") == {}


def test_without_a_record_nothing_is_known_and_none_is_made(sqlite_url, tmp_path):
    assert habits_in(sqlite_url, "debate") == {}
    assert habits_in(None, "debate") == {}
    assert not (tmp_path / "workspace").exists()


def test_a_broken_record_says_so(tmp_path):
    (tmp_path / "records.db").write_bytes(b"no database" * 500)
    with pytest.raises(RecordError):
        habits_in(f"sqlite:///{tmp_path / 'records.db'}", "debate")


def test_a_real_run_becomes_the_expectation_of_the_next(tmp_path):
    orchestrator, _ = orchestra(tmp_path, yes)
    with orchestrator:
        orchestrator.run(line(5), "Tabs?", models=[card()])
        run, _ = orchestrator.prepare(line(2), "Spaces?", models=[card()])
        orchestrator.record.flush()
        estimate = estimate_run(run, habits_in(orchestrator.record.url, "stage"))
    assert [turn.completion_tokens for turn in estimate.turns] == [5, 5]


def test_two_hundred_turns_that_see_everything():
    mode = {
        "name": "long",
        "turns": [{"repeat": 200, "turns": [{"id": "t", "role": "one", "sees": "all", "template": "1234"}]}],
    }
    estimate = estimate_run(spec(mode))
    assert len(estimate.turns) == 200
    last = estimate.turns[-1]
    # every turn before is there as a prompt of 1 token and an answer, each a message; then this one's prompt
    assert last.prompt_tokens == 199 * (1 + ASSUMED) + 1 + (2 * 199 + 1) * 4


def test_prompts_show_what_is_not_yet_known_by_name():
    prompts = prompts_of(spec(TWO).plan(), "Tabs?")
    assert prompts["a"] == [{"role": "user", "content": "12345678"}]
    assert prompts["b"] == [{"role": "user", "content": "1234{a}5678{a}"}]


def test_the_record_is_only_read(record):
    record.write(whole("one", turns=5))
    before = record.events("one")
    habits_in(record.url, "debate")
    with Record.open(record.url) as again:
        assert again.events("one") == before


def test_sub_dialogues_count_as_often_as_they_may_open():
    one = estimate_run(spec("debate", topic="Tabs?", parameters={"rounds": 1}))
    lead = {"role": "lead", "template": "12345678", "output_schema": {"type": "object", "required": ["parts"]}}
    mode = mode_of(lead, {"id": "parts", "spawn": {"mode": "debate", "over": "lead.parts", "at_most": 3}})
    run = spec(mode, topic="Tabs?")
    alone = estimate_run(run)
    debate = spec("debate", topic="", parameters={"rounds": 1})
    whole_ = estimate_run(run.model_copy(update={"spawns": {"parts": debate}}))
    assert whole_.completion_tokens == alone.completion_tokens + 3 * one.completion_tokens
    assert whole_.most_cost == pytest.approx(alone.most_cost + 3 * one.most_cost)
    assert "Counted with 3 sub-dialogues" in whole_.basis
