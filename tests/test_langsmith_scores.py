"""Ratings, assessments and experiments at LangSmith, as LangSmith's own client reads them back."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace

import pytest
from langsmith_desk import PROJECT, all_sent, client, deliver, dialogue_source, source, target
from langsmith_server import LangSmith, failing
from record_examples import START, whole

from workbench.loop import run
from workbench.observe.pull.service import Score, signed
from workbench.observe.sync.langsmith.experiments import example_id
from workbench.observe.sync.langsmith.ids import session_id
from workbench.observe.sync.target import Dead, Later, Sent
from workbench.records import Record
from workbench.records.assessments import AssessmentRow, OutcomeRow
from workbench.records.experiments import CaseRow, ExperimentRow, ObservationRow, RunRow
from workbench.records.papers import PaperRow
from workbench.records.rating import Rating

ARMS = ("plain", "careful")
DEFINITION = {
    "name": "sums",
    "description": "Which prompt adds better?",
    "arms": {arm: {"model": "small", "prompt": f"{arm}: {{question}}"} for arm in ARMS},
    "metrics": {"right": {"kind": "numeric", "expected": "answer"}, "latency": {"kind": "latency"}},
    "repeats": 2,
    "seed": 7,
}


@pytest.fixture
def server() -> Iterator[LangSmith]:
    with LangSmith() as server:
        yield server


@pytest.fixture
def record(sqlite_url: str) -> Iterator[Record]:
    with Record.open(sqlite_url) as record:
        yield record


def rate(record: Record, quality: float, by: str = "Ada", kind: str = "person") -> str:
    """Keep a rating of d1's first turn, and return its number."""
    record.rate([Rating("d1", "turn_1", "pro", "small", quality, kind, by, "so so", at=START)])
    return str(record.ratings()[-1].id)


def test_a_rating_is_feedback_on_its_turn_and_a_later_word_takes_its_place(server, record):
    record.write(whole("d1"))
    first, where = rate(record, 0.5), target(server)
    assert all_sent(deliver(where, record, [dialogue_source(record, "d1"), source("rating", first)]))
    assert all_sent(deliver(where, record, [source("rating", rate(record, 0.75))]))
    assert deliver(where, record, [source("rating", first)]) == []  # it is not there any more
    with client(server) as theirs:
        (turn,) = [run for run in theirs.list_runs(project_name=PROJECT) if run.name == "turn_1"]
        (said,) = theirs.list_feedback(run_ids=[turn.id])
    assert (said.key, said.score, said.comment) == ("person_quality", 0.75, "so so")
    assert said.feedback_source.metadata["by"] == "Ada"
    assert said.session_id == turn.session_id


def test_a_judge_is_told_from_a_person(server, record):
    record.write(whole("d1"))
    sources = [source("rating", rate(record, 0.5)), source("rating", rate(record, 0.25, "judge", "judge"))]
    assert all_sent(deliver(target(server), record, [dialogue_source(record, "d1"), *sources]))
    assert {(each["key"], each["feedback_source"]["type"]) for each in server.feedback.values()} == {
        ("person_quality", "api"),
        ("judge_quality", "model"),
    }


def test_what_was_pulled_from_langsmith_does_not_go_back(server, record):
    record.write(whole("d1"))
    theirs = rate(record, 1.0, signed(Score("s1", "helpful", "d1", "turn_1", True, by="Ada"), "LangSmith"))
    others = rate(record, 1.0, signed(Score("s1", "helpful", "d1", "turn_1", True, by="Ada"), "Langfuse"))
    sources = [dialogue_source(record, "d1"), source("rating", theirs), source("rating", others)]
    assert all_sent(deliver(target(server), record, sources))
    assert [each["feedback_source"]["metadata"]["by"] for each in server.feedback.values()] == ["Ada: helpful via Langfuse"]


def test_a_rating_of_a_dialogue_that_is_gone_is_nothing_to_send(server, record):
    assert deliver(target(server), record, [source("rating", rate(record, 0.5))]) == []


