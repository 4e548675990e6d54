"""What the listing commands show, and the DataFrames behind: models, modes, dialogues, costs."""

import re
from dataclasses import replace
from html import unescape

import pandas as pd
import pytest
from record_examples import START, ended, started, turn, whole

from workbench.dialogue import ModeLoader
from workbench.dialogue.transcript import Transcript
from workbench.events import CallEnded, CallStarted, Status
from workbench.models import ModelCard, ModelRegistry, Prices
from workbench.notebook.costs import cost_table
from workbench.notebook.listings import dialogues_table, models_table, modes_table
from workbench.notebook.mode_page import ModePage
from workbench.notebook.tables import Column, Table
from workbench.settings import DefaultSettings, Settings

NUMBERS = (Column("name"), Column("count", "how many", "Int64", "{:,}".format), Column("hidden", "", "float64"))


@pytest.fixture
def registry(monkeypatch, tmp_path):
    monkeypatch.setenv("WORKBENCH_CACHE", str(tmp_path))
    for name in ("ANTHROPIC", "GEMINI", "DEEPSEEK", "OPENAI", "XAI", "MISTRAL"):
        monkeypatch.delenv(f"{name}_API_KEY", raising=False)
    monkeypatch.setenv("GROQ_API_KEY", "gsk_not_to_be_shown")
    return ModelRegistry(Settings(workspace=tmp_path))


def test_a_table_has_a_frame_with_types_and_forms_with_words():
    table = Table(NUMBERS, [{"name": "a", "count": 1234, "hidden": 0.5}, {"name": "b"}], unknown={"count": "unknown"})
    assert dict(table.frame.dtypes.astype(str)) == {"name": "string", "count": "Int64", "hidden": "float64"}
    assert table.frame["count"].isna().tolist() == [False, True]
    assert repr(table) == "name  how many\na        1,234\nb      unknown"
    assert "hidden" not in table.html
    assert table.markdown.splitlines() == ["| name | how many |", "| --- | --: |", "| a | 1,234 |", "| b | unknown |"]
    assert table._repr_mimebundle_().keys() == {"text/plain", "text/html"}


def test_an_empty_table_keeps_its_columns_and_says_so():
    table = Table(NUMBERS, [], notes=["Nothing yet."])
    assert list(table.frame.columns) == ["name", "count", "hidden"]
    assert str(table.frame["count"].dtype) == "Int64"
    assert repr(table) == "Nothing yet."
    assert "<table>" not in table.html


def test_cells_are_text_and_nothing_else():
    table = Table(NUMBERS, [{"name": "<script>x</script>|\u202e\x1b[31m[a](javascript:x)\nb", "count": 1}], caption="<i>")
    assert "<script" not in table.html
    assert "<i>" not in table.html
    assert "\\|" in table.markdown
    assert "&lt;script" in table.markdown
    assert table.markdown.count("\n") == 4
    for form in (table.html, table.markdown, table.text):
        assert "\u202e" not in form
        assert "\x1b" not in form


def test_models_say_what_they_lack_and_what_to_do(registry):
    table = models_table(registry)
    frame = table.frame.set_index("model")
    assert len(frame) == len(registry)
    assert frame.loc["claude-opus", "lacks"] == "the key ANTHROPIC_API_KEY"
    assert "ANTHROPIC_API_KEY" in frame.loc["claude-opus", "todo"]
    assert frame.loc["local", "todo"] == "workbench models pull smollm2-135m"
    assert frame.loc["llama", "ready"]
    assert "not_to_be_shown" not in table.html + table.text


def test_ready_models_lack_nothing(registry):
    assert list(models_table(registry, ready=True).frame["model"]) == ["llama"]


@pytest.mark.parametrize("text", ["CLAUDE", "anthropic/", "Anthropic's"])
def test_models_are_found_by_name_id_and_description(registry, text):
    names = models_table(registry, text).frame["model"]
    assert set(names) == {"claude-opus", "claude-sonnet", "claude-haiku"}


def test_a_price_that_nobody_knows_is_unknown(registry):
    registry.register(ModelCard(name="odd", id="openai/odd"))
    table = models_table(registry, "odd")
    assert table.frame["input_price"].isna().all()
    assert "unknown" in table.text


def test_modes_say_how_many_calls_they_make(tmp_path):
    frame = modes_table(ModeLoader()).frame.set_index("mode")
    assert frame.loc["debate", "calls"] == 7
    assert frame.loc["debate", "parameters"] == "rounds=3"
    assert frame.loc["debate", "further"] == "rounds: 2"
    assert frame.loc["parallel", "roles"] == "voice, synthesiser"
    assert frame.loc["multi_perspective", "parameters"] == "experts=security,performance,user experience"
    assert frame.loc["multi_perspective", "further"] == "experts: 1"


