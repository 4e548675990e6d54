"""A provider that keeps failing is left alone for a while, and one probe decides whether it is asked again."""

import asyncio

import pytest
from wire import Wire
from wired import QUESTION, Clock, Heard, ask, card, until

from workbench.errors import BudgetExceededError, ErrorKind, ModelError
from workbench.loop import run


def test_while_it_is_open_no_request_reaches_the_server_and_one_probe_closes_it(wire, make_client):
    client, clock = make_client(breaker_failures=3, breaker_seconds=10, attempts=1, max_retry_after=1), Clock()
    one = card(wire)
    client.breaker(one.provider).clock = clock
    wire.faults = lambda _asked: "500"
    for _ in range(3):
        with pytest.raises(ModelError):
            ask(client, one)
    wire.faults = lambda _asked: None
    for _ in range(5):
        heard = Heard()
        with pytest.raises(ModelError, match="failed 3 times in a row and rests for 10 s") as caught:
            ask(client, one, heard)
        assert caught.value.kind is ErrorKind.CAPACITY
        assert heard.notices == []
    assert len(wire.requests) == 3
    clock.now += 10
    assert ask(client, one).text
    assert client.breaker(one.provider).state == "closed"


def test_a_failed_probe_is_the_only_request_of_that_time(wire, make_client):
    client, clock = make_client(breaker_failures=2, breaker_seconds=10, attempts=1, max_retry_after=1), Clock()
    one = card(wire)
    client.breaker(one.provider).clock = clock
    wire.faults = lambda _asked: "500"
    for seconds, requests in [(0, 1), (0, 2), (0, 2), (10, 3), (0, 3), (9, 3), (1, 4)]:
        clock.now += seconds
        with pytest.raises(ModelError):
            ask(client, one)
        assert len(wire.requests) == requests


def test_with_another_model_to_turn_to_an_open_provider_is_skipped_at_once(wire, make_client):
    wire.faults = lambda asked: "500" if asked.body["model"] == "sick" else None
    chain = [card(wire, name=name, id=f"openai/{name}", provider=name) for name in ("sick", "well")]
    client = make_client(breaker_failures=3, breaker_seconds=600, attempts=3)
    answers = [ask(client, chain) for _ in range(4)]
    assert [answer.attempts for answer in answers] == [4, 1, 1, 1]
    assert {answer.fallback_reason for answer in answers} == {"sick: capacity"}
    assert [asked.body["model"] for asked in wire.requests].count("sick") == 3


def test_a_call_in_line_for_a_place_is_skipped_too_once_the_provider_rests(wire, make_client):
    wire.faults = lambda asked: "500" if asked.body["model"] == "sick" else None
    chain = [card(wire, name=name, id=f"openai/{name}", provider=name, concurrency=1) for name in ("sick", "well")]
    client = make_client(breaker_failures=2, breaker_seconds=600, attempts=1)

    async def many():
        return await asyncio.gather(*(client.complete(chain, QUESTION) for _ in range(10)))

    assert {answer.model for answer in run(many())} == {"well"}
    assert [asked.body["model"] for asked in wire.requests].count("sick") == 2


def test_calls_that_wait_for_a_resting_provider_hold_no_place_of_it(wire, make_client):
    client, one = make_client(breaker_failures=1, breaker_seconds=30, attempts=1), card(wire, concurrency=1)
    well = card(wire, name="well", provider="well")
    client.breaker(one.provider).enter().failed()

    async def both():
        waiting = asyncio.ensure_future(client.complete([one], QUESTION))
        await asyncio.sleep(0.01)
        answer = await asyncio.wait_for(client.complete([one, well], QUESTION), 5)
        waiting.cancel()
        return answer

    assert run(both()).model == "well"


def test_alone_a_call_waits_for_the_rest_to_end(wire, make_client):
    client = make_client(breaker_failures=1, breaker_seconds=0.05, attempts=5)
    wire.faults = lambda asked: "500" if asked.number <= 3 else None
    assert ask(client, card(wire)).attempts == 4


@pytest.mark.parametrize("fault", ["429", "400", "401", "context", "filter"])
def test_what_says_nothing_about_its_health_does_not_open_it(wire, make_client, fault):
    wire.faults = lambda _asked: fault
    client = make_client(breaker_failures=2, attempts=1)
    for _ in range(4):
        with pytest.raises(ModelError):
            ask(client, card(wire))
    assert len(wire.requests) == 4
    assert client.breaker("openai").state == "closed"


