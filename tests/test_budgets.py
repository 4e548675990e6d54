"""Ceilings in money, tokens, calls, turns and seconds: never passed, and a dialogue that reaches one keeps what it has."""

import asyncio
import random
import tempfile
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from patience import wait_until
from stage import card, chorus, line, mode_of, orchestra, quick, yes
from wire import Wire, first

from workbench.dialogue import Orchestrator
from workbench.dialogue.money.budget import LEAST_ANSWER, prompt_bound
from workbench.errors import ErrorKind as Kind
from workbench.errors import ModelError, WorkbenchError
from workbench.events import CallStarted, DialogueEnded, DialogueStarted, Status, TurnStarted, Usage
from workbench.models import Chunk, ModelConfig


@pytest.mark.parametrize(
    ("limits", "reason", "said"),
    [
        ({"max_cost": 0.00113}, "max_cost: the next call to actor could pass max_cost=0.00113 USD", 1),
        ({"max_tokens": 1130}, "max_tokens: the next call to actor could pass max_tokens=1130", 1),
        ({"max_calls": 2}, "max_calls: max_calls=2 are made", 2),
        ({"max_turns": 3}, "max_turns: 3 turns are made", 3),
        ({"max_cost": 0}, "max_cost", 0),
        ({"max_tokens": 0}, "max_tokens", 0),
        ({"max_calls": 0}, "max_calls", 0),
        ({"max_turns": 0}, "max_turns", 0),
    ],
)
def test_each_limit_stops_with_its_name_and_what_there_is(tmp_path, limits, reason, said):
    async def act(request):
        yield Chunk(text="x", finish_reason="stop", usage=Usage(len(request.messages[-1]["content"]), 1100))

    orchestrator, actors = orchestra(tmp_path, act)
    with orchestrator:
        dialogue = orchestrator.run(line(5), "Money.", models=[card(default_output=1100)], limits=limits)
        stored = orchestrator.load(dialogue.id)
    assert dialogue.status is Status.COST_LIMITED
    assert dialogue.reason.startswith(reason)
    assert (len(dialogue.transcript.said), len(actors.asked)) == (said, said)
    assert (stored.status, stored.reason) == (dialogue.status, dialogue.reason)


def test_a_deadline_stops_what_runs_and_keeps_it(tmp_path):
    async def act(_request):
        yield Chunk(text="so far")
        await asyncio.sleep(600)

    orchestrator, actors = orchestra(tmp_path, act)
    with orchestrator:
        dialogue = orchestrator.run(line(2), "Time.", models=[card()], limits={"timeout": 0.2})
    assert (dialogue.status, dialogue.reason) == (Status.COST_LIMITED, "timeout: the run took 0.2 s")
    assert (dialogue.transcript["v1"].text, actors.on) == ("so far", 0)


def test_a_whole_dialogue_that_used_all_it_had_is_complete(tmp_path):
    orchestrator, _ = orchestra(tmp_path, yes)
    limits = {"max_turns": 2, "max_calls": 2, "timeout": 60}
    with orchestrator:
        dialogue = orchestrator.run(line(2), "Just enough.", models=[card()], limits=limits)
    assert (dialogue.status, dialogue.reason) == (Status.COMPLETED, None)


def test_the_last_answer_is_shortened_rather_than_the_ceiling_passed(tmp_path):
    async def act(request):
        spoken = request.sampling.max_tokens
        yield Chunk(text="x " * spoken, finish_reason="length", usage=Usage(prompt_bound(request.messages), spoken))

    orchestrator, actors = orchestra(tmp_path, act)
    with orchestrator:
        mode = mode_of({"role": "a", "template": "x"}, {"role": "b", "template": "y"}, {"role": "c", "template": "z"})
        dialogue = orchestrator.run(mode, "Short.", models=[card(default_output=100)], limits={"max_tokens": 200})
    lengths = [request.sampling.max_tokens for request in actors.asked]
    assert lengths == [100, 200 - 100 - 2 * 17]
    assert (dialogue.status, dialogue.metrics.tokens) == (Status.COST_LIMITED, 200)
    assert len(dialogue.transcript.said) == 2


