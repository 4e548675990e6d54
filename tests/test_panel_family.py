"""What a page is told of sub-dialogues and forks: cards of all, the texts of those that are open, and the tree."""

import json
import threading
from concurrent.futures import Future
from dataclasses import replace

import pytest
from panel_page import Page, wire_comms
from stage import card, mode_of, orchestra

from workbench.dialogue import Dialogue
from workbench.events import DialogueSpawned, Usage
from workbench.models import Chunk
from workbench.panels import panel_of, replay_page
from workbench.panels.family import Family
from workbench.panels.saved import saved_family

TOPICS = {"type": "object", "required": ["topics"], "properties": {"topics": {"type": "array", "items": {"type": "string"}}}}
PAIR = {"name": "pair", "turns": [{"role": "first", "template": "On {topic}"}, {"role": "second", "template": "After {first}"}]}
DEEP = mode_of({"id": "deeper", "spawn": {"mode": PAIR, "topic": "deep {topic}"}}, {"role": "sum", "template": "Sum {deeper}"})


def parent(mode=PAIR):
    return mode_of(
        {"role": "lead", "output_schema": TOPICS, "template": "Split {topic}"},
        {"id": "studies", "spawn": {"mode": mode, "over": "lead.topics"}},
        {"role": "end", "template": "Merge: {studies}\n\nFinish"},
    )


class Script:
    """Answers whom a schema asks for topics with two, and everybody else word by word; a word that is held waits."""

    def __init__(self):
        self.held: dict[str, threading.Event] = {}

    def hold(self, word):
        self.held[word] = threading.Event()
        return self.held[word]

    async def __call__(self, request):
        import asyncio

        asked = request.messages[-1]["content"].splitlines()[-1]
        answer = json.dumps({"topics": ["green", "black"]}) if '"topics"' in asked else f"I say {asked}"
        for word in answer.split(" "):
            yield Chunk(text=f"{word} ")
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


def opened(page, name):
    page.say(type="open", of=name)
    return page.until(lambda page: page.others.get(name))


def test_a_card_follows_its_sub_dialogue_without_its_texts(stage, script):
    held = script.hold("On green")
    page = Page(panel_of(stage.start(parent(), "Tea", models=[card()])))
    page.until(lambda page: (page.card("black") or {}).get("status") == "completed")
    green = page.until(lambda page: (found := page.card("green")) and found["speaker"] and found)
    expected = {"turn": "studies", "mode": "pair", "live": True, "turns": 0, "planned": 2, "speaker": "First", "waits": False}
    assert expected.items() <= green.items()
    assert page.card("black")["turns"] == 2
    assert page.card("black")["cost"] > 0
    assert page.others == {}
    assert "I say On" not in json.dumps(page.turns)
    held.set()
    page.until(lambda page: page.dialogue["status"] == "completed")
    assert [(each["status"], each["live"]) for each in page.dialogue["children"]] == [("completed", False)] * 2


def test_an_open_card_streams_until_it_is_closed(stage, script):
    first, second = script.hold("On green"), script.hold("After")
    dialogue = stage.start(parent(), "Tea", models=[card()])
    page = Page(panel_of(dialogue))
    name = page.until(lambda page: page.card("green"))["id"]
    opened(page, name)
    page.until(lambda page: page.others[name][1].get("first", {}).get("text") == "I say On green ")
    assert page.others[name][0]["topic"] == "green"
    assert page.others[name][0]["can"]["stop"]
    page.say(type="close", of=name)
    page.until(lambda page: name not in page.others)
    first.set()
    second.set()
    page.until(lambda page: page.dialogue["status"] == "completed")
    assert page.others == {}
    dialogue, turns = opened(page, name)
    assert (dialogue["status"], [turn["status"] for turn in turns.values()]) == ("completed", ["completed"] * 2)


