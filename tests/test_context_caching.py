"""Prompt caches: what they are asked for, what they are said to have read and written, what that costs, and what it saved."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from wired import QUESTION, ask, card, quick

from workbench import Model
from workbench.dialogue.orchestrator import Orchestrator
from workbench.events import CallEnded, Usage, event_from_dict, event_to_dict
from workbench.models import ModelCard, ModelConfig, Prices
from workbench.models.caching import cache_savings
from workbench.notebook.costs import cost_table

streamed = pytest.mark.parametrize("stream", [True, False], ids=["streamed", "whole"])
SAID = [
    {"role": "system", "content": "Be brief."},
    {"role": "user", "content": "Lead?"},
    {"role": "assistant", "content": "No."},
    {"role": "user", "content": "Feathers?"},
]
CLAUDE = Prices(input=3.0, cached_input=0.3, output=15.0)
NOTHING = {"role": "assistant", "content": ""}
MARK = {"type": "ephemeral"}


def marks(body):
    """Return the texts of an Anthropic request that end with a mark for its cache."""
    blocks = list(body["system"]) if isinstance(body.get("system"), list) else []
    for message in body["messages"]:
        blocks += message["content"] if isinstance(message["content"], list) else []
    return [block["text"] for block in blocks if block.get("cache_control") == MARK]


@streamed
def test_claude_is_asked_to_cache_what_stays_the_same(wire, client, stream):
    ask(client, card(wire, "anthropic", context_caching=True), messages=SAID, stream=stream)
    assert marks(wire.requests[0].body) == ["Be brief.", "No."]


@streamed
@pytest.mark.parametrize(
    "messages",
    [QUESTION, SAID[:1] + QUESTION, SAID[1:], [{"role": "system", "content": ""}, *QUESTION], [*QUESTION, NOTHING, *QUESTION]],
)
def test_whatever_there_is_to_cache_is_marked_and_nothing_empty(wire, client, messages, stream):
    ask(client, card(wire, "anthropic", context_caching=True), messages=messages, stream=stream)
    wanted = [each["content"] for each in messages[:-1] if each["role"] != "user" and each["content"]]
    assert marks(wire.requests[0].body) == wanted


@pytest.mark.parametrize("protocol", ["openai", "anthropic", "gemini"])
def test_nobody_is_asked_without_being_told_to(wire, client, protocol):
    ask(client, card(wire, protocol), messages=SAID)
    assert "cache_control" not in str(wire.requests[0].body)


@pytest.mark.parametrize("protocol", ["openai", "gemini"])
def test_those_that_cache_by_themselves_are_not_asked(wire, client, protocol):
    ask(client, card(wire, protocol), messages=SAID)
    ask(client, card(wire, protocol, context_caching=True), messages=SAID)
    assert wire.requests[0].body == wire.requests[1].body


async def test_a_model_can_be_told_and_its_fallbacks_too(wire, client):
    chain = ModelConfig(card(wire, "anthropic"), [card(wire, "anthropic", name="other")])
    plain = Model(chain, client=client)
    caching = plain.with_context_caching()
    await caching.complete("Feathers?", context="Be brief.")
    await plain.complete("Feathers?", context="Be brief.")
    assert [marks(asked.body) for asked in wire.requests] == [["Be brief."], []]
    assert [each.context_caching for each in (*caching.chain, *plain.chain)] == [True, True, False, False]


@streamed
def test_what_anthropic_writes_to_its_cache_is_counted_and_charged(wire, client, stream):
    wire.prompt_tokens, wire.cached_tokens, wire.written_tokens = 1_000_000, 600_000, 300_000
    answer = ask(client, card(wire, "anthropic", prices=CLAUDE), stream=stream)
    assert answer.usage == Usage(prompt=1_000_000, completion=12, cached=600_000, cache_write=300_000)
    assert answer.cost == pytest.approx(0.1 * 3 + 0.6 * 0.3 + 0.3 * 3.75 + 12e-6 * 15, rel=1e-9)
    assert answer.saved == pytest.approx(0.6 * 2.7 - 0.3 * 0.75, rel=1e-9)


@streamed
@pytest.mark.parametrize("protocol", ["openai", "anthropic", "gemini"])
def test_what_the_cache_saved_comes_with_the_answer(wire, client, protocol, stream):
    wire.prompt_tokens, wire.cached_tokens = 1_000_000, 600_000
    answer = ask(client, card(wire, protocol, prices=Prices(input=2.0, cached_input=0.5, output=1.0)), stream=stream)
    assert answer.saved == pytest.approx(0.9)
    assert answer.cost + answer.saved == pytest.approx(2.0 + 12e-6)


def test_where_nothing_is_known_nothing_is_said_to_be_saved(wire, client):
    assert ask(client, card(wire, prices=CLAUDE)).saved is None
    wire.cached_tokens = 5
    assert ask(client, card(wire)).saved is None


@streamed
def test_deepseeks_hits_and_misses_are_understood(wire, client, stream):
    wire.more_usage = {"prompt_cache_hit_tokens": 9, "prompt_cache_miss_tokens": 1, "prompt_tokens_details": None}
    wire.reasoning = "first weigh then speak"
    answer = ask(client, ModelCard(name="d", id="deepseek/deepseek-chat", api_base=wire.openai, prices=CLAUDE), stream=stream)
    assert answer.usage == Usage(prompt=10, completion=16, cached=9, reasoning=4)
    assert answer.reasoning == "first weigh then speak"
    assert answer.saved == pytest.approx(9 * 2.7e-6)


@pytest.mark.parametrize(
    "model", ["anthropic/claude-sonnet-4-5", "bedrock/anthropic.claude-sonnet-4-5", "openrouter/anthropic/claude-x"]
)
def test_writing_to_claudes_cache_costs_a_quarter_more_unless_the_card_says_otherwise(model):
    assert ModelCard(name="c", id=model, prices=CLAUDE).prices.cache_write == 3.75
    assert ModelCard(name="c", id=model, prices=CLAUDE.model_copy(update={"cache_write": 6.0})).prices.cache_write == 6.0
    assert ModelCard(name="g", id="openai/gpt-5", prices=CLAUDE).prices.cache_write is None


tokens, price = st.integers(0, 10**6), st.floats(0, 100)


@st.composite
def usages(draw, *, written=True):
    fresh, cached, new, completion = draw(tokens), draw(tokens), draw(tokens) if written else 0, draw(tokens)
    return Usage(prompt=fresh + cached + new, completion=completion, cached=cached, cache_write=new)


@given(usages(), price, price, st.none() | price, st.none() | price)
def test_cost_and_savings_make_up_the_cost_without_a_cache(usage, fresh, output, cached, write):
    prices = Prices(input=fresh, output=output, cached_input=cached, cache_write=write)
    without = prices.cost(Usage(prompt=usage.prompt, completion=usage.completion))
    assert prices.cost(usage) + prices.saved(usage) == pytest.approx(without, rel=1e-9, abs=1e-9)


@given(usages(written=False), price, price, st.floats(0, 1))
def test_reading_from_a_cheaper_cache_never_loses(usage, fresh, output, share):
    prices = Prices(input=fresh, output=output, cached_input=fresh * share)
    assert prices.saved(usage) >= 0
    assert prices.cost(usage) <= prices.cost(Usage(prompt=usage.prompt, completion=usage.completion)) + 1e-9


@pytest.fixture
def debate(wire, tmp_path):
    """A recorded debate with half of every prompt from the cache, and the record."""
    wire.prompt_tokens, wire.cached_tokens, wire.written_tokens = 1000, 500, 100
    with Orchestrator(settings=quick(tmp_path)) as workbench:
        model = card(wire, "anthropic", prices=CLAUDE)
        dialogue = workbench.run("debate", "t", models=[model], parameters={"rounds": 1})
        yield dialogue, workbench.record


def test_a_dialogue_shows_what_the_cache_saved(debate):
    dialogue, _ = debate
    table, calls = cost_table(dialogue.transcript), dialogue.transcript.metrics.calls
    each = (500 * 2.7 - 100 * 0.75) / 1e6
    assert table.frame["saved"].sum() == pytest.approx(calls * each)
    assert "saved by caching" in table.text
    assert "saved by caching" in table.html


def test_a_record_tells_what_caching_saved_by_model(debate):
    dialogue, record = debate
    saved = cache_savings(record.events_frame())
    calls = dialogue.transcript.metrics.calls
    row = saved.loc["anthropic"]
    assert (row.calls, row.prompt_tokens, row.cached_tokens, row.cache_write_tokens) == (
        calls,
        calls * 1000,
        calls * 500,
        calls * 100,
    )
    assert (row.hit_rate, row.saved) == (0.5, pytest.approx(calls * (500 * 2.7 - 100 * 0.75) / 1e6))
    assert row.cost == pytest.approx(dialogue.transcript.metrics.cost)
    assert cache_savings(record.events_frame(dialogue.id)).equals(saved)


def test_what_a_fork_took_over_counts_once(debate):
    dialogue, record = debate
    before = cache_savings(record.events_frame())
    dialogue.fork(dialogue.transcript.turns[-1].id)
    assert cache_savings(record.events_frame()).equals(before)


def test_an_empty_record_has_saved_nothing(tmp_path):
    with Orchestrator(settings=quick(tmp_path)) as workbench:
        assert len(cache_savings(workbench.record.events_frame())) == 0


def test_what_was_saved_survives_the_record_and_is_left_out_where_there_is_none(debate):
    dialogue, record = debate
    ended = next(each for each in record.events(dialogue.id) if isinstance(each, CallEnded))
    stored = event_to_dict(ended)
    assert event_from_dict(stored) == ended
    assert stored["call"]["usage"]["cache_write"] == 100
    plain = {
        **stored,
        "call": {**stored["call"], "usage": {"prompt": 1, "completion": 1, "cached": 0, "reasoning": 0}, "saved": None},
    }
    again = event_to_dict(event_from_dict(plain))["call"]
    assert "saved" not in again
    assert "cache_write" not in again["usage"]
