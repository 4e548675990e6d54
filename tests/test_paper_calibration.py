"""How well models estimate, from outcomes that people entered: known scores, their laws, and what is too few to tell."""

import math
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workbench.errors import RecordError, WorkbenchError
from workbench.papers.assessing.assessment import Assessment, Estimate, Weeks, row_of
from workbench.papers.assessing.calibration import (
    ENOUGH,
    Forecast,
    brier_score,
    calibrate,
    forecasts,
    forecasts_in,
    plot_calibration,
)
from workbench.papers.assessing.outcomes import enter_outcome, outcome_of
from workbench.papers.assessing.report import as_card, as_markdown, as_text
from workbench.records import Record
from workbench.records.assessments import OutcomeRow
from workbench.records.papers import PaperRow

PAPER = PaperRow("p1", "sha", 1.0, "A Paper", ("A",), 2020, None, None, "a.pdf", "papers/a.pdf", 3)


def estimate(model, confidence, weeks=(2, 4, 8), turn="position_1"):
    return Estimate("advocate", model, turn, True, Weeks(*weeks), confidence)


def assessment(number, *estimates):
    decided = estimate("judge", 0.5, turn="consensus")
    return Assessment(f"a{number:03}", PAPER, "Why?", "", True, 3, decided.weeks, (), (), (), "So.", 0.5, "", (),
                      (*estimates, decided), "judge", (), f"d{number}", 0.1, float(number))  # fmt: skip


@pytest.fixture
def record(sqlite_url):
    with Record.open(sqlite_url) as record:
        record.papers.add(PAPER, "{}", [])
        yield record


def keep(record, *made):
    for each in made:
        record.assessments.add(row_of(each))


def forecast(confidence=0.5, weeks=(2, 4, 8), spent=None, who="m", *, worked=True):
    return Forecast(who, "a", confidence, Weeks(*weeks), worked, spent)


def test_a_known_case():
    found = [forecast(0.8, worked=True, spent=4), forecast(0.8, worked=True, spent=16), forecast(0.4, worked=False, spent=1)]
    [row] = calibrate(found)
    assert row.brier == pytest.approx((0.04 + 0.04 + 0.16) / 3)
    assert row.reference == pytest.approx(2 / 3 * 1 / 3)
    assert (row.n, row.timed, row.coverage) == (3, 3, pytest.approx(1 / 3))
    assert (row.coverage_low, row.coverage_high) == (pytest.approx(0.0615, abs=1e-3), pytest.approx(0.7923, abs=1e-3))
    assert row.log_ratio == pytest.approx((0 + math.log(4) + math.log(1 / 4)) / 3, abs=1e-12)
    assert not row.enough
    assert row.verdict == f"too few: 3 of {ENOUGH} outcomes"


chance = st.floats(0, 1)
pairs = st.lists(st.tuples(chance, st.booleans()), min_size=1, max_size=30)


@given(pairs)
def test_brier_scores_lie_between_0_and_1_and_are_symmetric(found):
    score = brier_score(found)
    assert 0 <= score <= 1
    assert score == pytest.approx(brier_score([(1 - chance, not worked) for chance, worked in found]))
    assert brier_score([(float(worked), worked) for _, worked in found]) == 0


@given(pairs, chance)
def test_of_all_constant_forecasts_the_base_rate_scores_best(found, constant):
    [row] = calibrate([forecast(constant, worked=worked) for _, worked in found])
    assert row.brier >= row.reference - 1e-12
    [best] = calibrate([forecast(row.worked, worked=worked) for _, worked in found])
    assert best.brier == pytest.approx(row.reference)


spans = st.tuples(st.floats(0.1, 100), st.floats(0.1, 100), st.floats(0.1, 100)).map(lambda three: tuple(sorted(three)))


@given(st.lists(st.tuples(spans, st.floats(0.1, 200)), min_size=1, max_size=20), st.floats(1, 5))
def test_wider_intervals_never_hold_less(found, wider):
    [row] = calibrate([forecast(weeks=weeks, spent=spent) for weeks, spent in found])
    [wide] = calibrate([forecast(weeks=(w[0] / wider, w[1], w[2] * wider), spent=spent) for w, spent in found])
    assert wide.coverage >= row.coverage
    assert wide.log_ratio == row.log_ratio
    ends = (0, row.coverage_low, row.coverage, row.coverage_high, 1)
    assert all(low <= high + 1e-9 for low, high in pairwise(ends))