def test_votes_are_counted_and_no_calls(tmp_path):
    frame = modes_table(ModeLoader()).frame.set_index("mode")
    assert (frame.loc["consensus", "calls"], frame.loc["consensus", "further"]) == (7, "voices: 2")
    assert (frame.loc["market", "calls"], frame.loc["market", "further"]) == (6, "bidders: 2")
    page = ModePage(ModeLoader().load("consensus"))
    counted = page.frame.set_index("turn").loc["count"]
    assert counted[["sees", "prompt"]].isna().all()
    assert counted["after"] == "answer_1, answer_2, answer_3, ballot_1, ballot_2, ballot_3"
    assert "It makes 7 calls, without retries" in page.text


def test_a_mode_that_does_not_load_is_named(tmp_path):
    (tmp_path / "modes").mkdir()
    (tmp_path / "modes" / "broken.yaml").write_text("name: broken\nturnz: 1\n")
    (tmp_path / "modes" / "late.yaml").write_text("name: late\nturns: [{role: a, template: x, depends_on: [b]}]\n")
    table = modes_table(ModeLoader([tmp_path / "modes"]))
    assert "broken does not load" in table.text
    assert "late does not load" in table.text
    assert "debate" in table.text


def test_a_mode_is_shown_with_all_that_belongs_to_it():
    page = ModePage(ModeLoader().load("debate"))
    assert list(page.frame["turn"])[-1] == "verdict"
    for form in (page.html, page.text):
        assert "Pro and con argue in rounds" in form
        assert "Parameters: rounds=3." in form
        assert re.search(
            r"It makes 7 calls, without retries( and sub-dialogues)?: about 6,\d\d\d tokens in and 2,100 out\.", form
        )
        assert re.search(r"Each further one of rounds makes 2 more: about 4,\d\d\d tokens in and 600 out\.", form)
        assert "Argues for the motion." in form
        assert "Answer the last argument" in form
    assert "<svg" in page.html
    assert "No parameters. It makes 1 call, without retries" in ModePage(ModeLoader().load("chat")).text


@pytest.mark.parametrize("name", ModeLoader().names())
def test_every_built_in_mode_says_what_it_is_for_who_speaks_how_it_flows_and_what_it_costs(name):
    mode = ModeLoader().load(name)
    page = ModePage(mode)
    for form in (page.html, page.text):
        assert mode.description in unescape(form)
        for role, spec in page.plan.roles.items():
            assert role in form
            assert spec.description, role
            assert spec.description[:50] in unescape(form)  # a terminal has room for so much
        assert re.search(
            r"It makes (at most )?\d+ calls?, without retries( and sub-dialogues)?: about [\d,]+ tokens in and [\d,]+ out\.",
            form,
        )
    assert page.html.count("<svg") == 1
    assert len(page.frame) == len(page.plan.turns)


def test_a_round_costs_what_the_models_of_the_workspace_would_take_for_it(registry):
    registry.register(ModelCard(name="dear", id="openai/dear", prices=Prices(input=0.0, output=1000.0)))
    cost = ModePage(ModeLoader().load("debate"), registry, DefaultSettings(model="dear")).cost
    assert "2,100 out, $2.10. Each further one of rounds makes 2 more" in cost
    assert "and 600 out, $0.6." in cost
    assert "prices of dear" in cost
    assert "$" not in ModePage(ModeLoader().load("debate"), registry, DefaultSettings(model="no-such-model")).cost


def test_what_may_be_left_out_is_counted_at_most():
    assert "It makes at most 9 calls" in ModePage(ModeLoader().load("loop")).cost


def test_a_mode_of_a_thousand_turns_is_still_a_page():
    mode = ModeLoader().load(
        {"name": "long", "parameters": {"n": 1000}, "turns": [{"repeat": "n", "turns": [{"role": "one", "sees": "all"}]}]}
    )
    page = ModePage(mode)
    assert len(page.html) < 2_000_000
    assert "(999 turns)" in page.text
    assert "It makes 1000 calls, without retries.\n" in page.text


def test_dialogues_come_newest_first(record):
    for number in range(3):
        record.write(whole(f"d{number}", at=START + number))
    table = dialogues_table(record, 2)
    assert list(table.frame["dialogue"]) == ["d2", "d1"]
    assert str(table.frame["began"].dtype) == "datetime64[us, UTC]"
    assert table.frame["tokens"].tolist() == [240, 240]
    assert table.frame["cost"].tolist() == [0.5, 0.5]
    assert "There are more" in table.text
    assert "There are more" not in dialogues_table(record, 3).text


