"""A dialogue as spans: every call, retry, fallback, sub-dialogue and person is there once, whatever was stopped and resumed."""

import itertools
import json
import threading

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from patience import wait_until
from stage import card, line, mode_of, orchestra, yes
from wired import card as wired_card
from wired import quick

from workbench.dialogue import Orchestrator
from workbench.errors import RecordError
from workbench.events import (
    Call,
    CallEnded,
    CallStarted,
    DialogueEnded,
    DialogueResumed,
    DialogueSpawned,
    DialogueStarted,
    Status,
    Timings,
    TurnCancelled,
    TurnCompleted,
    TurnStarted,
    TurnWaits,
    Usage,
)
from workbench.models import Chunk, ModelRegistry
from workbench.observe.spans import root_of, session_of, trace_of, turn_key
from workbench.records import Record

TOPICS = {"type": "object", "required": ["topics"], "properties": {"topics": {"type": "array", "items": {"type": "string"}}}}
PAIR = {"name": "pair", "turns": [{"role": "first", "template": "On {topic}"}, {"role": "second", "template": "After {first}"}]}
STUDIES = mode_of(
    {"role": "lead", "output_schema": TOPICS, "template": "Split {topic}"},
    {"id": "studies", "spawn": {"mode": PAIR, "over": "lead.topics"}},
    {"role": "end", "template": "Merge: {studies}"},
)


def by_kind(trace, kind):
    return [span for span in trace.spans if span.kind == kind]


def named(trace, name):
    return next(span for span in trace.spans if span.name == name)


def check_whole(trace):
    """Keys are unique, parents come first, and children lie within them unless a resume added them."""
    known = {}
    for span in trace.spans:
        assert span.key not in known
        assert span.started_at <= span.ended_at
        if span.parent is not None:
            above = known[span.parent]
            assert above.started_at <= span.started_at
            assert span.kind == "run" or span.ended_at <= above.ended_at
        known[span.key] = span


@pytest.fixture
def play(tmp_path):
    opened = []

    def play(act, mode, **options):
        orchestrator, _ = orchestra(tmp_path / str(len(opened)), act)
        opened.append(orchestrator)
        return orchestrator, orchestrator.start(mode, "Tabs?", models=[card()], **options)

    yield play
    for orchestrator in opened:
        orchestrator.close()


def test_retries_and_fallbacks_are_the_calls_they_were(tmp_path, wire):
    wire.cached_tokens, wire.reasoning = 3, "let me think"
    wire.faults = lambda asked: "500" if asked.body["model"] == "first" else None
    models = ModelRegistry(quick(tmp_path))
    models.register(wired_card(wire, name="a", id="openai/first"))
    models.register(wired_card(wire, name="b", id="openai/second", prices={"input": 1, "output": 2}))
    with Orchestrator(settings=quick(tmp_path), models=models) as orchestrator:
        mode = mode_of({"role": "model", "template": "{topic}", "id": "answer"})
        mode["roles"] = {"model": {"sampling": {"temperature": 0.3, "fallbacks": ["b"]}}}
        done = orchestrator.run(mode, "Tabs?", participants={"model": "a"}, seed=7)
        trace = trace_of(orchestrator.record, done.id)
        calls = by_kind(trace, "call")
        stored = orchestrator.record.calls(done.id)
    check_whole(trace)
    assert {span.key[-1] for span in calls} == set(stored["id"])
    lost, answer = calls[:-1], calls[-1]
    assert [(span.asked, span.model, span.attempt, span.status, span.error_kind) for span in lost] == [
        ("a", "a", number, "failed", "capacity") for number in range(1, len(lost) + 1)
    ]
    assert len(lost) > 1
    assert all(span.cost is None and span.usage is None and span.error for span in lost)
    assert (answer.asked, answer.model, answer.model_id, answer.served) == ("a", "b", "openai/second", "wire-model-1")
    assert answer.fallback_reason
    assert answer.usage.cached == 3
    assert answer.usage.reasoning == 3
    assert answer.cost == pytest.approx(stored["cost"].iloc[-1])
    assert answer.reasoning == "let me think"
    assert answer.input == [{"role": "user", "content": "Tabs?"}]
    assert answer.parameters["temperature"] == 0.3
    assert answer.parameters["seed"] == 8
    assert all(span.cost is None for span in trace.spans if span.kind != "call")


