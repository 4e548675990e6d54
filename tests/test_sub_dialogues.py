"""A turn that spawns opens a dialogue for each topic, waits for all, and merges; they are children in the record."""

import json
import threading

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from patience import wait_until
from stage import card, mode_of, orchestra

from workbench.dialogue import Transcript
from workbench.dialogue.lineage import Tree
from workbench.errors import ModeError, WorkbenchError
from workbench.events import DialogueEnded, DialogueSpawned, DialogueStarted, Status, TurnStarted, Usage
from workbench.models import Chunk

TOPICS = {"type": "object", "required": ["topics"], "properties": {"topics": {"type": "array", "items": {"type": "string"}}}}
PAIR = {"name": "pair", "turns": [{"role": "first", "template": "On {topic}"}, {"role": "second", "template": "After {first}"}]}


def parent(**spawn):
    return mode_of(
        {"role": "lead", "output_schema": TOPICS, "template": "Split {topic}"},
        {"id": "studies", "spawn": {"mode": PAIR, "over": "lead.topics", **spawn}},
        {"role": "end", "template": "Merge: {studies}"},
    )


class Script:
    """Answers the lead with topics and everybody else with what they were asked; can hold or break a topic."""

    def __init__(self, topics, tokens=5):
        self.topics, self.tokens = topics, tokens
        self.broken: set[str] = set()
        self.held: dict[str, threading.Event] = {}
        self.reached = threading.Semaphore(0)

    async def __call__(self, request):
        import asyncio

        whole = request.messages[-1]["content"]
        asked = whole.splitlines()[-1]
        self.reached.release()
        for word, event in self.held.items():
            while word in asked and not event.is_set():
                await asyncio.sleep(0.002)
        if any(word in asked for word in self.broken):
            raise RuntimeError("no")
        yield Chunk(text=json.dumps({"topics": self.topics}) if "JSON Schema" in whole else f"<{asked}>")
        yield Chunk(finish_reason="stop", usage=Usage(prompt=10, completion=self.tokens), served="actor")


@pytest.fixture
def play(tmp_path):
    opened = []

    def play(mode, script, **options):
        orchestrator, actors = orchestra(tmp_path / str(len(opened)), script)
        opened.append(orchestrator)
        dialogue = orchestrator.run(mode, "Tea", **({"models": [card()]} | options))
        return orchestrator, actors, dialogue

    yield play
    for orchestrator in opened:
        orchestrator.close()


def test_one_opens_for_each_topic_and_what_they_came_to_is_merged(play):
    orchestrator, actors, dialogue = play(parent(), Script(["green", "black"]))
    assert dialogue.status is Status.COMPLETED, dialogue.reason
    children = dialogue.children
    assert [(child.topic, child.status, len(child.transcript)) for child in children] == [
        ("green", Status.COMPLETED, 2),
        ("black", Status.COMPLETED, 2),
    ]
    studies = dialogue.transcript["studies"]
    assert studies.text == "\n\n".join(f"### {child.topic}\n\n{child.text}" for child in children)
    assert [found["dialogue"] for found in studies.data["dialogues"]] == [child.id for child in children]
    assert "### black" in dialogue.transcript["end"].messages[-1]["content"]
    assert len(actors.asked) == 2 + 2 * 2
    rows = {row.id: row for row in orchestrator.record.summaries()}
    assert {rows[child.id].parent_id for child in children} == {dialogue.id}
    assert [node.depth for node in Tree(orchestrator.record, dialogue.id).nodes] == [0, 1, 1]


def test_last_means_the_whole_and_not_a_part_of_it(play):
    orchestrator, _, dialogue = play(parent(), Script(["green", "black"]))
    assert orchestrator.load("last") is dialogue
    fork = dialogue.fork("studies").wait(10)
    assert orchestrator.load("last") is fork


def test_they_run_at_once(tmp_path):
    script = Script(["a1", "b2", "c3", "d4"])
    script.held = {"On ": threading.Event()}
    orchestrator, actors = orchestra(tmp_path, script)
    with orchestrator:
        dialogue = orchestrator.start(parent(at_most=5), "Tea", models=[card()])
        for _ in range(5):
            assert script.reached.acquire(timeout=10)
        assert actors.on == 4
        script.held["On "].set()
        assert dialogue.wait(10).status is Status.COMPLETED


def test_no_more_open_than_the_mode_allows(play):
    _, _, dialogue = play(parent(at_most=2), Script(["a", "b", "c"]))
    assert [child.topic for child in dialogue.children] == ["a", "b"]


