"""A process that forks is killed with `kill -9` at any moment: the fork goes on, and nothing that was said is asked again."""

import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import pytest
from wire import Wire
from wired import card, quick

from workbench.dialogue import Orchestrator
from workbench.events import CallEnded, Status, TurnCompleted, TurnStarted

pytestmark = pytest.mark.slow
WORKBENCH = str(Path(sys.executable).with_name("workbench"))
WORDS = 12


@pytest.fixture
def wire():
    with Wire(words=WORDS) as server:
        yield server


def answered(events):
    ended = {event.turn for event in events if isinstance(event, TurnCompleted)}
    return ended | {event.turn for event in events if isinstance(event, CallEnded) and event.call.ok}


@pytest.mark.parametrize("words", [0, 1, WORDS, WORDS + 5, 3 * WORDS - 1])
def test_killed_after_so_many_words(tmp_path, wire, words):
    settings = quick(tmp_path)
    with Orchestrator(settings=settings) as orchestrator:
        parent = orchestrator.run("debate", "Tabs?", models=[card(wire)], parameters={"rounds": 2})
    asked, wire.delay = len(wire.requests), 0.02
    target = wire.written + words
    process = subprocess.Popen(
        [WORKBENCH, "fork", f"{parent.id}@con_1", "-m", "openai/other", "--api-base", wire.openai],
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    give_up = time.monotonic() + 60
    while len(wire.requests) == asked or wire.written < target:
        assert process.poll() is None, process.stdout.read()
        assert time.monotonic() < give_up
        time.sleep(0.001)
    process.kill()
    process.communicate()
    wire.delay = 0.0
    with Orchestrator(settings=settings) as orchestrator:
        (row,) = orchestrator.children(parent.id)
        assert row.interrupted
        done = answered(orchestrator.record.events(row.id))
        assert {"pro_1", "con_1"} <= done
        fork = orchestrator.resume(row.id)
        assert fork.status is Status.COMPLETED
        assert orchestrator.record.summary(fork.id).parent_id == parent.id
    counts = Counter(str(request.body["messages"]) for request in wire.requests[asked:])
    prompts = {e.turn: str(e.messages) for e in fork.recorded_events() if isinstance(e, TurnStarted)}
    assert {turn: counts[prompt] for turn, prompt in prompts.items() if turn in done} == {
        turn: int(turn not in ("pro_1", "con_1")) for turn in done
    }
    assert set(counts) <= {prompts[turn] for turn in ("pro_2", "con_2", "verdict")}
    assert sum(counts.values()) <= 3 + 1