def test_a_page_that_comes_later_has_what_is_open(stage, script):
    held = script.hold("On green")
    page = Page(panel_of(stage.start(parent(), "Tea", models=[card()])))
    name = page.until(lambda page: page.card("green"))["id"]
    opened(page, name)
    page.until(lambda page: "first" in page.others[name][1])
    late = Page(page.panel)
    late.say(type="sync")
    late.until(lambda late: late.others.get(name))
    assert late.others[name][1]["first"]["title"] == "First"
    held.set()


def test_they_nest_and_what_waits_far_below_is_seen_at_the_top(stage, script):
    asking = {"mode": PAIR, "topic": "deep {topic}", "participants": {"second": "person"}}
    deep = mode_of({"id": "deeper", "spawn": asking})
    held = script.hold("On deep green")
    page = Page(panel_of(stage.start(parent(deep), "Tea", models=[card()])))
    name = page.until(lambda page: (found := page.card("black")) and found["waits"] and found)["id"]
    assert page.card("green")["waits"] is False
    child, turns = opened(page, name)
    assert child["waits"] is False
    assert child["children"][0]["waits"]
    below, turns = opened(page, child["children"][0]["id"])
    assert page.until(lambda page: turns["second"]["waits"]) == "answer"
    held.set()
    assert page.ask(type="answer", of=below["id"], turn="second", text="By hand.")["type"] == "done"
    page.until(lambda page: not page.card("black")["waits"])
    assert turns["second"]["text"] == "By hand."


def test_a_sub_dialogue_is_stopped_by_itself(stage, script):
    script.hold("On green")
    page = Page(panel_of(stage.start(parent(), "Tea", models=[card()])))
    page.until(lambda page: (page.card("black") or {}).get("status") == "completed")
    page.say(type="stop", of=page.card("green")["id"])
    page.until(lambda page: page.card("green")["status"] == "cancelled")
    page.until(lambda page: not page.dialogue["live"])


def test_one_that_was_announced_is_looked_for_until_it_begins(stage):
    """Its parent may be silent for a long time after that: the panel must not wait for the next event."""
    source = stage.run(parent(), "Tea", models=[card()])
    past = source.recorded_events()
    until = next(n for n, event in enumerate(past, 1) if isinstance(event, DialogueSpawned))
    dialogue = stage._known(Dialogue.stored([_child_of(event, "c" * 12, "d" * 12) for event in past[:until]]))
    running = Future()
    dialogue._attach(running, None)
    family = Family(dialogue, lambda: None)
    own, _ = family.news()
    assert [(each["status"], each["live"], each["planned"]) for each in own["dialogue"]["children"]] == [("running", True, 0)]
    assert family.stirs
    stage.record.write([replace(event, dialogue="c" * 12) for event in source.children[0].recorded_events()])
    own, _ = family.news()
    assert [each["planned"] for each in own["dialogue"]["children"]] == [2]
    running.set_result(None)
    family.news()
    assert not family.stirs
    family.close()


def test_a_stored_dialogue_has_its_cards(stage):
    name = stage.run(parent(), "Tea", models=[card()]).id
    page = Page(panel_of(stage.load(name)))
    assert [(each["topic"], each["status"], each["turns"], each["live"]) for each in page.dialogue["children"]] == [
        ("green", "completed", 2, False),
        ("black", "completed", 2, False),
    ]
    _, turns = opened(page, page.card("green")["id"])
    assert turns["second"]["text"].startswith("I say After")


def test_without_the_record_cards_say_what_the_parent_knows(stage):
    dialogue = Dialogue.stored(stage.run(parent(), "Tea", models=[card()]).recorded_events())
    page = Page(panel_of(dialogue))
    assert [(each["topic"], each["status"], each["turns"]) for each in page.dialogue["children"]] == [
        ("green", "completed", 0),
        ("black", "completed", 0),
    ]
    page.say(type="open", of=page.card("green")["id"])
    assert "belongs to no orchestrator" in page.until(lambda page: page.replies)[0]["text"]


