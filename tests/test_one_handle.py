"""One dialogue has one handle in a process: whoever holds it sees it go on, from wherever it was resumed."""

import gc
import weakref
from concurrent.futures import ThreadPoolExecutor

import pytest
from patience import wait_until
from stage import card, line, orchestra, yes

from workbench.dialogue import Dialogue, Transcript
from workbench.dialogue.driving import one_handle
from workbench.errors import RecordError, WorkbenchError
from workbench.events import Status
from workbench.records import Record


@pytest.fixture
def orchestrator(tmp_path):
    made, actors = orchestra(tmp_path, yes)
    with made:
        made.actors = actors
        yield made


def limited(orchestrator):
    return orchestrator.run(line(3), "Tabs?", models=[card()], limits={"max_turns": 1})


def test_the_handle_goes_on_in_place(orchestrator):
    dialogue = limited(orchestrator)
    assert dialogue.can["resume"]
    assert dialogue.resume(limits={"max_turns": 10}) is dialogue
    dialogue.wait(10)
    assert dialogue.status is Status.COMPLETED
    assert len(dialogue.turns) == 3
    assert len(orchestrator.actors.asked) == 3


def test_a_resume_by_id_reaches_the_handle_that_is_held(orchestrator):
    dialogue = limited(orchestrator)
    resumed = orchestrator.resume(dialogue.id[:6], limits={"max_turns": 10})
    assert resumed is dialogue
    assert dialogue.status is Status.COMPLETED


def test_load_finds_the_running_one(orchestrator, tmp_path):
    dialogue = orchestrator.start(line(3), "Tabs?", models=[card()])
    assert orchestrator.load(dialogue.id) is dialogue
    dialogue.wait(10)


def test_load_reads_what_others_wrote(orchestrator, tmp_path):
    dialogue = limited(orchestrator)
    before = len(dialogue.recorded_events())
    dialogue._reload([])
    assert orchestrator.load(dialogue.id) is dialogue
    assert len(dialogue.recorded_events()) == before


def test_it_is_not_kept_alive(orchestrator):
    dialogue = limited(orchestrator)
    gone, name = weakref.ref(dialogue), dialogue.id
    del dialogue
    wait_until(lambda: gc.collect() >= 0 and gone() is None)  # the engine's loop may still be about to let go of it
    assert orchestrator.load(name).status is Status.COST_LIMITED


def test_it_cannot_run_twice_at_once(orchestrator):
    dialogue = orchestrator.start(line(50), "Tabs?", models=[card()])
    with pytest.raises((RecordError, WorkbenchError)):
        dialogue.resume()
    dialogue.wait(10)
    assert dialogue.status is Status.COMPLETED
    assert len(orchestrator.actors.asked) == 50


async def test_run_async_goes_on_to_the_end_whatever_its_state(orchestrator):
    dialogue = limited(orchestrator)
    assert await dialogue.run_async(limits={"max_turns": 10}) is dialogue
    assert dialogue.status is Status.COMPLETED
    assert await dialogue.run_async() is dialogue
    running = orchestrator.start(line(3), "Tabs?", models=[card()])
    await running.run_async()
    assert running.status is Status.COMPLETED


def test_a_dialogue_from_nowhere_says_how_to_go_on(orchestrator):
    from workbench.dialogue import Dialogue

    loose = Dialogue.stored(limited(orchestrator).recorded_events())
    assert not loose.can["resume"]
    with pytest.raises(WorkbenchError, match="belongs to no orchestrator"):
        loose.resume()


def test_two_threads_that_make_one_at_once_hold_the_same(tmp_path):
    with Record.open(f"sqlite:///{tmp_path / 'records.db'}") as record:
        made = [Dialogue(Transcript.of("one", "debate", "Tea")) for _ in range(8)]
        with ThreadPoolExecutor(8) as threads:
            held = list(threads.map(lambda handle: one_handle(record, handle), made))
    assert len({id(handle) for handle in held}) == 1
    assert held[0] in made
