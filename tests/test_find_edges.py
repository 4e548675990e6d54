"""What `find` lets in and leaves out at the edges: of a page, of a sum, of what changed since it was looked at."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
import sqlalchemy as sa
from record_examples import START, ended, started, turn
from test_find import said, turns_found
from test_record_experiments import EXPERIMENT, RUN, cases, seen

from workbench.events import CallEnded, DialogueResumed, DialogueStarted, Event, TurnCompleted, TurnStarted
from workbench.records import Record
from workbench.records.owners import this_process
from workbench.records.paper_summaries import SummaryRow
from workbench.records.papers import ChunkRow, PaperRow
from workbench.records.schema import dialogues
from workbench.records.search import finding, sources
from workbench.records.search.finding import Asked

PAPER = PaperRow("p" * 12, "p" * 64, START, "On Gold", ("A. Smith",), 2024, None, None, "x.pdf", "x.pdf", 2)


def items(record: Record, text: str = "", **more: object) -> list[str]:
    return [hit.source.item for hit in record.search(Asked(text, **more)).hits]


def test_what_cost_just_so_much_is_not_over_it(record: Record) -> None:
    record.write(said("d", "gold"))  # a quarter of a dollar
    assert turns_found(record, cost_over=0.25) == []
    assert turns_found(record, cost_over=0.249) == ["d.1"]


def test_what_began_just_then_is_since_then(record: Record) -> None:
    record.write([started("d", START)])
    assert items(record, since=START) == items(record, "wet", since=START) == ["d"]
    assert items(record, since=START + 0.001) == items(record, "wet", since=START + 0.001) == []


def test_a_cost_that_came_after_a_dialogue_was_found_counts(record: Record) -> None:
    events = said("d", "gold")
    record.write(events[:1])
    assert items(record, "wet", cost_over=0.2) == []
    record.write(events[1:])
    assert items(record, "wet", kinds=("dialogue",), cost_over=0.2) == ["d"]


def test_who_is_interrupted_is_found_behind_pages_of_those_that_run(record: Record) -> None:
    for number in range(205):
        record.write([started(f"d{number}", START + number)])
    with record._engine.begin() as connection:
        lives = dialogues.c.id.not_in(["d0", "d104", "d204"])
        connection.execute(sa.update(dialogues).where(lives).values(owner=this_process()))
    assert items(record, status="interrupted") == ["d204", "d104", "d0"]
    assert items(record, "wet", status="interrupted", limit=2) == ["d204", "d104"]


def test_the_most_relevant_are_those_of_the_newest_that_fit(record: Record, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(finding, "RANKED", 2)
    record.write(said("a", "gold gold gold", "gold and tin", "gold gold and more"))
    assert turns_found(record, "gold", sort="relevance") == ["a.3", "a.2"]


def test_a_frequent_word_with_filters_finds_the_same_as_a_rare_one(record: Record, monkeypatch: pytest.MonkeyPatch) -> None:
    record.write(said("old", "gold", "tin", at=START - 500))
    record.write(said("new", "gold", "gold"))
    asked = [{}, {"since": START - 100}, {"role": "pro"}, {"role": "con"}, {"since": START - 100, "cost_over": 0.1}]
    found = [turns_found(record, "gold", **more) for more in asked]
    assert found == [["new.2", "new.1", "old.1"], ["new.2", "new.1"], ["new.2", "new.1", "old.1"], [], ["new.2", "new.1"]]
    for name, query in (("SELECTIVE", "_FEW"), ("RARE", "_RARE")):
        monkeypatch.setattr(finding, query, getattr(finding, query).replace(str(getattr(finding, name) + 1), "2"))
        monkeypatch.setattr(finding, name, 1)
    assert [turns_found(record, "gold", **more) for more in asked] == found


def test_reasoning_is_looked_through_and_the_last_word_of_a_phrase_may_be_a_beginning(record: Record) -> None:
    begun, _, _, _ = turn("d", 1)
    thought = TurnCompleted(dialogue="d", seq=3, at=START + 1, turn="turn_1", text="Yes.", reasoning="because of quicksilver")
    record.write([started("d"), begun, thought])
    assert turns_found(record, '"of quick"*') == ["d.1"]
    assert turns_found(record, '"of quick"') == turns_found(record, '"quick of"*') == []
    assert turns_found(record, "quicksilver") == ["d.1"]


def test_several_words_may_be_unwanted(record: Record) -> None:
    record.write(said("a", "gold", "gold tin", "gold zinc"))
    assert turns_found(record, "gold -tin -zinc") == ["a.1"]
    assert turns_found(record, "tin zinc") == turns_found(record, "tin AND zinc") == []


def test_a_turn_is_of_the_model_that_gave_its_answer(record: Record) -> None:
    begun, _, served, over = turn("d", 1)
    assert isinstance(served, CallEnded)
    tried = replace(served, seq=3, call=replace(served.call, id="x", model="broken", outcome="timeout", started_at=START + 9))
    record.write([started("d"), begun, tried, served, over])
    assert turns_found(record, model="broken") == []
    assert turns_found(record, model="small") == ["d.1"]


def test_only_a_star_stands_for_other_letters_of_a_model(record: Record) -> None:
    record.write(said("d", "gold"))
    assert turns_found(record, model="sm*l") == turns_found(record, model="*") == ["d.1"]
    assert turns_found(record, model="s_a*") == turns_found(record, model="s%l*") == turns_found(record, model="sm!*") == []


def test_of_a_fork_only_its_own_turns_are_found_when_they_come_one_by_one(record: Record) -> None:
    record.write(said("d", "gold"))
    begun, _, _, over = turn("f", 1)
    copy = replace(over, seq=3, text="gold", copied_from="d")  # type: ignore[call-arg]
    record.write([started("f", START + 9, parent_id="d", forked_from="turn_1"), begun, copy])
    own = [replace(event, at=START + 12) for event in turn("f", 2)]
    record.write([*own[:-1], replace(own[-1], text="more gold")])  # type: ignore[call-arg]
    assert turns_found(record, "gold") == ["f.2", "d.1"]


def test_one_turn_that_is_said_again_changes_no_other(record: Record) -> None:
    record.write(said("d", "gold", "tin"))
    assert turns_found(record, "gold OR tin") == ["d.2", "d.1"]
    begun, _, _, over = turn("d", 1)
    again: list[Event] = [
        DialogueResumed(dialogue="d", seq=20, at=START + 20, run={}),
        replace(begun, seq=21, at=START + 21),
        replace(over, seq=22, at=START + 22, text="zinc"),  # type: ignore[call-arg]
    ]
    record.write(again)
    assert turns_found(record, "gold OR tin OR zinc") == ["d.1", "d.2"]
    assert items(record, "wet", kinds=("dialogue",), status="interrupted") == ["d"]


def test_turns_that_go_on_are_not_found_and_not_after_a_rebuild(record: Record) -> None:
    going = TurnStarted(dialogue="d", seq=2, at=START, turn="turn_1", index=1, role="pro", model="small")
    record.write([DialogueStarted(dialogue="d", seq=1, at=START, mode="chat", topic="Tin?", run={}), going])
    record.rebuild()
    assert [hit.source.kind for hit in record.search(Asked()).hits] == ["dialogue"]


def test_papers_and_what_follows_from_them_outlive_a_rebuild(record: Record, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sources, "_PART", 20)
    bodies = ["We melt gold in a crucible.", "Then tin is added.", "It shines."]
    chunks = [{"number": number, "heading": "", "body": {"text": text}} for number, text in enumerate(bodies)]
    record.papers.add(PAPER, "{}", [ChunkRow(PAPER.id, n, json.dumps(chunk)) for n, chunk in enumerate(chunks)])
    about = {"words": 4, "cut": False, "served": "small", "cost": 0.5, "created_at": START, "dialogues": ()}
    record.paper_summaries.put(SummaryRow(PAPER.id, "small", "sentence", "It glows.", **about))
    record.paper_summaries.put(SummaryRow(PAPER.id, "large", "sentence", "It shimmers.", **about))
    for _ in range(2):
        assert items(record, "crucible") == items(record, "shines") == items(record, "smith", kinds=("paper",)) == [PAPER.id]
        assert [hit.source.part for hit in record.search(Asked("glows OR shimmers", model="large")).hits] == ["large/sentence"]
        assert not record.search(Asked("gold", kinds=("paper",), limit=1)).more
        record.rebuild()


def test_an_experiment_has_the_sum_of_its_observations_and_its_last_runs_status(record: Record) -> None:
    rows = record.experiments
    rows.keep(EXPERIMENT, cases(2))
    rows.begin(RUN)
    rows.observe("run1", [seen(0), seen(1)])
    rows.begin(replace(RUN, id="run2", created_at=20.0, status="cancelled"))
    [hit] = record.search(Asked(kinds=("experiment",), cost_over=0.9 * 2 * seen(0).cost)).hits
    assert (hit.status, hit.source.cost) == ("cancelled", 2 * seen(0).cost)
    assert items(record, status="running") == []


def test_a_dialogue_that_ended_is_interrupted_no_longer(record: Record) -> None:
    record.write([started("d"), ended("d", 0)])
    assert items(record, status="interrupted") == []
