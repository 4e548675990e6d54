"""Stopping a dialogue: what was said stays, the provider is hung up on at once, and a resume asks only for what is missing."""

import asyncio
import os
import signal
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest
from patience import wait_until
from stage import card, chorus, line, orchestra, quick, yes
from wire import Wire

from workbench.dialogue import Orchestrator, Transcript
from workbench.dialogue.running.engine import Engine
from workbench.events import CallEnded, DialogueEnded, DialogueStarted, Status, TextDelta, TurnCancelled, TurnCompleted
from workbench.models import Chunk
from workbench.records import Record


@pytest.fixture
def wire():
    with Wire(delay=0.02) as wire:
        yield wire


@pytest.fixture
def orchestrator(tmp_path):
    with Orchestrator(settings=quick(tmp_path)) as orchestrator:
        yield orchestrator


def debate(wire, **more):
    return {"models": ["openai/wire"], "api_base": wire.openai, "parameters": {"rounds": 2}} | more


def begun(engine):
    return engine.event(DialogueStarted, mode="m", topic="t", run={})


def words_of(dialogue, turn):
    """Read a dialogue's events up to the first words of a turn."""
    for event in dialogue.events():
        if isinstance(event, TextDelta) and event.turn == turn:
            return


def test_cancelled_in_mid_stream_it_keeps_the_partial_text_and_a_resume_asks_only_what_is_missing(orchestrator, wire):
    dialogue = orchestrator.start("debate", "Stop me.", **debate(wire))
    words_of(dialogue, "con_1")
    dialogue.cancel()
    assert dialogue.wait(30).status is Status.CANCELLED
    wait_until(lambda: wire.active == 0)
    assert (wire.dropped, len(wire.requests)) == (1, 2)
    stopped = dialogue.transcript["con_1"]
    assert (stopped.status, stopped.calls[-1].outcome) == (Status.CANCELLED, "cancelled")
    assert stopped.text
    assert len(stopped.text.split()) < wire.words
    stored = orchestrator.load(dialogue.id)
    assert stored.transcript.turns == dialogue.transcript.turns
    assert (stored.status, stored.transcript["pro_1"].status) == (Status.CANCELLED, Status.COMPLETED)
    wire.delay = 0.0
    resumed = orchestrator.resume(dialogue.id)
    assert resumed.status is Status.COMPLETED
    assert len(wire.requests) == 2 + 4
    assert resumed.transcript["pro_1"].text == dialogue.transcript["pro_1"].text
    assert [call.outcome for call in resumed.transcript["con_1"].calls] == ["cancelled", "ok"]


def test_parallel_turns_are_all_stopped(orchestrator, wire):
    dialogue = orchestrator.start("parallel", "Stop us.", **debate(wire, parameters={"voices": 4}))
    words_of(dialogue, "answer_4")
    dialogue.cancel()
    assert dialogue.wait(30).status is Status.CANCELLED
    wait_until(lambda: wire.active == 0)
    assert wire.dropped == 4
    assert {turn.status for turn in dialogue.transcript} == {Status.CANCELLED}
    assert "synthesis" not in dialogue.transcript


def test_a_cancel_that_is_there_before_the_run_begins_lets_nothing_begin(tmp_path):
    """The engine itself, told to stop between its first event and its first turn."""
    orchestrator, actors = orchestra(tmp_path, yes)
    spec, _ = orchestrator.prepare(chorus(3), "Never mind.", models=[card()])

    async def stopped_at_once():
        engine = Engine("d", spec, orchestrator.client)
        events = engine.run(begun)
        seen = [await anext(events)]
        engine.stop()
        return seen + [event async for event in events]

    seen = asyncio.run(stopped_at_once())
    orchestrator.close()
    assert [type(event) for event in seen] == [DialogueStarted, DialogueEnded]
    assert (seen[-1].status, actors.asked) == (Status.CANCELLED, [])


def test_turns_that_were_launched_but_have_not_taken_a_step_are_closed_too(tmp_path):
    """Stopped while the first turn's end is being stored: its successors' tasks are made and cancelled in one go."""
    orchestrator, actors = orchestra(tmp_path, yes)
    spec, _ = orchestrator.prepare(chorus(3), "Never mind.", models=[card()])

    async def stopped_after_launch():
        engine = Engine("d", spec, orchestrator.client)
        events = engine.run(begun)
        seen = [await anext(events)]
        asyncio.get_running_loop().call_soon(engine.stop)
        return seen + [event async for event in events]

    seen = asyncio.run(stopped_after_launch())
    orchestrator.close()
    assert [type(event) for event in seen] == [DialogueStarted, *[TurnCancelled] * 3, DialogueEnded]
    assert actors.asked == []


def test_cancelling_twice_or_too_late_changes_nothing(orchestrator, wire):
    dialogue = orchestrator.start("debate", "Stop me twice.", **debate(wire))
    words_of(dialogue, "pro_1")
    dialogue.cancel()
    dialogue.cancel()
    dialogue.wait(30)
    events = dialogue.recorded_events()
    dialogue.cancel()
    assert dialogue.wait(30).recorded_events() == events
    assert sum(isinstance(event, DialogueEnded) for event in events) == 1
    assert [event.call.outcome for event in events if isinstance(event, CallEnded)] == ["cancelled"]
    wait_until(lambda: wire.active == 0)


