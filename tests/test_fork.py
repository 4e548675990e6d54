"""A fork begins with another dialogue's turns, for which nobody is asked, and goes its own way from there."""

import asyncio
import json
import threading

import pytest
from stage import card, chorus, line, orchestra, yes
from wired import card as wired_card
from wired import quick

from workbench.dialogue import Orchestrator, Transcript
from workbench.errors import ModeError, RecordError, WorkbenchError
from workbench.events import CallEnded, DialogueStarted, Status, TurnCompleted, TurnStarted, event_from_dict, event_to_dict
from workbench.models import Chunk

MODES = {"chat": {}, "debate": {"rounds": 2}, "parallel": {"voices": 3}, "sequential": {}}
TURNS = [
    ("chat", ["answer"]),
    ("debate", ["pro_1", "con_1", "pro_2", "con_2", "verdict"]),
    ("parallel", ["answer_1", "answer_2", "answer_3", "synthesis"]),
    ("sequential", ["draft", "improvement", "final"]),
]
EVERY = [(mode, turns, number) for mode, turns in TURNS for number in range(len(turns))]


@pytest.fixture
def orchestrator(tmp_path):
    with Orchestrator(settings=quick(tmp_path)) as made:
        yield made


@pytest.fixture
def stage(tmp_path):
    made, actors = orchestra(tmp_path, yes)
    with made:
        made.actors = actors
        yield made


def prompts(events):
    return {event.turn: event.messages for event in events if isinstance(event, TurnStarted)}


def exported(name, events):
    """The text of an export that says what a test wants."""
    return json.dumps(
        {"format": "workbench.dialogue", "version": 1, "events": [event | {"dialogue": name} for event in events]}
    )


def copied(events):
    return {event.turn: event.copied_from for event in events if isinstance(event, TurnCompleted) and event.copied_from}


@pytest.mark.parametrize(("mode", "turns", "number"), EVERY, ids=lambda value: value if isinstance(value, str) else None)
def test_at_every_turn_of_every_mode_only_what_comes_after_it_is_asked(orchestrator, wire, mode, turns, number):
    parent = orchestrator.run(mode, "Tabs?", models=[wired_card(wire)], parameters=MODES[mode])
    asked = len(wire.requests)
    fork = orchestrator.fork(f"{parent.id}@{turns[number]}", models=[wired_card(wire, name="other", id="openai/other")]).wait(
        20
    )
    assert fork.status is Status.COMPLETED
    assert len(wire.requests) - asked == fork.metrics.calls == len(turns) - number - 1
    assert {request.body["model"] for request in wire.requests[asked:]} <= {"other"}
    assert copied(fork.recorded_events()) == dict.fromkeys(turns[: number + 1], parent.id)
    before, after = parent.transcript, fork.transcript
    assert list(after.said) == turns
    for turn in turns[: number + 1]:
        assert (after[turn].text, after[turn].messages, after[turn].calls) == (before[turn].text, before[turn].messages, [])
        assert (after[turn].role, after[turn].round, after[turn].index) == (
            before[turn].role, before[turn].round, before[turn].index,
        )  # fmt: skip


def test_the_next_turn_is_shown_what_was_copied(stage):
    parent = stage.run("debate", "Tabs?", models=[card()], parameters={"rounds": 2})
    fork = stage.fork(f"{parent.id}@con_1", judge=card("other")).wait(10)
    assert prompts(fork.recorded_events())["pro_2"] == prompts(parent.recorded_events())["pro_2"]
    assert stage.actors.asked[5].messages == stage.actors.asked[2].messages
    assert [turn.model for turn in fork.transcript] == ["actor"] * 4 + ["other"]


def test_record_and_events_know_where_it_comes_from(stage):
    parent = stage.run("debate", "Tabs?", models=[card()], parameters={"rounds": 1})
    fork = stage.fork(f"{parent.id[:7]}@2").wait(10)
    row, began = stage.record.summary(fork.id), fork.recorded_events()[0]
    assert (row.parent_id, row.forked_from, row.turns_completed) == (parent.id, "con", 3)
    assert isinstance(began, DialogueStarted)
    assert (began.run["parent_id"], began.run["forked_from"], began.topic) == (parent.id, "con", "Tabs?")
    assert [row.id for row in stage.children(parent.id)] == [fork.id]
    assert stage.children(fork.id) == []
    assert stage.record.summary(parent.id).parent_id is None
    assert parent.recorded_events() == stage.record.events(parent.id)


