"""A request outlives the failures that pass, turns to the next model after those that do not, and leaves nothing behind."""

import asyncio
import time
from dataclasses import replace

import pytest
from wire import Wire, first
from wired import PROTOCOLS, QUESTION, Heard, ask, card, quick, until

from workbench.dialogue.orchestrator import Orchestrator
from workbench.errors import BudgetExceededError, ErrorKind, ModelError, UnknownModelError, WorkbenchError
from workbench.events import Status
from workbench.loop import run
from workbench.models import ModelCard, ModelConfig, ModelRegistry, Sampling
from workbench.settings import Settings

of_every_protocol = pytest.mark.parametrize("protocol", PROTOCOLS)
streamed = pytest.mark.parametrize("stream", [True, False], ids=["streamed", "whole"])


def by_model(kinds):
    """Fail the models that are named, each in its way."""
    return lambda asked: kinds.get(asked.body["model"])


def chain_of(wire, *names, **fields):
    return [card(wire, name=name, id=f"openai/{name}", provider=name, **fields) for name in names]


@of_every_protocol
@streamed
def test_a_request_goes_on_until_it_is_answered(wire, client, protocol, stream):
    wire.faults = first(3, "503")
    heard = Heard()
    answer = ask(client, card(wire, protocol), heard, stream=stream)
    assert len(answer.text.split()) == 12
    assert (answer.attempts, answer.fallback_reason) == (4, None)
    assert [(call.outcome, call.attempt) for call in heard.calls] == [
        ("capacity", 1),
        ("capacity", 2),
        ("capacity", 3),
        ("ok", 4),
    ]


def test_every_call_is_told_before_it_starts_and_when_it_ends(wire, client):
    wire.faults = first(2, "cut")
    heard = Heard()
    ask(client, card(wire), heard)
    order = [(type(notice).__name__, getattr(notice, "call", None) or notice.id) for notice in heard.notices]
    ids = list(dict.fromkeys(call for _, call in order))
    assert len(ids) == 3
    for number, call in enumerate(ids):
        mine = [kind for kind, of in order if of == call]
        assert mine[0] == "Started"
        assert mine[-1] == "Call"
        assert set(mine[1:-1]) == {"Piece"}
        assert heard.started[number].attempt == number + 1
    assert [call for _, call in order] == sorted((call for _, call in order), key=ids.index)


@pytest.mark.parametrize("attempts", [1, 2, 5])
def test_a_model_is_given_up_after_the_last_attempt(wire, make_client, attempts):
    wire.faults = lambda _asked: "500"
    with pytest.raises(ModelError) as caught:
        ask(make_client(attempts=attempts), card(wire))
    assert caught.value.kind is ErrorKind.CAPACITY
    assert len(wire.requests) == attempts


def test_a_providers_wish_to_wait_is_kept(wire, client):
    wire.faults, wire.retry_after = first(2, "429"), "0.3"
    began = time.monotonic()
    assert ask(client, card(wire)).attempts == 3
    assert time.monotonic() - began >= 0.6


def test_a_wish_to_wait_too_long_is_the_end_of_that_model(wire, make_client):
    wire.faults, wire.retry_after = by_model({"busy": "429"}), "61"
    answer = ask(make_client(max_retry_after=60), chain_of(wire, "busy", "other"))
    assert (answer.model, answer.attempts, answer.fallback_reason) == ("other", 2, "busy: rate_limit")


def test_the_longest_wish_that_is_kept_is_a_setting(wire, make_client):
    wire.faults, wire.retry_after = by_model({"busy": "429"}), "0.2"
    answer = ask(make_client(max_retry_after=0.1, attempts=2), chain_of(wire, "busy", "other"))
    assert answer.attempts == 2


def test_back_off_grows_from_the_base_to_the_cap(make_client):
    client, error = make_client(base=1.0, cap=4.0, attempts=9), ModelError(ErrorKind.CAPACITY, "x", model="m")
    for attempt, most in [(1, 1.0), (2, 2.0), (3, 4.0), (4, 4.0), (8, 4.0)]:
        drawn = [client._delay(attempt, error) for _ in range(200)]
        assert all(0 <= delay <= most for delay in drawn)
        assert max(drawn) > 0.9 * most
        assert min(drawn) < 0.1 * most
    assert client._delay(9, error) is None


