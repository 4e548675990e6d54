"""A person takes part from a page: answers, approves, edits, interjects, calls on a role, leaves a turn out."""

import threading

import pytest
from panel_page import Page, wire_comms
from stage import card, mode_of, orchestra

from workbench.events import Usage
from workbench.models import Chunk
from workbench.panels import panel_of
from workbench.panels.facts import snapshot
from workbench.panels.form import fields_of

CHOICE = {
    "type": "object",
    "required": ["next"],
    "properties": {"next": {"enum": ["critic", "done"], "description": "Who goes on"}, "why": {"type": "string"}},
}
THREE = mode_of(
    {"role": "pro", "template": "For {topic}"},
    {"role": "con", "template": "Against {topic}"},
    {"role": "end", "template": "End"},
)


class Script:
    """Answers with what was asked; a word that is held waits."""

    def __init__(self):
        self.held: dict[str, threading.Event] = {}

    def hold(self, word):
        self.held[word] = threading.Event()
        return self.held[word]

    async def __call__(self, request):
        import asyncio

        asked = request.messages[-1]["content"]
        yield Chunk(text=f"I say {asked.splitlines()[-1]}")
        for word, event in self.held.items():
            while word in asked and not event.is_set():
                await asyncio.sleep(0.002)
        yield Chunk(finish_reason="stop", usage=Usage(prompt=10, completion=5), served="actor")


@pytest.fixture
def script():
    return Script()


@pytest.fixture
def stage(tmp_path, script, monkeypatch):
    wire_comms(monkeypatch)
    orchestrator, _ = orchestra(tmp_path, script)
    with orchestrator:
        yield orchestrator
        for event in script.held.values():
            event.set()


@pytest.fixture
def begin(stage):
    def begin(mode=THREE, topic="Tabs?", **options):
        dialogue = stage.start(mode, topic, **({"models": [card()]} | options))
        return dialogue, Page(panel_of(dialogue))

    return begin


def waits(page, turn, kind):
    page.until(lambda page: page.turns.get(turn, {}).get("waits") == kind)
    assert page.dialogue["waits"]


def over(page):
    page.until(lambda page: not page.dialogue["live"])
    return page.dialogue["status"]


def test_a_person_answers_a_turn(begin):
    dialogue, page = begin(participants={"con": "person"})
    waits(page, "con", "answer")
    turn = page.turns["con"]
    assert (turn["person"], turn["asked"]) == (True, {"prompt": "Against Tabs?", "fields": None})
    assert page.ask(type="answer", of=dialogue.id, turn="con", text="Spaces are *wider*.") == {"type": "done", "ask": "ask-1"}
    assert over(page) == "completed"
    assert (turn["text"], turn["waits"], turn["asked"], turn["status"]) == ("Spaces are *wider*.", None, None, "completed")
    assert page.dialogue["waits"] is False


def test_an_answer_that_is_data_has_fields_and_must_fit(begin):
    mode = mode_of({"role": "host", "output_schema": CHOICE, "template": "Who is next on {topic}"})
    dialogue, page = begin(mode, participants={"host": "person"})
    waits(page, "host", "answer")
    asked = page.turns["host"]["asked"]
    assert asked["prompt"].strip() == "Who is next on Tabs?"
    assert asked["fields"] == fields_of(CHOICE)
    refused = page.ask(type="answer", of=dialogue.id, turn="host", text='{"next": "nobody"}')
    assert refused["type"] == "refused"
    assert "critic or done" in refused["text"]
    assert page.turns["host"]["waits"] == "answer"
    assert page.ask(type="answer", of=dialogue.id, turn="host", text='{"next": "done"}')["type"] == "done"
    assert over(page) == "completed"
    assert dialogue.transcript["host"].data == {"next": "done"}


def test_a_text_is_approved_or_edited_before_anybody_sees_it(begin):
    dialogue, page = begin(approve=["pro", "con"])
    waits(page, "pro", "approval")
    assert page.turns["pro"]["text"] == "I say For Tabs?"
    assert "con" not in page.turns
    page.ask(type="approve", of=dialogue.id, turn="pro")
    waits(page, "con", "approval")
    page.ask(type="approve", of=dialogue.id, turn="con", text="Quite the contrary.")
    assert over(page) == "completed"
    assert [(turn["edited"], turn["text"]) for turn in page.turns.values()][:2] == [
        (False, "I say For Tabs?"),
        (True, "Quite the contrary."),
    ]


def test_what_nobody_waits_for_is_refused(begin, script):
    script.hold("For")
    dialogue, page = begin()
    page.until(lambda page: "pro" in page.turns)
    for wish in (
        {"type": "answer", "turn": "pro", "text": "x"},
        {"type": "approve", "turn": "pro"},
        {"type": "skip", "turn": "pro"},
    ):
        reply = page.ask(of=dialogue.id, **wish)
        assert reply["type"] == "refused", wish
        assert reply["text"]