def test_the_handle_and_the_record_agree(stage):
    parent = stage.run("debate", "Tabs?", models=[card()], parameters={"rounds": 1})
    fork = stage.fork(f"{parent.id}@pro").wait(10)
    stored = Transcript(stage.record.events(fork.id))
    assert vars(stored) == vars(fork.transcript)


def test_what_is_copied_costs_nothing(stage):
    parent = stage.run(line(6), "Tabs?", models=[card(price=1000.0)])
    assert parent.metrics.cost == pytest.approx(6 * 15 * 1e-3)
    limits = {"max_calls": 1, "max_cost": 2.0, "max_tokens": 1500}
    fork = stage.fork(f"{parent.id}@v5", limits=limits).wait(10)
    assert fork.status is Status.COMPLETED
    assert (fork.metrics.calls, fork.metrics.tokens, fork.metrics.cost) == (1, 15, pytest.approx(15e-3))
    assert (stage.record.summary(fork.id).prompt_tokens, len(stage.record.calls(fork.id))) == (10, 1)
    assert stage.fork(f"{parent.id}@v4", limits=limits).wait(10).status is Status.COST_LIMITED


def test_limits_are_those_of_the_parent_unless_given(stage):
    parent = stage.run(line(4), "Tabs?", models=[card()], limits={"max_turns": 2})
    assert parent.status is Status.COST_LIMITED
    assert stage.fork(parent.id).wait(10).status is Status.COST_LIMITED
    assert stage.fork(parent.id, limits={"max_turns": 4}).wait(10).status is Status.COMPLETED


def test_without_a_turn_all_that_is_complete_is_taken_while_the_other_one_runs(tmp_path):
    held, go = threading.Event(), threading.Event()

    async def act(request):
        if "turn 3" in request.messages[-1]["content"]:
            held.set()
            await asyncio.to_thread(go.wait, 10)
        async for chunk in yes(request):
            yield chunk

    orchestrator, actors = orchestra(tmp_path, act)
    with orchestrator:
        parent = orchestrator.start(line(4), "Tabs?", models=[card()])
        assert held.wait(10)
        fork = orchestrator.fork(parent.id)
        assert fork.id != parent.id
        assert copied(fork.recorded_events()) == {"v1": parent.id, "v2": parent.id}
        with pytest.raises(WorkbenchError, match=r"v3 of dialogue \w+ is not complete\n  Complete are v1, v2"):
            orchestrator.fork(f"{parent.id}@v3")
        go.set()
        assert (parent.wait(10).status, fork.wait(10).status) == (Status.COMPLETED, Status.COMPLETED)
    assert len(actors.asked) == 4 + 2


def test_of_voices_that_speak_at_once_those_that_are_not_through_are_asked_anew(tmp_path):
    broken = True

    async def act(request):
        if broken and request.messages[-1]["content"] == "voice 2":
            raise ZeroDivisionError
        await asyncio.sleep(0.01 if request.messages[-1]["content"] == "voice 2" else 0)
        async for chunk in yes(request):
            yield chunk

    orchestrator, actors = orchestra(tmp_path, act)
    with orchestrator:
        parent = orchestrator.run(chorus(3), "Tabs?", models=[card()])
        assert list(parent.transcript.said) == ["v1", "v3"]
        asked, broken = len(actors.asked), False
        fork = orchestrator.fork(f"{parent.id}@v3").wait(10)
    assert (fork.status, list(copied(fork.recorded_events()))) == (Status.COMPLETED, ["v1", "v3"])
    assert [request.messages[-1]["content"] for request in actors.asked[asked:]] == ["voice 2"]


def test_a_fork_of_a_fork_names_its_parent_and_where_each_turn_was_spoken(stage):
    first = stage.run("debate", "Tabs?", models=[card()], parameters={"rounds": 1})
    second = stage.fork(f"{first.id}@pro").wait(10)
    third = stage.fork(f"{second.id}@con").wait(10)
    assert copied(third.recorded_events()) == {"pro": first.id, "con": second.id}
    assert stage.record.summary(third.id).parent_id == second.id
    assert len(stage.actors.asked) == 3 + 2 + 1


