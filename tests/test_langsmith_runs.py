"""Dialogues at LangSmith: what the sync sends is what LangSmith's own client reads back, each run once."""

from __future__ import annotations

import itertools
import json
import secrets
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from langsmith_desk import PROJECT, all_sent, client, deliver, dialogue_source, target
from langsmith_server import DAY, LangSmith, failing
from record_examples import START, ended, turn, whole

from workbench.errors import WorkbenchError
from workbench.events import DialogueResumed
from workbench.loop import run
from workbench.observe.span import Span
from workbench.observe.spans import trace_of
from workbench.observe.sync.langsmith import LangSmithTarget
from workbench.observe.sync.langsmith.ids import run_ids
from workbench.observe.sync.langsmith.times import HOUR, as_it_was, dotted, fitted
from workbench.observe.sync.target import Dead, TooLarge
from workbench.records import Record

GOLDEN = Path(__file__).parent / "data" / "langsmith_runs.json"


@pytest.fixture
def server() -> Iterator[LangSmith]:
    with LangSmith() as server:
        yield server


@pytest.fixture
def record(sqlite_url: str) -> Iterator[Record]:
    with Record.open(sqlite_url) as record:
        yield record


def test_a_dialogue_is_read_back_as_the_tree_that_it_is(server, record):
    record.write(whole("d1", turns=3))
    assert all_sent(deliver(target(server), record, [dialogue_source(record, "d1")]))
    with client(server) as theirs:
        (root,) = theirs.list_runs(project_name=PROJECT, is_root=True)
        tree = theirs.read_run(root.id, load_child_runs=True)
        assert theirs.read_project(project_name=PROJECT).id == tree.session_id
    trace = trace_of(record, "d1")
    assert (tree.name, tree.inputs, tree.status) == ("debate", {"topic": "Is water wet?"}, "success")
    assert tree.start_time.timestamp() == pytest.approx(trace.started_at, abs=1e-5)
    assert tree.metadata["thread_id"] == "d1"
    assert tree.tags == ["debate"]
    assert [turn.name for turn in tree.child_runs] == ["turn_1", "turn_2", "turn_3"]
    (call,) = tree.child_runs[0].child_runs
    assert (call.run_type, call.outputs["messages"][0]["content"]) == ("llm", "Answer 1")
    assert (call.prompt_tokens, call.completion_tokens, float(call.total_cost)) == (100, 20, 0.25)
    assert call.outputs["usage_metadata"]["input_token_details"] == {"cache_read": 5}
    assert call.outputs["usage_metadata"]["output_token_details"] == {"reasoning": 3}
    assert call.metadata["ls_model_name"] == "small-2026"
    assert call.metadata["workbench_turn"] == "turn_1"
    assert call.first_token_time.timestamp() == pytest.approx(START + 1.125, abs=1e-5)
    assert (tree.total_tokens, float(tree.total_cost)) == (360, 0.75)  # each call counts once


def test_the_runs_of_a_dialogue_are_as_they_were(server, record):
    record.write(whole("d1", turns=1))
    deliver(target(server), record, [dialogue_source(record, "d1")])
    sent = [{**run, "session_id": "the project's"} for run in server.runs.values()]
    assert sent == json.loads(GOLDEN.read_text())


def test_a_failure_and_the_fallback_for_it_are_runs_of_their_own(server, record):
    start, begun, asked, answered, *rest = whole("d1", turns=1)
    lost = {"usage": None, "cost": None, "served": None, "text": "", "finish_reason": None}
    failed = replace(answered.call, id="lost", asked="big", model="big", outcome="capacity", error="it is full", **lost)
    served = replace(answered.call, asked="big", fallback_reason="capacity", cost=None)
    events = [start, begun, asked, replace(answered, call=failed), replace(answered, seq=5, call=served)]
    record.write([*events, *(replace(event, seq=event.seq + 1) for event in rest)])
    assert all_sent(deliver(target(server), record, [dialogue_source(record, "d1")]))
    llm = {each["name"]: each for each in server.runs.values() if each["run_type"] == "llm"}
    assert llm["big"]["error"] == "capacity: it is full"
    assert llm["big"]["outputs"] == {}
    assert llm["small"]["error"] is None
    metadata = llm["small"]["extra"]["metadata"]
    assert (metadata["asked"], metadata["model_card"], metadata["fallback_reason"]) == ("big", "small", "capacity")
    assert "total_cost" not in llm["small"]["outputs"]["usage_metadata"]  # unknown is not zero