@of_every_protocol
def test_the_half_answer_of_a_cut_stream_is_kept_and_the_next_try_starts_again(wire, client, protocol):
    wire.faults = first(1, "cut")
    heard = Heard()
    answer = ask(client, card(wire, protocol), heard)
    cut, whole = heard.calls
    assert (cut.outcome, whole.outcome) == ("capacity", "ok")
    assert 0 < len(cut.text.split()) < 12
    assert whole.text == answer.text
    assert answer.text.startswith(cut.text)
    assert len(answer.text.split()) == 12
    assert (cut.finish_reason, whole.finish_reason) == (None, "stop")


def test_the_record_has_the_half_answer_as_a_call_and_the_turn_has_the_whole_one(wire, tmp_path):
    wire.faults = first(1, "cut")
    with Orchestrator(settings=quick(tmp_path)) as workbench:
        run_ = workbench.run("debate", "t", models=[card(wire)], parameters={"rounds": 1})
        stored = workbench.load(run_.id)
    opening = stored.transcript.turns[0]
    assert stored.status is Status.COMPLETED
    assert [call.outcome for call in opening.calls] == ["capacity", "ok"]
    assert 0 < len(opening.calls[0].text.split()) < len(opening.text.split()) == 12
    assert opening.calls[0].usage is None
    assert opening.calls[0].error


def test_the_chain_is_tried_in_order_and_the_record_says_why(wire, make_client):
    wire.faults = by_model({"a": "401", "b": "500", "c": "context"})
    heard = Heard()
    answer = ask(make_client(attempts=2), chain_of(wire, "a", "b", "c", "d"), heard)
    assert [call.model for call in heard.calls] == ["a", "b", "b", "c", "d"]
    assert {call.asked for call in heard.calls} == {"a"}
    assert [call.fallback_reason for call in heard.calls] == [
        None,
        "a: authentication",
        "a: authentication",
        "a: authentication; b: capacity",
        "a: authentication; b: capacity; c: context_too_long",
    ]
    assert (answer.asked, answer.model, answer.served, answer.attempts) == ("a", "d", "wire-model-1", 5)
    assert answer.fallback_reason == heard.calls[-1].fallback_reason


@pytest.mark.parametrize("fault", ["400", "401", "403", "404", "context", "filter", "filtered", "quota"])
def test_a_failure_that_does_not_pass_goes_to_the_fallback_at_once(wire, client, fault):
    wire.faults = by_model({"a": fault})
    answer = ask(client, chain_of(wire, "a", "b"))
    assert (answer.model, answer.attempts) == ("b", 2)


def test_when_the_whole_chain_fails_the_error_is_the_last_and_names_the_others(wire, make_client):
    wire.faults = by_model({"a": "401", "b": "500"})
    with pytest.raises(ModelError) as caught:
        ask(make_client(attempts=1), chain_of(wire, "a", "b"))
    assert caught.value.kind is ErrorKind.CAPACITY
    assert "Tried before: a: authentication." in str(caught.value)


def test_a_fallback_shows_in_the_dialogue(wire, tmp_path):
    wire.faults = by_model({"a": "401"})
    registry = ModelRegistry(Settings(workspace=tmp_path))
    for one in chain_of(wire, "a", "b"):
        registry.register(one)
    with Orchestrator(settings=quick(tmp_path), models=registry) as workbench:
        dialogue = workbench.run("debate", "t", models=[ModelConfig("a", ["b"])], parameters={"rounds": 1})
        frame = workbench.record.calls(dialogue.id)
    assert dialogue.status is Status.COMPLETED
    assert {turn.served for turn in dialogue.transcript.turns} == {"b"}
    assert set(frame[frame.model == "b"].fallback_reason) == {"a: authentication"}
    assert set(frame.asked) == {"a"}


