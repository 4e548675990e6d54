"""Dialogues, turns and calls are nothing but the fold of the events, however the events were gathered."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import Any

import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from workbench.events import (
    Call,
    CallEnded,
    CallStarted,
    DialogueEnded,
    DialogueResumed,
    DialogueStarted,
    Event,
    Status,
    Timings,
    TurnCancelled,
    TurnCompleted,
    TurnFailed,
    TurnStarted,
    Usage,
    event_from_dict,
    event_to_dict,
)
from workbench.records import Record
from workbench.records.projection import changes, schedule

_numbers: Iterator[int] = itertools.count()
_words = st.text(max_size=20)
_costs = st.none() | st.integers(0, 64).map(lambda cents: cents / 64)  # sums of these are exact
_usages = st.none() | st.builds(Usage, *[st.integers(0, 10_000)] * 4)


@st.composite
def _calls(draw: st.DrawFn, number: int) -> Call:
    return Call(
        id=f"call-{number}",
        asked="small",
        model=draw(st.sampled_from(["small", "large"])),
        provider="local",
        attempt=draw(st.integers(1, 4)),
        outcome=draw(st.sampled_from(["ok", "ok", "timeout", "cancelled"])),
        started_at=1.5 + number,
        timings=Timings(queue=0.0, first_token=draw(st.none() | st.just(0.25)), total=1.0),
        served=draw(st.none() | st.sampled_from(["small-1", "large-2"])),
        usage=draw(_usages),
        cost=draw(_costs),
        finish_reason=draw(st.none() | st.just("stop")),
        text=draw(_words),
        reasoning=draw(_words),
        error=draw(st.none() | _words),
        fallback_reason=draw(st.none() | _words),
    )


@st.composite
def histories(draw: st.DrawFn) -> list[Event]:
    """A dialogue of several runs, each with turns that may be begun again, and calls that may fail."""
    name = f"dialogue-{next(_numbers)}"
    seq = itertools.count(1, draw(st.integers(1, 3)))
    base = lambda: {"dialogue": name, "seq": (n := next(seq)), "at": 100.0 + n}  # noqa: E731
    call_numbers = itertools.count()
    lineage = draw(st.sampled_from([{}, {"parent_id": "mother"}, {"parent_id": "mother", "forked_from": "turn_1"}]))
    events: list[Event] = [DialogueStarted(**base(), mode=draw(_words), topic=draw(_words), run=lineage)]
    for run in range(draw(st.integers(1, 3))):
        if run:
            events.append(DialogueResumed(**base(), run={"run": run}))
        for index in draw(st.lists(st.integers(1, 3), max_size=4)):
            turn = f"turn_{index}"
            model = draw(st.sampled_from(["small", "large"]))
            events.append(TurnStarted(**base(), turn=turn, index=index, role="pro", model=model, round=1))
            for _ in range(draw(st.integers(0, 2))):
                call = draw(_calls(next(call_numbers)))
                events.append(CallStarted(**base(), turn=turn, call=call.id, model=call.model, attempt=call.attempt))
                events.append(CallEnded(**base(), turn=turn, call=call))
            text = draw(_words)
            ends: list[Event] = [
                TurnCompleted(**base(), turn=turn, text=text, reasoning=draw(_words)),
                TurnFailed(**base(), turn=turn, kind="timeout", error=draw(_words), text=text),
                TurnCancelled(**base(), turn=turn, text=text),
            ]
            events.extend(draw(st.sampled_from([[], *([end] for end in ends)])))
        if draw(st.booleans()):
            status = draw(st.sampled_from(Status))
            events.append(DialogueEnded(**base(), status=status, reason=draw(st.none() | _words)))
    return events


def _shown(text: str | None) -> str | None:
    return None if text is None else text.replace("\x00", "\ufffd").encode("utf-8", "replace").decode()


def _sum(costs: list[float | None]) -> float | None:
    known = [cost for cost in costs if cost is not None]
    return sum(known) if known else None


def _expected_dialogue(events: list[Event]) -> dict[str, Any]:
    calls = [event.call for event in events if isinstance(event, CallEnded)]
    runs = [event for event in events if isinstance(event, DialogueStarted | DialogueResumed | DialogueEnded)]
    last, first = runs[-1], runs[0]
    assert isinstance(first, DialogueStarted)
    over = last if isinstance(last, DialogueEnded) else None
    return {
        "mode": _shown(first.mode),
        "topic": _shown(first.topic),
        "status": over.status if over else Status.RUNNING,
        "reason": _shown(over.reason) if over else None,
        "created_at": first.at,
        "updated_at": [event.at for event in events if not isinstance(event, CallStarted)][-1],
        "ended_at": over.at if over else None,
        "run": [event.run for event in runs if not isinstance(event, DialogueEnded)][-1],
        "prompt_tokens": sum(call.usage.prompt for call in calls if call.usage),
        "completion_tokens": sum(call.usage.completion for call in calls if call.usage),
        "cost": _sum([call.cost for call in calls]),
        "unknown_cost_calls": sum(call.cost is None for call in calls),
        "turns_completed": sum(isinstance(event, TurnCompleted) for event in events),
        "parent_id": first.run.get("parent_id"),
        "forked_from": first.run.get("forked_from"),
    }


def _expected_turn(events: list[Event]) -> dict[str, Any]:
    """What the events of one turn come to."""
    calls = [event.call for event in events if isinstance(event, CallEnded)]
    begun = [event for event in events if isinstance(event, TurnStarted)][-1]
    ends = {TurnCompleted: "completed", TurnFailed: "failed", TurnCancelled: "cancelled"}
    last = events[-1]
    served = [call.served for call in calls if call.ok and call.served]
    return {
        "model": begun.model,
        "served": served[-1] if served else None,
        "status": ends.get(type(last), "running"),
        "text": _shown(getattr(last, "text", "")) if type(last) in ends else "",
        "error": _shown(f"timeout: {last.error}") if isinstance(last, TurnFailed) else None,
        "started_at": begun.at,
        "prompt_tokens": sum(call.usage.prompt for call in calls if call.usage),
        "cost": _sum([call.cost for call in calls]),
    }


def _rows(record: Record, dialogue: str) -> tuple[Any, ...]:
    frames = (record.turns(dialogue), record.calls(dialogue), record.events_frame(dialogue))
    return (record.summary(dialogue), *(frame.to_csv() for frame in frames))


_slow_database = settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)


@_slow_database
@given(events=histories(), cuts=st.lists(st.integers(0, 40), max_size=4))
def test_rows_are_the_fold_of_the_events_in_whatever_rounds_they_came(
    record: Record, events: list[Event], cuts: list[int]
) -> None:
    bounds = [0, *sorted(min(cut, len(events)) for cut in cuts), len(events)]
    for start, end in itertools.pairwise(bounds):
        record.write(events[start:end])
    name = events[0].dialogue
    assert record.events(name) == events

    summary = record.summary(name)
    expected = _expected_dialogue(events)
    assert {key: getattr(summary, key) for key in expected} == expected

    turns = record.turns(name).astype(object)
    assert list(turns["turn"]) == sorted({event.turn for event in events if isinstance(event, TurnStarted)})
    for row in turns.to_dict("records"):
        wanted = _expected_turn([event for event in events if getattr(event, "turn", None) == row["turn"]])
        found = {key: None if pd.isna(row[key]) else row[key] for key in wanted}
        assert {**found, "started_at": found["started_at"].timestamp()} == wanted

    calls = [event.call for event in events if isinstance(event, CallEnded)]
    assert list(record.calls(name)["id"]) == [call.id for call in calls]
    assert list(record.calls(name)["text"]) == [_shown(call.text) for call in calls]


@_slow_database
@given(together=st.lists(histories(), min_size=1, max_size=3), data=st.data())
def test_rebuilding_gives_the_same_rows(record: Record, together: list[list[Event]], data: st.DataObject) -> None:
    order = data.draw(st.permutations([number for number, events in enumerate(together) for _ in events]))
    waiting = [iter(events) for events in together]
    record.write([next(waiting[number]) for number in order])
    names = [events[0].dialogue for events in together]
    before = [_rows(record, name) for name in names]
    record.rebuild()
    assert [_rows(record, name) for name in names] == before


@given(st.lists(histories(), max_size=3))
def test_changes_to_one_row_keep_their_order(together: list[list[Event]]) -> None:
    wanted = [change for events in together for event in events for change in changes(event)]
    done = [(statement, values) for statement, rows in schedule(wanted) for values in rows]
    assert len(done) == len(wanted)
    for row in {change.row for change in wanted}:
        mine = [(statement, values) for statement, of, values in wanted if of == row]
        places = [next(i for i, other in enumerate(done) if other[1] is values) for _, values in mine]
        assert places == sorted(places)


@given(histories())
def test_every_event_survives_json(events: list[Event]) -> None:
    assert [event_from_dict(event_to_dict(event)) for event in events] == events


@pytest.mark.parametrize("owner", [None, "host:1:2.00"])
def test_an_owner_is_noted_where_a_run_begins(owner: str | None) -> None:
    begin = DialogueStarted(dialogue="d", seq=1, at=1.0, mode="debate", topic="t", run={})
    (change,) = changes(begin, owner)
    assert change.values["owner"] == owner  # noqa: PD011 - not a DataFrame
