"""A hundred dialogues at once with two providers, one of them down the whole time: all of them complete on the other one."""

import asyncio
from contextlib import contextmanager

import pytest
from lab import free_port
from wire import Wire
from wired import card

from workbench.dialogue.export.facts import speaker
from workbench.dialogue.orchestrator import Orchestrator
from workbench.events import Status
from workbench.models import ModelConfig
from workbench.notebook.costs import cost_table
from workbench.settings import RetrySettings, Settings

DIALOGUES = 100
PLACES = 8
BROKEN_AFTER = 5
MOST = PLACES + BROKEN_AFTER
"""Requests that may reach a provider before it is left alone: those that opened the breaker, and those already on their way."""
RETRY = RetrySettings(base=0.01, cap=0.05, breaker_failures=BROKEN_AFTER, breaker_seconds=600)


async def debates(workbench, number, **models):
    asked = (
        workbench.run_async("debate", f"Topic {n}", participants=models, parameters={"rounds": 1}, stream=n % 2 == 0)
        for n in range(number)
    )
    return await asyncio.gather(*asked)


@contextmanager
def wires(fault):
    """A provider that is down, one that is well, and a card of each."""
    with Wire(faults=lambda _asked: fault) as sick, Wire() as well:
        dead = card(sick, name="dead", id="openai/dead", provider="dead", concurrency=PLACES, timeout=0.5)
        if fault == "gone":
            dead = dead.model_copy(update={"api_base": f"http://127.0.0.1:{free_port()}/v1"})
        yield sick, well, dead, card(well, name="well", id="openai/well", provider="well", concurrency=32)


@pytest.mark.slow
@pytest.mark.parametrize("fault", ["500", "503", "cut", "malformed", "hang", "gone"])
def test_no_dialogue_fails_and_the_dead_provider_is_left_alone(tmp_path, fault):
    with wires(fault) as (_, _, dead, well), Orchestrator(settings=Settings(workspace=tmp_path, retry=RETRY)) as workbench:
        on, off = ModelConfig(well, [dead]), ModelConfig(dead, [well])
        done = asyncio.run(debates(workbench, DIALOGUES, pro=off, con=on, judge=off))
        breaker = workbench.client.breaker("dead").state
        calls = workbench.record.calls()
        stored = [workbench.load(dialogue.id) for dialogue in done]

    assert {dialogue.status for dialogue in done} == {Status.COMPLETED}
    assert breaker == "open"
    turns = [turn for dialogue in stored for turn in dialogue.transcript.turns]
    assert len(turns) == 3 * DIALOGUES
    assert {turn.served for turn in turns} == {"well"}

    assert BROKEN_AFTER <= len(calls[calls.provider == "dead"]) <= MOST
    served = calls[calls.outcome == "ok"]
    fell = served[served.fallback_reason.notna()]
    assert len(fell) == 2 * DIALOGUES
    assert set(fell.asked) == {"dead"}
    assert all(why.startswith("dead: ") for why in fell.fallback_reason)
    assert set(served[served.fallback_reason.isna()].asked) == {"well"}


@pytest.mark.slow
def test_the_wire_agrees_with_the_record_on_what_the_dead_provider_was_asked(tmp_path):
    with wires("500") as (sick, well, dead, alive):
        with Orchestrator(settings=Settings(workspace=tmp_path, retry=RETRY)) as workbench:
            asyncio.run(debates(workbench, 20, pro=ModelConfig(dead, [alive]), con=alive, judge=alive))
            calls = workbench.record.calls()
        assert len(sick.requests) == len(calls[calls.model == "dead"]) <= MOST
        assert len(well.requests) == len(calls[calls.model == "well"]) == 60


def test_a_person_sees_who_spoke_for_whom_and_why(tmp_path):
    with wires("500") as (_, _, dead, well), Orchestrator(settings=Settings(workspace=tmp_path, retry=RETRY)) as workbench:
        chain = ModelConfig(dead, [well])
        first, later = (
            workbench.run("debate", "t", participants={"pro": chain, "con": chain, "judge": well}, parameters={"rounds": 1})
            for _ in range(2)
        )
    assert [speaker(turn) for turn in later.transcript.turns] == ["well for dead", "well for dead", "well"]
    for shown in (later.export("markdown"), later.export("html")):
        assert shown.count("well for dead") == 2
    for dialogue in (first, later):
        table = cost_table(dialogue.snapshot())
        rows = table.frame[table.frame.model == "well"]
        assert rows.instead_of.tolist()[:2] == ["dead: capacity", "dead: capacity"]
        assert rows.instead_of.isna().tolist() == [False, False, True]
        assert "Another model than was asked for served 2 turns." in table.text
