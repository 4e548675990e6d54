"""A process that runs a dialogue is killed with `kill -9` at any moment; another goes on, and pays for nothing twice."""

import json
import random
import time
from collections import Counter

import pytest
from mortal import Nursery
from patience import wait_until
from wire import Wire, words_for

from workbench.dialogue import Transcript
from workbench.events import CallEnded, Status, TurnCompleted, TurnStarted
from workbench.records import Record

pytestmark = pytest.mark.slow
KILLS = 20
MODELS = [f"openai/wire-{number}" for number in range(5)]
"""One for each role, so that no two turns ask the same of the same."""
WORDS = 12
DEBATE = ("debate", {"rounds": 3}, 7, 1)
PARALLEL = ("parallel", {"voices": 4}, 5, 4)
"""Mode, parameters, turns in all, and turns at the same time at most."""


@pytest.fixture(scope="module")
def nursery():
    with Nursery() as nursery:
        yield nursery


@pytest.fixture
def wire():
    with Wire(delay=0.006, words=WORDS) as wire:
        yield wire


def begin(nursery, url, wire, play, topic):
    mode, parameters, *_ = play
    return nursery.start("run", url, mode, topic, models=MODELS, api_base=wire.openai, parameters=parameters)


def kill_after(process, wire, words, more):
    """Kill a process once the server has written so many words from now, or before, should it end by itself."""
    target = wire.written + words
    wait_until(lambda: wire.written >= target or not process.lives)
    time.sleep(more)
    process.kill()


def dialogue_on(record, topic):
    return next((row for row in record.summaries(limit=1) if row.topic == topic), None)


def key(model, messages):
    return json.dumps([model.removeprefix("openai/"), messages], sort_keys=True)


def key_of(asked):
    return key(asked.body["model"], asked.body["messages"])


def prompts(events):
    """Turn to what it asks of whom, of the turns that ever began."""
    return {event.turn: key(event.model, event.messages) for event in events if isinstance(event, TurnStarted)}


def answered(events):
    """Turns whose answer is in the record."""
    ended = {event.turn for event in events if isinstance(event, TurnCompleted)}
    return ended | {event.turn for event in events if isinstance(event, CallEnded) and event.call.ok}


def test_twenty_killed_dialogues_complete_and_no_answer_is_paid_for_twice(nursery, wire, record_url):
    rng, interrupted = random.Random(20), 0
    with Record.open(record_url) as record:
        for number in range(KILLS):
            play = PARALLEL if number % 4 == 3 else DEBATE
            _, _, turns, breadth = play
            topic = f"Motion {number}: water is wet."
            process = begin(nursery, record_url, wire, play, topic)
            kill_after(process, wire, rng.randrange(turns * WORDS + 1), rng.uniform(0, 0.015))
            found = dialogue_on(record, topic)
            if found is None:
                assert not any(topic in key_of(asked) for asked in wire.requests)
                continue
            done, kills = answered(record.events(found.id)), 1
            if found.status is not Status.COMPLETED:
                interrupted += 1
                assert found.status is Status.RUNNING
                process = nursery.start("resume", record_url, found.id)
                if number % 3 == 0 and len(done) < turns:
                    kill_after(process, wire, rng.randrange((turns - len(done)) * WORDS), rng.uniform(0, 0.015))
                    kills += 1
                    process = nursery.start("resume", record_url, found.id)
                outcome = process.result()
                assert outcome.get("status") == "completed" or "is complete" in outcome["error"]
                assert outcome.get("seconds", 0) < 5
            events = record.events(found.id)
            asked = Counter(map(key_of, wire.requests))
            counts = {turn: asked[prompt] for turn, prompt in prompts(events).items()}
            assert len(counts) == turns
            assert all(counts[turn] == 1 for turn in done)
            assert max(counts.values()) <= 1 + kills
            assert sum(counts.values()) - turns <= kills * breadth
            texts = {key_of(one): " ".join(words_for(one, WORDS)) for one in wire.requests}
            said = Transcript(events).said
            assert said == {turn: texts[prompt] for turn, prompt in prompts(events).items()}
            assert [event.seq for event in events] == sorted({event.seq for event in events})
    assert interrupted >= KILLS // 2


def test_a_dialogue_that_a_living_process_runs_is_left_to_it_and_taken_over_when_it_is_dead(nursery, wire, record_url):
    wire.delay = 0.05
    process = begin(nursery, record_url, wire, DEBATE, "Who runs this?")
    wait_until(lambda: wire.written > 2)
    with Record.open(record_url) as record:
        found = dialogue_on(record, "Who runs this?")
    refused = nursery.start("resume", record_url, found.id).result()
    assert f"is being run by process {process.pid}" in refused["error"]
    process.kill()
    wire.delay = 0.0
    assert nursery.start("resume", record_url, found.id).result()["status"] == "completed"


def test_two_processes_that_resume_at_once_do_not_both_run_it(nursery, wire, record_url):
    process = begin(nursery, record_url, wire, DEBATE, "Both want it.")
    kill_after(process, wire, 3 * WORDS, 0)
    with Record.open(record_url) as record:
        found = dialogue_on(record, "Both want it.")
        both = [nursery.start("resume", record_url, found.id) for _ in range(2)]
        outcomes = [process.result() for process in both]
        events = record.events(found.id)
    assert sorted("status" in outcome for outcome in outcomes) == [False, True]
    asked = Counter(map(key_of, wire.requests))
    assert sum(asked[prompt] for prompt in prompts(events).values()) <= 7 + 1
    assert Transcript(events).status is Status.COMPLETED