def test_the_dialogue_and_its_turns_say_what_was_asked_and_what_came_of_it(play):
    orchestrator, dialogue = play(yes, line(2), seed=1)
    dialogue.wait(60)
    trace = trace_of(orchestrator.record, dialogue.id)
    check_whole(trace)
    root, first, second = trace.spans[0], *by_kind(trace, "turn")
    assert (root.kind, root.name, root.input, root.status) == ("dialogue", "stage", "Tabs?", "ok")
    assert root.output == second.output == dialogue.text
    assert root.metadata["participants"] == {"v1": "actor", "v2": "actor"}
    assert second.input == [{"role": "user", "content": f"turn 2: {first.output}"}]
    assert {first.speaker, second.speaker} == {"model"}
    assert (trace.session, trace.tags, trace.status) == (dialogue.id, ("stage",), "completed")
    assert turn_key(orchestrator.record, dialogue.id, "v1") == first.key
    assert turn_key(orchestrator.record, dialogue.id, "nobody") is None


def test_sub_dialogues_hang_below_the_turn_that_opened_them_also_when_they_are_resumed(play):
    broken = threading.Event()

    async def act(request):
        whole = request.messages[-1]["content"]
        asked = whole.splitlines()[-1]
        if asked.startswith("After") and "south" in asked and not broken.is_set():
            raise RuntimeError("no")
        yield Chunk(text=json.dumps({"topics": ["north", "south"]}) if "JSON Schema" in whole else f"<{asked}>")
        yield Chunk(finish_reason="stop", usage=Usage(prompt=10, completion=5), served="actor")

    orchestrator, dialogue = play(act, STUDIES)
    dialogue.wait(60)
    record = orchestrator.record
    stop = record.events(dialogue.id)[-1].seq
    before = trace_of(record, dialogue.id, 0, stop)
    broken.set()
    orchestrator.resume(dialogue.id).wait(60)
    first, rest, whole = (trace_of(record, dialogue.id, *span) for span in ((0, stop), (stop, None), (0, None)))
    check_whole(first)
    check_whole(whole)
    assert first == before  # what came later changes nothing of it
    keys = [[span.key for span in part.spans] for part in (first, rest, whole)]
    assert sorted(keys[0] + keys[1]) == sorted(keys[2])
    assert len(by_kind(whole, "call")) == sum(len(record.calls(name)) for name in {span.dialogue for span in whole.spans})
    inner = [span for span in first.spans if span.kind == "dialogue" and span.parent]
    assert {(span.name, span.input, span.parent, span.status) for span in inner} == {
        ("pair", "north", named(first, "studies").key, "ok"),
        ("pair", "south", named(first, "studies").key, "failed"),
    }
    again = named(rest, "studies")
    assert again.key != named(first, "studies").key
    assert again.parent == next(span.key for span in rest.spans if span.kind == "run" and span.dialogue == dialogue.id)
    assert [span.dialogue for span in rest.spans if span.kind == "run" and span.parent == again.key] == [
        span.dialogue for span in inner if span.outcome == "failed"
    ]
    child = inner[0].dialogue
    assert root_of(record, child) == dialogue.id == session_of(record, child)
    assert all(root_of(record, name) == dialogue.id for name in {span.dialogue for span in whole.spans})


