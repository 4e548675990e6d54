"""What calls took by kind of task: what a walk over all events and ratings comes to, whichever came first."""

from __future__ import annotations

import itertools
import math
import threading
from dataclasses import replace

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from record_examples import START, call, started
from test_record_migrations import _connect
from test_usage import _empty, made_calls, recount, stored

from workbench.events import CallEnded, Timings, TurnStarted
from workbench.records import Record
from workbench.records.counting import DAY
from workbench.records.migrate import upgrade
from workbench.records.rating import Rating
from workbench.records.schema import calls, dialogues, events, ratings, turns, usage, usage_quarters, usage_tasks

_numbers = itertools.count()
KINDS = ["code", "maths", ""]


def begun(dialogue, seq, turn, kind, index=1):
    choice = None if kind is None else {"policy": "cost", "model": "small", "kind": kind}
    return TurnStarted(
        dialogue=dialogue, seq=seq, at=START, turn=turn, index=index, role="pro", model="small", round=1, choice=choice
    )


def ended(dialogue, seq, turn, made):
    return CallEnded(dialogue=dialogue, seq=seq, at=START, turn=turn, call=made)


def rating(dialogue, turn, kind, quality=0.5, by="a"):
    return Rating(dialogue, turn, "pro", "small", quality, "judge", by=by, kind=kind, at=START)


@st.composite
def dialogues_of_old_and_new(draw):
    """A dialogue whose turns begin once or twice, and perhaps a fork that took its calls over under their ids."""
    name, seq = f"t{next(_numbers)}", itertools.count(1)
    told = [started(name, START - 1, **({"parent_id": "run"} if draw(st.booleans()) else {}))]
    next(seq)
    for turn in ("turn_1", "turn_2")[: draw(st.integers(1, 2))]:
        for _ in range(draw(st.integers(1, 2))):
            told.append(begun(name, next(seq), turn, draw(st.none() | st.sampled_from(KINDS))))
            told += [ended(name, next(seq), turn, made) for made in draw(st.lists(made_calls(name), max_size=2))]
    if not draw(st.booleans()):
        return [told]
    fork, at = f"{name}-fork", START + 5 * DAY
    own = [replace(made, started_at=made.started_at + 5 * DAY) for made in draw(st.lists(made_calls(fork), max_size=1))]
    copied = [event.call for event in told if isinstance(event, CallEnded)]
    first = [started(fork, at, parent_id=name, forked_from="turn_1"), begun(fork, 2, "turn_1", draw(st.sampled_from(KINDS)))]
    return [told, [*first, *(ended(fork, number, "turn_1", made) for number, made in enumerate([*copied, *own], 3))]]


def kinds_by_turn(family, given_ratings):
    """The kind of each turn, from nothing but what was said of it."""
    routed, rated = {}, {}
    for each in itertools.chain.from_iterable(family):
        if isinstance(each, TurnStarted):
            routed.setdefault((each.dialogue, each.turn), None if each.choice is None else each.choice["kind"])
    for each in given_ratings:
        mine = rated.setdefault((each.dialogue, each.turn), {})
        if each.by not in mine or mine[each.by].quality != each.quality:
            mine[each.by] = each
    named = {turn: max(word.kind for word in words.values()) for turn, words in rated.items()}
    return {turn: named.get(turn, "") if kind is None else kind for turn, kind in routed.items()}


