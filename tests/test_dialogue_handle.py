"""The handle of a dialogue: blocking, awaited, watched by many, measured; live or read from the record, it says the same."""

import asyncio
import threading

import pandas as pd
import pytest
from stage import card, chorus, line, orchestra, quick, yes
from wire import Wire, first

from workbench.dialogue import Dialogue, Orchestrator, Transcript
from workbench.errors import RecordError, WorkbenchError
from workbench.events import DialogueEnded, DialogueStarted, Status, TextDelta, Usage
from workbench.loop import run
from workbench.models import Chunk


class Gate:
    """Holds actors back until it is opened; for any thread."""

    def __init__(self):
        self.event = asyncio.Event()

    async def act(self, request):
        yield Chunk(text="before ")
        await self.event.wait()
        yield Chunk(text=f"after {request.messages[-1]['content'][:10]}", finish_reason="stop", usage=Usage(7, 3), served="s")

    def open(self):
        async def open_it():
            self.event.set()

        run(open_it())


@pytest.fixture
def gate():
    return Gate()


@pytest.fixture
def gated(tmp_path, gate):
    """An orchestrator whose models say a word and then wait for the gate."""
    orchestrator, _ = orchestra(tmp_path, gate.act)
    with orchestrator:
        yield orchestrator


def durable(events):
    return [event for event in events if event.durable]


def test_run_blocks_to_the_end_and_start_does_not(gated, gate):
    dialogue = gated.start(line(2), "Wait.", models=[card()])
    assert dialogue.running
    with pytest.raises(TimeoutError):
        dialogue.wait(timeout=0.01)
    assert dialogue.running
    gate.open()
    assert dialogue.wait(timeout=30) is dialogue
    assert (dialogue.running, dialogue.status, dialogue.reason) == (False, Status.COMPLETED, None)
    assert gated.run(line(1), "Now.", models=[card()]).status is Status.COMPLETED


async def test_it_can_be_awaited_on_a_loop_that_runs_already_as_in_a_notebook(tmp_path):
    orchestrator, _ = orchestra(tmp_path, yes)
    with orchestrator:
        dialogue = await orchestrator.run_async(line(2), "Await.", models=[card()])
        assert dialogue.status is Status.COMPLETED
        assert await dialogue is dialogue
        again = await orchestrator.start(line(1), "Await again.", models=[card()])
        assert again.status is Status.COMPLETED
        blocked = orchestrator.run(line(1), "Or block.", models=[card()])
        assert blocked.status is Status.COMPLETED
        limited = await orchestrator.run_async(line(2), "Resume.", models=[card()], limits={"max_turns": 1})
        assert (await orchestrator.resume_async(limited.id, limits={"max_turns": 2})).status is Status.COMPLETED


async def test_the_callers_loop_is_free_while_it_awaits(gated, gate):
    waiting = asyncio.ensure_future(gated.run_async(line(1), "Free.", models=[card()]))
    for _ in range(50):
        await asyncio.sleep(0)
    assert not waiting.done()
    await asyncio.to_thread(gate.open)
    assert (await waiting).status is Status.COMPLETED


async def test_errors_of_preparation_come_out_of_every_way_in(tmp_path):
    orchestrator, _ = orchestra(tmp_path, yes)
    with orchestrator:
        for begin in (orchestrator.run, orchestrator.start, orchestrator.prepare):
            with pytest.raises(WorkbenchError, match="needs a topic"):
                begin(line(1), "  ", models=[card()])
        with pytest.raises(WorkbenchError, match="needs a topic"):
            await orchestrator.run_async(line(1), "", models=[card()])
        with pytest.raises(RecordError):
            await orchestrator.resume_async("no-such-dialogue")


def test_watchers_early_and_late_see_the_same_recorded_events(gated, gate):
    dialogue = gated.start(line(3), "Watch.", models=[card()])
    early = dialogue.events()
    seen = [next(early)]
    while not isinstance(seen[-1], TextDelta):
        seen.append(next(early))
    late = dialogue.events()
    caught_up = [next(late)]
    gate.open()
    seen += early
    caught_up += late
    after_the_end = list(dialogue.events())
    assert isinstance(seen[0], DialogueStarted)
    assert isinstance(seen[-1], DialogueEnded)
    assert durable(seen) == durable(caught_up) == after_the_end == dialogue.recorded_events()
    assert vars(Transcript(after_the_end)) == vars(dialogue.transcript)


def test_two_watchers_on_two_threads_agree_about_every_event(tmp_path):
    orchestrator, _ = orchestra(tmp_path, yes)
    seen = {}
    with orchestrator:
        dialogue = orchestrator.start(chorus(20), "Agree.", models=[card()])
        watchers = [threading.Thread(target=lambda n=n: seen.update({n: list(dialogue.events())})) for n in range(4)]
        for watcher in watchers:
            watcher.start()
        for watcher in watchers:
            watcher.join(30)
    recorded = dialogue.recorded_events()
    assert [durable(seen[n]) for n in range(4)] == [recorded] * 4