def test_a_fork_that_stopped_goes_on_without_a_call_for_what_was_copied(stage):
    parent = stage.run(line(5), "Tabs?", models=[card()])
    fork = stage.fork(f"{parent.id}@v2", limits={"max_calls": 1}).wait(10)
    assert (fork.status, len(stage.actors.asked)) == (Status.COST_LIMITED, 6)
    assert stage.resume(fork.id, limits={"max_calls": 9}).status is Status.COMPLETED
    assert len(stage.actors.asked) == 8
    again = stage.fork(f"{fork.id}@v4").wait(10)
    assert (again.status, stage.record.summary(fork.id).parent_id) == (Status.COMPLETED, parent.id)
    assert copied(again.recorded_events()) == {"v1": parent.id, "v2": parent.id, "v3": fork.id, "v4": fork.id}


@pytest.mark.parametrize("length", range(1, 7))
def test_cut_after_any_event_of_its_beginning_it_asks_only_what_is_missing(stage, tmp_path, length):
    """The beginning is one write, but an export may be cut anywhere."""
    parent = stage.run(line(4), "Tabs?", models=[card()])
    events = stage.fork(f"{parent.id}@v2").wait(10).recorded_events()[:length]
    other, actors = orchestra(tmp_path / "other", yes)
    with other:
        other.record.write(events)
        assert other.resume(events[0].dialogue).status is Status.COMPLETED
    assert len(actors.asked) == 4 - len(copied(events))


def test_parameters_may_add_rounds_and_voices(stage):
    debate = stage.run("debate", "Tabs?", models=[card()], parameters={"rounds": 2})
    longer = stage.fork(f"{debate.id}@con_2", parameters={"rounds": 3}).wait(10)
    assert list(longer.transcript.said) == ["pro_1", "con_1", "pro_2", "con_2", "pro_3", "con_3", "verdict"]
    parallel = stage.run("parallel", "Tabs?", models=[card("one"), card("two"), card("three"), card("four")])
    wider = stage.fork(f"{parallel.id}@answer_3", parameters={"voices": 4}).wait(10)
    assert {turn.role: turn.model for turn in wider.transcript} == {
        "voice_1": "one", "voice_2": "two", "voice_3": "three", "voice_4": "one", "synthesiser": "four",
    }  # fmt: skip
    assert wider.metrics.calls == 2


@pytest.mark.parametrize(
    ("point", "options", "error", "said"),
    [
        ("nowhere@1", {}, RecordError, "No dialogue begins with 'nowhere'"),
        ("{id}@verdit", {}, WorkbenchError, "Did you mean verdict?"),
        ("{id}@pro", {}, WorkbenchError, "Did you mean pro_"),
        ("{id}@0", {}, WorkbenchError, "Its turns: pro_1, con_1, pro_2, con_2, verdict"),
        ("{id}@6", {}, WorkbenchError, "has no turn '6'"),
        ("{id}@-1", {}, WorkbenchError, "has no turn '-1'"),
        ("{id}@" + "9" * 5000, {}, WorkbenchError, "has no turn"),
        ("{id}@", {}, WorkbenchError, "is not ID@TURN"),
        ("@pro_1", {}, WorkbenchError, "is not ID@TURN"),
        ("@", {}, WorkbenchError, "is not ID@TURN"),
        (" ", {}, WorkbenchError, "is not ID@TURN"),
        ("{id}@con_1@con_1", {}, RecordError, "No dialogue begins with"),
        ("{id}@con_1", {"participants": {"judg": "gpt"}}, ModeError, "Did you mean judge?"),
        ("{id}@con_1", {"judge": "claud-opus"}, WorkbenchError, "claude-opus"),
        ("{id}@con_1", {"limits": {"max_money": 1}}, WorkbenchError, "limit max_money"),
        ("{id}@con_1", {"judge": card(price=None), "limits": {"max_cost": 1}}, WorkbenchError, "price of actor is unknown"),
        ("{id}@con_1", {"parameters": {"round": 1}}, ModeError, "no parameter 'round'"),
        ("{id}@con_1", {"parameters": {"rounds": 1}}, WorkbenchError, "no such turn as pro_1 was\n  Leave the parameters"),
        ("{id}", {"parameters": {"rounds": 3}}, WorkbenchError, "no such turn as verdict was\n  Fork at {id}@con_2"),
    ],
)
def test_a_mistake_says_what_is_wrong_and_leaves_nothing_in_the_record(stage, point, options, error, said):
    parent = stage.run("debate", "Tabs?", models=[card()], parameters={"rounds": 2})
    before = stage.record.events_frame()
    with pytest.raises(error) as caught:
        stage.fork(point.replace("{id}", parent.id), **options)
    assert said.replace("{id}", parent.id) in str(caught.value)
    assert stage.record.events_frame().equals(before)
    assert len(stage.actors.asked) == 5