def test_a_stop_that_comes_while_ends_are_queued_loses_none_of_them(tmp_path):
    """All turns are over, but the reader has seen none of their ends when the stop comes."""
    orchestrator, _ = orchestra(tmp_path, yes)
    spec, _ = orchestrator.prepare(chorus(3), "Too late.", models=[card()])

    async def stopped_late():
        engine = Engine("d", spec, orchestrator.client)
        events = engine.run(begun)
        seen = [await anext(events), await anext(events)]
        while engine._floor.events.qsize() < 3 * 4 - 1:
            await asyncio.sleep(0)
        for _ in range(5):
            await asyncio.sleep(0)
        engine.stop()
        return seen + [event async for event in events]

    seen = asyncio.run(stopped_late())
    orchestrator.close()
    assert sum(isinstance(event, TurnCompleted) for event in seen) == 3
    assert seen[-1].status is Status.COMPLETED


def test_a_failure_is_not_hidden_by_a_deadline_that_passes_afterwards(tmp_path):
    async def act(request):
        if request.messages[-1]["content"] == "voice 1":
            raise ZeroDivisionError("a defect")
        await asyncio.sleep(60)
        yield Chunk()

    orchestrator, _ = orchestra(tmp_path, act)
    with orchestrator:
        dialogue = orchestrator.run(chorus(2), "Fail first.", models=[card()], limits={"timeout": 0.5})
    assert dialogue.status is Status.FAILED
    assert "ZeroDivisionError" in dialogue.reason
    assert dialogue.transcript["v2"].status is Status.CANCELLED


async def test_a_task_that_is_cancelled_stops_the_dialogue_that_it_awaits(orchestrator, wire):
    waiting = asyncio.ensure_future(orchestrator.run_async("debate", "Cancel me.", **debate(wire)))
    while wire.written < 3:
        await asyncio.sleep(0.005)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    stored = await asyncio.to_thread(orchestrator.load, "last")
    assert (stored.status, stored.transcript["pro_1"].status) == (Status.CANCELLED, Status.CANCELLED)
    assert stored.transcript["pro_1"].text
    while wire.active:
        await asyncio.sleep(0.005)
    assert wire.dropped == 1


async def test_a_task_that_is_cancelled_while_the_dialogue_is_being_set_up_leaves_none_running(tmp_path):
    async def act(_request):
        yield Chunk(text="x")
        await asyncio.sleep(600)

    orchestrator, actors = orchestra(tmp_path, act)
    with orchestrator:
        waiting = asyncio.ensure_future(orchestrator.run_async(line(2), "Cancel me early.", models=[card()]))
        await asyncio.sleep(0)
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting
        stored = await asyncio.to_thread(orchestrator.load, "last")
        assert (stored.status, actors.on) == (Status.CANCELLED, 0)


async def test_awaiting_a_handle_and_giving_up_stops_it_too(tmp_path):
    async def act(_request):
        yield Chunk(text="so far")
        await asyncio.sleep(600)

    orchestrator, actors = orchestra(tmp_path, act)
    with orchestrator:
        dialogue = await asyncio.to_thread(orchestrator.start, line(1), "Give up.", models=[card()])
        async for event in dialogue.stream():
            if isinstance(event, TextDelta):
                break
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(dialogue, 0.05)
        assert (dialogue.status, actors.on) == (Status.CANCELLED, 0)
        assert dialogue.transcript["v1"].text == "so far"


@pytest.mark.slow
def test_an_interrupt_during_run_keeps_what_was_said(tmp_path, wire):
    """Ctrl-C in a process that runs a debate: it ends by KeyboardInterrupt, and the record has all of it."""
    script = """
        import sys
        from pathlib import Path
        from stage import quick
        from workbench.dialogue import Orchestrator

        with Orchestrator(settings=quick(Path(sys.argv[1]))) as orchestrator:
            try:
                orchestrator.run("debate", "Ctrl-C.", models=["openai/wire"], api_base=sys.argv[2])
            except KeyboardInterrupt:
                print(orchestrator.load("last").status)
                raise
    """
    here = Path(__file__).parent
    process = subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(script), str(tmp_path), wire.openai],
        env={**os.environ, "PYTHONPATH": os.pathsep.join([str(here.parent), str(here)])},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    wait_until(lambda: len(wire.requests) == 2 and wire.active == 1 and wire.written > wire.words + 2, 60)
    process.send_signal(signal.SIGINT)
    out, error = process.communicate(timeout=60)
    assert "KeyboardInterrupt" in error
    assert out == "cancelled\n"
    with Record.open(f"sqlite:///{tmp_path}/.workbench/records.db") as record:
        transcript = Transcript(record.events(record.find("last")))
    assert transcript["pro_1"].status is Status.COMPLETED
    assert transcript["con_1"].status is Status.CANCELLED
    assert transcript["con_1"].text
    wait_until(lambda: wire.active == 0)
