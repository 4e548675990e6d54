"""Pause holds the next turn back and lets the ones that run finish; unpause goes on; a stop ends a pause."""

import threading
from itertools import pairwise

import pytest
from stage import card, line, mode_of, orchestra, yes

from workbench.dialogue import Dialogue
from workbench.events import DialogueContinued, DialoguePaused, Status, TurnStarted
from workbench.models import Chunk


class Held:
    """An act whose first turn waits until the test lets it go."""

    def __init__(self):
        self.asked, self.go = threading.Event(), threading.Event()

    async def __call__(self, request):
        import asyncio

        self.asked.set()
        while not self.go.is_set():
            await asyncio.sleep(0.002)
        yield Chunk(text="said")
        async for chunk in yes(request):
            yield chunk


@pytest.fixture
def held():
    return Held()


@pytest.fixture
def orchestrator(tmp_path, held):
    made, actors = orchestra(tmp_path, held)
    with made:
        made.actors = actors
        yield made


def paused(orchestrator, held, **options) -> Dialogue:
    """A dialogue of three turns, paused while the first is spoken, which is then let go."""
    dialogue = orchestrator.start(line(3), "Tabs?", models=[card()], **options)
    assert held.asked.wait(10)
    seen = dialogue.events()
    dialogue.pause()
    until(seen, DialoguePaused)
    held.go.set()
    until(seen, lambda event: event.type == "turn_completed")
    return dialogue


def until(events, wanted):
    for event in events:
        if isinstance(event, wanted) if isinstance(wanted, type) else wanted(event):
            return event
    raise AssertionError("it ended first")


def test_the_running_turn_is_finished_and_no_other_starts(orchestrator, held):
    dialogue = paused(orchestrator, held)
    assert dialogue.paused
    assert dialogue.can | {"stop": True, "pause": False, "unpause": True, "resume": False} == dialogue.can
    with pytest.raises(TimeoutError):
        dialogue.wait(0.2)
    assert [turn.status for turn in dialogue.snapshot()] == [Status.COMPLETED]
    assert len(orchestrator.actors.asked) == 1


def test_it_goes_on_where_it_was(orchestrator, held):
    dialogue = paused(orchestrator, held)
    dialogue.unpause()
    dialogue.wait(10)
    assert dialogue.status is Status.COMPLETED
    assert not dialogue.paused
    assert len(orchestrator.actors.asked) == 3
    kinds = [type(event) for event in dialogue.recorded_events()]
    starts = [n for n, kind in enumerate(kinds) if kind is TurnStarted]
    assert kinds.index(DialoguePaused) < kinds.index(DialogueContinued) < starts[1]


def test_a_stop_ends_the_pause(orchestrator, held):
    dialogue = paused(orchestrator, held)
    dialogue.cancel()
    dialogue.wait(10)
    assert dialogue.status is Status.CANCELLED
    assert not dialogue.paused
    assert len(orchestrator.actors.asked) == 1


def test_a_stopped_one_resumes_as_if_it_had_not_been_paused(orchestrator, held):
    dialogue = paused(orchestrator, held)
    dialogue.cancel()
    dialogue.wait(10)
    dialogue.resume().wait(10)
    assert dialogue.status is Status.COMPLETED
    assert len(orchestrator.actors.asked) == 3


def test_the_record_tells_the_same_story(orchestrator, held):
    dialogue = paused(orchestrator, held)
    dialogue.unpause()
    dialogue.wait(10)
    stored = Dialogue.stored(orchestrator.record.events(dialogue.id))
    assert stored.metrics == dialogue.metrics
    assert stored.transcript.turns == dialogue.transcript.turns


def test_a_pause_does_not_use_up_the_time_limit(orchestrator, held):
    dialogue = paused(orchestrator, held, limits={"timeout": 1.0})
    with pytest.raises(TimeoutError):
        dialogue.wait(1.3)
    dialogue.unpause()
    dialogue.wait(10)
    assert dialogue.status is Status.COMPLETED


def test_time_spent_paused_is_not_counted_as_running(orchestrator, held):
    dialogue = paused(orchestrator, held)
    with pytest.raises(TimeoutError):
        dialogue.wait(0.6)
    dialogue.unpause()
    dialogue.wait(10)
    events = dialogue.recorded_events()
    gap = next(later.at - earlier.at for earlier, later in pairwise(events) if isinstance(later, DialogueContinued))
    assert gap > 0.5
    assert dialogue.metrics.latency == pytest.approx(events[-1].at - events[0].at - gap, abs=1e-6)


def test_pausing_before_the_first_turn_and_twice(orchestrator, held):
    held.go.set()
    dialogue = orchestrator.start(mode_of({"role": "one", "template": "{topic}"}), "Tabs?", models=[card()])
    dialogue.pause()
    dialogue.pause()
    dialogue.unpause()
    dialogue.unpause()
    dialogue.wait(10)
    assert dialogue.status is Status.COMPLETED
