"""People take part: they play roles, approve and edit, interject, call on roles, leave turns out; and a wait survives its process."""

import json
import threading
from contextlib import contextmanager

import pytest
from stage import card, line, mode_of, orchestra

from workbench.dialogue import Orchestrator
from workbench.errors import ModeError, WorkbenchError
from workbench.events import Status, TurnCompleted, TurnWaits, Usage
from workbench.models import Chunk
from workbench.records import Record

NEXT = {"type": "object", "required": ["next"], "properties": {"next": {"enum": ["pro", "con", "done"]}}}
DUEL = mode_of(
    {"role": "pro", "template": "{topic}"},
    {"role": "con", "template": "Answer {pro}"},
    {"role": "end", "template": "Sum up {pro} and {con}"},
)


class Held:
    """An act that says `so: ` and what it was asked; can be held back."""

    def __init__(self):
        self.asked, self.go = threading.Semaphore(0), threading.Event()
        self.go.set()

    async def __call__(self, request):
        import asyncio

        self.asked.release()
        while not self.go.is_set():
            await asyncio.sleep(0.002)
        yield Chunk(text=f"so: {request.messages[-1]['content']}")
        yield Chunk(finish_reason="stop", usage=Usage(prompt=10, completion=5), served="actor")


@pytest.fixture
def held():
    return Held()


@pytest.fixture
def orchestrator(tmp_path, held):
    made, actors = orchestra(tmp_path, held)
    with made:
        made.actors = actors
        yield made


def waiting(dialogue, turn, after=0):
    for event in dialogue.events():
        if isinstance(event, TurnWaits) and event.turn == turn and event.seq > after:
            return dialogue
    raise AssertionError(f"it ended first: {dialogue.reason}")


def test_a_person_plays_a_role_and_the_others_hear_it(orchestrator):
    dialogue = orchestrator.start(DUEL, "Tea?", models=[card()], participants={"con": "person"})
    waiting(dialogue, "con")
    assert dialogue.waits == {"con": "answer"}
    assert dialogue.transcript["con"].messages[-1]["content"] == "Answer so: Tea?", "they see what a model would"
    dialogue.answer("Coffee!")
    assert dialogue.wait(10).status is Status.COMPLETED
    assert dialogue.transcript["con"].text == "Coffee!"
    assert dialogue.transcript["end"].messages[-1]["content"] == "Sum up so: Tea? and Coffee!"
    assert (dialogue.transcript["con"].model, dialogue.metrics_by_turn["con"].calls, dialogue.waits) == ("person", 0, {})


def test_the_wait_of_a_person_survives_the_process(tmp_path, held):
    first, _ = orchestra(tmp_path, held)
    first.record.close()
    first, actors = orchestra(tmp_path, held)
    dialogue = first.start(DUEL, "Tea?", models=[card()], participants={"con": "person"})
    waiting(dialogue, "con")
    stored = list(first.record.events(dialogue.id))
    first.close()
    again, actors = orchestra(tmp_path / "again", held)
    with again:
        again.record.write(stored)  # as a killed process would have left it
        resumed = again.restart(dialogue.id)
        waiting(resumed, "con", after=stored[-1].seq)
        resumed.answer("Coffee!")
        assert resumed.wait(10).status is Status.COMPLETED
        assert len(actors.asked) == 1, "the end alone"


def test_where_data_is_asked_a_person_gives_json_or_the_one_value(orchestrator):
    mode = mode_of({"role": "lead", "output_schema": NEXT, "template": "Who?"}, {"role": "pro", "when": "lead.next == 'pro'"})
    dialogue = orchestrator.start(mode, "Tea?", models=[card()], participants={"lead": "person"})
    waiting(dialogue, "lead")
    with pytest.raises(WorkbenchError, match=r"cannot be used(.|\n)*next \(pro or con or done\)"):
        dialogue.answer("nobody")
    assert dialogue.waits == {"lead": "answer"}
    dialogue.answer("pro")
    dialogue.wait(10)
    assert dialogue.transcript["lead"].data == {"next": "pro"}
    assert "pro" in dialogue.transcript


def test_a_person_must_satisfy_the_check_too(orchestrator):
    score = {"type": "object", "required": ["score"], "properties": {"score": {"type": "integer"}}}
    check = {"condition": "score >= 7", "feedback": "Higher."}
    mode = mode_of({"role": "a", "template": "x", "output_schema": score, "check": check})
    dialogue = orchestrator.start(mode, "?", participants={"a": "person"})
    waiting(dialogue, "a")
    with pytest.raises(WorkbenchError, match="Higher"):
        dialogue.answer("3")
    dialogue.answer("8")
    assert dialogue.wait(10).transcript["a"].data == {"score": 8}