def test_a_search_goes_beyond_the_newest(record):
    record.write(
        [replace(e, topic="Old <b>gold</b>") if e.type == "dialogue_started" else e for e in whole("old", at=START - 9)]
    )
    for number in range(4):
        record.write(whole(f"d{number}", at=START + number))
    table = dialogues_table(record, 2, text="GOLD")
    assert list(table.frame["dialogue"]) == ["old"]
    assert "<b>gold" not in table.html
    assert "No dialogue is like that." in dialogues_table(record, 2, text="silver").text


def test_statuses_and_those_whose_process_died(record):
    record.write(whole("good"))
    record.write([started("bad"), *turn("bad", 1), ended("bad", 1, Status.FAILED)])
    record.write([started("lost"), *turn("lost", 1)])
    assert list(dialogues_table(record, 9, "failed").frame["dialogue"]) == ["bad"]
    assert list(dialogues_table(record, 9, "interrupted").frame["dialogue"]) == ["lost"]
    assert len(dialogues_table(record, 9, "running")) == 0
    assert set(dialogues_table(record, 9).frame["status"]) == {"completed", "failed", "interrupted"}


def test_an_empty_record_says_how_to_begin(record):
    table = dialogues_table(record, 9)
    assert "No dialogues yet." in table.text
    assert isinstance(table.frame, pd.DataFrame)


def test_costs_by_turn_and_model_add_up():
    table = cost_table(Transcript(whole("one", turns=3)))
    assert list(table.frame["turn"]) == ["turn_1", "turn_2", "turn_3"]
    assert table.frame["cost"].tolist() == [0.25, 0.25, 0.25]
    assert table.frame["prompt_tokens"].sum() == 300
    assert re.search(r"all +3 +300 +15 +60 +9 +\$0\.75", table.text)


def test_totals_by_model_where_there_are_several():
    events = whole("one", turns=2)
    events = [
        replace(e, call=replace(e.call, model="other")) if isinstance(e, CallEnded) and e.turn == "turn_2" else e
        for e in events
    ]
    text = cost_table(Transcript(events)).text
    assert re.search(r"^ +small +1 ", text, re.MULTILINE)
    assert re.search(r"^ +other +1 ", text, re.MULTILINE)
    assert re.search(r"^all +2 ", text, re.MULTILINE)


def test_a_cost_that_nobody_knows_makes_the_sum_a_lower_bound():
    table = cost_table(Transcript([started("one"), *turn("one", 1), *turn("one", 2, cost=None), ended("one", 2)]))
    assert table.frame["cost"].isna().tolist() == [False, True]
    assert "at least $0.25" in table.text
    assert "The cost of 1 call is not known; unknown is not zero." in table.text
    assert "at least" not in cost_table(Transcript(whole("two"))).text


def test_where_no_cost_is_known_the_sum_is_unknown():
    text = cost_table(Transcript([started("one"), *turn("one", 1, cost=None), ended("one", 1)])).text
    assert re.search(r"all +1 .* unknown$", text, re.MULTILINE)
    assert "free" not in text
    assert "$" not in text


def test_a_call_that_was_cut_off_may_have_cost_something():
    def cut(event):
        call = replace(event.call, outcome="cancelled", usage=None, cost=None, text="half an ans")
        return replace(event, call=call)

    events = [cut(e) if isinstance(e, CallEnded) and e.turn == "turn_2" else e for e in whole("one", turns=2)]
    table = cost_table(Transcript(events))
    assert table.frame["unanswered"].tolist() == [pd.NA, 1]
    assert "at least $0.25" in table.text


def test_a_call_that_failed_before_an_answer_cost_nothing():
    def refused(event):
        return replace(event, call=replace(event.call, outcome="rate_limit", usage=None, cost=None, text="", reasoning=""))

    events = [refused(e) if isinstance(e, CallEnded) and e.turn == "turn_2" else e for e in whole("one", turns=2)]
    assert "at least" not in cost_table(Transcript(events)).text


def test_calls_that_never_came_back_are_named():
    lost = CallStarted(dialogue="one", seq=99, at=START, turn="turn_1", call="x", model="small", attempt=2)
    assert "1 more began and never came back" in cost_table(Transcript([*whole("one")[:-1], lost])).text


def test_a_dialogue_without_calls():
    table = cost_table(Transcript([started("one")]))
    assert "No calls were made." in table.text
    assert len(table.frame) == 0
