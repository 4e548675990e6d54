"""A hundred dialogues at once, with one call in ten failing in every way that may pass: none of them notices."""

import asyncio

import pytest
from wire import Wire, failing
from wired import card

from workbench.dialogue.orchestrator import Orchestrator
from workbench.events import Status
from workbench.models import ModelConfig
from workbench.settings import RetrySettings, Settings

DIALOGUES = 100
WAYS = ("429", "500", "503", "cut", "malformed")
RETRY = RetrySettings(base=0.01, cap=0.05, breaker_failures=8)


async def debates(workbench, chain, stream):
    asked = (
        workbench.run_async("debate", f"Topic {number}", models=[chain], parameters={"rounds": 1}, stream=stream)
        for number in range(DIALOGUES)
    )
    return await asyncio.gather(*asked)


@pytest.mark.slow
@pytest.mark.parametrize("stream", [True, False], ids=["streamed", "whole"])
def test_a_hundred_dialogues_complete_and_recover_on_the_model_they_asked_for(tmp_path, stream):
    with Wire(faults=failing(0.1, seed=4, kinds=WAYS)) as wire:
        main, spare = card(wire, concurrency=32), card(wire, name="spare", id="openai/spare", provider="spare")
        with Orchestrator(settings=Settings(workspace=tmp_path, retry=RETRY)) as workbench:
            done = asyncio.run(debates(workbench, ModelConfig(main, [spare]), stream))
            stored = [workbench.load(dialogue.id) for dialogue in done]
    turns = [turn for dialogue in done for turn in dialogue.transcript.turns]
    calls = [call for turn in turns for call in turn.calls]
    hit = [turn for turn in turns if not turn.calls[0].ok]

    assert {dialogue.status for dialogue in done} == {Status.COMPLETED}
    assert {len(turn.text.split()) for turn in turns} == {12}
    assert [[turn.text for turn in one.transcript.turns] for one in stored] == [
        [turn.text for turn in one.transcript.turns] for one in done
    ]

    outcomes = {call.outcome for call in calls}
    assert outcomes == {"ok", "rate_limit", "capacity", "malformed_answer"}
    assert 0.05 * len(calls) < len([call for call in calls if not call.ok]) < 0.2 * len(calls)
    # Of thirty turns that were hit one or two may be hit again and again by chance; which depends on who comes first.
    assert len([turn for turn in hit if turn.served == "openai"]) >= 0.95 * len(hit) - 1

    assert len([call for call in calls if call.ok]) == len(turns) == sum(wire.answered.values())
    assert len(calls) == len(wire.requests)
    assert wire.active == 0