def test_a_person_interjects_and_the_next_turn_sees_it(begin, script):
    held = script.hold("For")
    dialogue, page = begin()
    page.until(lambda page: "pro" in page.turns)
    assert page.dialogue["can"]["interject"]
    assert page.ask(type="interject", of=dialogue.id, text="Think of **blind** readers.")["type"] == "done"
    said = page.until(lambda page: next((turn for turn in page.turns.values() if turn["person"]), None))
    assert said["text"] == "Think of **blind** readers."
    assert said["id"] in {turn["id"] for turn in page.dialogue["planned"]}
    assert said["role"] not in {speaker["role"] for speaker in page.dialogue["speakers"]}
    held.set()
    assert over(page) == "completed"
    assert "Think of **blind** readers." in dialogue.transcript["con"].messages[-1]["content"]


def test_a_role_is_called_on_and_a_turn_left_out(begin, script):
    held = script.hold("For")
    dialogue, page = begin()
    page.until(lambda page: "pro" in page.turns)
    assert [(speaker["role"], speaker["speaks"]) for speaker in page.dialogue["speakers"]] == [
        ("pro", True),
        ("con", True),
        ("end", True),
    ]
    page.ask(type="call_on", of=dialogue.id, role="end", prompt="Are you sure?")
    page.ask(type="skip", of=dialogue.id, turn="con")
    page.until(lambda page: "con" not in {turn["id"] for turn in page.dialogue["planned"]})
    assert page.ask(type="call_on", of=dialogue.id, role="nobody")["type"] == "refused"
    held.set()
    assert over(page) == "completed"
    assert [(turn["role"], turn["text"]) for turn in page.turns.values()] == [
        ("pro", "I say For Tabs?"),
        ("end", "I say Are you sure?"),
        ("end", "I say End"),
    ]


def test_it_waits_again_after_it_was_resumed(begin, stage):
    dialogue, page = begin(participants={"con": "person"})
    waits(page, "con", "answer")
    page.say(type="stop", of=dialogue.id)
    over(page)
    assert page.turns["con"]["waits"] is None
    assert page.ask(type="answer", of=dialogue.id, turn="con", text="Too late")["type"] == "refused"
    page.ask(type="resume", of=dialogue.id)
    waits(page, "con", "answer")
    page.ask(type="answer", of=dialogue.id, turn="con", text="Now.")
    assert over(page) == "completed"
    assert page.turns["con"]["text"] == "Now."


def test_stop_is_heard_while_another_wish_is_under_way(begin, script):
    """One wish waits for the engine at a time; stopping must not wait for it."""
    script.hold("For")
    dialogue, page = begin()
    page.until(lambda page: "pro" in page.turns)
    held = threading.Event()
    page.panel._wishes.submit(held.wait, 20)
    page.say(type="skip", of=dialogue.id, turn="con", ask="later")
    page.say(type="stop", of=dialogue.id)
    assert over(page) == "cancelled"
    held.set()
    page.until(lambda page: any(reply.get("ask") == "later" for reply in page.replies))


@pytest.mark.parametrize(
    "nonsense",
    [
        {"type": "answer"},
        {"type": "answer", "turn": 5, "text": "x"},
        {"type": "approve", "turn": "pro", "text": 7},
        {"type": "fork", "turn": "pro", "models": ["x"]},
        {"type": "call_on", "role": None},
        {"type": "open", "of": "no such dialogue"},
        {"type": "delete"},
    ],
)
def test_nonsense_is_refused(begin, script, nonsense):
    script.hold("For")
    dialogue, page = begin()
    reply = page.ask(**({"of": dialogue.id} | nonsense))
    assert reply["type"] == "refused"
    assert page.dialogue["status"] == "running"


@pytest.mark.parametrize("nonsense", ["stop", None, 5, [], {"type": 1}, {"type": "open", "of": 7}, {"type": "stop", "of": "x"}])
def test_what_is_no_wish_is_ignored(begin, script, nonsense):
    held = script.hold("For")
    _, page = begin()
    page.send(nonsense)
    held.set()
    assert over(page) == "completed"
    assert page.replies == []


def test_a_dialogue_that_does_not_run_says_nothing_of_waiting(begin):
    """Its record still has what it waited for."""
    dialogue, page = begin(participants={"con": "person"})
    waits(page, "con", "answer")
    told = snapshot(dialogue.snapshot(), live=False)
    assert (told["dialogue"]["status"], told["dialogue"]["waits"]) == ("interrupted", False)
    assert [(turn["waits"], turn["asked"]) for turn in told["turns"]] == [(None, None)] * 2
    dialogue.cancel()


def test_fields_are_what_a_page_can_draw():
    schema = {
        "properties": {
            "score": {"type": "integer"},
            "sure": {"type": "boolean", "title": "Are you?"},
            "only": {"const": "x"},
            "list": {"type": "array"},
            "other": {"$ref": "#/$defs/x"},
            "any": True,
        }
    }
    found = [(each["name"], each["kind"], each["about"], each["choices"]) for each in fields_of(schema)]
    assert found == [
        ("score", "number", "", []),
        ("sure", "choice", "Are you?", [True, False]),
        ("only", "choice", "", ["x"]),
        ("list", "json", "", []),
        ("other", "json", "", []),
        ("any", "json", "", []),
    ]
    assert fields_of({"enum": ["tabs", "spaces"]})[0] == {
        "name": "",
        "kind": "choice",
        "about": "",
        "required": True,
        "choices": ["tabs", "spaces"],
    }
