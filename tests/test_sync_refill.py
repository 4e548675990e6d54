"""What the outbox lacks of what was written before, or while a target was off: all of it is put in, a page at a time, and no more."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace

import pytest
from sqlalchemy import Connection, event, select, update
from sync_mortal import a_dialogue, a_rating
from sync_service import KINDS, keys

from workbench.events import DialogueEnded, DialogueResumed, Event, Status
from workbench.records import Record
from workbench.records.assessments import AssessmentRow, OutcomeRow
from workbench.records.experiments import CaseRow, ExperimentRow, ObservationRow, RunRow
from workbench.records.papers import PaperRow
from workbench.records.schema import experiment_runs, outbox

EVERYTHING = 1000
LONG_AGO, SINCE, LATELY = 1000.0, 5000.0, 9000.0


def observation(number: int = 0, at: float = LATELY, attempt: int = 1) -> ObservationRow:
    return ObservationRow(
        number=number, arm="a/b", repeat=0, case_id="c", attempt=attempt, status="ok", error=None, fallback=0, dialogue_id=None,
        started_at=at, latency=1.0, cost=None, tokens=None, output="x", scores="{}", notes="{}",
    )  # fmt: skip


def switch_on(record: Record, name: str = "t", since: float | None = None) -> None:
    record.outbox.switch_on(name, name.upper(), KINDS, since)


def ended(name: str, seq: int, at: float) -> Event:
    return DialogueEnded(dialogue=name, seq=seq, at=at, status=Status.COMPLETED)


def resumed(name: str, at: float) -> list[Event]:
    return [DialogueResumed(dialogue=name, seq=6, at=at, run={}), ended(name, 9, at)]


def begin_run(record: Record, experiment: str = "e", at: float = LONG_AGO) -> RunRow:
    row = ExperimentRow(experiment, experiment, at, experiment, "{}", "{}")
    record.experiments.keep(row, [CaseRow(n, f"c{n}", "{}") for n in range(9)])
    run = replace(RunRow.new(experiment, 1, "{}"), created_at=at, updated_at=at)
    record.experiments.begin(run)
    return run


def test_what_a_resume_added_while_a_target_was_off_goes_when_it_is_on_again(open_record: Callable[[], Record]) -> None:
    record = open_record()
    switch_on(record)
    record.write(a_dialogue("d"))
    record.outbox.switch_off("t")
    record.write(resumed("d", time.time() + 1))
    switch_on(record)
    assert record.outbox.would_fill("t", ["dialogue"], 0.0) == {"dialogue": 1}
    assert record.outbox.fill("t") == 1
    assert keys(record) == {("dialogue", "d@0-5"), ("dialogue", "d@5-9")}
    assert record.outbox.would_fill("t", ["dialogue"], 0.0) == {"dialogue": 0}


def test_a_run_that_ended_while_a_target_was_off_goes_once_more(open_record: Callable[[], Record]) -> None:
    record = open_record()
    switch_on(record)
    run = begin_run(record, at=time.time())
    record.outbox.switch_off("t")
    record.experiments.observe(run.id, [observation(at=time.time())])
    record.experiments.end(run.id, "completed", None)
    for _ in range(2):
        switch_on(record)
        record.outbox.fill("t")
        counts = record.outbox.counts("t")
        assert (counts["run"], counts["observation"]) == ({"waiting": 2}, {"waiting": 1})


def test_what_is_judged_anew_while_a_target_is_off_goes_again(open_record: Callable[[], Record]) -> None:
    record = open_record()
    switch_on(record)
    run = begin_run(record, at=time.time())
    record.experiments.observe(run.id, [observation(number, at=time.time()) for number in range(2)])
    record.outbox.switch_off("t")
    record.experiments.observe(run.id, [observation(number, at=time.time()) for number in (1, 2)])
    for _ in range(2):
        switch_on(record)
        record.outbox.fill("t")
        assert record.outbox.counts("t")["observation"] == {"waiting": 2 + 2}, "0, 1 twice, and 2, which was new"


def test_ratings_of_before_come_behind_the_observations_that_they_may_be_about(record: Record) -> None:
    run = begin_run(record)
    record.experiments.observe(run.id, [observation()])
    record.write(a_dialogue(f"{run.id}-first", {"parent_id": run.id}))
    record.rate([a_rating(f"{run.id}-first")])
    switch_on(record, since=0.0)
    record.outbox.fill("t")
    rows = record.outbox._read(select(outbox.c.kind).order_by(outbox.c.id))
    assert [row.kind for row in rows] == ["experiment", "run", "observation", "rating"]


def test_switching_off_twice_forgets_nothing_that_was_written_after_the_first(record: Record) -> None:
    switch_on(record)
    record.outbox.switch_off("t")
    record.write([a_dialogue("d")[0], ended("d", 5, time.time())])
    record.outbox.switch_off("t")
    switch_on(record)
    assert record.outbox.fill("t") == 1


def test_only_the_target_that_is_meant_is_switched_off(record: Record) -> None:
    switch_on(record, "t")
    switch_on(record, "u")
    record.outbox.switch_off("t")
    record.write(a_dialogue("d"))
    assert (keys(record, "t"), keys(record, "u")) == (set(), {("dialogue", "d@0-5")})


def test_an_earlier_since_counts_until_it_is_done_and_a_later_one_takes_nothing_back(record: Record) -> None:
    record.write([a_dialogue("d")[0], ended("d", 5, LONG_AGO)])
    switch_on(record, since=LONG_AGO)
    switch_on(record, since=SINCE)
    switch_on(record)
    assert record.outbox.target("t").fill_since == LONG_AGO
    assert record.outbox.fill("t") == 1
    assert record.outbox.target("t").fill_since is None


def test_all_is_put_in_however_many_pages_that_takes(record: Record, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("workbench.records.outbox.PAGE", 3)
    for number in range(8):
        record.write(a_dialogue(f"d{number}"))
        record.rate([a_rating(f"d{number}")])
    run = begin_run(record)
    record.experiments.observe(run.id, [observation(number) for number in range(8)])
    statements: list[int] = []

    def count(*said: object) -> None:
        if str(said[2]).startswith("INSERT INTO outbox"):
            statements.append(1)

    switch_on(record, since=0.0)
    event.listen(record.outbox._engine, "before_cursor_execute", count)
    assert record.outbox.fill("t") == 8 + 8 + 1 + 1 + 8
    assert len(statements) == 3 + 3 + 1 + 1 + 1
    assert len(keys(record)) == 26


def test_who_asks_for_more_during_the_filling_gets_it_by_the_next(record: Record) -> None:
    record.write([a_dialogue("old")[0], ended("old", 5, LONG_AGO)])
    record.write([a_dialogue("new")[0], ended("new", 5, LATELY)])
    switch_on(record, since=SINCE)
    asked: list[int] = []

    def ask(connection: Connection, _cursor: object, statement: str, *_: object) -> None:
        if statement.startswith("SELECT ratings.id") and not asked:
            asked.append(1)
            switch_on(record, since=0.0)

    event.listen(record.outbox._engine, "before_cursor_execute", ask)
    assert record.outbox.fill("t") == 1
    assert record.outbox.fill("t") == 1
    assert keys(record) == {("dialogue", "old@0-5"), ("dialogue", "new@0-5")}


def test_since_leaves_out_what_was_written_before_it(record: Record) -> None:
    paper = PaperRow("p", "0" * 64, 1.0, "On Tabs", (), 2026, None, None, "p.pdf", "papers/p.pdf", 3)
    record.papers.add(paper, "{}", [])
    for name, at in (("old", LONG_AGO), ("edge", SINCE), ("new", LATELY)):
        record.write([a_dialogue(name)[0], ended(name, 5, at)])
        record.rate([replace(a_rating(name), at=at)])
        record.assessments.add(AssessmentRow(f"a-{name}", "p", name, at, "Worth it?", "", {}))
        record.assessments.add_outcome(OutcomeRow(f"a-{name}", at, worked=True))
        run = begin_run(record, f"e-{name}", at)
        record.experiments.observe(run.id, [observation(at=at)])
        with record.outbox._writing() as connection:
            mine = update(experiment_runs).where(experiment_runs.c.id == run.id)
            connection.execute(mine.values(updated_at=at))
    assert record.outbox.would_fill("t", KINDS, SINCE) == dict.fromkeys(KINDS, 2)
    switch_on(record, since=SINCE)
    assert record.outbox.fill("t") == 2 * len(KINDS)


def test_an_old_experiment_goes_with_its_run_of_this_week(record: Record) -> None:
    run = begin_run(record, at=LONG_AGO)
    record.experiments.observe(run.id, [observation(at=time.time(), attempt=3)])
    switch_on(record, since=time.time() - 60)
    record.outbox.fill("t")
    assert keys(record) == {("experiment", "e"), ("run", run.id), ("observation", f"{run.id}/0/a/b/0/3")}
    firsts = record.parcels.due("t", EVERYTHING, time.time())
    assert [row.kind for row in firsts] == ["experiment"]


def test_ratings_of_before_wait_for_the_dialogue_that_theirs_travels_with(open_record: Callable[[], Record]) -> None:
    record = open_record()
    record.write(a_dialogue("root"))
    record.write(a_dialogue("child", {"parent_id": "root", "spawned_by": "turn"}))
    record.write(a_dialogue("grandchild", {"parent_id": "child", "spawned_by": "turn"}))
    record.write(a_dialogue("fork", {"parent_id": "child", "forked_from": "turn"}))
    record.write(a_dialogue("x", {"parent_id": "y"}))  # an import may say anything
    record.write(a_dialogue("y", {"parent_id": "x"}))
    for name in ("root", "grandchild", "fork", "x", "nowhere"):
        record.rate([a_rating(name)])
    switch_on(record, since=0.0)
    record.outbox.fill("t")
    firsts = record.parcels.due("t", EVERYTHING, time.time())
    assert {row.subject for row in firsts if row.kind == "dialogue"} == {"root", "fork", "x", "y"}
    assert [row.kind for row in firsts].count("rating") == 1, "only the one of a dialogue that is not there"


def test_what_came_of_an_assessment_before_goes_in_the_order_in_which_it_was_entered(record: Record) -> None:
    """All are sent under one name, so the last to arrive counts."""
    paper = PaperRow("p", "0" * 64, 1.0, "On Tabs", (), 2026, None, None, "p.pdf", "papers/p.pdf", 3)
    record.papers.add(paper, "{}", [])
    record.assessments.add(AssessmentRow("a", "p", "d", LATELY, "Worth it?", "", {}))
    for worked in (True, False, True):
        record.assessments.add_outcome(OutcomeRow("a", LATELY, worked=worked))
    first, *_ = [str(row.id) for row in record.assessments.outcomes("a")]
    record.outbox.switch_on("t", "T", ["outcome"], since=0.0)
    assert record.outbox.fill("t") == 3
    assert [row.subject for row in record.parcels.due("t", EVERYTHING, time.time())] == [first]


def test_each_target_gets_what_was_there_before(record: Record) -> None:
    record.write(a_dialogue("d"))
    for name in ("t", "u"):
        switch_on(record, name, since=0.0)
        assert record.outbox.fill(name) == 1


def test_a_target_that_came_between_an_end_and_a_resume_gets_the_dialogue_from_its_beginning(record: Record) -> None:
    switch_on(record, "t")
    record.write(a_dialogue("d"))
    switch_on(record, "late")
    record.write(resumed("d", LATELY))
    assert keys(record, "t") == {("dialogue", "d@0-5"), ("dialogue", "d@5-9")}
    assert keys(record, "late") == {("dialogue", "d@0-9")}
