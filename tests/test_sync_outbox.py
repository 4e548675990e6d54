"""What is in the outbox: a source for each part of the record that is to be copied, no more and no less."""

from __future__ import annotations

import time
from collections.abc import Callable
from itertools import pairwise

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sync_mortal import a_dialogue, a_rating
from sync_service import keys

from workbench.events import DialogueEnded, DialogueResumed, Status
from workbench.records import Record
from workbench.records.assessments import AssessmentRow, OutcomeRow
from workbench.records.candidates import KINDS
from workbench.records.experiments import CaseRow, ExperimentRow, ObservationRow, RunRow
from workbench.records.papers import PaperRow

EVERYTHING = 100
OBSERVATION = ObservationRow(
    number=0, arm="a/b", repeat=0, case_id="c", attempt=1, status="ok", error=None, fallback=0, dialogue_id=None,
    started_at=5.0, latency=1.0, cost=None, tokens=None, output="x", scores="{}", notes="{}",
)  # fmt: skip


def switch_on(record: Record, name: str = "t", since: float | None = None) -> None:
    record.outbox.switch_on(name, name.upper(), KINDS, since)


def resumed(name: str) -> list[object]:
    return [
        DialogueResumed(dialogue=name, seq=6, at=3.0, run={}),
        DialogueEnded(dialogue=name, seq=9, at=4.0, status=Status.COMPLETED),
    ]


def test_a_record_that_is_copied_nowhere_has_an_empty_outbox(open_record: Callable[[], Record]) -> None:
    record = open_record()
    record.write(a_dialogue("d"))
    record.rate([a_rating("d")])
    assert record.outbox.targets() == []
    switch_on(record)
    assert keys(record) == set()


def test_dialogues_go_when_they_end_and_what_a_resumed_one_adds_goes_by_itself(open_record: Callable[[], Record]) -> None:
    record = open_record()
    switch_on(record)
    record.write(a_dialogue("d"))
    record.write(resumed("d"))
    assert keys(record) == {("dialogue", "d@0-5"), ("dialogue", "d@5-9")}
    record.write([*a_dialogue("d"), *resumed("d")])  # an import of what is there
    record.rebuild()
    assert len(keys(record)) == 2


def test_a_rating_waits_for_the_dialogue_that_its_own_travels_with(open_record: Callable[[], Record]) -> None:
    record = open_record()
    switch_on(record)
    record.write(a_dialogue("root"))
    record.write(a_dialogue("child", {"parent_id": "root", "spawned_by": "turn"}))
    record.write(a_dialogue("grandchild", {"parent_id": "child", "spawned_by": "turn"}))
    record.rate([a_rating("grandchild")])
    (first,) = record.parcels.due("t", EVERYTHING, time.time())
    assert first.kind == "dialogue"


def test_sub_dialogues_travel_with_their_root_and_observations_with_their_row(open_record: Callable[[], Record]) -> None:
    record = open_record()
    switch_on(record)
    rows = record.experiments
    rows.keep(ExperimentRow("e", "n", 1.0, "s", "{}", "{}"), [CaseRow(0, "c", "{}")])
    run = RunRow.new("e", 1, "{}")
    rows.begin(run)
    record.write(a_dialogue("root"))
    record.write(a_dialogue("child", {"parent_id": "root", "spawned_by": "turn"}))
    record.write(a_dialogue("fork", {"parent_id": "child", "forked_from": "turn", "topic": 'of "spawned_by": nobody'}))
    record.write(a_dialogue("beside", {"parent_id": "root", "topic": '"spawned_by": is only said'}))
    record.write(a_dialogue(f"{run.id}0", {"parent_id": run.id}))
    rows.observe(run.id, [OBSERVATION])
    assert keys(record) == {
        ("dialogue", "root@0-5"),
        ("dialogue", "fork@0-5"),
        ("dialogue", "beside@0-5"),
        ("experiment", "e"),
        ("run", run.id),
        ("observation", f"{run.id}/0/a/b/0/1"),
    }
    firsts = record.parcels.due("t", EVERYTHING, time.time())
    assert {row.kind for row in firsts} == {"dialogue", "experiment"}, (
        "a run goes behind its experiment, and its results behind it"
    )


def test_what_is_said_anew_goes_again(open_record: Callable[[], Record]) -> None:
    record = open_record()
    switch_on(record)
    record.rate([a_rating("d", 0.5)])
    record.rate([a_rating("d", 0.5)])
    assert len(keys(record)) == 1
    record.rate([a_rating("d", 0.7)])
    assert len(keys(record)) == 2
    record.experiments.keep(ExperimentRow("e", "n", 1.0, "s", "{}", "{}"), [CaseRow(0, "c", "{}")])
    run = RunRow.new("e", 1, "{}")
    record.experiments.begin(run)
    for _ in range(2):
        record.experiments.observe(run.id, [OBSERVATION])
    record.experiments.end(run.id, "completed", None)
    counts = record.outbox.counts("t")
    assert counts["observation"] == {"waiting": 2}
    assert counts["run"] == {"waiting": 2}
    assert counts["experiment"] == {"waiting": 1}


