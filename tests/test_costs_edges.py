"""What sums and rates leave out: who cancelled has not failed, a fork is by itself, unknown comes last, and days end at midnight."""

from __future__ import annotations

import time
from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from record_examples import START, call
from test_usage import CHEAP, _events, rows, spent

from workbench.events import Timings, Usage
from workbench.records.counting import DAY, QUARTER

__all__ = ["spent"]


def calls_of(record, name, *made, at=START, **run):
    """Write a dialogue with these calls."""
    numbered = [replace(each, id=f"{name}-{number}") for number, each in enumerate(made)]
    record.write(_events(name, at, numbered, run, resumed=False))


def took(total, first=None, **more):
    return replace(call("d", 1), timings=Timings(0.0, first, total), **more)


def test_what_somebody_cancelled_has_not_failed(record):
    lost = {"usage": None, "text": "", "cost": None}
    calls_of(record, "d", call("d", 1), took(1, outcome="cancelled", **lost), took(1, outcome="timeout", **lost))
    assert [row.failed for row in record.usage.by("model")] == [1]
    [pace] = record.usage.models()
    assert (pace.calls, pace.answered, pace.failed, pace.error_rate) == (3, 1, 1, 0.5)
    assert [(each.outcome, each.calls) for each in record.usage.failures()] == [("timeout", 1)]


def test_nothing_saved_is_not_unknown(record):
    calls_of(record, "d", replace(call("d", 1), saved=0.0))
    calls_of(record, "e", replace(call("e", 1), model="large", asked="large", saved=None))
    assert {row.of: row.saved for row in record.usage.by("model")} == {"small": 0.0, "large": None}


def test_the_baseline_has_the_same_tokens_from_its_cache(record):
    calls_of(record, "d", replace(call("d", 1), usage=Usage(1000, 10, 800)), replace(call("d", 2, None), usage=Usage(7, 7)))
    assert record.usage.total(baseline=CHEAP).baseline_cost == pytest.approx(CHEAP.cost(Usage(1000, 10, 800)))


def test_of_dialogues_the_dearest_come_first_and_those_of_unknown_cost_last(record):
    for number, cost in enumerate([0.5, 8.0, None, 2.0, None]):
        calls_of(record, f"d{number}", replace(call("x", number), cost=cost), at=START + number)
    told = [[row.of for row in record.usage.by("dialogue", dearest=many)] for many in (1, 4, 9)]
    assert told == [["d1"], ["d1", "d3", "d0", "d4"], ["d1", "d3", "d0", "d2", "d4"]]
    assert (record.usage.count_dialogues(), record.usage.count_dialogues(START + 3)) == (5, 2)


def test_what_a_fork_of_an_experiments_dialogue_opens_is_not_the_experiments(spent):
    at = {"started_at": START + 2 * DAY}
    calls_of(spent, "f", replace(call("f", 1, 16.0), **at), at=START + 2 * DAY, parent_id="o", forked_from="turn_1")
    calls_of(spent, "g", replace(call("g", 1, 32.0), **at), at=START + 2 * DAY, parent_id="f")
    assert {of: row.cost for of, row in rows(spent.usage.by("experiment")).items()} == {"tone": 6.0, "": 9.5 + 48.0}


def test_fallbacks_are_a_share_of_the_answers_that_were_asked_of_a_model(record):
    away = replace(call("d", 1, None), model="large", fallback_reason="small: capacity")
    lost = took(1, outcome="timeout", usage=None, text="")
    calls_of(record, "d", call("d", 1), call("d", 1), lost, lost, away, took(1, outcome="timeout", model="large", cost=None))
    small, large = (next(pace for pace in record.usage.models() if pace.model == name) for name in ("small", "large"))
    assert (small.calls, small.asked, small.fallbacks, small.fallback_rate) == (4, 3, 1, 1 / 3)
    assert (large.calls, large.fallbacks, large.fallback_rate, large.unpriced_calls, large.cost) == (2, 0, None, 2, None)
    assert [row.fallbacks for row in record.usage.by("model")] == [1, 0]


def test_seconds_are_those_of_answers_in_that_time(record):
    early = [took(50.0, 9.0, started_at=START)]
    late = [took(total, first, started_at=START + 9) for total, first in ((1.0, 0.5), (2.0, None), (3.0, 0.25), (4.0, 1.0))]
    failed = took(99.0, outcome="timeout", started_at=START + 9, cost=None)
    calls_of(record, "d", *early, *late, failed)
    [pace] = record.usage.models(START + 5)
    assert (pace.latency_p50, pace.latency_p95, pace.first_token_p50, pace.tokens_per_second) == (2.0, 4.0, 0.5, 8.0)
    assert [each.seconds for each in record.usage.slowest(START + 5)] == [99.0, 4.0, 3.0, 2.0, 1.0]
    assert [each.seconds for each in record.usage.slowest(limit=2)] == [99.0, 50.0]
    assert (record.usage.failures(START + 10), record.usage.models(START + 10)) == ([], [])


@pytest.mark.parametrize("zone", ["Asia/Beirut", "America/Havana", "Australia/Lord_Howe", "Europe/Berlin"])
def test_days_are_local_through_years_of_summer_time(record, monkeypatch, zone):
    monkeypatch.setenv("TZ", zone)
    time.tzset()
    try:
        begin = int(datetime(2024, 1, 1, tzinfo=UTC).timestamp())
        quarters = range(begin, begin + 2 * 365 * DAY, QUARTER)
        offset = {at: datetime.fromtimestamp(at, UTC).astimezone().utcoffset() for at in quarters}
        moved = [at for at in quarters[1:] if offset[at] != offset[at - QUARTER]]
        near = [at + hours * QUARTER for at in moved for hours in (-100, -5, -4, -1, 0, 1, 3, 4, 100)]
        assert len(moved) == 4
        calls_of(record, "d", *(replace(call("d", 1), started_at=float(at)) for at in near))
        expected = Counter(datetime.fromtimestamp(at, UTC).astimezone().date().isoformat() for at in near)
        assert {row.day: row.calls for row in record.usage.daily()} == expected
        assert {row.of: row.calls for row in record.usage.by("day")} == expected
    finally:
        monkeypatch.delenv("TZ")
        time.tzset()