def test_whoever_joins_while_events_rush_by_gets_each_exactly_once(tmp_path):
    """Hundreds of watchers join at every moment of a run; none sees an event twice or misses one."""

    async def act(_request):
        for _ in range(30):
            await asyncio.sleep(0)
            yield Chunk(text="x")
        yield Chunk(finish_reason="stop", usage=Usage(1, 1))

    orchestrator, _ = orchestra(tmp_path, act)
    joined = []
    with orchestrator:
        dialogue = orchestrator.start(line(40), "Join.", models=[card()])
        while dialogue.running and len(joined) < 300:
            watching = dialogue.events()
            joined.append((watching, [next(watching)]))
        dialogue.wait(60)
        recorded = dialogue.recorded_events()
    for watching, seen in joined:
        everything = [*seen, *watching]
        assert durable(everything) == recorded
        numbers = [event.seq for event in everything]
        assert numbers == sorted(set(numbers))
    assert joined


async def test_a_stream_tells_the_same_on_the_callers_loop(gated, gate):
    dialogue = gated.start(line(2), "Stream.", models=[card()])
    await asyncio.to_thread(gate.open)
    seen = [event async for event in dialogue.stream()]
    assert durable(seen) == dialogue.recorded_events()
    assert [event async for event in dialogue.stream()] == dialogue.recorded_events()


def test_a_reader_whose_loop_is_gone_does_not_stop_the_dialogue(gated, gate):
    dialogue = gated.start(line(3), "Gone.", models=[card()])

    async def read_one():
        stream = dialogue.stream()
        await anext(stream)
        return stream

    loop = asyncio.new_event_loop()
    abandoned = loop.run_until_complete(read_one())
    loop.close()
    gate.open()
    assert dialogue.wait(30).status is Status.COMPLETED
    with pytest.raises(StopIteration):  # nothing in it waits, so it can be closed without a loop
        abandoned.aclose().send(None)


def test_a_reader_who_leaves_early_does_not_stop_the_dialogue(gated, gate):
    dialogue = gated.start(line(2), "Leave.", models=[card()])
    for _ in dialogue.events():
        break
    gate.open()
    assert dialogue.wait(30).status is Status.COMPLETED


def test_a_snapshot_stays_as_it_was(gated, gate):
    dialogue = gated.start(line(2), "Snap.", models=[card()])
    next(event for event in dialogue.events() if isinstance(event, TextDelta))
    before = dialogue.snapshot()
    gate.open()
    dialogue.wait(30)
    assert (before.status, before["v1"].text, before["v1"].calls, len(before)) == (Status.RUNNING, "before ", [], 1)
    assert len(dialogue.transcript) == 2


TURNS = {
    "turn": "string", "index": "Int64", "role": "string", "round": "Int64", "model": "string", "served": "string",
    "status": "string", "text": "string", "reasoning": "string", "prompt_tokens": "Int64", "completion_tokens": "Int64",
    "cost": "float64", "latency": "float64", "calls": "Int64", "error": "string",
}  # fmt: skip
CALLS = {
    "call": "string", "turn": "string", "asked": "string", "model": "string", "served": "string", "provider": "string",
    "attempt": "Int64", "outcome": "string", "prompt_tokens": "Int64", "completion_tokens": "Int64", "cached_tokens": "Int64",
    "reasoning_tokens": "Int64", "cost": "float64", "queue": "float64", "first_token": "float64", "total": "float64",
    "finish_reason": "string", "fallback_reason": "string", "error": "string", "started_at": "datetime64[us, UTC]",
}  # fmt: skip


def types(frame):
    return {name: str(kind) for name, kind in frame.dtypes.items()}


def test_frames_have_the_same_columns_and_types_with_rows_and_without():
    empty = Dialogue.stored([])
    assert (types(empty.turns), types(empty.calls)) == (TURNS, CALLS)
    assert (len(empty.turns), len(empty.calls)) == (0, 0)


@pytest.fixture
def measured(tmp_path):
    """A debate whose first request failed, and the same read from the record."""
    with Wire(faults=first(1, "500"), cached_tokens=4, reasoning="hm hm", words=6) as wire:
        with Orchestrator(settings=quick(tmp_path)) as orchestrator:
            model = card("wire", price=2.0, api_base=wire.openai)
            dialogue = orchestrator.run("debate", "Measure.", models=[model], parameters={"rounds": 1})
        with Orchestrator(settings=quick(tmp_path)) as orchestrator:
            yield dialogue, orchestrator.load(dialogue.id)


