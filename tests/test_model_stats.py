"""What the record knows of each model, and of each model on each kind of task, on both kinds of database."""

import math
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from record_examples import START, call, started, whole
from stage import card as played
from stage import line, orchestra, yes

from workbench.errors import RecordError
from workbench.events import CallEnded, Timings, TurnCompleted, TurnStarted, Usage
from workbench.models import ModelCard, Prices
from workbench.records.means import mean_of, share_interval, student_quantile
from workbench.records.moments import moment
from workbench.records.rating import Rating
from workbench.records.seconds import nearest

CHEAP = ModelCard(name="cheap", id="openai/cheap", prices=Prices(input=1.0, output=2.0, cached_input=0.5))
DEAR = ModelCard(name="dear", id="openai/dear", prices=Prices(input=10.0, output=20.0))
USAGE = Usage(prompt=100, completion=20, cached=40)


def spoken(dialogue, index, *calls, choice=None):
    """The events of a turn with these calls."""
    seq, at, name = 10 * index, START + index, f"turn_{index}"
    yield TurnStarted(
        dialogue=dialogue, seq=seq, at=at, turn=name, index=index, role="pro", model=calls[0].asked, choice=choice
    )
    for number, each in enumerate(calls, 1):
        made = replace(each, id=f"{dialogue}-{index}-{number}")
        yield CallEnded(dialogue=dialogue, seq=seq + number, at=at, turn=name, call=made)
    yield TurnCompleted(dialogue=dialogue, seq=seq + 9, at=at, turn=name, text=calls[-1].text)


def made(model="cheap", asked=None, outcome="ok", *, total=1.0, first=0.25, usage=USAGE, cost=None, at=START, text="t"):
    reason = None if asked in (None, model) else f"{asked}: capacity"
    return replace(
        call("d", 1, cost), model=model, asked=asked or model, outcome=outcome, timings=Timings(0.0, first, total), usage=usage,
        started_at=at, text=text, reasoning="", fallback_reason=reason,
    )  # fmt: skip


def lost(model="cheap", asked=None, outcome="capacity", **more):
    return made(model, asked, outcome, usage=None, text="", **more)


def rating(quality, *, dialogue="d1", turn="turn_1", model="cheap", kind="code", by="a", source="judge", at=START):
    return Rating(dialogue, turn, "pro", model, quality, source, by=by, kind=kind, at=at)


def stats(record, **options):
    return record.model_stats(**options).set_index("model")


@pytest.fixture
def busy(record):
    """One dialogue: a turn in time, one that needed a retry, one that fell back."""
    events = [
        *spoken("d1", 1, made(cost=0.5, total=1.0), choice={"kind": "code", "model": "cheap"}),
        *spoken("d1", 2, lost(), made(cost=0.25, total=3.0)),
        *spoken("d1", 3, lost(), made("dear", "cheap", total=2.0, first=None)),
    ]
    record.write([started("d1"), *events])
    return record


def test_calls_are_counted_by_who_was_called_and_fallbacks_by_who_was_asked(busy):
    frame = stats(busy)
    assert frame.calls.to_dict() == {"cheap": 4, "dear": 1}
    assert frame.answered.to_dict() == {"cheap": 2, "dear": 1}
    assert frame.success.to_dict() == {"cheap": 0.5, "dear": 1.0}
    assert frame.fallbacks.to_dict() == {"cheap": 1, "dear": 0}


def test_tokens_money_and_seconds(busy):
    cheap, dear = stats(busy).loc["cheap"], stats(busy).loc["dear"]
    assert (cheap.prompt_tokens, cheap.completion_tokens, cheap.cached_tokens) == (200, 40, 80)
    assert (cheap.cost, cheap.unpriced_calls) == (0.75, 0)  # two failed before a word, which costs nothing
    assert math.isnan(dear.cost)
    assert dear.unpriced_calls == 1
    assert (cheap.latency_p50, cheap.latency_p95, cheap.first_token_p50) == (1.0, 3.0, 0.25)
    assert math.isnan(dear.first_token_p50)
    assert cheap.tokens_per_second == 10.0


