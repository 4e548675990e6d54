"""`%costs --since` and `%performance`: every line of them is of the same time and model, and says what it leaves out."""

from __future__ import annotations

import time
from dataclasses import replace

import pytest
from record_examples import call
from stage import orchestra, yes
from test_usage import CHEAP, DAY, _events

from workbench.events import Timings
from workbench.notebook.costs_by import costs_table
from workbench.notebook.performance import performance


@pytest.fixture
def bench(tmp_path):
    """A workbench whose record has an old dialogue and two of now; two models failed, in their ways, then and now."""
    orchestrator, _ = orchestra(tmp_path, yes)
    lost, now = {"cost": None, "usage": None, "text": "", "served": None}, time.time() - 60
    with orchestrator as made:
        for number, (name, at) in enumerate({"old": now - 9 * DAY, "new": now, "newer": now + 9}.items()):
            kinds = [
                replace(call(name, 1, 0.5), saved=-0.25 if number else 0.0, timings=Timings(0.0, None, 90.0 - number)),
                replace(call(name, 2, 2.0), model="large", asked="small"),
                replace(call(name, 3, None), **lost, outcome="timeout"),
                replace(call(name, 4, None), **lost, outcome="capacity", model="large", asked="large"),
                replace(call(name, 5, None), timings=Timings(0.25, None, 3.0)),
            ]
            calls = [replace(each, id=f"{name}-{place}", started_at=at + place) for place, each in enumerate(kinds)]
            made.record.write(_events(name, at, calls, {}, resumed=False))
        yield made


def test_rows_totals_and_notes_are_of_the_same_time(bench):
    for since, many in ((None, 3), ("1d", 2)):
        table = costs_table(bench, since=since)
        assert table.frame.calls.sum() == 5 * many
        total = next(line for line in table.text.splitlines() if line.startswith("all"))
        assert (total.split()[1:4], f"${2.5 * many:.2f}" in total) == ([str(5 * many), str(2 * many), str(many)], True)
        assert f"The cost of {many} calls is not known" in table.text
        assert "Fell back: answers that were asked of this model" in table.text
        assert total.endswith("-$0.5")


def test_of_dialogues_it_says_how_many_are_left_out(bench):
    assert "The dearest 1 of 3 dialogues" in costs_table(bench, "dialogue", dearest=1).text
    assert "The dearest 1 of 2 dialogues" in costs_table(bench, "dialogue", "1d", dearest=1).text
    assert "The dearest" not in costs_table(bench, "dialogue", "1d", dearest=2).text


def test_a_baseline_has_columns_of_its_own_and_its_sum(bench):
    table = costs_table(bench, since="1d", baseline=CHEAP)
    spared = f"-${-table.frame.spared.sum():.2f}"
    total = next(line for line in table.text.splitlines() if line.startswith("all"))
    assert total.endswith(spared), (total, spared)
    assert not {"spared", "baseline_cost"} & {*costs_table(bench).frame.columns}


def test_all_three_tables_are_of_the_same_time_and_model(bench):
    whole, late, large = (performance(bench.record, *asked) for asked in ((), ("1d",), ("1d", "large")))
    assert [page.models.frame.calls.sum() for page in (whole, late, large)] == [15, 10, 4]
    assert [{*page.slowest.frame.dialogue} == {"new", "newer"} for page in (whole, late, large)] == [False, True, True]
    assert {*large.slowest.frame.model} == {"large"}
    assert [page.failures.frame.calls.sum() for page in (whole, late, large)] == [6, 4, 2]
    assert large.failures.frame.outcome.tolist() == ["capacity"]


def test_rates_waits_and_a_lower_bound_are_told(bench):
    page = performance(bench.record, "1d")
    small = page.models.frame.set_index("model").loc["small"]
    assert (small.error_rate, small.fallback_rate) == (1 / 3, 1 / 3)
    assert "33.3%" in page.models.text
    assert "Where the cost of calls is unknown, the cost is a lower bound" in page.models.text
    waited = [line for line in page.slowest.text.splitlines() if "0.25 s" in line]
    assert len(waited) == 2
    assert page.slowest.frame.open[0] == "%costs new --waterfall"