def test_what_a_resume_added_goes_below_what_is_there(server, record):
    events = whole("d1", turns=1)
    record.write(events)
    where = target(server)
    assert all_sent(deliver(where, record, [dialogue_source(record, "d1")]))
    more = [replace(event, seq=event.seq + 2) for event in (*turn("d1", 2), ended("d1", 2))]
    record.write([DialogueResumed(dialogue="d1", seq=7, at=START + 2, run={}), *more])
    before = dict(server.runs)
    assert all_sent(deliver(where, record, [dialogue_source(record, "d1", after=6)]))
    new = [each for name, each in server.runs.items() if name not in before]
    root = next(each for each in before.values() if each["parent_run_id"] is None)
    assert {each["trace_id"] for each in new} == {root["id"]}
    assert [(each["name"], each["run_type"]) for each in new] == [("debate", "chain"), ("turn_2", "chain"), ("small", "llm")]
    assert new[0]["parent_run_id"] == root["id"]
    assert set(server.arrived.values()) == {1}


@pytest.mark.parametrize("seed", range(3))
def test_with_faults_of_all_kinds_each_run_arrives_once(record, seed):
    with LangSmith(failing(0.35, seed), most_bytes=6000) as server:
        for number in range(6):
            record.write(whole(f"d{number}", turns=4))
        sources = [dialogue_source(record, f"d{number}") for number in range(6)]
        assert all_sent(deliver(target(server), record, sources + sources))  # the second time everything is there
        assert len(server.runs) == 6 * 9 == len(server.arrived)
        assert set(server.arrived.values()) == {1}


@pytest.mark.parametrize("takes_rest", [False, True])
def test_where_one_run_is_there_the_others_still_arrive(server, record, takes_rest):
    server.takes_rest = takes_rest
    record.write(whole("d1", turns=2))
    where = target(server)
    (parcel,) = run(where.parcels(dialogue_source(record, "d1"), record))
    run(where.send(where.part(parcel, parcel.things[:1], "one")))
    assert all_sent(deliver(where, record, [dialogue_source(record, "d1")]))
    assert set(server.arrived) == set(parcel.things)
    assert set(server.arrived.values()) == {1}


def test_a_run_that_the_service_refuses_leaves_the_others(server, record):
    record.write(whole("d1", turns=2))
    where = target(server)
    (parcel,) = run(where.parcels(dialogue_source(record, "d1"), record))
    content = json.loads(parcel.body)
    content["things"][-1]["end_time"] -= 10
    spoilt = type(parcel)(parcel.kind, parcel.key, parcel.things, json.dumps(content).encode())
    answer = run(where.send(spoilt))
    run(where.aclose())
    assert [thing for thing, _ in answer.refused] == [parcel.things[-1]]
    assert "end_time is earlier" in answer.refused[0][1]
    assert set(server.runs) == set(parcel.things[:-1])


def test_halves_lose_nothing(server, record):
    record.write(whole("d1", turns=30))
    where = target(server)
    (parcel,) = run(where.parcels(dialogue_source(record, "d1"), record))
    server.most_bytes = 5000
    assert isinstance(run(where.send(parcel)), TooLarge)
    run(where.aclose())
    assert all_sent(deliver(where, record, [dialogue_source(record, "d1")]))
    assert set(server.arrived) == set(parcel.things)
    assert len(parcel.things) == 61