def test_a_list_without_items_opens_none(play):
    _, _, dialogue = play(parent(), Script([]))
    assert (dialogue.status, dialogue.children, dialogue.transcript["studies"].text) == (Status.COMPLETED, [], "")


def test_they_know_what_was_said_before(play):
    _, _, dialogue = play(parent(topic="{item} in {topic}"), Script(["green"]))
    (child,) = dialogue.children
    assert child.topic == "green in Tea"
    opening = child.transcript["first"].messages[-1]["content"]
    assert opening.startswith("This discussion is part of a larger one")
    assert 'Lead:\n{"topics": ["green"]}' in opening


def test_each_is_durable_before_its_parent_hears_of_it(play):
    orchestrator, _, dialogue = play(parent(), Script(["green"]))
    (spawned,) = [event for event in dialogue.recorded_events() if isinstance(event, DialogueSpawned)]
    child = orchestrator.record.events(spawned.child)
    assert isinstance(child[0], DialogueStarted)
    assert isinstance(child[-1], DialogueEnded)
    assert child[0].run["parent_id"] == dialogue.id
    assert child[0].run["spawned_by"] == "studies"


def test_roles_of_the_same_name_share_their_model_and_others_can_be_named(play):
    mode = mode_of(
        {"role": "lead", "output_schema": TOPICS, "template": "Split {topic}"},
        {"role": "first", "template": "hm"},
        {"id": "studies", "spawn": {"mode": PAIR, "over": "lead.topics", "participants": {"second": "lead"}}},
    )
    cast = {"lead": card("leader"), "first": card("pioneer")}
    _, _, dialogue = play(mode, Script(["green"]), models=(), participants=cast)
    (child,) = dialogue.children
    assert {turn.id: turn.model for turn in child.transcript} == {"first": "pioneer", "second": "leader"}


def test_a_mode_that_spawns_itself_ends_at_its_depth(play, tmp_path):
    (tmp_path / "modes").mkdir()
    (tmp_path / "modes" / "deep.yaml").write_text(
        """
name: deep
roles: {lead: {}}
turns:
  - {role: lead, template: "Split {topic}", output_schema: {type: object, required: [topics]}}
  - {id: deeper, spawn: {mode: deep, over: lead.topics}}
limits: {max_depth: 3}
"""
    )
    from workbench.dialogue import ModeLoader

    script = Script(["x"])
    orchestrator, actors = orchestra(tmp_path / "deep", script)
    orchestrator.modes = ModeLoader([tmp_path / "modes"])
    with orchestrator:
        dialogue = orchestrator.run("deep", "Tea", models=[card()])
        assert dialogue.status is Status.COMPLETED, dialogue.reason
        depth, each = 0, dialogue
        while each.children:
            depth, each = depth + 1, each.children[0]
        assert depth == 3
        assert each.transcript.skipped["deeper"].reason == "max_depth: sub-dialogues go no deeper"
        assert len(actors.asked) == 4


def test_what_they_spend_counts_for_the_whole(play):
    """Each call costs 15 tokens; with 60 the lead and three calls fit."""
    _, _, dialogue = play(parent(), Script(["green", "black"]), limits={"max_calls": 3})
    spent = dialogue.metrics.calls + sum(child.metrics.calls for child in dialogue.children)
    assert spent == 3
    assert dialogue.status is Status.COST_LIMITED


def test_a_limit_of_their_own_stops_one_and_the_parent_says_so(play):
    _, _, dialogue = play(parent(limits={"max_turns": 1}), Script(["green"]))
    assert dialogue.status is Status.COMPLETED
    assert dialogue.children[0].status is Status.COST_LIMITED
    assert "[It was not finished: max_turns: 1 turns are made]" in dialogue.transcript["studies"].text


def test_one_that_fails_fails_the_turn_and_a_resume_goes_on_with_it_alone(play):
    script = Script(["green", "black"])
    script.broken = {"After <On black>"}
    _orchestrator, actors, dialogue = play(parent(), script)
    assert dialogue.status is Status.FAILED
    assert "'black' failed" in dialogue.reason
    green, black = dialogue.children
    assert (green.status, black.status) == (Status.COMPLETED, Status.FAILED)
    script.broken, asked = set(), len(actors.asked)
    dialogue.resume().wait()
    assert dialogue.status is Status.COMPLETED
    assert [child.id for child in dialogue.children] == [green.id, black.id]
    assert black.status is Status.COMPLETED
    assert len(actors.asked) - asked == 2, "the second turn on black, and the merge"


