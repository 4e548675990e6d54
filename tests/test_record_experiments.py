"""The record keeps experiments, cases, runs and observations on either database."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from workbench.errors import RecordError
from workbench.records import Record
from workbench.records.experiments import CaseRow, ExperimentRow, ObservationRow, RunRow
from workbench.records.owners import this_process

EXPERIMENT = ExperimentRow("e1", "sums", 10.0, "hash", "{}", "{}")
RUN = RunRow("run1", "e1", 11.0, 11.0, None, "running", None, this_process(), 4, "{}")


def cases(count: int) -> list[CaseRow]:
    return [CaseRow(number, f"c{number}", "{}") for number in range(count)]


def seen(number: int, arm: str = "a", repeat: int = 0, **more: object) -> ObservationRow:
    row = ObservationRow(
        number, arm, repeat, f"c{number}", 1, "ok", None, 0, f"run1{number}{arm}", 12.0, 0.5, 0.25, 13, "x", "{}", "{}"
    )
    return replace(row, **more)  # type: ignore[arg-type]


def test_a_definition_is_kept_once_with_its_cases(record: Record) -> None:
    rows = record.experiments
    assert rows.keep(EXPERIMENT, cases(1203)) == EXPERIMENT
    assert rows.keep(replace(EXPERIMENT, id="e2"), cases(3)) == EXPERIMENT
    assert list(rows.cases("e1")) == cases(1203)
    assert list(rows.cases("e1", 501)) == cases(501)
    assert rows.count_cases("e1") == 1203
    later = rows.keep(replace(EXPERIMENT, id="e3", sha256="other", created_at=20.0), cases(1))
    assert rows.find("sums") == rows.find("last") == later
    assert rows.find("e1") == EXPERIMENT
    with pytest.raises(RecordError, match="may be e3, e1"):
        rows.find("e")
    with pytest.raises(RecordError, match="no experiment 'x'"):
        rows.find("x")


def test_a_seal_stays_as_it_was_and_counts_for_what_comes_after(record: Record) -> None:
    rows = record.experiments
    rows.keep(EXPERIMENT, cases(1))
    assert rows.sealed("sums", 1e12) is None
    sealed = rows.seal("e1")
    assert rows.seal("e1") == sealed
    assert rows.sealed("sums", 1e12) == sealed
    assert rows.sealed("sums", 5.0) is None


def test_observations_are_replaced_and_counted(record: Record) -> None:
    rows = record.experiments
    rows.keep(EXPERIMENT, cases(3))
    rows.begin(RUN)
    failed = seen(1, status="failed", error="no\x00pe \ud800", output=None, cost=None)
    assert rows.observe("run1", [seen(0), seen(0, "b"), failed]) == "running"
    assert rows.tally("run1") == replace(rows.tally("run1"), ok=2, failed=1, cost=0.5)
    assert [row.error for row in rows.observations("run1", (1, 2))] == ["no\ufffdpe ?"]
    rows.observe("run1", [seen(1, attempt=2)])
    assert [(row.number, row.arm, row.attempt) for row in rows.observations("run1")] == [(0, "a", 1), (0, "b", 1), (1, "a", 2)]
    assert rows.tally("run1").done == 3
    rows.ask_to_stop("run1")
    assert rows.observe("run1", []) == "stopping"
    rows.end("run1", "cancelled", "asked")
    assert (rows.run("run1").status, rows.run("run1").owner) == ("cancelled", None)
    rows.ask_to_stop("run1")
    assert rows.run("run1").status == "cancelled", "what has ended is not stopped"


def test_one_process_at_a_time_goes_on_with_a_run(open_record: Callable[[], Record]) -> None:
    here, there = open_record().experiments, open_record().experiments
    here.keep(EXPERIMENT, cases(1))
    here.begin(RUN)
    with pytest.raises(RecordError, match="is being run by process"):
        there.claim("run1")
    here.end("run1", "cancelled", None)
    assert there.claim("run").owner == this_process()
    assert here.run("run1").status == "running"


@settings(max_examples=10, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.tuples(st.integers(0, 4), st.sampled_from("ab"), st.integers(0, 1), st.integers(1, 5)), max_size=12))
def test_the_latest_attempt_counts_whatever_came_before(record: Record, made: list[tuple[int, str, int, int]]) -> None:
    rows, run = record.experiments, f"run-{len(record.experiments.runs())}"
    rows.keep(EXPERIMENT, cases(5))
    rows.begin(replace(RUN, id=run))
    latest = {}
    for number, arm, repeat, attempt in made:
        rows.observe(run, [seen(number, arm, repeat, attempt=attempt)])
        latest[number, repeat, arm] = attempt
    assert {(row.number, row.repeat, row.arm): row.attempt for row in rows.observations(run)} == latest
