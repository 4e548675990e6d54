"""What LangSmith refuses, or does not know yet: each thing is told or sent later, and a word that was taken back is taken back."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest
from langfuse_desk import check
from langsmith_desk import PROJECT, all_sent, deliver, dialogue_source, source, target
from langsmith_server import KEY, Asked, LangSmith
from record_examples import START, whole
from sync_experiment import judged_experiment, observation
from sync_service import deliver as sync

from workbench.errors import WorkbenchError
from workbench.loop import run
from workbench.observe.sync.langsmith import LangSmithTarget
from workbench.observe.sync.target import Answer, Dead, Later, Parcel, Sent, Unsure
from workbench.records import Record
from workbench.records.rating import Rating


@pytest.fixture
def server() -> Iterator[LangSmith]:
    with LangSmith() as server:
        yield server


@pytest.fixture
def record(sqlite_url: str) -> Iterator[Record]:
    with Record.open(sqlite_url) as record:
        yield record


def sent(where: LangSmithTarget, parcel: Parcel) -> Answer:
    async def send() -> Answer:
        try:
            return await where.send(parcel)
        finally:
            await where.aclose()

    return run(send())


def feedback_of(record: Record, count: int) -> Parcel:
    """A parcel of feedback on several turns of d1."""
    record.write(whole("d1", turns=count))
    where = LangSmithTarget("http://nowhere", KEY, PROJECT)
    bodies = []
    for number in range(1, count + 1):
        record.rate([Rating("d1", f"turn_{number}", "pro", "small", 0.5, "person", "Ada", at=START)])
        (made,) = run(where.parcels(source("rating", record.ratings()[-1].id), record))
        bodies += json.loads(made.body)["things"]
    return Parcel("feedback", "k", tuple(body["id"] for body in bodies), json.dumps({"things": bodies}).encode())


def test_scores_that_change_and_change_back_are_as_they_were_said_last(server, record):
    run_row = judged_experiment(record)
    for right in (0.0, 1.0, 0.0):
        record.experiments.observe(run_row.id, [observation(run_row, 1, right)])
        assert sync(record, target(server), since=0.0) == {}
        said = [each["score"] for each in server.feedback.values() if each["key"] == "right"]
        assert sorted(said) == sorted([1.0, right])
    assert set(server.arrived.values()) == {1}


def test_an_older_word_that_was_refused_does_not_come_after_a_newer_one(server, record):
    record.write(whole("d1"))
    sync(record, target(server), since=0.0)
    for quality, fault in ((0.5, lambda asked: "422"), (0.75, lambda _asked: None)):
        record.rate([Rating("d1", "turn_1", "pro", "small", quality, "person", "Ada", at=START)])
        server.faults = fault
        sync(record, target(server))
    assert record.outbox.standings()[0].dead == 1
    assert sync(record, target(server), retry_dead=True) == {}
    assert [each["score"] for each in server.feedback.values()] == [0.75]
    assert record.outbox.standings()[0].dead == 0


def test_a_judge_of_several_observations_goes_once(server, record):
    judged_experiment(record, 3)
    assert sync(record, target(server), since=0.0) == {}
    judges = [each for each in server.requests if each.path == "/runs/batch" and "judge" in json.dumps(each.body)]
    assert len(judges) == 1
    assert "odd" not in {each["key"] for each in server.feedback.values()}
    assert {each["key"] for each in server.feedback.values()} == {"right"}


def test_one_word_that_is_refused_leaves_the_others(server, record):
    parcel = feedback_of(record, 3)
    deliver(target(server), record, [dialogue_source(record, "d1")])
    content = json.loads(parcel.body)
    content["things"][1]["key"] = None
    spoilt = Parcel(parcel.kind, parcel.key, parcel.things, json.dumps(content).encode())
    answer = sent(target(server), spoilt)
    assert isinstance(answer, Sent)
    assert [thing for thing, _ in answer.refused] == [parcel.things[1]]
    assert set(server.feedback) == {parcel.things[0], parcel.things[2]}


def test_words_on_runs_that_are_nowhere_are_all_dead(server, record):
    parcel = feedback_of(record, 2)
    now = [START]
    where = target(server, clock=lambda: now[0])
    now[0] += 1000
    answer = sent(where, parcel)
    assert isinstance(answer, Dead)
    assert "--since" in answer.remedy


def test_no_word_is_blamed_where_we_are_not_let_in(server, record):
    parcel = feedback_of(record, 2)
    answer = sent(LangSmithTarget(server.url, "lsv2_pt_wrong", PROJECT), parcel)
    assert isinstance(answer, Dead)
    assert answer.denied


def test_words_wait_where_we_are_no_longer_let_in_after_the_first(server, record, monkeypatch):
    parcel = feedback_of(record, 3)
    deliver(target(server), record, [dialogue_source(record, "d1")])
    server.faults = lambda asked: monkeypatch.setattr("langsmith_server.KEY", "another")
    answer = sent(target(server), parcel)
    assert isinstance(answer, Dead)
    assert answer.denied
    assert len(server.feedback) == 1


@pytest.mark.parametrize("status", ["429", "500"])
def test_a_fault_while_runs_are_sent_one_by_one_is_no_yes(server, record, status):
    record.write(whole("d1", turns=2))
    where = target(server)
    (parcel,) = run(where.parcels(dialogue_source(record, "d1"), record))
    content = json.loads(parcel.body)
    content["things"][-1]["end_time"] -= 10
    spoilt = Parcel(parcel.kind, parcel.key, parcel.things, json.dumps(content).encode())

    def fault(asked: Asked) -> str | None:
        alone = asked.path == "/runs/batch" and len(asked.body["post"]) == 1
        return status if alone and len(server.runs) == 1 else None

    server.faults = fault
    assert isinstance(sent(where, spoilt), Later if status == "429" else Unsure)
    assert len(server.runs) == 1


def test_runs_are_not_tried_one_by_one_where_we_are_not_let_in(server, record):
    record.write(whole("d1", turns=2))
    where = LangSmithTarget(server.url, "lsv2_pt_wrong", PROJECT)
    (parcel,) = run(where.parcels(dialogue_source(record, "d1"), record))
    answer = sent(where, parcel)
    assert isinstance(answer, Dead)
    assert answer.denied
    assert len(server.requests) == 1


def test_every_run_refused_is_a_parcel_refused(server, record):
    record.write(whole("d1", turns=1))
    where = target(server)
    (parcel,) = run(where.parcels(dialogue_source(record, "d1"), record))
    content = json.loads(parcel.body)
    for body in content["things"]:
        body["end_time"] = body["start_time"] - 10
    answer = sent(where, Parcel(parcel.kind, parcel.key, parcel.things, json.dumps(content).encode()))
    assert isinstance(answer, Dead)
    assert "end_time" in answer.reason


def test_feedback_that_cannot_be_changed_yet_is_changed_later(server, record):
    parcel = feedback_of(record, 1)
    deliver(target(server), record, [dialogue_source(record, "d1")])
    assert sent(target(server), parcel) == Sent()
    kept = dict(server.feedback)
    server.faults = lambda asked: server.feedback.clear() if asked.method == "PATCH" else None
    answer = sent(target(server), parcel)
    assert isinstance(answer, Later)
    assert "taken in" in answer.reason
    server.faults = lambda _asked: None
    server.feedback.update(kept)
    assert sent(target(server), parcel) == Sent()


def test_a_project_that_is_not_made_has_not_taken_the_experiment(server, record):
    run_row = judged_experiment(record)
    where = target(server)
    (parcel,) = run(where.parcels(source("run", run_row.id), record))
    server.faults = lambda asked: "500" if asked.path == "/sessions" else None
    assert isinstance(sent(where, parcel), Unsure)


def test_feedback_goes_to_our_project_and_not_to_the_first_one_there_is(server, record):
    server._take_session({"name": "somebody else's"}, upsert=True)
    parcel = feedback_of(record, 1)
    deliver(target(server), record, [dialogue_source(record, "d1")])
    assert sent(target(server), parcel) == Sent()
    (ours,) = [each["id"] for each in server.sessions.values() if each["name"] == PROJECT]
    assert {each["session_id"] for each in server.feedback.values()} == {ours}


def test_parcels_have_so_many_things_and_bytes_as_langsmith_takes(record):
    judged_experiment(record, 130)
    where = LangSmithTarget("http://nowhere", KEY, PROJECT)
    made = run(where.parcels(source("experiment", "e0123456789"), record))
    assert [(each.kind, len(each.things)) for each in made] == [("dataset", 1), ("examples", 100), ("examples", 30)]
    assert len({each.key for each in made}) == 3


def test_large_examples_go_in_parcels_of_their_own(record):
    judged_experiment(record, 2, filling="x" * 3 * 2**20)
    where = LangSmithTarget("http://nowhere", KEY, PROJECT)
    made = run(where.parcels(source("experiment", "e0123456789"), record))
    assert [(each.kind, len(each.things)) for each in made] == [("dataset", 1), ("examples", 1), ("examples", 1)]


def test_a_trace_that_was_sent_is_remembered_while_many_others_are(record, server, monkeypatch):
    monkeypatch.setattr("workbench.observe.sync.langsmith.target._REMEMBERED", 2)
    now = [START]
    where = target(server, clock=lambda: now[0])
    parcel = feedback_of(record, 1)
    now[0] += 100
    for name in ("d2", "d3", "d1"):
        if name != "d1":
            record.write(whole(name))
        assert all_sent(deliver(where, record, [dialogue_source(record, name)]))
    server.runs.clear()
    assert isinstance(sent(where, parcel), Later)


def test_projects_and_workspaces_are_targets_of_their_own(server):
    names = [(PROJECT, None), ("other", None), (PROJECT, "w1"), (PROJECT, "w2")]
    assert len({LangSmithTarget(server.url, KEY, *each).id for each in names}) == 4


def test_a_key_that_may_not_read_the_project_is_told_at_the_greeting(server):
    with pytest.raises(WorkbenchError, match="LANGSMITH_API_KEY"):
        check(LangSmithTarget(server.url, "lsv2_pt_wrong", PROJECT))