def test_feedback_waits_for_a_run_that_was_just_sent_and_for_no_other(server, record):
    record.write(whole("d1"))
    now = [START]
    where = target(server, clock=lambda: now[0])
    (parcel,) = run(where.parcels(source("rating", rate(record, 0.5)), record))
    assert isinstance(run(where.send(parcel)), Later)  # another process may have sent it a moment ago
    now[0] += 61
    gone = run(where.send(parcel))
    assert isinstance(gone, Dead)
    assert "--since" in gone.remedy
    assert all_sent(deliver(where, record, [dialogue_source(record, "d1")]))
    there = dict(server.runs)
    server.runs.clear()  # as long as the service works on what it took
    waits = run(where.send(parcel))
    assert isinstance(waits, Later)
    assert "not there yet" in waits.reason
    server.runs.update(there)
    assert run(where.send(parcel)) == Sent()
    run(where.aclose())


def test_an_assessment_and_what_came_of_it_are_feedback_on_the_debate(server, record):
    record.write(whole("d1"))
    record.papers.add(PaperRow("p1", "0" * 64, START, "On Sums", (), 2026, None, None, "p1.pdf", "papers/p1.pdf", 3), "{}", [])
    data = {"implementable": True, "confidence": 0.7, "difficulty": 4, "weeks": {"low": 1, "likely": 2, "high": 5}}
    record.assessments.add(AssessmentRow("a1", "p1", "d1", START, "Worth it?", "", data))
    record.assessments.add_outcome(OutcomeRow("a1", START + 9, worked=True, weeks=3, note="it did"))
    sources = [source("assessment", "a1"), source("outcome", record.assessments.outcomes()[-1].id)]
    assert all_sent(deliver(target(server), record, [dialogue_source(record, "d1"), *sources]))
    root = next(run for run in server.runs.values() if run["parent_run_id"] is None)
    with client(server) as theirs:
        said = {each.key: (each.score, each.comment) for each in theirs.list_feedback(run_ids=[root["id"]])}
    assert said == {
        "paper_implementable": (True, "Worth it?"),
        "paper_confidence": (0.7, None),
        "paper_difficulty": (4, None),
        "paper_weeks": (2, None),
        "paper_worked": (True, "it did"),
    }


def experiment(record: Record, cases: int = 3) -> RunRow:
    """Keep an experiment with two arms and two repeats, whose first observation was a dialogue."""
    row = ExperimentRow("e0123456789", "sums", START, "f" * 64, "{}", json.dumps(DEFINITION))
    data = [{"id": f"c{number}", "question": f"{number} + 1?", "answer": number + 1} for number in range(cases)]
    record.experiments.keep(row, [CaseRow(number, case["id"], json.dumps(case)) for number, case in enumerate(data)])
    run = replace(RunRow.new(row.id, cases * 4, "{}"), created_at=START, ended_at=START + 50, status="completed")
    record.experiments.begin(run)
    started, *rest = whole(f"{run.id}-first", turns=1)
    record.write([replace(started, run={"parent_id": run.id}), *rest])
    rows = [observation(number, arm, repeat) for number in range(cases) for arm in ARMS for repeat in range(2)]
    rows[0] = replace(rows[0], dialogue_id=f"{run.id}-first")
    record.experiments.observe(run.id, rows)
    return run


def observation(number: int, arm: str, repeat: int) -> ObservationRow:
    failed = (number, arm, repeat) == (1, "plain", 1)
    return ObservationRow(
        number=number,
        arm=arm,
        repeat=repeat,
        case_id=f"c{number}",
        attempt=1,
        status="failed" if failed else "ok",
        error="it timed out" if failed else None,
        fallback=0,
        dialogue_id=None,
        started_at=START + number,
        latency=0.5,
        cost=0.01,
        tokens=20,
        output=None if failed else f"It is {number + 1}",
        scores="{}" if failed else json.dumps({"right": 1.0 if arm == "careful" else 0.0}),
        notes=json.dumps({"judges": {"right": {"reason": "because"}}}),
    )


def sources_of(record: Record, run: RunRow) -> list:
    rows = record.experiments.observations(run.id)
    keys = [f"{run.id}/{row.number}/{row.arm}/{row.repeat}/{row.attempt}" for row in rows]
    return [source("experiment", run.experiment_id), source("run", run.id), *(source("observation", key) for key in keys)]