def test_the_hosted_service_gets_old_dialogues_in_present_times(record):
    now = START + 400 * DAY
    with LangSmith(hosted=True, clock=lambda: now) as server:
        record.write(whole("old", turns=2))
        where = target(server, clock=lambda: now)
        where.hosted = True
        assert all_sent(deliver(where, record, [dialogue_source(record, "old")]))
        root = next(each for each in server.runs.values() if each["parent_run_id"] is None)
        metadata = root["extra"]["metadata"]
        assert metadata["workbench_started_at"].startswith("2023-11-14T22:13:20.125")
        assert "times moved" in root["tags"]
        assert "present times" in run(where.check())
        run(where.aclose())
        with client(server) as theirs:
            tree = theirs.read_run(root["id"], load_child_runs=True)
        assert tree.latency == pytest.approx(trace_of(record, "old").ended_at - trace_of(record, "old").started_at)
        assert len(tree.child_runs) == 2


def test_a_self_hosted_service_gets_them_as_they_were(server, record):
    record.write(whole("old", turns=1))
    where = target(server)
    deliver(where, record, [dialogue_source(record, "old")])
    assert {each["start_time"][:10] for each in server.runs.values()} == {"2023-11-14"}
    assert "present times" not in run(where.check())
    run(where.aclose())


def test_a_wrong_key_names_the_variable_and_keeps_the_key_to_itself(server, record):
    wrong = f"lsv2_pt_{secrets.token_hex(8)}"
    where = LangSmithTarget(server.url, wrong, PROJECT)
    with pytest.raises(WorkbenchError, match="LANGSMITH_API_KEY") as told:
        run(where.check())
    record.write(whole("d1", turns=1))
    (answer,) = deliver(where, record, [dialogue_source(record, "d1")])
    assert isinstance(answer, Dead)
    assert answer.denied
    assert "LANGSMITH_API_KEY" in answer.remedy
    assert wrong not in str(told.value) + str(answer) + where.id + where.title


@given(
    st.lists(st.tuples(st.floats(0, 4e9), st.floats(0, 1e6)), min_size=1, max_size=40),
    st.floats(0, 4e9),
)
def test_times_fit_the_hosted_services_window_and_keep_their_order(times, now):
    begun = min(at for at, _ in times)
    ended = max(at + length for at, length in times)
    fit = fitted(begun, ended, now)
    starts = sorted(at for at, _ in times)
    moved = [fit(at) for at in starts]
    assert all(abs(at - now) < DAY for at in moved) or ended <= now + HOUR >= begun >= now - DAY
    assert moved == sorted(moved)


@given(st.lists(st.tuples(st.text(max_size=5), st.integers(0, 3)), min_size=1, max_size=300, unique=True))
def test_ids_are_stable_unique_and_tell_runs_apart_by_their_first_bytes(seeds):
    spans = [Span((name, str(at)), None, "turn", name, 1e9 + at / 1000, 2e9, name) for name, at in seeds]
    ids = run_ids(spans)
    assert ids == run_ids(spans)
    assert {key: ids[key] for key in list(ids)[: len(ids) // 2]} == run_ids(spans[: len(ids) // 2])
    assert len({name[:18] for name in ids.values()}) == len(spans)
    assert all(name[14] == "7" for name in ids.values())


def test_runs_that_begin_in_the_same_millisecond_are_told_apart_by_their_first_bytes():
    ids = run_ids([Span((str(number),), None, "turn", "t", 1e9, 2e9, "d") for number in range(500)])
    assert len({name[:18] for name in ids.values()}) == 500


@given(st.lists(st.floats(0, 4e9), min_size=1, max_size=6))
def test_a_dotted_order_begins_with_that_of_the_parent_and_sorts_by_time(times):
    path = [[at, f"id{number}"] for number, at in enumerate(sorted(times))]
    orders = [dotted(path[: length + 1], as_it_was(0.0)) for length in range(len(path))]
    for above, below in itertools.pairwise(orders):
        assert below.startswith(above + ".")
    segments = orders[-1].split(".")
    assert [part.split("Z")[0] for part in segments] == sorted(part.split("Z")[0] for part in segments)
