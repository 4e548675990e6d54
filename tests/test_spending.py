"""What is spent, as ceilings learn of it from the record: what a walk over all events comes to, and what comes in meanwhile."""

from __future__ import annotations

import itertools
import time
from dataclasses import replace
from types import SimpleNamespace

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from record_examples import call, started
from stage import card, chorus, orchestra, quick, yes

from workbench.dialogue import purse
from workbench.dialogue.purse import Purse, midnight, standings_of
from workbench.errors import UNCHARGED
from workbench.events import CallEnded, CallStarted, DialogueEnded, DialogueStarted, Status, Timings, TurnStarted, Usage
from workbench.records.schema import calls, dialogues, events, turns, usage, usage_quarters
from workbench.records.spending import read_spending
from workbench.settings import BudgetSettings

NOON = 1_767_268_800.0
QUARTER = 900
RICH = card(default_output=100_000, max_output=100_000)
BOUND = pytest.approx(0.1, rel=1e-3)
_numbers = itertools.count()
_times = st.integers(-8, 8).map(lambda halves: NOON + halves * QUARTER / 2) | st.floats(NOON - 9000, NOON + 9000)


@st.composite
def made_calls(draw, name):
    return replace(
        call(name, 1),
        id=f"c{next(_numbers)}",
        outcome=draw(st.sampled_from(["ok", "timeout", "capacity", "cancelled"])),
        started_at=draw(_times),
        usage=draw(st.sampled_from([None, Usage(9, 9)])),
        cost=draw(st.none() | st.integers(0, 64).map(lambda cents: cents / 64)),
        text=draw(st.sampled_from(["", "said"])),
        reasoning=draw(st.sampled_from(["", "", "thought"])),
    )


@st.composite
def families(draw):
    """Lists of events: a dialogue of which some calls never came back, and perhaps a fork with its calls under their ids."""
    name, at = f"d{next(_numbers)}", draw(_times)
    own = [(each, draw(st.sampled_from([True, True, False]))) for each in draw(st.lists(made_calls(name), max_size=3))]
    told = [_events(name, at, own, draw(st.booleans()))]
    if draw(st.booleans()):
        copied = [(each, True) for each, back in own if back]
        told.append(_events(f"{name}-fork", NOON + 90_000, copied, True, parent_id=name, forked_from="turn_1"))
    return told


def _events(name, at, made, over, **run):
    told = [started(name, at, **run)]

    def tell(kind, at, **fields):
        told.append(kind(dialogue=name, seq=len(told) + 1, at=at, **fields))

    tell(TurnStarted, at, turn="t", index=1, role="r", model="small")
    for each, back in made:
        tell(CallStarted, each.started_at, turn="t", call=each.id, model="small", attempt=1)
        if back:
            tell(CallEnded, each.started_at, turn="t", call=each)
    if over:
        tell(DialogueEnded, told[-1].at, status=Status.COMPLETED)
    return told


def walked(told, since, known):
    """What `read_spending` should return, from nothing but the events."""
    costs, changed, doubtful = {}, {}, set()
    for each in told:
        name, running = each[0].dialogue, not isinstance(each[-1], DialogueEnded)
        back = {event.call.id: event.call for event in each if isinstance(event, CallEnded)}
        begun = {event.call: event.at for event in each if isinstance(event, CallStarted)}
        costs |= {call.id: (call.started_at, call.cost) for call in back.values() if call.cost is not None}
        at = [event.at for event in each if not isinstance(event, CallStarted)][-1]
        if at < known and not running:
            continue
        changed[name] = max([at, *begun.values()]) if running else at
        unsure = [call for call in back.values() if call.cost is None and call.usage is None]
        charged = [call for call in unsure if call.outcome not in UNCHARGED or call.text or call.reasoning]
        if begun.keys() - back.keys() or charged:
            doubtful.add(name)
    before = sum(cost for at, cost in costs.values() if at < since)
    return before, {call: cost for call, (at, cost) in costs.items() if at >= since}, changed, doubtful


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(data=st.data())
def test_it_is_what_a_walk_over_all_events_comes_to(record, data):
    told = [each for family in data.draw(st.lists(families(), min_size=1, max_size=3)) for each in family]
    with record._engine.begin() as connection:
        for table in (usage, usage_quarters, calls, turns, events, dialogues):
            connection.execute(table.delete())
    for each in told:
        record.write(each)
    moments = st.sampled_from(sorted({event.at for each in told for event in each}))
    since, known = data.draw(_times | moments), data.draw(st.just(0.0) | _times | moments)
    found = read_spending(record.url, since, known)
    assert (found.before, found.since, found.changed, found.doubtful) == walked(told, since, known)


