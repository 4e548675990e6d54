"""What the engine promises of order: durable before the next, side by side where possible, one numbered stream, no call left over."""

import asyncio
import itertools
import sqlite3
import tempfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from stage import card, chorus, line, mode_of, orchestra, quick, yes
from wire import Wire

from workbench.dialogue import Orchestrator, Transcript
from workbench.errors import ErrorKind as Kind
from workbench.errors import ModelError, RecordError
from workbench.events import DialogueEnded, Status, TextDelta, TurnCompleted, TurnStarted, Usage
from workbench.loop import run
from workbench.models import Chunk
from workbench.records import Record


def completed_turns(file):
    """Turns that another connection finds complete in the record."""
    with sqlite3.connect(file) as connection:
        rows = connection.execute("SELECT count(*) FROM events WHERE type = 'turn_completed'").fetchone()
    connection.close()
    return rows[0]


def test_a_turn_is_on_disk_before_its_successor_is_asked(tmp_path):
    file, found = tmp_path / ".workbench" / "records.db", []

    def look(_asked):
        found.append(completed_turns(file))

    with Wire(faults=look) as wire, Orchestrator(settings=quick(tmp_path)) as orchestrator:
        orchestrator.run("debate", "Order.", models=["openai/wire"], api_base=wire.openai, parameters={"rounds": 2})
    assert found == [0, 1, 2, 3, 4]


def test_parallel_turns_are_asked_at_the_same_time_and_their_synthesis_after_all_are_on_disk(tmp_path):
    file, found = tmp_path / ".workbench" / "records.db", []

    def look(_asked):
        found.append(completed_turns(file))

    with Wire(faults=look, delay=0.01) as wire, Orchestrator(settings=quick(tmp_path)) as orchestrator:
        orchestrator.run("parallel", "Order.", models=["openai/wire"], api_base=wire.openai, parameters={"voices": 4})
        assert wire.most_active == 4
    assert found == [0, 0, 0, 0, 4]


@st.composite
def schedules(draw):
    """A mode of blocks, and for each of its turns how many steps of the loop its answer takes."""
    blocks = draw(st.lists(st.tuples(st.integers(1, 4), st.booleans()), min_size=1, max_size=3))
    turns, number = [], 0
    for size, parallel in blocks:
        inner = []
        for _ in range(size):
            number += 1
            inner.append({"role": f"r{number}", "template": f"say {number}"})
        turns.append({"structure": "parallel" if parallel else "sequential", "turns": inner})
    steps = draw(st.lists(st.integers(0, 12), min_size=number, max_size=number))
    return mode_of(*turns, structure=draw(st.sampled_from(["sequential", "parallel"]))), steps