def counted(family, kinds, since=None):
    kind_by_call = {}
    for event in itertools.chain.from_iterable(family):
        if isinstance(event, CallEnded):
            kind_by_call.setdefault(event.call.id, kinds[event.dialogue, event.turn])
    key = lambda _, made: (int(made.started_at // DAY), made.model, made.asked, kind_by_call[made.id])  # noqa: E731
    return recount(family, key, since)


def seconds(family, kinds):
    """By model and kind, the median of the answers and how many tokens a second they brought; copies count in the first."""
    took, written, seen = {}, {}, set()
    for event in itertools.chain.from_iterable(family):
        if isinstance(event, CallEnded) and event.call.ok:
            key, made = (event.call.model, kinds[event.dialogue, event.turn]), event.call
            took.setdefault(key, []).append(made.timings.total)
            if made.usage and made.id not in seen:
                tokens, whole = written.get(key, (0, 0.0))
                written[key] = tokens + made.usage.completion, whole + made.timings.total
            seen.add(made.id)
    medians = {key: sorted(each)[math.ceil(len(each) / 2) - 1] for key, each in took.items()}
    return medians, {key: tokens / whole for key, (tokens, whole) in written.items()}


def empty(record):
    with record._engine.begin() as connection:
        for table in (usage, usage_quarters, usage_tasks, calls, turns, ratings, events, dialogues):
            connection.execute(table.delete())


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(data=st.data())
def test_it_is_what_events_and_ratings_come_to_in_whatever_order_they_come(record, data):
    empty(record)
    family = [told for some in data.draw(st.lists(dialogues_of_old_and_new(), min_size=1, max_size=2)) for told in some]
    turns_there = sorted({(each.dialogue, each.turn) for told in family for each in told if isinstance(each, TurnStarted)})
    word = st.builds(
        lambda turn, kind, quality, by: rating(*turn, kind, quality, by),
        st.sampled_from(turns_there), st.sampled_from(KINDS), st.sampled_from([0.25, 0.5]), st.sampled_from("ab"),
    )  # fmt: skip
    words = data.draw(st.lists(word, max_size=6))
    waiting = {number: list(told) for number, told in enumerate(family)} | {-1: list(words)}
    order = data.draw(st.permutations([number for number, told in waiting.items() for _ in told]))
    for rates, numbers in itertools.groupby(order, lambda number: number == -1):
        some = [waiting[number].pop(0) for number in numbers]
        if rates:
            record.rate(some)
        else:
            record.write(some)
    kinds = kinds_by_turn(family, words)
    assert stored(record, usage_tasks) == counted(family, kinds)
    since = START + data.draw(st.integers(-DAY, 5 * DAY))
    assert stored(record, usage_tasks, since) == counted(family, kinds, since)
    frame = record.model_stats(by="task")
    frame = frame.assign(task=frame.task.fillna("")).set_index(["model", "task"])
    medians, rates = seconds(family, kinds)
    assert frame.latency_p50.dropna().to_dict() == medians
    assert frame.tokens_per_second.dropna().to_dict() == rates
    both = all_that_follows(record)
    record.rebuild()
    assert all_that_follows(record) == both


def all_that_follows(record):
    """The sums, and the kinds of turns and calls."""
    queries = (
        sa.select(usage_tasks),
        sa.select(calls.c.dialogue_id, calls.c.id, calls.c.kind).where(calls.c.kind != ""),
        sa.select(turns.c.dialogue_id, turns.c.turn, turns.c.kind).where(turns.c.kind.is_not(None)),
    )
    with record._engine.connect() as connection:
        return [sorted(map(tuple, connection.execute(query))) for query in queries]


@pytest.fixture
def rated(record):
    """One turn without routing, with a call, rated as code."""
    record.write([started("d"), begun("d", 2, "turn_1", None), ended("d", 3, "turn_1", call("d", 1))])
    record.rate([rating("d", "turn_1", "code")])
    return record


def kinds_counted(record):
    return [key[-1] for key in stored(record, usage_tasks)]


def test_a_later_word_that_replaces_the_first_moves_the_calls_and_leaves_no_empty_row(rated):
    assert kinds_counted(rated) == ["code"]
    rated.rate([rating("d", "turn_1", "maths", quality=1.0)])
    assert kinds_counted(rated) == ["maths"]
    rated.rate([rating("d", "turn_1", "", by="b")])
    assert kinds_counted(rated) == ["maths"]


def test_the_table_says_what_the_record_of_calls_says(rated):
    rated.write([ended("d", 4, "turn_1", replace(call("d", 2), id="d-2"))])
    assert rated.calls().kind.tolist() == ["code", "code"]
    assert rated.model_stats(by="task")[["task", "calls"]].to_numpy().tolist() == [["code", 2]]


@pytest.mark.parametrize("choice", [{"kind": None}, {"kind": 7}, {"kind": "\x00\ud800"}, {"model": "small"}])
def test_a_choice_without_a_kind_and_one_that_no_column_can_hold_stop_nobody(record, choice):
    begin = replace(begun("d", 2, "turn_1", None), choice=choice)
    record.write([started("d"), begin, ended("d", 3, "turn_1", call("d", 1))])
    record.rate([rating("d", "turn_1", "code")])
    assert kinds_counted(record) == (["\ufffd?"] if isinstance(choice.get("kind"), str) else ["code"])


def test_who_rates_while_others_write_loses_no_call(record, open_record):
    """Both change the same sums; a rating may come just before its call, or just after."""
    other, names = open_record(), [f"c{number}" for number in range(40)]
    failed = []

    def rate():
        try:
            for name in names:
                other.rate([rating(name, "turn_1", KINDS[number % 2], by=str(number)) for number in range(3)])
        except Exception as error:  # noqa: BLE001 - told below
            failed.append(error)

    rater = threading.Thread(target=rate)
    record.write([event for name in names for event in (started(name), begun(name, 2, "turn_1", None))])
    rater.start()
    for seq in range(3, 6):
        for some in (names[::2], names[1::2]):
            record.write([
                ended(name, seq, "turn_1", replace(call(name, seq), id=f"{name}-{seq}", model=f"m{number % 3}"))
                for number, name in enumerate(some)
            ])  # fmt: skip
    rater.join()
    assert failed == []
    both = all_that_follows(record)
    assert sum(row[4] for row in both[0]) == 120
    assert set(kinds_counted(record)) == {"maths"}
    record.rebuild()
    assert all_that_follows(record) == both


def test_an_old_record_is_told_its_kinds_when_it_is_brought_up_to_date(record_url, open_record):
    with open_record() as record:
        for number, kind in enumerate([None, None, "code", "", "\x00"]):
            name = f"d{number}"
            made = replace(call(name, 1), id=f"{name}-1", timings=Timings(0.0, 0.25, 2.0), cost=0.5 * number)
            lost = replace(made, id=f"{name}-2", outcome="timeout", usage=None, cost=None, text="", asked="large")
            record.write([started(name), begun(name, 2, "turn_1", kind)])
            record.write([ended(name, seq, "turn_1", each) for seq, each in enumerate((made, lost), 3)])
        copy = [started("f", START + DAY, parent_id="d0", forked_from="turn_1"), begun("f", 2, "turn_1", "code")]
        record.write([*copy, ended("f", 3, "turn_1", replace(call("d0", 1), id="d0-1"))])
        record.rate([rating("d1", "turn_1", "maths"), rating("d1", "turn_1", "code", by="b"), rating("d2", "turn_1", "maths")])
        before = all_that_follows(record)
        with record._engine.connect() as connection:
            tables = (dialogues, events, turns, calls, ratings)
            kept = {table.name: connection.execute(sa.select(table)).mappings().all() for table in tables}
    _empty(record_url)
    with _connect(record_url).begin() as connection:
        upgrade(connection, "0012")
        old = sa.MetaData()
        old.reflect(connection, only=list(kept))
        for name, rows in kept.items():
            known = old.tables[name].c.keys()
            connection.execute(old.tables[name].insert(), [{column: row[column] for column in known} for row in rows])
    with Record.open(record_url) as record:
        assert all_that_follows(record) == before
        assert sum(row[4] for row in before[0]) == 10  # the fork's copy is not counted twice