def test_an_answer_too_short_to_be_one_is_not_bought(tmp_path):
    orchestrator, actors = orchestra(tmp_path, yes)
    with orchestrator:
        fits = 17 + LEAST_ANSWER
        none = orchestrator.run(line(1), "x", models=[card()], limits={"max_tokens": fits - 1 + 7})
        assert (none.status, actors.asked) == (Status.COST_LIMITED, [])
        some = orchestrator.run(mode_of({"role": "a", "template": "x"}), "x", models=[card()], limits={"max_tokens": fits})
    assert some.status is Status.COMPLETED
    assert actors.asked[0].sampling.max_tokens == LEAST_ANSWER


def test_a_tight_budget_makes_parallel_turns_take_turns_rather_than_fail(tmp_path):
    async def act(_request):
        for _ in range(5):
            await asyncio.sleep(0)
        yield Chunk(text="x", finish_reason="stop", usage=Usage(5, 1))

    orchestrator, actors = orchestra(tmp_path, act)
    with orchestrator:
        tight = orchestrator.run(chorus(6), "Tight.", models=[card(default_output=500)], limits={"max_tokens": 600})
        assert (tight.status, actors.most) == (Status.COMPLETED, 1)
        orchestrator.run(chorus(6), "Wide.", models=[card(default_output=500)], limits={"max_tokens": 6000})
        assert actors.most == 6


@pytest.mark.parametrize("mode", ["debate", "parallel"])
def test_a_ceiling_in_money_for_a_model_without_a_price_is_refused_before_any_call(tmp_path, mode):
    with Wire() as wire, Orchestrator(settings=quick(tmp_path)) as orchestrator:
        with pytest.raises(WorkbenchError, match="the price of openai/wire is unknown"):
            orchestrator.run(mode, "Price?", models=["openai/wire"], api_base=wire.openai, limits={"max_cost": 1.0})
        assert wire.requests == []
        assert orchestrator.record.summaries() == []


def test_a_fallback_without_a_price_is_refused_as_well(tmp_path):
    orchestrator, _ = orchestra(tmp_path, yes)
    chain = ModelConfig(primary=card(), fallbacks=[card("unpriced", price=None)])
    with orchestrator, pytest.raises(WorkbenchError, match="the price of unpriced is unknown"):
        orchestrator.run(line(1), "Price?", models=[chain], limits={"max_cost": 1.0})


@pytest.mark.parametrize("limit", ["max_cost", "max_tokens", "max_turns", "max_calls", "timeout"])
@pytest.mark.parametrize("value", [-1, float("nan"), "much"])
def test_a_limit_without_sense_is_refused(tmp_path, limit, value):
    orchestrator, _ = orchestra(tmp_path, yes)
    with orchestrator, pytest.raises(WorkbenchError, match=limit):
        orchestrator.run(line(1), "Sense?", models=[card()], limits={limit: value})


def test_an_unknown_limit_is_refused(tmp_path):
    orchestrator, _ = orchestra(tmp_path, yes)
    with orchestrator, pytest.raises(WorkbenchError, match="max_money"):
        orchestrator.run(line(1), "Sense?", models=[card()], limits={"max_money": 1})


def test_a_call_whose_usage_stays_unknown_keeps_its_reservation(tmp_path):
    """The first answer is cut, so what it cost is unknown: its bound of about 1,000 tokens stays taken."""

    async def act(_request):
        yield Chunk(text="half")
        if len(actors.asked) == 1:
            raise ModelError(Kind.CAPACITY, "cut", model="actor")
        yield Chunk(finish_reason="stop", usage=Usage(5, 5))

    orchestrator, actors = orchestra(tmp_path, act)
    with orchestrator:
        options = {"models": [card(default_output=1000)]}
        assert orchestrator.run(line(1), "Cut.", limits={"max_tokens": 2100}, **options).status is Status.COMPLETED
        actors.asked.clear()
        orchestrator.run(line(1), "Cut.", limits={"max_tokens": 1900}, **options)
        lengths = [request.sampling.max_tokens for request in actors.asked]
    assert lengths[0] == 1000
    assert 800 < lengths[1] < 900


@pytest.mark.parametrize("kind", [Kind.RATE_LIMIT, Kind.CAPACITY, Kind.AUTHENTICATION, Kind.BAD_REQUEST])
def test_a_refusal_that_no_provider_charges_for_gives_its_reservation_back(tmp_path, kind):
    async def act(_request):
        if len(actors.asked) == 1:
            raise ModelError(kind, "refused", model="actor")
        yield Chunk(text="x", finish_reason="stop", usage=Usage(5, 5))

    orchestrator, actors = orchestra(tmp_path, act)
    chain = ModelConfig(primary=card("first", default_output=1000), fallbacks=[card("second", default_output=1000)])
    with orchestrator:
        dialogue = orchestrator.run(line(1), "Refused.", models=[chain], limits={"max_tokens": 1100})
    assert dialogue.status is Status.COMPLETED
    assert [request.sampling.max_tokens for request in actors.asked] == [1000, 1000]