def test_a_cancelled_call_is_no_failure_but_may_have_cost_something(record):
    half = replace(lost(outcome="cancelled"), text="half an ans")
    record.write(
        [started("d1"), *spoken("d1", 1, made(cost=1.0)), *spoken("d1", 2, half), *spoken("d1", 3, lost(outcome="cancelled"))]
    )
    cheap = stats(record).loc["cheap"]
    assert (cheap.calls, cheap.answered, cheap.success) == (3, 1, 1.0)
    assert cheap.unpriced_calls == 1


def test_a_model_that_was_asked_for_and_never_called_is_listed(record):
    record.write([started("d1"), *spoken("d1", 1, made("cheap", "resting"))])
    resting = stats(record).loc["resting"]
    assert (resting.calls, resting.fallbacks) == (0, 1)
    assert math.isnan(resting.success)


@given(st.lists(st.floats(0, 100), min_size=1, max_size=40))
def test_percentiles_are_values_that_occurred_and_enough_are_no_longer(seconds):
    ordered = sorted(seconds)
    for share in (0.5, 0.95):
        found = nearest(ordered, share)
        assert found in ordered
        assert sum(each <= found for each in ordered) >= share * len(ordered)
        assert sum(each < found for each in ordered) < share * len(ordered)


def test_kinds_of_task_are_told_apart_by_what_routing_saw_else_by_what_a_rating_says(record):
    record.write([
        started("d1"),
        *spoken("d1", 1, made(cost=1.0), choice={"kind": "code", "model": "cheap"}),
        *spoken("d1", 2, made(cost=2.0)),
        *spoken("d1", 3, made(cost=4.0)),
    ])  # fmt: skip
    record.rate([rating(1.0, kind="code"), rating(0.5, turn="turn_2", kind="maths")])
    frame = record.model_stats(by="task")
    assert list(frame.task[:0]) == []
    by_task = {row.task if isinstance(row.task, str) else "": row for row in frame.itertuples()}
    assert {task: row.cost for task, row in by_task.items()} == {"": 4.0, "code": 1.0, "maths": 2.0}
    assert {task: row.ratings for task, row in by_task.items()} == {"": 0, "code": 1, "maths": 1}


def test_ratings_are_averaged_by_turn_then_by_dialogue(record):
    record.write([*whole("d1"), *whole("d2")])
    record.rate([
        rating(0.2, by="a"), rating(0.4, by="b"),  # turn_1 of d1: 0.3
        rating(0.9, turn="turn_2"),                # d1: 0.6
        rating(0.8, dialogue="d2"),                # d2: 0.8
    ])  # fmt: skip
    cheap = stats(record).loc["cheap"]
    assert cheap.quality == pytest.approx(0.7)
    assert (cheap.ratings, cheap.rated_dialogues, cheap.interval) == (4, 2, "t")
    reach = math.tan(math.pi * 0.475) * 0.1  # Student's t with one degree of freedom, standard error 0.1
    assert (cheap.quality_low, cheap.quality_high) == (max(0.7 - reach, 0.0), min(0.7 + reach, 1.0))


def test_where_all_is_right_or_wrong_the_interval_is_wilsons(record):
    record.rate([rating(float(n < 7), dialogue=f"d{n}") for n in range(10)])
    cheap = stats(record).loc["cheap"]
    assert (cheap.interval, cheap.quality) == ("Wilson", 0.7)
    assert (cheap.quality_low, cheap.quality_high) == pytest.approx((0.3968, 0.8922), abs=1e-4)  # R: prop.test(correct = FALSE)


def test_one_dialogue_that_is_neither_right_nor_wrong_has_no_interval(record):
    record.rate([rating(0.7)])
    cheap = stats(record).loc["cheap"]
    assert cheap.quality == 0.7
    assert cheap[["quality_low", "quality_high", "interval"]].isna().all()


def test_since_leaves_out_what_was_before(record):
    record.write([started("d1"), *spoken("d1", 1, made(cost=1.0)), *spoken("d1", 2, made(cost=2.0, at=START + 100))])
    record.rate([rating(0.0), rating(1.0, turn="turn_2", at=START + 100)])
    for since in (START + 50, datetime.fromtimestamp(START + 50, UTC), datetime.fromtimestamp(START + 50, UTC).isoformat()):
        cheap = stats(record, since=since).loc["cheap"]
        assert (cheap.calls, cheap.cost, cheap.quality, cheap.ratings) == (1, 2.0, 1.0, 1)
    assert record.model_stats(since="7d").empty