def test_a_spent_budget_ends_the_request_without_another_try_or_model(wire, client):
    asked = []

    async def refuse(one, request):
        asked.append(one.name)
        if len(asked) == 2:
            raise BudgetExceededError("max_cost", "no more")
        return request, lambda _call: None

    wire.faults = lambda _asked: "500"
    with pytest.raises(BudgetExceededError):
        run(client.complete(chain_of(wire, "a", "b"), QUESTION, reserve=refuse))
    assert asked == ["a", "a"]
    assert len(wire.requests) == 1


@streamed
@of_every_protocol
def test_no_more_calls_than_the_card_allows_are_out_at_once(wire, client, protocol, stream):
    wire.delay, wire.words = 0.002, 6
    one = card(wire, protocol, concurrency=3)

    async def many():
        return await asyncio.gather(*(client.complete([one], QUESTION, stream=stream) for _ in range(15)))

    assert len(run(many())) == 15
    assert wire.most_active == 3


def test_a_call_that_waits_to_try_again_leaves_its_place_to_others(wire, make_client):
    wire.faults, wire.retry_after = lambda asked: "429" if asked.number == 1 else None, "30"
    client, one = make_client(), card(wire, concurrency=1)

    async def both():
        waiting = asyncio.ensure_future(client.complete([one], QUESTION))
        await until(lambda: len(wire.requests) == 1 and not wire.active)
        answer = await client.complete([one], QUESTION)
        waiting.cancel()
        return answer

    assert run(both()).attempts == 1


@streamed
@of_every_protocol
def test_cancelling_hangs_up_at_once_and_keeps_what_was_said(wire, client, protocol, stream):
    wire.words, wire.delay = 1000, 0.02
    heard = Heard()

    async def cancelled():
        asking = asyncio.ensure_future(client.complete([card(wire, protocol)], QUESTION, stream=stream, notify=heard))
        await until(lambda: heard.pieces if stream else wire.active)
        asking.cancel()
        await asyncio.wait([asking])
        await until(lambda: wire.dropped == 1)
        return asking.cancelled()

    assert run(cancelled())
    (call,) = heard.calls
    assert (call.outcome, call.usage, call.cost) == ("cancelled", None, None)
    assert call.text == "".join(piece.text for piece in heard.pieces)
    assert heard.notices[-1] is call
    assert wire.active == 0


def test_after_many_cancellations_every_place_is_free_again(wire, client):
    wire.delay, wire.words = 0.01, 50
    one = card(wire, concurrency=2)

    async def cancel_in_every_state():
        for round_ in range(10):
            asking = [asyncio.ensure_future(client.complete([one], QUESTION)) for _ in range(6)]
            await asyncio.sleep(round_ * 0.004)
            for task in asking:
                task.cancel()
            await asyncio.wait(asking)
        await until(lambda: wire.active == 0)
        wire.delay, wire.most_active = 0.002, 0
        return await asyncio.gather(*(client.complete([one], QUESTION) for _ in range(6)))

    assert len(run(cancel_in_every_state())) == 6
    assert wire.most_active == 2


def test_cancelling_while_it_waits_to_try_again_ends_it(wire, client):
    wire.faults, wire.retry_after = lambda _asked: "429", "30"
    heard = Heard()

    async def cancelled():
        asking = asyncio.ensure_future(client.complete([card(wire)], QUESTION, notify=heard))
        await until(lambda: heard.calls)
        asking.cancel()
        await asyncio.wait([asking], timeout=5)
        return asking.cancelled()

    assert run(cancelled())
    assert len(wire.requests) == 1


def test_cancelling_while_the_budget_waits_ends_it_and_frees_its_place(wire, client):
    one, waiting = card(wire, concurrency=1), []

    async def never(_card, _request):
        waiting.append(True)
        await asyncio.Event().wait()

    async def cancelled():
        asking = asyncio.ensure_future(client.complete([one], QUESTION, reserve=never))
        await until(lambda: waiting)
        asking.cancel()
        await asyncio.wait([asking])
        return await client.complete([one], QUESTION)

    assert run(cancelled()).attempts == 1