def test_what_is_written_while_it_reads_counts_in_whole_or_not_at_all(record):
    def spend(name, at):
        record.write(_events(name, at, [(replace(call(name, 1, 1.0), started_at=at), True)], True))

    def meanwhile(_connection, _cursor, statement, *_rest):
        if statement.startswith("SELECT") and "usage_quarters" in statement and not seen:
            seen.append(statement)
            spend("new", NOON)

    spend("old", NOON - QUARTER)
    seen = []
    sa.event.listen(sa.Engine, "after_cursor_execute", meanwhile)
    try:
        found = read_spending(record.url, NOON)
    finally:
        sa.event.remove(sa.Engine, "after_cursor_execute", meanwhile)
    assert len(seen) == 1
    assert found.before + sum(found.since.values()) == len(found.changed)


def test_a_record_that_was_not_brought_up_to_date_says_what_is_spent(record, tmp_path):
    for name, run in {"d": {}, "fork": {"parent_id": "d", "forked_from": "t"}}.items():
        record.write(_events(name, NOON, [(replace(call("d", 1, 0.25), started_at=NOON), True)], True, **run))
    url = record.url
    record.close()
    engine = sa.create_engine(url.replace("postgresql://", "postgresql+psycopg://"))
    with engine.begin() as connection:  # as before revision 0011
        connection.exec_driver_sql("DROP TABLE usage_quarters")
    engine.dispose()
    standing = standings_of(quick(tmp_path, record={"url": url}))
    assert {each.budget: each.spent for each in standing} == {"call": None, "dialogue": None, "day": 0.0, "workspace": 0.25}


@pytest.fixture
def workbench(tmp_path, record):
    """An orchestrator on the record, whose dialogues nobody runs."""
    orchestrator, _ = orchestra(tmp_path, yes, record=record)
    with orchestrator:
        yield orchestrator


@pytest.fixture
def clock(monkeypatch):
    """The purse's clock, which begins at noon."""
    shown = SimpleNamespace(now=midnight(time.time()) + 12 * 3600)
    monkeypatch.setattr(purse, "time", SimpleNamespace(time=lambda: shown.now))
    return shown


class Elsewhere:
    """A dialogue of another process, in which two speak at once; `begin` and `end` write what happens to their calls."""

    def __init__(self, workbench, at, name="elsewhere"):
        spec, _ = workbench.prepare(chorus(2), "x", models=[RICH])
        self.record, self.name, self.seq = workbench.record, name, itertools.count(1)
        self.write(DialogueStarted, at, mode="stage", topic="x", run=spec.dump())
        for number in (1, 2):
            spoken = {"turn": f"v{number}", "role": f"v{number}", "messages": [{"role": "user", "content": "x"}]}
            self.write(TurnStarted, at, index=number, model="actor", **spoken)

    def write(self, kind, at, **fields):
        self.record.write([kind(dialogue=self.name, seq=next(self.seq), at=at, **fields)])

    def begin(self, at, turn="v1"):
        self.write(CallStarted, at, turn=turn, call=f"{self.name}-{turn}", model="actor", attempt=1)
        return self

    def end(self, at, began, turn="v1", **fields):
        made = replace(call("x", 1), id=f"{self.name}-{turn}", model="actor", asked="actor", started_at=began)
        self.write(CallEnded, at, turn=turn, call=replace(made, timings=Timings(0, None, 1), **fields))
        return self

    def over(self, at):
        self.write(DialogueEnded, at, status=Status.FAILED)


