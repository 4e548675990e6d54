"""What calls took, added up as they are written: always what a recount of the events comes to, whatever order they came in."""

from __future__ import annotations

import itertools
import time
from collections import Counter, defaultdict
from dataclasses import replace
from datetime import datetime

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from record_examples import START, call, started
from sqlalchemy import select
from stage import card as played
from stage import line, orchestra, yes

from workbench.errors import RecordError
from workbench.events import CallEnded, DialogueResumed, Timings, TurnStarted, Usage
from workbench.models import ModelCard, Prices
from workbench.records import Record
from workbench.records.counting import DAY, QUARTER
from workbench.records.experiments import CaseRow, ExperimentRow, RunRow
from workbench.records.migrate import upgrade
from workbench.records.schema import calls, usage, usage_quarters
from workbench.records.usage import SUMS, used

CHEAP = ModelCard(name="cheap", id="openai/cheap", prices=Prices(input=1.0, output=2.0, cached_input=0.5))
DEAR = ModelCard(name="dear", id="openai/dear", prices=Prices(input=10.0, output=20.0))
_numbers = itertools.count()


@st.composite
def made_calls(draw, name):
    prompt = draw(st.integers(0, 1000))
    counted = draw(st.booleans())
    model = draw(st.sampled_from(["small", "large"]))
    return replace(
        call(name, 1),
        id=f"{name}-{next(_numbers)}",
        asked=draw(st.sampled_from(["small", "large"])),
        model=model,
        provider={"small": "local", "large": "far"}[model],
        outcome=draw(st.sampled_from(["ok", "ok", "timeout", "cancelled"])),
        started_at=START + draw(st.integers(0, 4 * DAY)),
        timings=Timings(0.0, 0.25, draw(st.integers(1, 64)) / 8),
        usage=Usage(prompt, draw(st.integers(0, 99)), prompt // 2, 1) if counted else None,
        cost=draw(st.none() | st.integers(0, 64).map(lambda cents: cents / 64)),
        saved=draw(st.none() | st.integers(-8, 8).map(lambda cents: cents / 64)),
        text=draw(st.sampled_from(["", "said"])),
        reasoning=draw(st.sampled_from(["", "", "thought"])),
    )


@st.composite
def families(draw):
    """Lists of events: a dialogue that may be part of something, resumes, and forks that took its calls over under their ids."""
    name = f"d{next(_numbers)}"
    begin = {"parent_id": draw(st.sampled_from(["run-1", "other"]))} if draw(st.booleans()) else {}
    own = draw(st.lists(made_calls(name), max_size=5))
    dialogues = [_events(name, START - 1, own, begin, resumed=draw(st.booleans()))]
    for number in range(draw(st.integers(0, 2))):
        fork = f"{name}-fork{number}"
        at = START + 5 * DAY
        later = [replace(each, started_at=each.started_at + 5 * DAY) for each in draw(st.lists(made_calls(fork), max_size=2))]
        dialogues.append(_events(fork, at, [*own, *later], {"parent_id": name, "forked_from": "turn_1"}, resumed=False))
    return dialogues


def _events(name, at, made, run, *, resumed):
    seq = itertools.count(1)
    yield_ = [started(name, at, **run)]
    next(seq)
    turn = {"turn": "turn_1", "index": 1, "role": "pro", "model": "small", "round": 1}
    yield_.append(TurnStarted(dialogue=name, seq=next(seq), at=at, **turn))
    for number, each in enumerate(made):
        if resumed and number == 1:
            yield_.append(DialogueResumed(dialogue=name, seq=next(seq), at=at, run=run))
        yield_.append(CallEnded(dialogue=name, seq=next(seq), at=at, turn="turn_1", call=each))
    return yield_


def recount(dialogues, key, since=None):
    """Add up distinct calls by what `key` says of them, from nothing but the events."""
    found = defaultdict(Counter)
    seen = set()
    for events in dialogues:
        for event in events:
            if not isinstance(event, CallEnded) or event.call.id in seen:
                continue
            seen.add(event.call.id)
            each, used_ = event.call, event.call.usage or Usage(0, 0)
            if since is not None and each.started_at < since:
                continue
            tokens = {"prompt": used_.prompt, "cached": used_.cached, "completion": used_.completion}
            found[key(events[0], each)].update({
                "calls": 1,
                "answered": each.ok,
                "cancelled": each.outcome == "cancelled",
                "fallbacks": each.ok and each.asked != each.model,
                **{f"{name}_tokens": value for name, value in tokens.items()},
                "reasoning_tokens": used_.reasoning,
                **{f"priced_{name}_tokens": value * (each.cost is not None) for name, value in tokens.items()},
                "priced_calls": each.cost is not None,
                "unpriced_calls": each.unpriced,
                "cached_calls": each.saved is not None,
                "cost": each.cost or 0.0,
                "saved": each.saved or 0.0,
            })  # fmt: skip
    return {key: tuple(sums[name] for name in SUMS) for key, sums in found.items()}


def by_day(begun, each):
    part_of = "" if "forked_from" in begun.run else begun.run.get("parent_id", "")
    return (
        int(each.started_at // DAY), each.model, each.asked, each.provider, begun.mode, part_of, each.outcome,
    )  # fmt: skip


def by_quarter(_begun, each):
    return int(each.started_at // QUARTER), each.model


def stored(record: Record, table, since=None):
    """What a table has, several rows of one key added up."""
    keys = [column.name for column in table.primary_key]
    found = defaultdict(Counter)
    with record._engine.connect() as connection:
        source = used(connection.dialect.name, since, table)
        for row in connection.execute(select(*source.c)).mappings():
            found[tuple(row[name] for name in keys)].update({name: row[name] for name in SUMS})
    return {key: tuple(sums[name] for name in SUMS) for key, sums in found.items()}


@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(data=st.data())
def test_it_is_what_the_events_come_to_in_whatever_order_they_come(record, data):
    dialogues = [events for family in data.draw(st.lists(families(), min_size=1, max_size=2)) for events in family]
    with record._engine.begin() as connection:
        for table in (usage, usage_quarters, calls):
            connection.execute(table.delete())
    waiting = {number: list(events) for number, events in enumerate(dialogues)}
    order = data.draw(st.permutations([number for number, events in waiting.items() for _ in events]))
    cut = data.draw(st.integers(0, len(order)))
    mixed = [waiting[number].pop(0) for number in order]
    for part in (mixed[:cut], mixed[cut:], mixed[: cut // 2]):  # the last are there already
        record.write(part)
    since = START + data.draw(st.integers(-DAY, 5 * DAY))
    for table, key in ((usage, by_day), (usage_quarters, by_quarter)):
        assert stored(record, table) == recount(dialogues, key)
        assert stored(record, table, since) == recount(dialogues, key, since)


def test_a_rebuild_makes_it_again(record):
    record.write(_events("a", START, [call("a", n) for n in range(3)], {}, resumed=True))
    record.write(_events("b", START + DAY, [call("a", 1), call("b", 2 * DAY)], {"forked_from": "turn_1"}, resumed=False))
    before = [stored(record, table) for table in (usage, usage_quarters)]
    with record._engine.begin() as connection:
        connection.execute(usage.delete())
        connection.execute(usage_quarters.update().values(calls=77))
    record.rebuild()
    assert [stored(record, table) for table in (usage, usage_quarters)] == before
    assert sum(sums[0] for sums in before[0].values()) == 4  # the fork's copy of a's call is not counted twice


def test_an_old_record_is_counted_when_it_is_brought_up_to_date(record_url, open_record):
    with open_record() as record:
        record.write(
            _events("a", START, [call("a", 1), replace(call("a", 2, None), saved=0.5, outcome="timeout")], {}, resumed=False)
        )
        record.write(_events("b", START + DAY, [call("a", 1)], {"parent_id": "a", "forked_from": "turn_1"}, resumed=False))
        before = [stored(record, table) for table in (usage, usage_quarters)]
    make_old(record_url)
    with Record.open(record_url) as record:
        assert [stored(record, table) for table in (usage, usage_quarters)] == before
        assert record.calls("a").saved.dropna().tolist() == [0.5]


def make_old(record_url):
    """Bring a record back to what a workbench made that counted nothing."""
    import sqlalchemy as sa
    from test_record_migrations import _connect

    columns = "dialogue_id, id, turn, asked, model, provider, served, attempt, outcome, started_at, queue_seconds"
    columns += ", first_token_seconds, total_seconds, prompt_tokens, completion_tokens, cached_tokens, reasoning_tokens"
    columns += ", cost, finish_reason, text, reasoning, error, fallback_reason"
    with _connect(record_url).begin() as connection:
        kept = {name: connection.execute(sa.text(f"SELECT * FROM {name}")).mappings().all() for name in ("dialogues", "events")}
        called = connection.execute(sa.text(f"SELECT {columns} FROM calls")).mappings().all()
    _empty(record_url)
    with _connect(record_url).begin() as connection:
        upgrade(connection, "0008")
        tables = sa.MetaData()
        tables.reflect(connection, only=["dialogues", "events", "calls"])
        for name, rows in {**kept, "calls": called}.items():
            connection.execute(tables.tables[name].insert(), [dict(row) for row in rows])


def _empty(url):
    from pathlib import Path

    import sqlalchemy as sa
    from test_record_migrations import _connect

    if url.startswith("sqlite"):
        for file in Path(str(sa.make_url(url).database)).parent.glob("records.db*"):
            file.unlink()
        return
    with _connect(url).begin() as connection:
        connection.execute(sa.text("DROP SCHEMA public CASCADE"))
        connection.execute(sa.text("CREATE SCHEMA public"))


@pytest.fixture
def spent(record):
    """Two models over three days, one dialogue within an experiment, and one sub-dialogue of that."""
    experiment = record.experiments
    record.write(_events("a", START, [
        replace(call("a", 1, 0.5), saved=0.125),
        replace(call("a", 2, None), id="a2", outcome="timeout", usage=None, text="", served=None),
        replace(call("a", 3, 1.0), id="a3", model="large", provider="far"),
    ], {}, resumed=False))  # fmt: skip
    kept = experiment.keep(ExperimentRow("e1", "tone", START, "0", "{}", "{}"), [CaseRow(0, "c", "{}")])
    experiment.begin(RunRow("run-1", kept.id, START, START, None, "completed", None, None, 1, "{}"))
    day = {"started_at": START + DAY}
    record.write(_events("o", START + DAY, [replace(call("o", 1, 2.0), **day)], {"parent_id": "run-1"}, resumed=False))
    record.write(_events("s", START + DAY, [replace(call("s", 1, 4.0), **day)], {"parent_id": "o"}, resumed=False))
    record.write(_events("x", START + DAY, [replace(call("x", 1, 8.0), **day)], {"parent_id": "a"}, resumed=False))
    return record


def rows(found):
    return {row.of: row for row in found}


def test_by_model_tells_failures_fallbacks_tokens_and_money(spent):
    found = rows(spent.usage.by("model"))
    small, large = found["small"], found["large"]
    assert (small.calls, small.failed, small.fallbacks, small.cost, small.unpriced_calls) == (5, 1, 1, 14.5, 0)
    assert (small.saved, large.saved) == (0.125, None)
    assert (large.calls, large.failed, large.fallbacks, large.cost) == (1, 0, 0, 1.0)
    assert (small.prompt_tokens, small.cached_tokens, small.completion_tokens, small.reasoning_tokens) == (400, 20, 80, 12)
    assert [row.of for row in spent.usage.by("model")] == ["small", "large"]  # the dearest first


def test_an_experiment_has_what_its_dialogues_and_their_parts_took(spent):
    found = rows(spent.usage.by("experiment"))
    assert {of: row.cost for of, row in found.items()} == {"tone": 6.0, "": 9.5}


def test_dialogues_are_told_from_the_dearest_down(spent):
    told = spent.usage.by("dialogue", dearest=3)
    assert [(row.of, row.calls, row.cost, row.mode) for row in told] == [
        ("x", 1, 8.0, "debate"), ("s", 1, 4.0, "debate"), ("o", 1, 2.0, "debate"),
    ]  # fmt: skip
    assert told[0].about == "Is water wet?"
    assert [row.of for row in spent.usage.by("dialogue", START + 9)] == ["x", "s", "o"]


def test_everything_is_the_same_sum(spent):
    total = spent.usage.total(baseline=DEAR)
    assert (total.calls, total.cost) == (6, 15.5)
    assert total.baseline_cost == pytest.approx(DEAR.cost(Usage(500, 100, 25)))
    for what in ("model", "day", "dialogue", "experiment", "provider", "mode"):
        told = spent.usage.by(what, baseline=DEAR)
        assert (sum(row.calls for row in told), sum(row.cost for row in told)) == (6, 15.5), what
        assert sum(row.spared for row in told) == pytest.approx(total.spared)


def test_unknown_is_not_zero(record):
    record.write(
        _events(
            "a",
            START,
            [call("a", 1, None), replace(call("a", 2, None), id="b", usage=None, text="", outcome="x")],
            {},
            resumed=False,
        )
    )
    (row,) = record.usage.by("mode")
    assert (row.cost, row.unpriced_calls, row.saved, row.baseline_cost) == (None, 1, None, None)
    assert record.usage.daily()[0].cost is None
    with pytest.raises(RecordError, match="prices are unknown"):
        record.usage.by("model", baseline=ModelCard(name="nobody", id="openai/nobody"))


def test_since_is_exact_within_a_day(record):
    made = [replace(call("a", n), started_at=START + 3600 * n) for n in range(30)]
    record.write(_events("a", START, made, {}, resumed=False))
    for hours in (0, 1.5, 11, 23, 29):
        left = sum(each.started_at >= START + 3600 * hours for each in made)
        for what in ("model", "day", "experiment"):
            assert sum(row.calls for row in record.usage.by(what, START + 3600 * hours)) == left


def test_what_a_fork_took_over_was_paid_for_once(record, tmp_path):
    workbench, actors = orchestra(tmp_path, yes, record=record)
    with workbench:
        first = workbench.run(line(3), "t", models=[played()])
        workbench.fork(f"{first.id}@2").wait()
        record.flush()
        assert record.usage.total().calls == len(actors.asked) == 4


def test_days_are_those_of_the_local_clock(record, monkeypatch):
    try:
        for zone in ("Asia/Kathmandu", "America/New_York", "UTC"):
            monkeypatch.setenv("TZ", zone)
            time.tzset()
            name = zone.rpartition("/")[2]
            midnight = datetime(2026, 3, 8).astimezone().timestamp()  # in New York clocks go forward two hours later
            moments = [midnight - 1, midnight, midnight + 23 * 3600 - 1, midnight + 23 * 3600]
            record.write(_events(name, midnight - 9, [
                replace(call(name, n), started_at=at, model=name) for n, at in enumerate(moments)
            ], {}, resumed=False))  # fmt: skip
            counted = {row.day: row.calls for row in record.usage.daily() if row.model == name}
            expected = Counter(datetime.fromtimestamp(at).astimezone().date().isoformat() for at in moments)
            assert counted == expected
            assert ("2026-03-09" in counted) == (name == "New_York")
    finally:
        monkeypatch.delenv("TZ")
        time.tzset()