def test_frames_say_what_happened(measured):
    dialogue, _ = measured
    turns, calls = dialogue.turns, dialogue.calls
    assert (types(turns), types(calls)) == (TURNS, CALLS)
    assert turns["turn"].tolist() == ["pro", "con", "verdict"]
    assert turns["calls"].tolist() == [2, 1, 1]
    assert turns["text"].str.split().str.len().tolist() == [6, 6, 6]
    assert turns["reasoning"].tolist() == ["hm hm"] * 3
    assert turns["cost"].tolist() == pytest.approx([2.0 * (10 + 6 + 2) / 1e6] * 3)
    assert calls["outcome"].tolist() == ["capacity", "ok", "ok", "ok"]
    assert calls["prompt_tokens"].isna().tolist() == [True, False, False, False]
    assert calls["cost"].isna().tolist() == [True, False, False, False]
    assert calls["attempt"].tolist() == [1, 2, 1, 1]
    assert calls["served"].tolist()[1:] == ["wire-model-1"] * 3
    assert (calls["started_at"].diff().dropna() >= pd.Timedelta(0)).all()


def test_metrics_of_the_whole_are_those_of_its_turns_together(measured):
    dialogue, _ = measured
    whole, parts = dialogue.metrics, dialogue.metrics_by_turn
    assert list(parts) == ["pro", "con", "verdict"]
    for name in ("turns", "calls", "prompt_tokens", "completion_tokens", "cached_tokens", "reasoning_tokens", "lost_calls"):
        assert getattr(whole, name) == sum(getattr(part, name) for part in parts.values())
    assert whole.cost == pytest.approx(sum(part.cost for part in parts.values()))
    assert (whole.turns, whole.calls, whole.lost_calls, whole.unpriced_calls) == (3, 4, 1, 0)
    assert (whole.tokens, whole.cached_tokens, whole.reasoning_tokens) == (54, 12, 6)
    assert whole.latency >= max(part.latency for part in parts.values()) > 0
    assert sum(part.latency for part in parts.values()) <= whole.latency


def test_what_is_read_from_the_record_says_the_same(measured):
    dialogue, stored = measured
    assert stored.metrics == dialogue.metrics
    assert stored.metrics_by_turn == dialogue.metrics_by_turn
    assert stored.to_dict() == dialogue.to_dict()
    assert stored.text == dialogue.text == dialogue.transcript["verdict"].text
    pd.testing.assert_frame_equal(stored.turns, dialogue.turns)
    pd.testing.assert_frame_equal(stored.calls, dialogue.calls)
    for fmt in ("json", "markdown", "html"):
        assert stored.export(fmt) == dialogue.export(fmt)
    assert not stored.running
    assert stored.wait(0) is stored
    assert list(stored.events()) == dialogue.recorded_events()
    stored.cancel()


def test_the_record_sums_up_a_dialogue_as_the_handle_does(measured, tmp_path):
    dialogue, _ = measured
    with Orchestrator(settings=quick(tmp_path)) as orchestrator:
        summary = orchestrator.record.summary(dialogue.id)
    assert (summary.prompt_tokens, summary.completion_tokens) == (30, 24)
    assert summary.cost == pytest.approx(dialogue.metrics.cost)
    assert summary.turns_completed == dialogue.metrics.turns


def test_unknown_prices_are_unknown_and_not_nothing(tmp_path):
    orchestrator, _ = orchestra(tmp_path, yes)
    with orchestrator:
        dialogue = orchestrator.run(line(2), "Price?", models=[card(price=None)])
        free = orchestrator.run(line(2), "Free.", models=[card(price=0.0)])
    assert (dialogue.metrics.cost, dialogue.metrics.unpriced_calls) == (None, 2)
    assert dialogue.turns["cost"].isna().all()
    assert (free.metrics.cost, free.metrics.unpriced_calls) == (0.0, 0)


def test_the_handle_shows_itself(tmp_path):
    orchestrator, _ = orchestra(tmp_path, yes)
    with orchestrator:
        dialogue = orchestrator.run(line(1), "Show.", models=[card()])
    assert repr(dialogue) == f"Dialogue({dialogue.id}, stage, completed, 1 turns)"
    assert "You said" in dialogue._repr_html_()
    assert "You said" in dialogue._repr_markdown_()


def test_a_dialogue_is_found_by_its_id_the_beginning_of_it_and_as_the_last(tmp_path):
    orchestrator, _ = orchestra(tmp_path, yes)
    with orchestrator:
        earlier = orchestrator.run(line(1), "Earlier.", models=[card()])
        later = orchestrator.run(line(1), "Later.", models=[card()])
        assert orchestrator.load(earlier.id).topic == orchestrator.load(earlier.id[:8]).topic == "Earlier."
        assert orchestrator.load("last").id == later.id