def test_the_call_after_a_limit_keeps_what_the_one_before_it_had_said(tmp_path):
    async def act(_request):
        yield Chunk(text="half")
        raise ModelError(Kind.CAPACITY, "cut", model="actor")

    orchestrator, _ = orchestra(tmp_path, act)
    with orchestrator:
        dialogue = orchestrator.run(line(1), "Half.", models=[card()], limits={"max_calls": 1})
    assert dialogue.status is Status.COST_LIMITED
    assert dialogue.transcript["v1"].text == "half"


def test_resumed_with_a_higher_limit_it_goes_on_and_counts_what_was_spent(tmp_path):
    with Wire(words=20) as wire, Orchestrator(settings=quick(tmp_path)) as orchestrator:
        options = {"models": ["openai/wire"], "api_base": wire.openai, "parameters": {"rounds": 3}}
        dialogue = orchestrator.run("debate", "More.", limits={"max_calls": 3}, **options)
        assert (dialogue.status, len(wire.requests)) == (Status.COST_LIMITED, 3)
        same = orchestrator.resume(dialogue.id)
        assert (same.status, len(wire.requests)) == (Status.COST_LIMITED, 3)
        more = orchestrator.resume(dialogue.id, limits={"max_calls": 5})
        assert (more.status, len(wire.requests)) == (Status.COST_LIMITED, 5)
        enough = orchestrator.resume(dialogue.id, limits={"max_calls": 7})
    assert (enough.status, len(wire.requests), enough.metrics.calls) == (Status.COMPLETED, 7, 7)


def test_retries_count_as_calls(tmp_path):
    with Wire(faults=first(2, "500")) as wire, Orchestrator(settings=quick(tmp_path)) as orchestrator:
        options = {"models": ["openai/wire"], "api_base": wire.openai}
        dialogue = orchestrator.run("debate", "Retries.", limits={"max_calls": 3}, **options)
    assert (dialogue.status, len(wire.requests), len(dialogue.transcript.said)) == (Status.COST_LIMITED, 3, 1)


def cut_after_call_started(orchestrator, topic, models, mode=None, **more):
    """Record a dialogue as a process leaves it that is killed during its first call, and return its id."""
    spec, _ = orchestrator.prepare(mode or line(1), topic, models=models, **more)
    name, common = spec.cast["v1"][0].name, {"dialogue": "killed", "at": 1.0}
    prompt = [{"role": "user", "content": "turn 1: "}]
    orchestrator.record.write(
        [
            DialogueStarted(seq=1, mode="stage", topic=topic, run=spec.dump(), **common),
            TurnStarted(seq=2, turn="v1", index=1, role="v1", model=name, messages=prompt, **common),
            CallStarted(seq=3, turn="v1", call="lost", model=name, attempt=1, **common),
        ]
    )
    return "killed"


def test_a_call_that_never_came_back_counts_in_full_on_a_resume_and_on_the_one_after(tmp_path):
    async def act(_request):
        yield Chunk(text="x")
        if len(actors.asked) == 1:
            await asyncio.sleep(600)
        yield Chunk(finish_reason="stop", usage=Usage(5, 5))

    orchestrator, actors = orchestra(tmp_path, act)
    bound = 16 + 8 + 1000
    with orchestrator:
        lost = cut_after_call_started(orchestrator, "Lost.", [card(default_output=1000)], limits={"max_tokens": bound + 100})
        first_resume = orchestrator.restart(lost)
        wait_until(lambda: "v1" in first_resume.transcript and first_resume.transcript["v1"].text)
        first_resume.cancel()
        first_resume.wait(30)
        assert actors.asked[0].sampling.max_tokens == 100 - 24
        second = orchestrator.resume(lost)
        assert (second.status, len(actors.asked)) == (Status.COST_LIMITED, 1)
        third = orchestrator.resume(lost, limits={"max_tokens": 2 * bound + 50})
    assert third.status is Status.COMPLETED
    assert actors.asked[1].sampling.max_tokens == 50 - 24