def test_the_baseline_says_what_the_same_tokens_would_have_cost(record):
    usage = Usage(prompt=1_000_000, completion=500_000, cached=200_000)
    paid = CHEAP.cost(usage)
    record.write([started("d1"), *spoken("d1", 1, made(usage=usage, cost=paid)), *spoken("d1", 2, made(usage=usage))])
    cheap = stats(record, baseline=DEAR).loc["cheap"]
    assert cheap.baseline_cost == DEAR.cost(usage) == 20.0  # the call whose cost nobody knows is left out on both sides
    assert cheap.saved == pytest.approx(20.0 - paid)
    assert stats(record, baseline=CHEAP).loc["cheap"].saved == pytest.approx(0.0)
    assert "saved" not in stats(record).columns


def test_a_baseline_without_prices_is_refused(record):
    with pytest.raises(RecordError, match="nobody cannot be the baseline: its prices are unknown") as caught:
        record.model_stats(baseline=ModelCard(name="nobody", id="openai/nobody"))
    assert "[models.nobody]" in caught.value.hint


def test_what_a_fork_took_over_was_paid_for_once(record, tmp_path):
    workbench, actors = orchestra(tmp_path, yes, record=record)
    with workbench:
        first = workbench.run(line(3), "t", models=[played()])
        child = workbench.fork(f"{first.id}@2").wait()
        workbench.fork(f"{child.id}@2").wait()
        record.flush()
        for by in ("model", "task"):
            assert record.model_stats(by=by).calls.sum() == len(actors.asked) == 5


def test_an_empty_record_has_the_columns_and_no_row(record):
    for by in ("model", "task"):
        frame = record.model_stats(by=by, baseline=DEAR)
        assert frame.empty
        assert {"model", "calls", "quality", "saved"} <= set(frame.columns)
    assert str(frame.dtypes["calls"]) == "Int64"


@pytest.mark.parametrize("wrong", ["yesterday", "7", "7x", "", "2026-13-01"])
def test_a_point_in_time_that_is_none_is_refused(wrong):
    with pytest.raises(RecordError, match="no point in time") as caught:
        moment(wrong)
    assert "7d" in caught.value.hint


@pytest.mark.parametrize(("span", "seconds"), [("30m", 1800), ("12h", 43200), ("1.5d", 129600), (timedelta(weeks=1), 604800)])
def test_a_span_counts_back_from_now(span, seconds):
    assert moment(span, now=1e9) == 1e9 - seconds


@given(st.lists(st.floats(0, 1), min_size=1, max_size=30))
def test_a_mean_lies_within_its_interval_and_that_within_what_is_possible(values):
    whole_numbers, alike = all(value in (0, 1) for value in values), len(set(values)) == 1
    mean = mean_of(len(values), sum(values), sum(v * v for v in values), whole=whole_numbers, alike=alike)
    assert mean.value == pytest.approx(sum(values) / len(values))
    if mean.low is None:
        assert len(values) == 1
    else:
        assert 0 <= mean.low <= mean.value + 1e-9
        assert mean.value - 1e-9 <= mean.high <= 1


def test_the_interval_of_values_between_is_students():
    scipy_stats = pytest.importorskip("scipy.stats")
    values = [0.5, 0.6, 0.7, 0.65]
    mean = mean_of(4, sum(values), sum(v * v for v in values), whole=False, alike=False)
    expected = scipy_stats.t.interval(0.95, 3, loc=mean.value, scale=scipy_stats.sem(values))
    assert (mean.low, mean.high) == pytest.approx(tuple(expected), abs=1e-3)
    assert mean.method == "t"


def test_values_that_came_out_alike_are_not_certain():
    mean = mean_of(5, 4.0, 3.2, whole=False, alike=True)
    assert (mean.low, mean.high, mean.method) == (*share_interval(4.0, 5), "Wilson")


@pytest.mark.parametrize("freedom", [1, 2, 3, 4, 7, 30, 500])
def test_students_quantile_is_scipys(freedom):
    stats_ = pytest.importorskip("scipy.stats")
    assert student_quantile(0.975, freedom) == pytest.approx(stats_.t.ppf(0.975, freedom), rel=2e-3)