def test_an_experiment_is_a_data_set_with_a_project_for_each_arm(server, record):
    run = experiment(record)
    assert all_sent(deliver(target(server), record, sources_of(record, run)))
    with client(server) as theirs:
        dataset = theirs.read_dataset(dataset_name="sums (e0123456)")
        examples = list(theirs.list_examples(dataset_id=dataset.id))
        projects = {arm: theirs.read_project(project_id=session_id(run.id, arm)) for arm in ARMS}
        runs = {arm: list(theirs.list_runs(project_id=project.id, is_root=True)) for arm, project in projects.items()}
        said = list(theirs.list_feedback(run_ids=[each.id for each in runs["careful"]]))
    assert [each.inputs for each in examples] == [{"id": f"c{number}", "question": f"{number} + 1?"} for number in range(3)]
    assert [each.outputs for each in examples] == [{"answer": 1}, {"answer": 2}, {"answer": 3}]
    for arm in ARMS:
        assert projects[arm].reference_dataset_id == dataset.id
        assert projects[arm].metadata["num_repetitions"] == 2
        compared = sorted(str(each.reference_example_id) for each in runs[arm])
        assert compared == sorted(example_id(run.experiment_id, number) for number in (0, 0, 1, 1, 2, 2))
        assert {each.metadata["repeat"] for each in runs[arm]} == {0, 1}  # repeats are runs of their own
    assert [(each.key, each.score, each.comment) for each in said] == [("right", 1.0, "because")] * 6
    assert {each.inputs["question"] for each in runs["plain"]} == {"0 + 1?", "1 + 1?", "2 + 1?"}
    assert [each.error for each in runs["plain"] if each.error] == ["it timed out"]


def test_an_observation_that_was_a_dialogue_has_its_turns_and_calls_below_it(server, record):
    run = experiment(record)
    deliver(target(server), record, sources_of(record, run))
    (call,) = [each for each in server.runs.values() if each["run_type"] == "llm"]
    root = server.runs[call["trace_id"]]
    assert (root["name"], root["outputs"]) == ("plain c0", {"output": "It is 1"})
    assert root["extra"]["metadata"]["workbench_dialogue"] == f"{run.id}-first"
    assert call["session_id"] == root["session_id"] == session_id(run.id, "plain")


def test_a_rating_of_an_observation_is_feedback_in_its_experiment(server, record):
    run = experiment(record)
    dialogue = f"{run.id}-first"
    record.rate([Rating(dialogue, "turn_1", "pro", "small", 0.5, "person", "Ada", at=START)])
    number = record.ratings()[-1].id
    assert all_sent(deliver(target(server), record, [*sources_of(record, run), source("rating", number)]))
    (said,) = [each for each in server.feedback.values() if each["key"] == "person_quality"]
    assert said["session_id"] == session_id(run.id, "plain")


def test_what_a_judge_said_of_an_observation_is_a_trace_in_the_project(server, record):
    run = experiment(record)
    record.write(whole(f"{run.id}-judge", turns=1))
    judged = {"judges": {"right": {"dialogues": [f"{run.id}-judge"], "reason": "because"}}}
    row = replace(observation(2, "careful", 0), notes=json.dumps(judged))
    record.experiments.observe(run.id, [row])
    assert all_sent(deliver(target(server), record, sources_of(record, run)))
    with client(server) as theirs:
        (root,) = theirs.list_runs(project_name=PROJECT, is_root=True)
    assert root.metadata["workbench_dialogue"] == f"{run.id}-judge"
    assert root.metadata["workbench_run"] == run.id


def test_with_faults_an_experiment_arrives_once_and_a_second_time_changes_nothing(record):
    run = experiment(record)
    with LangSmith(failing(0.35, 5)) as server:
        where = target(server)
        assert all_sent(deliver(where, record, sources_of(record, run)))
        there = [dict(things) for things in (server.examples, server.runs, server.datasets)]
        assert all_sent(deliver(where, record, sources_of(record, run)))
        assert there == [server.examples, server.runs, server.datasets]
        assert (len(server.examples), len(server.datasets), len(server.sessions), len(server.feedback)) == (3, 1, 2, 11)
        assert set(server.arrived.values()) == {1}
        assert len(server.arrived) == 12 + 2  # a root each, and a turn and a call


def test_an_observation_that_was_tried_again_is_sent_as_its_last_attempt(server, record):
    run = experiment(record)
    again = replace(observation(1, "plain", 1), attempt=2, status="ok", error=None, output="It is 2")
    record.experiments.observe(run.id, [again])
    where = target(server)
    deliver(where, record, sources_of(record, run)[:2])
    assert deliver(where, record, [source("observation", f"{run.id}/1/plain/1/1")]) == []
    assert all_sent(deliver(where, record, [source("observation", f"{run.id}/1/plain/1/2")]))
    (root,) = server.runs.values()
    assert (root["error"], root["outputs"]) == (None, {"output": "It is 2"})