def test_a_listener_that_raises_ends_the_call_and_hangs_up(wire, client):
    wire.words, wire.delay = 1000, 0.01

    def bad(notice):
        if getattr(notice, "text", ""):
            raise RuntimeError("a bad listener")

    settled = []

    async def reserve(_card, request):
        return request, settled.append

    async def asking():
        with pytest.raises(RuntimeError, match="bad listener"):
            await client.complete([card(wire)], QUESTION, notify=bad, reserve=reserve)
        await until(lambda: wire.dropped == 1)

    run(asking())
    assert len(settled) == 1


def test_what_was_reserved_is_settled_for_every_call_however_it_ends(wire, make_client):
    wire.faults = lambda asked: {1: "cut", 2: "malformed", 3: "hang"}.get(asked.number)
    reserved, settled = [], []

    async def reserve(one, request):
        reserved.append(one.name)
        return request, settled.append

    one = card(wire, timeout=0.3)
    run(make_client().complete([one], QUESTION, reserve=reserve))
    assert [call.outcome for call in settled] == ["capacity", "malformed_answer", "timeout", "ok"]
    assert len(reserved) == 4


def test_a_reserve_may_shorten_the_answer(wire, client):
    async def reserve(_card, request):
        return replace(request, sampling=replace(request.sampling, max_tokens=33)), lambda _call: None

    run(client.complete([card(wire)], QUESTION, Sampling(max_tokens=99), reserve=reserve))
    assert wire.requests[0].body["max_tokens"] == 33


def test_a_missing_key_names_the_variable_the_model_and_a_way_out(client, monkeypatch):
    monkeypatch.delenv("ANTHROPIC_API_KEY", raising=False)
    with pytest.raises(ModelError) as caught:
        ask(client, ModelRegistry(Settings()).get("claude-opus"))
    assert caught.value.kind is ErrorKind.AUTHENTICATION
    for word in ("ANTHROPIC_API_KEY", "claude-opus", "-m local"):
        assert word in str(caught.value)


def test_a_missing_key_stops_a_dialogue_before_it_is_recorded(tmp_path, monkeypatch):
    monkeypatch.delenv("ANTHROPIC_API_KEY", raising=False)
    with Orchestrator(settings=quick(tmp_path)) as workbench:
        with pytest.raises(WorkbenchError) as caught:
            workbench.run("debate", "t", models=["claude-opus"])
        assert workbench.record.summaries() == []
    for word in ("ANTHROPIC_API_KEY", "claude-opus", "local"):
        assert word in str(caught.value)


def test_a_model_without_its_key_leaves_the_turn_to_its_fallback(wire, client, monkeypatch):
    monkeypatch.delenv("ANTHROPIC_API_KEY", raising=False)
    opus = ModelRegistry(Settings()).get("claude-opus")
    answer = ask(client, [opus, card(wire)])
    assert (answer.asked, answer.model, answer.fallback_reason) == ("claude-opus", "openai", "claude-opus: authentication")


@pytest.mark.parametrize(
    ("wrong", "right"), [("claude-sonet", "claude-sonnet"), ("deepsek", "deepseek"), ("gemini-flas", "gemini-flash")]
)
def test_an_unknown_model_suggests_a_near_name(wrong, right):
    with pytest.raises(UnknownModelError) as caught:
        ModelRegistry(Settings()).get(wrong)
    assert wrong in str(caught.value)
    assert right in str(caught.value)


def test_two_servers_of_one_model_have_places_of_their_own(wire, client):
    wire.delay = 0.01

    async def both(other):
        cards = [ModelCard(name="m", id="openai/m", api_base=base, concurrency=1) for base in (wire.openai, other.openai)]
        asking = [asyncio.ensure_future(client.complete([one], QUESTION)) for one in cards]
        await until(lambda: wire.active and other.active)
        await asyncio.gather(*asking)

    with Wire(delay=0.05) as other:
        run(both(other))


def test_an_empty_chain_is_refused(client):
    with pytest.raises(ValueError, match="empty chain"):
        run(client.complete([], QUESTION))