def test_a_fork_has_a_root_of_its_own_and_no_calls_for_what_it_took_over(play):
    orchestrator, dialogue = play(yes, line(3))
    dialogue.wait(60)
    fork = orchestrator.fork(f"{dialogue.id}@v2", models=[card()]).wait(60)
    trace = trace_of(orchestrator.record, fork.id)
    check_whole(trace)
    assert [(span.name, span.metadata.get("copied_from")) for span in by_kind(trace, "turn")] == [
        ("v1", dialogue.id),
        ("v2", dialogue.id),
        ("v3", None),
    ]
    assert [span.turn for span in by_kind(trace, "call")] == ["v3"]
    assert trace.session == dialogue.id
    assert "fork" in trace.tags
    assert trace.spans[0].metadata["forked_from"] == "v2"
    assert root_of(orchestrator.record, fork.id) == fork.id


def test_people_hooks_and_skipped_turns_are_told_apart(play):
    mode = mode_of(
        {"role": "pro", "template": "{topic}"},
        {"role": "never", "template": "x", "when": "pro.text == 'no'"},
        {"role": "con", "template": "Answer {pro}"},
    )
    orchestrator, dialogue = play(yes, mode, participants={"con": "person"})
    wait_until(lambda: any(isinstance(event, TurnWaits) for event in dialogue.recorded_events()))
    dialogue.answer("I think not.")
    dialogue.wait(60)
    trace = trace_of(orchestrator.record, dialogue.id)
    check_whole(trace)
    person, never = named(trace, "con"), named(trace, "never")
    assert (person.speaker, person.output, person.asked) == ("person", "I think not.", None)
    assert [span.parent for span in by_kind(trace, "wait")] == [person.key]
    assert (never.status, never.started_at == never.ended_at) == ("skipped", True)
    assert "pro.text" in never.error
    assert {span.turn for span in by_kind(trace, "call")} == {"pro"}


def test_a_call_that_never_came_back_is_a_span_of_its_own(tmp_path):
    at = itertools.count(100.0)

    def make(kind, seq, **fields):
        return kind(dialogue="lost", seq=seq, at=next(at), **fields)

    with Record.open(f"sqlite:///{tmp_path}/r.db") as record:
        record.write(
            [
                make(DialogueStarted, 1, mode="chat", topic="?", run={}),
                make(TurnStarted, 2, turn="a", index=1, role="r", model="m"),
                make(CallStarted, 3, turn="a", call="c1", model="m", attempt=1),
                make(DialogueResumed, 4, run={}),
                make(TurnStarted, 5, turn="a", index=1, role="r", model="m"),
                make(CallStarted, 6, turn="a", call="c2", model="m", attempt=1),
                make(CallEnded, 7, turn="a", call=call("c2", 105.0)),
                make(TurnCompleted, 8, turn="a", text="so"),
                make(DialogueEnded, 9, status=Status.COMPLETED),
            ]
        )
        trace = trace_of(record, "lost")
        with pytest.raises(RecordError, match="no dialogue"):
            trace_of(record, "nowhere")
    check_whole(trace)
    assert [(span.key[-1], span.status, span.cost) for span in by_kind(trace, "call")] == [
        ("c1", "interrupted", None),
        ("c2", "ok", 0.5),
    ]
    assert [span.status for span in by_kind(trace, "turn")] == ["interrupted", "ok"]
    assert (trace.spans[0].status, trace.spans[0].ended_at) == ("ok", 108.0)