def test_the_tree_has_forks_and_sub_dialogues(stage):
    dialogue = stage.run(parent(), "Tea", models=[card()])
    fork = stage.fork(f"{dialogue.id}@lead").wait(10)
    page = Page(panel_of(dialogue))
    page.say(type="tree")
    (reply,) = page.until(lambda page: page.replies)
    assert [(node["depth"], node["status"]) for node in reply["nodes"]][:1] == [(0, "completed")]
    assert {fork.id, *(child.id for child in dialogue.children)} <= {node["id"] for node in reply["nodes"]}
    told, turns = opened(page, fork.id)
    assert (told["topic"], turns["lead"]["copied_from"]) == ("Tea", dialogue.id)


def test_a_fork_with_another_model_is_opened_live(stage, script):
    dialogue = stage.run(parent(), "Tea", models=[card()])
    held = script.hold("Finish")
    page = Page(panel_of(dialogue))
    assert page.dialogue["can"]["fork"]
    refused = page.ask(type="fork", of=dialogue.id, turn="studies", models={"end": "no-such-model"})
    assert refused["type"] == "refused"
    assert "no-such-model" in refused["text"]
    stage.models.register(card("other"))
    done = page.ask(type="fork", of=dialogue.id, turn="lead", models={"end": "other"})
    opened(page, done["id"])
    page.until(lambda page: page.others[done["id"]][1].get("end", {}).get("text"))
    assert page.others[done["id"]][1]["end"]["model"] == "other"
    assert page.others[done["id"]][0]["live"]
    held.set()
    page.until(lambda page: page.others[done["id"]][0]["status"] == "completed")


def test_a_resumed_dialogue_wakes_its_panel(stage, script):
    script.hold("On green")
    dialogue = stage.start(parent(), "Tea", models=[card()])
    page = Page(panel_of(dialogue))
    page.until(lambda page: page.card("green"))
    page.say(type="stop")
    page.until(lambda page: not page.dialogue["live"])
    script.held["On green"].set()
    assert page.ask(type="resume", of=dialogue.id)["type"] == "done"
    page.until(lambda page: page.dialogue["status"] == "completed")
    assert [each["status"] for each in page.dialogue["children"]] == ["completed"] * 2


def test_a_saved_page_has_the_whole_family(stage):
    dialogue = stage.run(parent(DEEP), "Tea", models=[card()])
    transcripts, snapshot = saved_family(dialogue)
    assert transcripts[0].topic == "Tea"
    topics = {other["dialogue"]["topic"] for other in snapshot["others"]}
    assert topics == {"green", "black", "deep green", "deep black"}
    assert [each["turns"] for each in snapshot["dialogue"]["children"]] == [2, 2]
    page = replay_page(dialogue)
    data = page.partition('id="workbench-replay-data">')[2].partition("</script>")[0]
    assert len(json.loads(data)["snapshot"]["others"]) == 4


def test_what_goes_round_ends(stage):
    """An imported file may name a dialogue as its own sub-dialogue."""
    dialogue = stage.run(parent(), "Tea", models=[card()])
    name = "0" * 12
    stage.record.write([_child_of(event, name, name) for event in dialogue.recorded_events()])
    dialogue = stage.load(name)
    transcripts, _ = saved_family(dialogue)
    assert len(transcripts) == 2
    page = Page(panel_of(dialogue))
    assert name in {each["id"] for each in page.dialogue["children"]}
    opened(page, page.card("black")["id"])


def _child_of(event, child, parent):
    """The event as one of `parent`, whose first sub-dialogue is `child`."""
    other = {"child": child} if isinstance(event, DialogueSpawned) and event.number == 1 else {}
    return replace(event, dialogue=parent, **other)


def test_a_panel_that_is_closed_is_quiet(stage, script):
    held = script.hold("On green")
    dialogue = stage.start(parent(), "Tea", models=[card()])
    panel = panel_of(dialogue)
    Page(panel).until(lambda page: page.card("green"))
    panel.close()
    panel.close()
    held.set()
    assert dialogue.wait(10).status.succeeded
    other = panel_of(dialogue)
    assert other is not panel
    assert other.everything()["dialogue"]["status"] == "completed"