def test_a_stop_reaches_them_and_keeps_what_they_said(tmp_path):
    script = Script(["green", "black"])
    script.held = {"After <On green>": threading.Event(), "After <On black>": threading.Event()}
    orchestrator, actors = orchestra(tmp_path, script)
    with orchestrator:
        dialogue = orchestrator.start(parent(), "Tea", models=[card()])
        for _ in range(5):
            assert script.reached.acquire(timeout=10)
        dialogue.cancel()
        dialogue.wait(10)
        assert dialogue.status is Status.CANCELLED
        assert [child.status for child in dialogue.children] == [Status.CANCELLED] * 2
        assert all(not child.running and child.transcript["first"].text for child in dialogue.children)
        assert actors.on == 0
        for event in script.held.values():
            event.set()
        asked = len(actors.asked)
        dialogue.resume().wait(10)
        assert dialogue.status is Status.COMPLETED
        assert len(actors.asked) - asked == 3


def test_one_can_be_stopped_and_watched_by_itself(tmp_path):
    script = Script(["green", "black"])
    script.held = {"After <On green>": threading.Event()}
    orchestrator, _ = orchestra(tmp_path, script)
    with orchestrator:
        dialogue = orchestrator.start(parent(), "Tea", models=[card()])
        for event in dialogue.events():
            if isinstance(event, DialogueSpawned) and event.topic == "green":
                break
        wait_until(lambda: dialogue.children and dialogue.children[0].running)
        child = dialogue.children[0]
        for event in child.events():
            if isinstance(event, TurnStarted) and event.turn == "second":
                break
        with pytest.raises(WorkbenchError, match="is being run by this process"):
            child.resume()
        child.cancel()
        child.wait(10)
        assert child.status is Status.CANCELLED
        dialogue.wait(10)
        assert dialogue.status is Status.COMPLETED
        assert "[It was not finished: cancelled]" in dialogue.transcript["studies"].text


def test_a_pause_holds_them_back(tmp_path):
    script = Script(["green"])
    script.held = {"On green": threading.Event()}
    orchestrator, actors = orchestra(tmp_path, script)
    with orchestrator:
        dialogue = orchestrator.start(parent(), "Tea", models=[card()])
        for _ in range(2):
            assert script.reached.acquire(timeout=10)
        dialogue.pause()
        (child,) = dialogue.children
        events = child.events()
        for event in events:
            if event.type == "dialogue_paused":
                break
        script.held["On green"].set()
        for event in events:
            if event.type == "turn_completed":
                break
        assert child.paused
        assert len(actors.asked) == 2
        dialogue.unpause()
        dialogue.wait(10)
        assert dialogue.status is Status.COMPLETED


def test_a_spawning_turn_asks_no_model_so_it_has_no_prompt():
    from workbench.dialogue import ModeLoader

    with pytest.raises(ModeError, match="asks no model"):
        ModeLoader().load(mode_of({"id": "x", "template": "hm", "spawn": {"mode": "debate"}}))


def test_a_mode_that_does_not_exist_is_named_before_anything_runs(play):
    with pytest.raises(ModeError, match=r"studies: no mode is called 'debat'.*"):
        play(mode_of({"id": "studies", "spawn": {"mode": "debat"}}), Script([]))


@given(cut=st.integers(1, 40))
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_cut_anywhere_it_resumes_to_the_same_end(tmp_path_factory, cut):
    """All events of the family, in the order in which they were stored, cut after any one."""
    folder = tmp_path_factory.mktemp("cut")
    whole, _ = orchestra(folder / "whole", Script(["green", "black"]))
    with whole:
        done = whole.run(parent(), "Tea", models=[card()])
        family = [done, *done.children]
        events = sorted((e for each in family for e in each.recorded_events()), key=lambda e: (e.at, e.dialogue, e.seq))
        children = [child.transcript.said for child in done.children]
    orchestrator, actors = orchestra(folder / "cut", Script(["green", "black"]))
    kept = events[: min(cut, len(events) - 1)]
    with orchestrator:
        orchestrator.record.write(kept)
        found = orchestrator.load(done.id)
        if found.status.succeeded:
            return
        resumed = orchestrator.resume(done.id)
        assert resumed.status is Status.COMPLETED, resumed.reason
        assert resumed.transcript.said == done.transcript.said or resumed.text == done.text
        assert [child.transcript.said for child in resumed.children] == children
        answered = sum(
            turn.answer is not None
            for name in {e.dialogue for e in kept}
            for turn in Transcript(e for e in kept if e.dialogue == name)
        )
        assert len(actors.asked) == 6 - answered
