"""What metrics leave out and tell apart: cancelled calls, unknown costs, dead dialogues, old readings."""

import time

import sqlalchemy as sa
from record_examples import started
from test_metrics import Clock, call, keep, samples, total

from workbench.events import CallEnded, TurnStarted
from workbench.events.calls import Timings
from workbench.observe.metrics import exposition
from workbench.observe.metrics.families import Meter
from workbench.observe.metrics.names import MODELS
from workbench.observe.metrics.readings import Readings
from workbench.records.owners import this_process
from workbench.records.schema import dialogues


def test_cancelled_calls_are_no_errors_and_have_no_duration(record):
    now = time.time()
    made = [call(1, now), call(2, now, outcome="cancelled"), call(3, now, outcome="timeout", timings=Timings(0, 0.2, 3.0))]
    keep(record, "d", [*made, call(4, now, timings=Timings(0, None, 0.8))])
    found = samples(exposition(record))
    assert total(found, "workbench_calls_total", outcome="cancelled") == 1
    assert (
        total(found, "workbench_call_errors_total") == total(found, "workbench_call_errors_total", error_class="timeout") == 1
    )
    assert total(found, "workbench_call_seconds_count") == 3
    assert (total(found, "workbench_call_seconds_sum", outcome="ok"), total(found, "workbench_first_token_seconds_count")) == (
        1.5,
        1,
    )


def test_what_is_unknown_and_what_was_saved_is_told_apart(record):
    now = time.time()
    unknown = [call(2, now, cost=None), call(3, now, cost=None), call(4, now, model="other m", asked="m", cost=None)]
    keep(record, "d", [call(1, now, saved=0.25), *unknown])
    found = samples(exposition(record))
    assert total(found, "workbench_cost_usd_total") == 0.5
    assert total(found, "workbench_unpriced_calls_total", model="m") == 2
    assert not [name for name, *its in found if name == "workbench_cost_usd_total" and ("model", "other m") in its]
    assert total(found, "workbench_cache_saved_usd") == 0.25


def test_models_that_were_only_asked_for_are_counted_as_labels_too(record):
    now = time.time()
    keep(record, "d", [call(n, now, asked=f"wish {n}", model="m") for n in range(MODELS + 20)])
    found = samples(exposition(record))
    asked = {dict(its)["asked"] for name, *its in found if name == "workbench_fallback_calls_total"}
    assert len(asked) == MODELS
    assert "other" in asked
    assert total(found, "workbench_fallback_calls_total") == MODELS + 20


def test_only_dialogues_that_somebody_runs_are_active(record):
    record.write([started("alive", time.time()), started("dead", time.time())])
    with record._engine.begin() as connection:
        connection.execute(sa.update(dialogues).where(dialogues.c.id == "alive").values(owner=this_process()))
    assert total(samples(exposition(record)), "workbench_dialogues_active") == 1


def test_what_a_fork_of_old_took_over_is_timed_once(record):
    at = time.time() - 100
    keep(record, "d", [call(1, at), call(2, at)])
    turn = TurnStarted(dialogue="fork", seq=2, at=at, turn="t", index=1, role="r", model="m")
    own = call(9, at + 60)
    told = [call(1, at), call(2, at), own]
    begun = started("fork", at + 50, parent_id="d", forked_from="t")
    record.write(
        [begun, turn, *(CallEnded(dialogue="fork", seq=3 + n, at=at + 50, turn="t", call=c) for n, c in enumerate(told))]
    )
    found = samples(exposition(record))
    assert total(found, "workbench_calls_total") == total(found, "workbench_call_seconds_count") == 3


def test_while_the_record_cannot_be_read_it_is_down_and_the_last_numbers_stay(record):
    keep(record, "d", [call(1, time.time())])
    meter, clock = Meter(record), Clock(0.0)
    meter.readings = Readings(record, clock)

    def told():
        return {sample.name: sample.value for family in meter.collect() for sample in family.samples}

    assert (told()["workbench_record_up"], told()["workbench_calls_total"]) == (1, 1)
    with record._engine.begin() as connection:
        connection.exec_driver_sql("ALTER TABLE usage RENAME TO elsewhere")
    clock.now = 100.0
    assert (told()["workbench_record_up"], told()["workbench_calls_total"]) == (0, 1)