def test_clocks_that_disagree_are_told(tmp_path):
    def make(kind, name, seq, at, **fields):
        return kind(dialogue=name, seq=seq, at=at, **fields)

    with Record.open(f"sqlite:///{tmp_path}/r.db") as record:
        events = [
            make(DialogueStarted, "up", 1, 100.0, mode="m", topic="?", run={}),
            make(TurnStarted, "up", 2, 101.0, turn="a", index=1, role="r", model="sub-dialogues"),
            make(DialogueSpawned, "up", 3, 102.0, turn="a", child="down", number=1, mode="m", topic="?"),
            make(TurnCompleted, "up", 4, 110.0, turn="a", text="so"),
            make(DialogueEnded, "up", 5, 111.0, status=Status.COMPLETED),
        ]
        inner = [
            make(DialogueStarted, "down", 1, 50.0, mode="m", topic="?", run={"parent_id": "up"}),
            make(TurnStarted, "down", 2, 51.0, turn="b", index=1, role="r", model="m"),
            make(CallEnded, "down", 3, 300.0, turn="b", call=call("c", 200.0)),
            make(TurnCompleted, "down", 4, 300.0, turn="b", text="so"),
            make(DialogueEnded, "down", 5, 301.0, status=Status.COMPLETED),
        ]
        record.write(events)
        record.write(inner)
        trace = trace_of(record, "up")
    check_whole(trace)
    below = next(span for span in trace.spans if span.dialogue == "down")
    assert (below.started_at, below.ended_at, below.metadata["clock_moved"]) == (101.0, 110.0, 51.0)
    assert by_kind(trace, "call")[0].metadata["clock_moved"] == -90.0
    assert "clock_moved" not in trace.spans[0].metadata


def test_a_sub_dialogue_that_was_announced_and_begun_only_after_a_resume_goes_with_the_resume(tmp_path):
    def make(kind, name, seq, at, **fields):
        return kind(dialogue=name, seq=seq, at=at, **fields)

    def turn(seq, at):
        return make(TurnStarted, "up", seq, at, turn="a", index=1, role="r", model="sub-dialogues")

    up = [
        make(DialogueStarted, "up", 1, 100.0, mode="m", topic="?", run={}),
        turn(2, 101.0),
        make(DialogueSpawned, "up", 3, 102.0, turn="a", child="x", number=1, mode="m", topic="?"),
        make(TurnCancelled, "up", 4, 103.0, turn="a"),
        make(DialogueEnded, "up", 5, 104.0, status=Status.CANCELLED),
        make(DialogueResumed, "up", 6, 200.0, run={}),
        turn(7, 201.0),
        make(TurnCompleted, "up", 8, 220.0, turn="a", text="so"),
        make(DialogueEnded, "up", 9, 221.0, status=Status.COMPLETED),
    ]
    with Record.open(f"sqlite:///{tmp_path}/r.db") as record:
        record.write(up)
        record.write([make(DialogueStarted, "x", 1, 202.0, mode="m", topic="x", run={"parent_id": "up"})])
        rest = trace_of(record, "up", 5, 9)
    assert [span.key for span in rest.spans] == [("up", "run", "6"), ("up", "turn", "a", "7"), ("x",)]


@pytest.mark.parametrize("behind", [0.0, 60.0, 3600.0])
def test_what_was_sent_before_a_resume_by_another_clock_is_not_sent_again(tmp_path, behind):
    def make(kind, name, seq, at, **fields):
        return kind(dialogue=name, seq=seq, at=at, **fields)

    def turn(seq, at):
        return make(TurnStarted, "up", seq, at, turn="a", index=1, role="r", model="sub-dialogues")

    later = 10_000.0 - behind
    up = [
        make(DialogueStarted, "up", 1, 9_900.0, mode="m", topic="?", run={}),
        turn(2, 9_901.0),
        make(DialogueSpawned, "up", 3, 9_902.0, turn="a", child="x", number=1, mode="m", topic="?"),
        make(DialogueSpawned, "up", 4, 9_902.0, turn="a", child="y", number=2, mode="m", topic="?"),
        make(TurnCancelled, "up", 5, 9_950.0, turn="a"),
        make(DialogueEnded, "up", 6, 9_951.0, status=Status.CANCELLED),
        make(DialogueResumed, "up", 7, later, run={}),
        turn(8, later + 1),
        make(TurnCompleted, "up", 9, later + 20, turn="a", text="so"),
        make(DialogueEnded, "up", 10, later + 21, status=Status.COMPLETED),
    ]
    run = {"parent_id": "up"}
    x = [
        make(DialogueStarted, "x", 1, 9_903.0, mode="m", topic="x", run=run),
        make(DialogueEnded, "x", 2, 9_940.0, status=Status.COMPLETED),
    ]
    y = [
        make(DialogueStarted, "y", 1, 9_903.0, mode="m", topic="y", run=run),
        make(DialogueEnded, "y", 2, 9_949.0, status=Status.CANCELLED),
        make(DialogueResumed, "y", 3, later + 2, run=run),
        make(DialogueEnded, "y", 4, later + 19, status=Status.COMPLETED),
    ]
    with Record.open(f"sqlite:///{tmp_path}/r.db") as record:
        record.write(up[:6])
        record.write([*x, *y[:2]])
        sent = trace_of(record, "up", 0, 6)
        record.write(up[6:])
        record.write(y[2:])
        first, rest, whole = (trace_of(record, "up", *reach) for reach in ((0, 6), (6, 10), (0, 10)))
    check_whole(whole)
    assert first == sent
    assert [span.key for span in first.spans] == [("up",), ("up", "turn", "a", "2"), ("x",), ("y",)]
    assert [span.key for span in rest.spans] == [("up", "run", "7"), ("up", "turn", "a", "8"), ("y", "run", "3")]
    assert rest.spans[-1].parent == ("up", "turn", "a", "8")


