"""A detached dialogue runs in a process of its own: it is followed, outlives its parent, and can be stopped from elsewhere."""

import subprocess
import sys
import time

import pytest
from stage import line
from wire import Wire

from workbench.dialogue import Orchestrator
from workbench.dialogue.detached import interrupt
from workbench.errors import RecordError, WorkbenchError
from workbench.events import Status
from workbench.settings import Settings

pytestmark = pytest.mark.slow


@pytest.fixture
def wire():
    with Wire(words=8) as server:
        yield server


@pytest.fixture
def orchestrator(tmp_path):
    with Orchestrator(settings=Settings(workspace=tmp_path)) as made:
        yield made


def options(wire):
    return {"models": ["openai/wire"], "api_base": wire.openai}


def wait_for(condition, seconds=30):
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it never came true"
        time.sleep(0.05)


def test_it_runs_elsewhere_and_is_followed_to_its_end(orchestrator, wire):
    dialogue = orchestrator.detach(line(3), "Tabs?", **options(wire))
    assert dialogue.running
    assert [name for name, possible in dialogue.can.items() if possible] == ["stop"]
    dialogue.wait(60)
    assert dialogue.status is Status.COMPLETED
    assert len(dialogue.turns) == 3
    assert len(wire.requests) == 3


def test_stop_reaches_it_and_what_was_said_is_kept(orchestrator, wire):
    wire.words, wire.delay = 2000, 0.01
    dialogue = orchestrator.detach(line(3), "Tabs?", **options(wire))
    wait_for(lambda: wire.written > 5)
    dialogue.cancel()
    dialogue.wait(60)
    assert dialogue.status is Status.CANCELLED
    assert dialogue.snapshot().turns[0].text
    wait_for(lambda: wire.active == 0)
    wire.words, wire.delay = 3, 0
    assert orchestrator.resume(dialogue.id).status is Status.COMPLETED


def test_it_outlives_the_process_that_began_it(orchestrator, wire, tmp_path):
    wire.words, wire.delay = 60, 0.02
    begin = f"""
from pathlib import Path
from workbench import Orchestrator, Settings
o = Orchestrator(settings=Settings(workspace=Path({str(tmp_path)!r})))
print(o.detach({line(2)!r}, "Tabs?", models=["openai/wire"], api_base={wire.openai!r}).id, flush=True)
"""
    done = subprocess.run([sys.executable, "-c", begin], capture_output=True, text=True, timeout=60, check=True)
    dialogue = orchestrator.follow(done.stdout.strip())
    assert dialogue.status is Status.RUNNING
    wait_for(lambda: len(wire.requests) > 0)
    dialogue = orchestrator.follow(dialogue.id)
    assert dialogue.running
    dialogue.wait(60)
    assert dialogue.status is Status.COMPLETED


def test_another_process_can_interrupt_it_by_id(orchestrator, wire, tmp_path):
    wire.words, wire.delay = 2000, 0.01
    dialogue = orchestrator.detach(line(1), "Tabs?", **options(wire))
    wait_for(lambda: wire.written > 2)
    with Orchestrator(settings=Settings(workspace=tmp_path)) as other:
        interrupt(other.record, dialogue.id)
    dialogue.wait(60)
    assert dialogue.status is Status.CANCELLED


def test_what_is_run_by_a_notebook_is_not_interrupted(orchestrator, wire):
    wire.words, wire.delay = 2000, 0.01
    dialogue = orchestrator.start(line(1), "Tabs?", **options(wire))
    wait_for(lambda: wire.written > 2)
    with pytest.raises(RecordError, match="a notebook or a terminal"):
        interrupt(orchestrator.record, dialogue.id)
    dialogue.cancel()
    dialogue.wait(10)
    with pytest.raises(RecordError, match="No process"):
        interrupt(orchestrator.record, dialogue.id)


def test_a_model_object_cannot_be_handed_over(orchestrator, wire):
    from workbench.models import ModelConfig

    stopped = orchestrator.run(line(2), "Tabs?", limits={"max_turns": 1}, **options(wire))
    with pytest.raises(WorkbenchError, match="by name only"):
        orchestrator.detach_resume(stopped.id, models=[ModelConfig("openai/wire")])


def test_a_worker_that_cannot_begin_says_why(orchestrator, wire):
    stopped = orchestrator.run(line(2), "Tabs?", limits={"max_turns": 1}, **options(wire))
    dialogue = orchestrator.detach_resume(stopped.id, models=["no-such-model-anywhere"])
    with pytest.raises(WorkbenchError, match=r"is gone: .*no-such-model-anywhere"):
        dialogue.wait(60)
    assert dialogue.status is Status.COST_LIMITED