def test_nothing_said_nothing_to_fork(stage):
    parent = stage.run(line(2), "Tabs?", models=[card()], limits={"max_turns": 0})
    with pytest.raises(WorkbenchError, match="no complete turn to fork from"):
        stage.fork(parent.id)


def test_a_turn_without_those_that_it_rests_on_is_not_copied(stage):
    events = stage.run(line(3), "Tabs?", models=[card()]).recorded_events()
    whole = [event for event in events if getattr(event, "turn", "") != "v1"]
    stage.import_json(exported("torn", map(event_to_dict, whole)))
    with pytest.raises(WorkbenchError, match="v2 needs v1, which the dialogue does not have"):
        stage.fork("torn@v2")


@pytest.mark.parametrize("run", [{}, {"mode": {"name": "x"}}, {"mode": "x", "topic": 5, "cast": []}])
def test_an_import_that_does_not_say_how_it_is_run_cannot_be_forked(stage, run):
    events = [event_to_dict(event) for event in stage.run(line(2), "Tabs?", models=[card()]).recorded_events()]
    stage.import_json(exported("torn", [event | ({"run": run} if "run" in event else {}) for event in events]))
    with pytest.raises(WorkbenchError, match="does not say how it is run"):
        stage.fork("torn@v1")


HOSTILE = ["<script>alert(1)</script>", "' OR 1=1 --", "../../etc/passwd", "a b", "%", "ünï", "{d.id}", "\u202eevil", "x@y"]


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_id_is_an_id_like_any_other(stage, name):
    events = stage.run(line(2), "Tabs?", models=[card()]).recorded_events()
    stage.import_json(exported(name, map(event_to_dict, events)))
    fork = stage.fork(f"{name}@v1").wait(10)
    assert (fork.status, stage.record.summary(fork.id).parent_id) == (Status.COMPLETED, name)
    with pytest.raises(WorkbenchError):
        stage.fork(f"v1@{name}")


def test_export_and_import_keep_it_whole(stage, tmp_path):
    parent = stage.run("debate", "Tabs?", models=[card()], parameters={"rounds": 1})
    fork = stage.fork(f"{parent.id}@con").wait(10)
    other, actors = orchestra(tmp_path / "other", yes)
    with other:
        there = other.import_json(fork.export("json"))
        assert there.recorded_events() == fork.recorded_events()
        assert vars(there.transcript) == vars(fork.transcript)
        assert other.record.summary(there.id).parent_id == parent.id
        again = other.fork(f"{there.id}@con").wait(10)
        assert copied(again.recorded_events()) == {"pro": parent.id, "con": parent.id}
    assert len(actors.asked) == 1


def test_what_was_recorded_before_there_were_forks_reads_as_not_copied():
    old = {"type": "turn_completed", "dialogue": "d", "seq": 5, "at": 1.0, "turn": "pro", "text": "Yes."}
    assert event_from_dict(old).copied_from is None


async def test_reasoning_is_copied_and_the_one_who_answered_is_named(tmp_path):
    async def act(request):
        yield Chunk(reasoning="Thinking.")
        async for chunk in yes(request):
            yield chunk

    orchestrator, _ = orchestra(tmp_path, act)
    with orchestrator:
        parent = orchestrator.run(line(2), "Tabs?", models=[card()])
        fork = orchestrator.fork(f"{parent.id}@v1").wait(10)
    assert fork.transcript["v1"].reasoning == "Thinking."
    assert [isinstance(event, CallEnded) for event in fork.recorded_events()].count(True) == 1