def test_a_lost_call_counts_at_the_price_of_the_model_that_it_was_made_to(tmp_path):
    """It resumes with a model at a hundredth of the price; the lost call does not become cheaper by that."""
    orchestrator, actors = orchestra(tmp_path, yes)
    with orchestrator:
        dear, cheap = card("dear", price=100.0, default_output=1000), card("cheap", price=1.0, default_output=1000)
        lost = cut_after_call_started(orchestrator, "Price.", [dear], limits={"max_cost": 0.11})
        limited = orchestrator.resume(lost, models=[cheap], limits={"max_cost": 0.1024})
        assert (limited.status, actors.asked) == (Status.COST_LIMITED, [])
        enough = orchestrator.resume(lost, limits={"max_cost": 0.11})
    assert (enough.status, enough.transcript["v1"].model) == (Status.COMPLETED, "cheap")


def test_a_lost_call_counts_the_answer_that_its_role_may_have(tmp_path):
    orchestrator, actors = orchestra(tmp_path, yes)
    mode = line(1)
    mode["roles"] = {"v1": {"sampling": {"max_tokens": 5000}}}
    with orchestrator:
        lost = cut_after_call_started(orchestrator, "Long.", [card(default_output=100)], mode)
        dialogue = orchestrator.resume(lost, limits={"max_tokens": 5000})
    assert (dialogue.status, actors.asked) == (Status.COST_LIMITED, [])


@st.composite
def spendings(draw):
    """Models with prices, a mode, a ceiling, and what becomes of each call."""
    cards = [
        card(
            f"m{n}",
            price=draw(st.floats(0, 100)),
            default_output=draw(st.integers(16, 400)),
            concurrency=draw(st.integers(1, 8)),
        )
        for n in range(draw(st.integers(1, 3)))
    ]
    mode = draw(st.sampled_from([line(5), chorus(8)]))
    limits = draw(
        st.fixed_dictionaries(
            {},
            optional={
                "max_cost": st.floats(0, 0.05),
                "max_tokens": st.integers(0, 3000),
                "max_calls": st.integers(0, 12),
                "max_turns": st.integers(0, 9),
            },
        )
    )
    return cards, mode, limits, draw(st.integers(0, 2**32))


@given(spendings())
@settings(max_examples=60, deadline=None)
@example(([card("m0", price=3.3, default_output=77)], chorus(8), {"max_cost": 0.0009}, 4))
def test_whatever_happens_the_ceiling_is_not_passed(spending):
    cards, mode, limits, seed = spending
    rng, truly = random.Random(seed), []
    prices = {one.id: one for one in cards}

    async def act(request):
        usage = Usage(rng.randint(1, prompt_bound(request.messages)), rng.randint(0, request.sampling.max_tokens))
        fate = rng.random()
        if fate < 0.15:
            raise ModelError(rng.choice([Kind.RATE_LIMIT, Kind.CAPACITY]), "refused", model=request.model)
        truly.append((prices[request.model].cost(usage), usage.total))
        for _ in range(rng.randint(1, 4)):  # an answer that broke off before its first word is charged by nobody
            await asyncio.sleep(0)
            yield Chunk(text="x")
        if fate < 0.35:
            raise ModelError(rng.choice([Kind.CAPACITY, Kind.TIMEOUT, Kind.MALFORMED_ANSWER]), "cut", model=request.model)
        if fate < 0.4:
            raise ZeroDivisionError
        yield Chunk(text="x", finish_reason="stop", usage=None if fate < 0.5 else usage)

    with tempfile.TemporaryDirectory() as folder:
        orchestrator, actors = orchestra(Path(folder), act)
        with orchestrator:
            dialogue = orchestrator.run(mode, "Spend.", models=cards, limits=limits, seed=1)
            for _ in range(3):
                if dialogue.status is not Status.COMPLETED:
                    dialogue = orchestrator.resume(dialogue.id)
    assert sum(cost for cost, _ in truly) <= limits.get("max_cost", float("inf")) * (1 + 1e-9)
    assert sum(tokens for _, tokens in truly) <= limits.get("max_tokens", float("inf"))
    assert len(actors.asked) <= limits.get("max_calls", float("inf"))
    assert len(dialogue.transcript.said) <= limits.get("max_turns", float("inf"))
    assert isinstance(dialogue.recorded_events()[-1], DialogueEnded)
    if dialogue.status is Status.COST_LIMITED:
        assert dialogue.reason.partition(":")[0] in limits