@given(schedules())
@settings(max_examples=60, deadline=None)
def test_however_answers_interleave_the_transcript_is_the_same_and_so_is_the_record(schedule):
    mode, steps = schedule

    async def act(request):
        number = int(request.messages[-1]["content"].split()[1])
        for step in range(steps[number - 1]):
            await asyncio.sleep(0)
            if step % 3 == 0:
                yield Chunk(text=".")
        yield Chunk(text=f"{number}", finish_reason="stop", usage=Usage(1, 1))

    with tempfile.TemporaryDirectory() as folder:
        orchestrator, _ = orchestra(Path(folder), act)
        with orchestrator:
            dialogue = orchestrator.start(mode, "Order.", models=[card()])
            seen = list(dialogue.events())
            dialogue.wait()
            stored = orchestrator.load(dialogue.id)
    expected = [(f"r{n}", "." * ((steps[n - 1] + 2) // 3) + f"{n}") for n in range(1, len(steps) + 1)]
    assert [(turn.id, turn.text) for turn in dialogue.transcript] == expected
    assert all(before.seq < after.seq for before, after in itertools.pairwise(seen))
    assert [event for event in seen if event.durable] == stored.recorded_events() == dialogue.recorded_events()
    assert stored.transcript.turns == dialogue.transcript.turns
    assert vars(stored.transcript) == vars(dialogue.transcript)


def test_a_turn_that_fails_lets_those_beside_it_finish_and_nothing_new_begins(tmp_path):
    failed = asyncio.Event()

    async def act(request):
        if request.messages[-1]["content"] == "fail":
            failed.set()
            raise ModelError(Kind.AUTHENTICATION, "no", model="actor")
        await failed.wait()
        for _ in range(20):
            await asyncio.sleep(0)
        yield Chunk(text="done", finish_reason="stop", usage=Usage(1, 1))

    both = {"structure": "parallel", "turns": [{"role": "a", "template": "fail"}, {"role": "b", "template": "go on"}]}
    orchestrator, actors = orchestra(tmp_path, act)
    with orchestrator:
        dialogue = orchestrator.run(mode_of(both, {"role": "c", "template": "after"}), "Failure.", models=[card()])
    assert (dialogue.status, actors.on) == (Status.FAILED, 0)
    assert {turn.id: turn.status for turn in dialogue.transcript} == {"a": Status.FAILED, "b": Status.COMPLETED}
    assert dialogue.reason.startswith("a: ")
    assert dialogue.transcript["b"].text == "done"


def test_a_defect_in_a_provider_ends_the_turn_and_not_the_process(tmp_path):
    async def act(_request):
        yield Chunk(text="half")
        raise ZeroDivisionError("a defect")

    orchestrator, _ = orchestra(tmp_path, act)
    with orchestrator:
        dialogue = orchestrator.run(line(2), "Defects.", models=[card()])
        stored = orchestrator.load(dialogue.id)
    turn = dialogue.transcript["v1"]
    assert (dialogue.status, turn.status, turn.text, len(dialogue.transcript)) == (Status.FAILED, Status.FAILED, "half", 1)
    assert "ZeroDivisionError" in turn.error
    assert stored.transcript.turns == dialogue.transcript.turns


def test_a_provider_that_cancels_itself_does_not_make_the_dialogue_complete(tmp_path):
    async def act(_request):
        yield Chunk(text="half")
        raise asyncio.CancelledError

    orchestrator, _ = orchestra(tmp_path, act)
    with orchestrator:
        dialogue = orchestrator.run(line(2), "Cancelled from within.", models=[card()])
    assert (dialogue.status, dialogue.transcript["v1"].status) == (Status.CANCELLED, Status.CANCELLED)
    assert dialogue.transcript["v1"].text == "half"
    assert "v1" in dialogue.reason


def test_when_the_record_fails_that_error_arrives_and_no_call_is_left_running(tmp_path):
    """The record's file is taken away while one turn speaks and two others hang."""

    async def act(request):
        yield Chunk(text="x")
        if request.messages[-1]["content"] == "hang":
            await asyncio.sleep(600)
        while actors.on < 3:
            await asyncio.sleep(0)
        (tmp_path / ".workbench" / "records.db").unlink()
        yield Chunk(finish_reason="stop", usage=Usage(1, 1))

    orchestrator, actors = orchestra(tmp_path, act)
    turns = [{"role": "a", "template": "hang"}, {"role": "b", "template": "speak"}, {"role": "c", "template": "hang"}]
    dialogue = orchestrator.start(mode_of(*turns, structure="parallel"), "The record fails.", models=[card()])
    with pytest.raises(RecordError, match="removed or replaced"):
        dialogue.wait(30)
    assert (dialogue.running, actors.on) == (False, 0)
    assert not any(isinstance(event, DialogueEnded) for event in dialogue.events())
    with pytest.raises(RecordError, match="could not be stored"):
        orchestrator.close()


def test_a_closed_orchestrator_has_stopped_its_dialogues_and_kept_what_was_said(tmp_path):
    async def act(_request):
        yield Chunk(text="so far")
        await asyncio.sleep(60)

    orchestrator, actors = orchestra(tmp_path, act)
    with orchestrator:
        dialogue = orchestrator.start(line(2), "Close.", models=[card()])
        next(event for event in dialogue.events() if isinstance(event, TextDelta))
    assert (dialogue.status, dialogue.text, actors.on) == (Status.CANCELLED, "", 0)
    with Record.open(f"sqlite:///{tmp_path}/.workbench/records.db") as record:
        assert Transcript(record.events(dialogue.id))["v1"].text == "so far"


def test_a_running_dialogue_cannot_be_resumed_by_the_process_that_runs_it(tmp_path):
    go = asyncio.Event()

    async def act(_request):
        await go.wait()
        yield Chunk(text="x", finish_reason="stop", usage=Usage(1, 1))

    async def let_go():
        go.set()

    orchestrator, actors = orchestra(tmp_path, act)
    with orchestrator:
        dialogue = orchestrator.start(line(1), "Twice.", models=[card()])
        next(event for event in dialogue.events() if isinstance(event, TurnStarted))
        with pytest.raises(RecordError, match="being run by this process"):
            orchestrator.restart(dialogue.id)
        run(let_go())
        assert dialogue.wait(30).status is Status.COMPLETED
    assert len(actors.asked) == 1


def test_two_hundred_turns_of_which_fifty_run_at_once(tmp_path):
    blocks = [
        {"structure": "parallel", "turns": [{"role": f"b{b}v{n}", "template": "{previous}" if b else "x"} for n in range(50)]}
        for b in range(4)
    ]

    async def act(request):
        async for chunk in yes(request):
            yield Chunk(text=chunk.text[:20], finish_reason=chunk.finish_reason, usage=chunk.usage)

    orchestrator, actors = orchestra(tmp_path, act)
    with orchestrator:
        dialogue = orchestrator.run(mode_of(*blocks), "Many.", models=[card()])
        stored = orchestrator.load(dialogue.id)
    assert (dialogue.status, len(actors.asked)) == (Status.COMPLETED, 200)
    assert actors.most > 1
    assert stored.transcript.turns == dialogue.transcript.turns
    assert isinstance(stored.recorded_events()[-1], DialogueEnded)


def test_dialogues_that_run_at_once_do_not_mix(tmp_path):
    orchestrator, _ = orchestra(tmp_path, yes)
    with orchestrator:
        dialogues = [orchestrator.start(line(3), f"Topic {n}", models=[card()]) for n in range(12)]
        for dialogue in dialogues:
            dialogue.wait(30)
        for dialogue in dialogues:
            events = orchestrator.record.events(dialogue.id)
            assert {event.dialogue for event in events} == {dialogue.id}
            assert sum(isinstance(event, TurnCompleted) for event in events) == 3


def test_all_of_a_parallel_block_can_be_named_by_who_comes_after(tmp_path):
    orchestrator, actors = orchestra(tmp_path, yes)
    mode = chorus(2)
    mode["structure"] = "sequential"
    mode["turns"] = [{"structure": "parallel", "turns": mode["turns"]}, {"role": "end", "template": "{v1} and {v2}"}]
    with orchestrator:
        orchestrator.run(mode, "Names.", models=[card()])
    assert actors.asked[-1].messages[-1]["content"] == "You said: voice 1 and You said: voice 2"