@given(st.lists(spans, min_size=1, max_size=20))
def test_whoever_names_the_weeks_is_within_and_has_a_ratio_of_one(found):
    [row] = calibrate([forecast(weeks=weeks, spent=weeks[1]) for weeks in found])
    assert (row.coverage, row.log_ratio) == (1.0, pytest.approx(0.0, abs=1e-12))


def test_one_outcome_counts_once_for_a_model_that_spoke_twice():
    made = assessment(1, estimate("m", 0.2, (1, 2, 3)), estimate("m", 0.6, (3, 4, 5), "position_2"),
                      estimate("n", 0.9, turn="position_3"), estimate("m", 0.9, turn="rebuttal_1"))  # fmt: skip
    found = forecasts_in(made, OutcomeRow("a001", 2.0, worked=True, weeks=3.0))
    assert [(each.who, each.confidence) for each in found] == [("m", pytest.approx(0.4)), ("n", 0.9), ("consensus", 0.5)]
    assert found[0].weeks == Weeks(2, 3, 4)


def test_the_last_outcome_counts_and_none_is_lost(record):
    keep(record, assessment(1, estimate("m", 0.9)), assessment(2, estimate("m", 0.9)))
    enter_outcome(record, "a001", worked=False, weeks=9, note="It never ran.")
    enter_outcome(record, "a001", worked=True, weeks=5)
    assert [(row.worked, row.weeks, row.note) for row in record.assessments.outcomes("a001")] == [
        (False, 9.0, "It never ran."), (True, 5.0, "")]  # fmt: skip
    assert outcome_of(record, assessment(1)).worked
    assert outcome_of(record, assessment(2)) is None
    assert [(each.who, each.assessment, each.worked) for each in forecasts(record)] == [
        ("m", "a001", True), ("consensus", "a001", True)]  # fmt: skip


def test_enough_outcomes_are_judged(record):
    keep(
        record, *(assessment(n, estimate("sure", 0.95, (3, 4, 5)), estimate("even", 0.5, turn="position_2")) for n in range(12))
    )
    for number in range(12):
        enter_outcome(record, f"a{number:03}", worked=number % 2 == 0, weeks=7)
    rows = {row.who: row for row in calibrate(forecasts(record))}
    assert rows["sure"].verdict == "no better than the base rate; weeks too narrow"
    assert rows["even"].verdict == "no better than the base rate; weeks as sure as said"
    assert rows["sure"].log_ratio == pytest.approx(math.log(7 / 4))
    figure = plot_calibration(forecasts(record))
    assert {trace.name for trace in figure.data if trace.name} == {"sure", "even", "consensus"}
    [sure] = [trace for trace in figure.data if trace.name == "sure"]
    assert (list(sure.x), list(sure.y)) == ([pytest.approx(0.95)], [0.5])


@pytest.mark.parametrize("weeks", [0, -1, math.nan, math.inf, 1e9])
def test_weeks_that_are_none_are_refused(record, weeks):
    keep(record, assessment(1))
    with pytest.raises(WorkbenchError, match="weeks: a number above 0"):
        enter_outcome(record, "a001", worked=True, weeks=weeks)
    with pytest.raises(RecordError, match="no assessment"):
        enter_outcome(record, "b", worked=True)
    assert record.assessments.outcomes() == []


def test_outcomes_stand_in_the_report():
    outcome = OutcomeRow("a001", 86_400.0, worked=False, weeks=3.5, note="No <b>gauges</b>.")
    assert "1970-01-02, it did not work, in 3.5 weeks: No <b>gauges</b>." in as_text(assessment(1), [outcome])
    assert "it did not work, in 3.5 weeks: No &lt;b&gt;gauges" in as_card(assessment(1), [outcome])
    assert "No &lt;b>gauges" in as_markdown(assessment(1), [outcome])