@pytest.mark.parametrize("text", ["", " \n "])
def test_nothing_is_no_answer(orchestrator, text):
    dialogue = orchestrator.start(DUEL, "Tea?", models=[card()], participants={"con": "person"})
    waiting(dialogue, "con")
    with pytest.raises(WorkbenchError, match="nothing to say"):
        dialogue.answer(text)


def test_a_turn_is_approved_or_edited_before_the_next_sees_it(orchestrator):
    dialogue = orchestrator.start(DUEL, "Tea?", models=[card()], approve=["pro", "con"])
    waiting(dialogue, "pro")
    assert dialogue.waits == {"pro": "approval"}
    dialogue.approve()
    waiting(dialogue, "con")
    dialogue.approve(text="Rather not.")
    dialogue.wait(10)
    assert [(turn.id, turn.edited) for turn in dialogue.transcript] == [("pro", False), ("con", True), ("end", False)]
    assert dialogue.transcript["con"].answer.text == "so: Answer so: Tea?", "what the model said is kept"
    assert dialogue.transcript["end"].messages[-1]["content"].endswith("and Rather not.")
    (event,) = [e for e in dialogue.recorded_events() if isinstance(e, TurnCompleted) and e.turn == "con"]
    assert event.edited


def test_a_mode_can_ask_for_approval(orchestrator):
    dialogue = orchestrator.start(mode_of({"role": "a", "template": "x", "approve": True}), "?", models=[card()])
    waiting(dialogue, "a").approve()
    assert dialogue.wait(10).status is Status.COMPLETED


def test_a_paid_answer_that_waited_for_approval_is_not_asked_again(tmp_path, held):
    first, _ = orchestra(tmp_path, held)
    dialogue = first.start(DUEL, "Tea?", models=[card()], approve=["all"])
    waiting(dialogue, "pro")
    stored = list(first.record.events(dialogue.id))
    first.close()
    again, actors = orchestra(tmp_path / "again", held)
    with again:
        again.record.write(stored)
        resumed = again.restart(dialogue.id)
        waiting(resumed, "pro", after=stored[-1].seq)
        assert not actors.asked
        assert resumed.transcript["pro"].answer.text == "so: Tea?"
        resumed.approve()
        waiting(resumed, "con")
        assert len(actors.asked) == 1


def test_only_roles_can_be_approved(orchestrator):
    with pytest.raises(ModeError, match="has no role 'por'"):
        orchestrator.start(DUEL, "Tea?", models=[card()], approve=["por"])


@contextmanager
def at_first_turn(orchestrator, held, mode):
    """A dialogue whose first turn is being spoken."""
    held.go.clear()
    dialogue = orchestrator.start(mode, "Tea?", models=[card()])
    assert held.asked.acquire(timeout=10)
    yield dialogue
    held.go.set()
    dialogue.wait(10)


def test_who_interjects_is_heard_by_every_turn_that_begins_later(orchestrator, held):
    with at_first_turn(orchestrator, held, line(3)) as dialogue:
        dialogue.interject("What about cocoa?", name="Anna")
    assert dialogue.status is Status.COMPLETED
    assert [turn.id for turn in dialogue.transcript] == ["Anna_added_1", "v1", "v2", "v3"]
    for name in ("v2", "v3"):
        assert "Anna:\nWhat about cocoa?" in dialogue.transcript[name].messages[-1]["content"]
    assert "cocoa" not in str(dialogue.transcript["v1"].messages)


def test_an_interjection_survives_a_stop(orchestrator, held):
    with at_first_turn(orchestrator, held, line(3)) as dialogue:
        dialogue.interject("What about cocoa?")
        dialogue.cancel()
    assert dialogue.status is Status.CANCELLED
    dialogue.resume().wait(10)
    assert dialogue.status is Status.COMPLETED
    assert "Person:\nWhat about cocoa?" in dialogue.transcript["v1"].messages[-1]["content"], "it began later"


def test_a_role_called_on_speaks_next(orchestrator, held):
    with at_first_turn(orchestrator, held, line(3)) as dialogue:
        dialogue.call_on("v3", "What would you drink?")
    assert [turn.id for turn in dialogue.transcript] == ["v3_added_1", "v1", "v2", "v3"]
    added = dialogue.transcript["v3_added_1"]
    assert added.messages[-1]["content"] == "What would you drink?"
    assert dialogue.transcript["v1"].ended_at <= dialogue.transcript["v2"].started_at
    assert added.ended_at <= dialogue.transcript["v2"].started_at, "the others wait for it"
    assert dialogue.transcript["v3"].messages[:2] == [
        {"role": "user", "content": "What would you drink?"},
        {"role": "assistant", "content": "so: What would you drink?"},
    ]


