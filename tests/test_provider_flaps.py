"""A hundred dialogues in waves while a provider comes and goes: it is left alone while it is down, one probe finds it well again.

Time is a clock that the test moves, and the provider goes down and comes back between waves, so nothing depends on speed.
"""

import asyncio

import pytest
from wire import Wire
from wired import Clock, card

from workbench.dialogue.orchestrator import Orchestrator
from workbench.events import Status
from workbench.models import ModelConfig
from workbench.settings import RetrySettings, Settings

WAVE = 20
TURNS = 3
PLACES = 8
REST = 60
RETRY = RetrySettings(base=0.01, cap=0.05, breaker_failures=5, breaker_seconds=REST, max_retry_after=1)


class Flapping:
    """An orchestrator before a provider that goes down and comes back, and another one that is always there."""

    def __init__(self, folder):
        self.up, self.clock = True, Clock()
        self.wire, self.spare = Wire(faults=lambda _asked: None if self.up else "500"), Wire()
        self.workbench = Orchestrator(settings=Settings(workspace=folder, retry=RETRY))
        self.breaker = self.workbench.client.breaker("main")
        self.breaker.clock = self.clock

    def __enter__(self):
        self.wire.__enter__()
        self.spare.__enter__()
        return self

    def __exit__(self, *_):
        self.workbench.close()
        self.spare.__exit__()
        self.wire.__exit__()

    def wave(self, number=WAVE):
        """Run dialogues at once; return who served their turns, the requests that reached the provider, and the dialogues."""
        main = card(self.wire, name="main", id="openai/main", provider="main", concurrency=PLACES)
        chain = ModelConfig(main, [card(self.spare, name="spare", id="openai/spare", provider="spare", concurrency=32)])
        before = len(self.wire.requests)

        async def all_at_once():
            run = self.workbench.run_async
            return await asyncio.gather(
                *(run("debate", f"t{n}", models=[chain], parameters={"rounds": 1}) for n in range(number))
            )

        done = asyncio.run(all_at_once())
        assert {dialogue.status for dialogue in done} == {Status.COMPLETED}
        served = [turn.served for dialogue in done for turn in dialogue.transcript.turns]
        return served, len(self.wire.requests) - before, done


@pytest.fixture
def flapping(tmp_path):
    with Flapping(tmp_path) as flapping:
        yield flapping


@pytest.mark.slow
def test_it_is_left_alone_while_it_is_down_and_asked_again_when_it_is_back(flapping):
    served, asked, _ = flapping.wave()
    assert (set(served), asked, flapping.breaker.state) == ({"main"}, WAVE * TURNS, "closed")

    flapping.up = False
    served, asked, fell = flapping.wave()
    assert set(served) == {"spare"}
    assert asked <= PLACES + RETRY.breaker_failures
    assert flapping.breaker.state == "open"

    flapping.clock.now += REST  # still down: one probe looks, and the rest begins anew
    served, asked, _ = flapping.wave()
    assert (set(served), asked, flapping.breaker.state) == ({"spare"}, 1, "open")

    flapping.up = True  # back, but nobody looks before the rest is over
    served, asked, _ = flapping.wave()
    assert (set(served), asked, flapping.breaker.state) == ({"spare"}, 0, "open")

    flapping.clock.now += REST
    served, asked, _ = flapping.wave()
    assert flapping.breaker.state == "closed"
    assert served.count("main") == asked > WAVE  # all that came after the probe

    for dialogue in fell:
        assert [turn.answer.fallback_reason for turn in dialogue.transcript.turns] == ["main: capacity"] * TURNS


def test_one_that_fails_and_answers_by_turns_harms_nobody(tmp_path):
    """Of its requests five fail, five are answered, and so on; the breaker opens and closes again and again."""
    retry = RetrySettings(base=0.01, cap=0.02, attempts=2, breaker_failures=3, breaker_seconds=0.05)
    flaps = Wire(faults=lambda asked: "503" if asked.number // 5 % 2 else None)
    with flaps, Wire() as well, Orchestrator(settings=Settings(workspace=tmp_path, retry=retry)) as workbench:
        main = card(flaps, name="main", id="openai/main", provider="main", concurrency=PLACES)
        chain = ModelConfig(main, [card(well, name="spare", id="openai/spare", provider="spare", concurrency=32)])

        async def all_at_once():
            run = workbench.run_async
            return await asyncio.gather(*(run("debate", f"t{n}", models=[chain], parameters={"rounds": 1}) for n in range(100)))

        done = asyncio.run(all_at_once())
        calls = workbench.record.calls()
    assert {dialogue.status for dialogue in done} == {Status.COMPLETED}
    turns = [turn for dialogue in done for turn in dialogue.transcript.turns]
    assert {turn.served for turn in turns} == {"main", "spare"}
    assert len(calls[calls.model == "main"]) == len(flaps.requests)
    assert all(turn.answer.fallback_reason == "main: capacity" for turn in turns if turn.served == "spare")
    assert len(calls[calls.outcome == "ok"]) == len(turns) == 3 * len(done)