def spent(workbench, mine, **ceilings):
    """What today and altogether was spent, as a dialogue learns that begins now."""
    mine.look(BudgetSettings(**ceilings or {"day": 9, "workspace": 9}), workbench.record.events)
    return mine.day.spent.cost, mine.workspace.spent.cost


def standing(workbench, mine):
    """The same, as it is shown."""
    found = {each.budget: each.spent for each in mine.standings(BudgetSettings(), workbench.record.events)}
    return found["day"], found["workspace"]


def test_calls_that_were_lost_yesterday_and_today_count_on_their_days(workbench, clock):
    noon = clock.now
    Elsewhere(workbench, noon - 86_400).begin(noon - 86_400).begin(noon, "v2")
    mine = Purse(workbench.record.url)
    assert spent(workbench, mine) == (BOUND, pytest.approx(0.2, rel=1e-3))
    assert standing(workbench, mine) == (BOUND, pytest.approx(0.2, rel=1e-3))


def test_where_only_the_day_has_a_ceiling_older_losses_are_found_once_somebody_asks(workbench, clock):
    noon = clock.now
    Elsewhere(workbench, noon - 86_400, "old").begin(noon - 86_400).over(noon - 80_000)
    Elsewhere(workbench, noon - 60, "new").begin(noon - 60).over(noon - 50)
    mine = Purse(workbench.record.url)
    assert spent(workbench, mine, day=9)[0] == BOUND
    both = (BOUND, pytest.approx(0.2, rel=1e-3))
    assert standing(workbench, mine) == both
    assert spent(workbench, mine, day=9)[0] == BOUND
    assert spent(workbench, mine) == both
    assert spent(workbench, Purse(workbench.record.url)) == both


def test_a_call_elsewhere_counts_at_its_bound_until_it_comes_back(workbench, clock):
    mine = Purse(workbench.record.url)
    assert spent(workbench, mine) == (0, 0)
    there = Elsewhere(workbench, clock.now).begin(clock.now)
    assert spent(workbench, mine) == (BOUND, BOUND)
    there.end(clock.now + 1, clock.now, cost=0.025)
    assert spent(workbench, mine) == (0.025, 0.025)
    there.begin(clock.now + 2, "v2").end(
        clock.now + 3, clock.now + 2, "v2", cost=None, usage=None, text="half", outcome="timeout"
    )
    assert spent(workbench, mine)[1] == pytest.approx(0.125, rel=1e-3)
    there.over(clock.now + 4)
    clock.now += 3600
    Elsewhere(workbench, clock.now, "other").over(clock.now)
    assert spent(workbench, mine)[1] == pytest.approx(0.125, rel=1e-3)  # it is remembered


def test_a_call_that_begins_long_after_its_turn_is_seen(workbench, clock):
    """Until a slot is free, and until it is back, nothing but its own event tells of it."""
    mine, waiting = Purse(workbench.record.url), Elsewhere(workbench, clock.now)
    clock.now += 3600
    Elsewhere(workbench, clock.now, "other").over(clock.now)
    assert spent(workbench, mine) == (0, 0)
    waiting.begin(clock.now)
    assert spent(workbench, mine) == (BOUND, BOUND)
    waiting.begin(clock.now + 1, "v2")
    assert spent(workbench, mine)[0] == pytest.approx(0.2, rel=1e-3)


def test_a_call_that_begins_today_in_a_turn_of_yesterday_is_todays(workbench, clock):
    Elsewhere(workbench, midnight(clock.now) - 5).begin(midnight(clock.now) + 5)
    assert spent(workbench, Purse(workbench.record.url), day=9)[0] == BOUND


def test_a_clock_that_goes_wrong_elsewhere_hides_nothing(workbench, clock):
    mine = Purse(workbench.record.url)
    Elsewhere(workbench, clock.now + 1e9, "ahead").over(clock.now + 1e9)
    assert spent(workbench, mine) == (0, 0)
    Elsewhere(workbench, clock.now - 20, "behind").begin(clock.now - 20).over(clock.now - 10)
    assert spent(workbench, mine) == (BOUND, BOUND)