def test_called_on_in_a_pause_it_speaks_when_the_dialogue_goes_on(orchestrator, held):
    with at_first_turn(orchestrator, held, line(2)) as dialogue:
        dialogue.pause()
        dialogue.call_on("v2")
        held.go.set()
        for event in dialogue.events():
            if event.type == "turn_completed":
                break
        assert [turn.id for turn in dialogue.transcript] == ["v1"]
        dialogue.unpause()
    assert [turn.id for turn in dialogue.transcript] == ["v2_added_1", "v1", "v2"]


def test_a_turn_to_come_can_be_left_out(orchestrator, held):
    with at_first_turn(orchestrator, held, line(3)) as dialogue:
        dialogue.skip("v2")
        with pytest.raises(WorkbenchError, match="'v1' has begun already"):
            dialogue.skip("v1")
        with pytest.raises(WorkbenchError, match="'v9' does not exist"):
            dialogue.skip("v9")
    assert dialogue.status is Status.COMPLETED
    assert [turn.id for turn in dialogue.transcript] == ["v1", "v3"]
    assert dialogue.transcript.skipped["v2"].reason == "left out by a person"


@pytest.mark.parametrize(
    ("act", "why"),
    [
        (lambda d: d.interject("hi", name="v1"), "v1 is a role"),
        (lambda d: d.interject("hi", name="{topic}"), "is no name"),
        (lambda d: d.interject("  "), "nothing to say"),
        (lambda d: d.call_on("v7"), "no role 'v7'"),
        (lambda d: d.answer("x"), "no turn waits for an answer"),
        (lambda d: d.approve(), "no turn waits for approval"),
    ],
)
def test_what_cannot_be_done_is_refused_and_changes_nothing(orchestrator, held, act, why):
    with at_first_turn(orchestrator, held, line(2)) as dialogue, pytest.raises(WorkbenchError, match=why):
        act(dialogue)
    assert [turn.id for turn in dialogue.transcript] == ["v1", "v2"]


def test_after_its_end_nobody_can_take_part(orchestrator):
    dialogue = orchestrator.run(line(1), "Tea?", models=[card()])
    with pytest.raises(WorkbenchError, match="does not run"):
        dialogue.interject("hello?")
    assert not any(dialogue.can[name] for name in ("interject", "call_on", "skip"))


def test_a_fork_takes_interjections_over(orchestrator, held):
    with at_first_turn(orchestrator, held, line(3)) as dialogue:
        dialogue.interject("What about cocoa?", name="Anna")
    fork = dialogue.fork("v2").wait(10)
    assert fork.status is Status.COMPLETED, fork.reason
    assert [turn.id for turn in fork.transcript] == ["Anna_added_1", "v1", "v2", "v3"]
    assert "Anna:\nWhat about cocoa?" in fork.transcript["v3"].messages[-1]["content"]


def test_time_spent_on_people_does_not_count(tmp_path, held):
    """The limit is a tenth of what the person needs: the alarm would have rung many times."""
    orchestrator, _ = orchestra(tmp_path, held)
    with orchestrator:
        limits = {"timeout": 0.3}
        dialogue = orchestrator.start(DUEL, "Tea?", models=[card()], participants={"con": "person"}, limits=limits)
        waiting(dialogue, "con")
        assert not threading.Event().wait(0.6)
        dialogue.answer("Coffee!")
        assert dialogue.wait(10).status is Status.COMPLETED


def test_words_of_people_are_in_the_record(tmp_path, held):
    orchestrator, _ = orchestra(tmp_path, held)
    with orchestrator:
        dialogue = orchestrator.start(DUEL, "Tea?", models=[card()], participants={"con": "person"})
        waiting(dialogue, "con").answer("Coffee!")
        dialogue.wait(10)
        url = orchestrator.record.url
    with Record.open(url) as record:
        turns = record.turns(dialogue.id)
        assert turns.set_index("turn").loc["con", ["model", "text"]].tolist() == ["person", "Coffee!"]
        payload = json.loads(record.events_frame(dialogue.id).query("type == 'turn_waits'").payload.iloc[0])
        assert payload["kind"] == "answer"


def test_a_person_needs_neither_key_nor_model(tmp_path):
    with Orchestrator(tmp_path) as orchestrator:
        dialogue = orchestrator.start(mode_of({"role": "a", "template": "x"}), "?", participants={"a": "person"})
        waiting(dialogue, "a").answer("me")
        assert dialogue.wait(10).text == "me"