@pytest.mark.parametrize("fault", ["500", "503", "529", "cut", "malformed", "hang"])
def test_what_says_that_it_is_ill_opens_it(wire, make_client, fault):
    wire.faults = lambda _asked: fault
    client = make_client(breaker_failures=2, attempts=1, max_retry_after=1)
    for _ in range(3):
        with pytest.raises(ModelError):
            ask(client, card(wire, timeout=0.3))
    assert len(wire.requests) == 2
    assert client.breaker("openai").state == "open"


def test_models_of_one_provider_share_it_and_other_servers_have_their_own(wire, make_client):
    wire.faults = lambda _asked: "500"
    client = make_client(breaker_failures=2, attempts=1, max_retry_after=1)
    for name in ("a", "b"):
        with pytest.raises(ModelError):
            ask(client, card(wire, name=name))
    with pytest.raises(ModelError, match="rests"):
        ask(client, card(wire, name="c"))
    with Wire() as other:
        assert ask(client, card(other, provider="elsewhere")).text


def half_open(client, provider="openai"):
    """Bring a provider's breaker to where the next call is the probe."""
    breaker = client.breaker(provider)
    breaker.enter().failed()
    breaker.clock = Clock()
    breaker.clock.now = float("1e9")
    assert breaker.state == "half_open"
    return breaker


def test_a_hundred_calls_at_once_send_one_probe(wire, make_client):
    client = make_client(breaker_failures=1, breaker_seconds=5, attempts=1)
    breaker = half_open(client)
    wire.delay, one, states = 0.005, card(wire, concurrency=100), []
    wire.faults = lambda _asked: states.append(breaker.state)

    async def many():
        return await asyncio.gather(*(client.complete([one], QUESTION) for _ in range(100)))

    assert len(run(many())) == 100
    assert states[0] == "half_open"
    assert states[1:] == ["closed"] * 99


async def cancelled_in_flight(client, wire, one):
    wire.delay = 0.05
    asking = asyncio.ensure_future(client.complete([one], QUESTION))
    await until(lambda: wire.active)
    asking.cancel()
    await asyncio.wait([asking])
    wire.delay = 0


async def cancelled_before_its_first_step(client, _wire, one):
    asking = asyncio.ensure_future(client.complete([one], QUESTION))
    asking.cancel()
    await asyncio.wait([asking])


async def cancelled_while_the_budget_waits(client, _wire, one):
    waits = asyncio.Event()

    async def reserve(_card, _request):
        waits.set()
        await asyncio.Event().wait()

    asking = asyncio.ensure_future(client.complete([one], QUESTION, reserve=reserve))
    await waits.wait()
    asking.cancel()
    await asyncio.wait([asking])


async def refused_by_the_budget(client, _wire, one):
    async def reserve(_card, _request):
        raise BudgetExceededError("max_cost", "no more")

    with pytest.raises(BudgetExceededError):
        await client.complete([one], QUESTION, reserve=reserve)


async def without_its_key(client, _wire, one):
    with pytest.raises(ModelError, match="no API key"):
        await client.complete([one.model_copy(update={"key": "A_KEY_THAT_IS_NOT_SET", "api_base": None})], QUESTION)


async def refused_by_a_listener(client, _wire, one):
    def bad(_notice):
        raise RuntimeError("a bad listener")

    with pytest.raises(RuntimeError):
        await client.complete([one], QUESTION, notify=bad)


async def rate_limited(client, wire, one):
    wire.faults = lambda asked: "429" if asked.number == 1 else None
    await client.complete([one], QUESTION)


@pytest.mark.parametrize(
    "probe",
    [
        cancelled_in_flight,
        cancelled_before_its_first_step,
        cancelled_while_the_budget_waits,
        refused_by_the_budget,
        without_its_key,
        refused_by_a_listener,
        rate_limited,
    ],
)
def test_a_probe_that_tells_nothing_never_shuts_the_provider_out(wire, make_client, probe):
    client, one = make_client(breaker_failures=1, breaker_seconds=5, max_retry_after=0.0), card(wire)
    half_open(client)

    async def then_another():
        await probe(client, wire, one)
        return await client.complete([one], QUESTION)

    assert run(then_another()).text
    assert client.breaker("openai").state == "closed"
