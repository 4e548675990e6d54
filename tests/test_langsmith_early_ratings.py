"""Ratings of observations that are not kept yet: their judges may still be busy. They are held back until it is known where they belong."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest
from langsmith_desk import source, target
from langsmith_server import LangSmith
from record_examples import START, whole
from sync_experiment import ARM, judged_experiment, observation
from sync_service import QUICK
from sync_service import deliver as sync

from workbench.loop import run
from workbench.observe.sync.langsmith.ids import session_id
from workbench.observe.sync.target import Dead, Later, NotYetError
from workbench.records import Record
from workbench.records.experiments import RunRow
from workbench.records.rating import Rating

BRIEF = replace(QUICK, patience=0.02)


@pytest.fixture
def server() -> Iterator[LangSmith]:
    with LangSmith() as server:
        yield server


@pytest.fixture
def record(sqlite_url: str) -> Iterator[Record]:
    with Record.open(sqlite_url) as record:
        yield record


def live_run(record: Record) -> RunRow:
    """A run of this process whose first observation has just been spoken and rated, and is not kept yet."""
    live = RunRow.new(judged_experiment(record).experiment_id, 2, "{}")
    record.experiments.begin(live)
    begun, *rest = whole(f"{live.id}-first", turns=1)
    record.write([replace(begun, run={"parent_id": live.id}), *rest])
    record.rate([Rating(f"{live.id}-first", "turn_1", "pro", "small", 0.5, "check", at=START)])
    return live


def test_a_rating_is_held_back_until_its_observation_is_kept(server, record):
    live = live_run(record)
    assert sync(record, target(server), since=0.0, pace=BRIEF) == {}
    standing = record.outbox.standings()[0]
    assert (standing.pending, standing.dead) == (1, 0), "all but the rating"
    record.experiments.observe(live.id, [observation(live, 0)])
    assert sync(record, target(server)) == {}
    standing = record.outbox.standings()[0]
    assert (standing.left, standing.dead) == (0, 0)
    (said,) = [each for each in server.feedback.values() if each["key"] == "check_quality"]
    assert said["session_id"] == session_id(live.id, ARM)


def test_a_rating_of_a_judge_goes_to_the_project_when_the_run_has_ended(record, server):
    live = live_run(record)
    rated = source("rating", record.ratings()[-1].id)
    with pytest.raises(NotYetError):
        run(target(server).parcels(rated, record))
    record.experiments.observe(live.id, [replace(observation(live, 0), dialogue_id=None)])
    record.experiments.end(live.id, "completed", None)
    (parcel,) = run(target(server).parcels(rated, record))
    assert b"session_id" not in parcel.body


def test_feedback_on_an_observation_that_is_still_in_the_outbox_is_waited_for_and_not_for_ever(record, server):
    live = live_run(record)
    record.experiments.observe(live.id, [observation(live, 0)])
    now = [START]
    where = target(server, clock=lambda: now[0])
    (parcel,) = run(where.parcels(source("rating", record.ratings()[-1].id), record))
    now[0] += 10_000
    assert isinstance(run(where.send(parcel)), Later)
    now[0] += 10_000
    assert isinstance(run(where.send(parcel)), Dead)
    run(where.aclose())


def test_a_later_word_on_an_observation_that_is_held_back_is_the_one_that_goes(server, record):
    live = live_run(record)
    sync(record, target(server), since=0.0, pace=BRIEF)
    record.rate([Rating(f"{live.id}-first", "turn_1", "pro", "small", 0.75, "check", at=START)])
    record.experiments.observe(live.id, [observation(live, 0)])
    assert sync(record, target(server)) == {}
    assert [each["score"] for each in server.feedback.values() if each["key"] == "check_quality"] == [0.75]