def test_an_outcome_goes_behind_the_debate_that_it_is_told_of(open_record: Callable[[], Record]) -> None:
    record = open_record()
    switch_on(record)
    record.papers.add(PaperRow("p", "0" * 64, 1.0, "On Tabs", (), 2026, None, None, "p.pdf", "papers/p.pdf", 3), "{}", [])
    record.write(a_dialogue("debate"))
    record.assessments.add(AssessmentRow("a", "p", "debate", 1.0, "Worth it?", "", {}))
    record.assessments.add_outcome(OutcomeRow("a", 2.0, worked=True))
    assert {row.kind for row in record.parcels.due("t", EVERYTHING, time.time())} == {"dialogue"}


def test_an_outcome_that_cannot_be_kept_is_not_in_the_outbox(open_record: Callable[[], Record]) -> None:
    record = open_record()
    switch_on(record)
    with pytest.raises(Exception, match="record"):
        record.assessments.add_outcome(OutcomeRow("nothing of the kind", 1.0, worked=True))
    assert keys(record) == set()


def test_what_was_there_before_is_put_in_once(open_record: Callable[[], Record]) -> None:
    record = open_record()
    record.write([*a_dialogue("old"), *resumed("old")])
    record.write(a_dialogue("child", {"parent_id": "old", "spawned_by": "turn"}))
    record.rate([a_rating("old")])
    record.experiments.keep(ExperimentRow("e", "n", 1.0, "s", "{}", "{}"), [CaseRow(0, "c", "{}")])
    run = RunRow.new("e", 1, "{}")
    record.experiments.begin(run)
    record.experiments.observe(run.id, [OBSERVATION])
    wanted = record.outbox.would_fill("t", KINDS, 0.0)
    assert wanted == {"dialogue": 1, "rating": 1, "assessment": 0, "outcome": 0, "experiment": 1, "run": 1, "observation": 1}
    switch_on(record, since=0.0)
    record.write(a_dialogue("new"))
    assert record.outbox.fill("t") == sum(wanted.values())
    before = keys(record)
    assert ("dialogue", "old@0-9") in before
    assert ("observation", f"{run.id}/0/a/b/0/1") in before
    switch_on(record, since=0.0)
    assert record.outbox.fill("t") == 0
    assert keys(record) == before


def test_what_is_written_while_a_target_is_off_goes_when_it_is_on_again(open_record: Callable[[], Record]) -> None:
    record = open_record()
    switch_on(record)
    record.outbox.switch_off("t")
    name = "meanwhile"
    began, _ = a_dialogue(name)
    record.write([began, DialogueEnded(dialogue=name, seq=5, at=time.time(), status=Status.COMPLETED)])
    assert keys(record) == set()
    switch_on(record)
    record.outbox.fill("t")
    assert keys(record) == {("dialogue", "meanwhile@0-5")}


@given(st.lists(st.sampled_from(["dialogue", "rating", "target", "rebuild", "resume", "fill"]), max_size=12))
@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_every_target_has_each_source_once_whatever_the_order(
    tmp_path_factory: pytest.TempPathFactory, steps: list[str]
) -> None:
    """Targets that were filled from the beginning end with the same sources, whenever they came; a resumed dialogue's parts add up."""
    with Record.open(f"sqlite:///{tmp_path_factory.mktemp('law') / 'r.db'}") as record:
        targets, dialogues, ratings, open_ones = ["t0"], 0, 0, []
        switch_on(record, "t0")
        for step in steps:
            if step == "dialogue":
                record.write(a_dialogue(f"d{dialogues}"))
                open_ones.append(f"d{dialogues}")
                dialogues += 1
            elif step == "rating":
                record.rate([a_rating(f"d{ratings}")])
                ratings += 1
            elif step == "target":
                targets.append(f"t{len(targets)}")
                switch_on(record, targets[-1], since=0.0)
                record.outbox.fill(targets[-1])
            elif step == "resume" and open_ones:
                record.write(resumed(open_ones.pop()))
            elif step == "rebuild":
                record.rebuild()
            elif step == "fill":
                record.outbox.fill(targets[-1])
        for target in targets:
            found = keys(record, target)
            assert len([key for key in found if key[0] == "rating"]) == ratings
            spans = sorted(
                (key.split("@")[0], *map(int, key.split("@")[1].split("-"))) for kind, key in found if kind == "dialogue"
            )
            assert {name for name, *_ in spans} == {f"d{number}" for number in range(dialogues)}
            for name in {name for name, *_ in spans}:
                cuts = [cut for own, *cut in spans if own == name]
                assert cuts[0][0] == 0
                assert all(one[1] == other[0] for one, other in pairwise(cuts))