def call(name, at, cost=0.5):
    return Call(
        id=name,
        asked="m",
        model="m",
        provider="p",
        attempt=1,
        outcome="ok",
        started_at=at,
        timings=Timings(0.0, 0.1, 0.5),
        usage=Usage(3, 4),
        cost=cost,
        text="so",
    )


@st.composite
def histories(draw):
    """What several processes may write of one dialogue: runs that end or are cut off, with turns that end or are cut off."""
    number = itertools.count(1)
    at = st.floats(-5, 5, allow_nan=False)
    clock = 1_700_000_000.0
    events = []

    def add(kind, **fields):
        nonlocal clock
        clock += draw(at)
        events.append((kind, {"seq": next(number), "at": clock, **fields}))

    stops = []
    for run in range(draw(st.integers(1, 4))):
        add(DialogueResumed if run else DialogueStarted, run={}, **({} if run else {"mode": "m", "topic": "?"}))
        for turn in draw(st.lists(st.sampled_from("abc"), max_size=4)):
            if draw(st.booleans()):
                add(TurnStarted, turn=turn, index=1, role="r", model="m")
            for _ in range(draw(st.integers(0, 2))):
                name = f"c{len(events)}"
                add(CallStarted, turn=turn, call=name, model="m", attempt=1)
                if draw(st.booleans()):
                    add(CallEnded, turn=turn, call=call(name, clock))
            ending = draw(st.sampled_from([None, TurnCompleted, TurnCancelled]))
            if ending:
                add(ending, turn=turn, text="so")
        if draw(st.booleans()):
            add(DialogueEnded, status=Status.CANCELLED)
        stops.append(events[-1][1]["seq"])
    return events, stops


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(history=histories(), data=st.data())
def test_ranges_that_follow_on_each_other_hold_each_span_once(history_record, history, data):
    events, stops = history
    record, names = history_record
    name = f"d{next(names)}"
    record.write(kind(dialogue=name, **fields) for kind, fields in events)
    cuts = [*sorted(data.draw(st.sets(st.sampled_from(stops)))), None]
    parts = [trace_of(record, name, after or 0, through) for after, through in itertools.pairwise([0, *cuts])]
    found = [span.key for part in parts for span in part.spans]
    whole = trace_of(record, name)
    check_whole(whole)
    assert sorted(found) == sorted(span.key for span in whole.spans)
    assert len({span.digest(8) for span in whole.spans}) == len(found)
    assert {span.key[-1] for span in whole.spans if span.kind == "call"} == {
        fields["call"] for kind, fields in events if kind is CallStarted
    }


@pytest.fixture(scope="module")
def history_record(tmp_path_factory):
    with Record.open(f"sqlite:///{tmp_path_factory.mktemp('spans')}/r.db") as record:
        yield record, itertools.count()
