"""When something is sent again, and in what order: not before the service allows it, nor before it can be looked up."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from patience import wait_until
from sync_mortal import a_dialogue, a_rating
from sync_service import QUICK, Service, SmallTarget, deliver

from workbench.observe.sync.deliver import Delivery, Pace, Progress
from workbench.observe.sync.syncing import sync
from workbench.observe.sync.target import Answer, Later, Parcel, Sent, Source
from workbench.records import Record
from workbench.records.parcels import Begin, ClaimLostError, Fresh, Pack, ParcelRow, PutOff, Settle

SMALL, DAY, LAG = SmallTarget.id, 86400.0, 60.0
IMPATIENT = Pace(base=0.005, cap=0.05, poll=0.01, patience=1.0)


@pytest.fixture
def target(service: Service) -> SmallTarget:
    return SmallTarget(service.url)


@pytest.fixture
def record(sqlite_url: str, target: SmallTarget) -> Iterator[Record]:
    with Record.open(sqlite_url) as opened:
        opened.outbox.switch_on(target.id, target.title, target.kinds)
        yield opened


@pytest.fixture
def begun(record: Record) -> ParcelRow:
    """A parcel that was made a week ago and is on its way now."""
    record.write(a_dialogue("d"))
    record.outbox.claim(SMALL)
    (source,) = record.parcels.due(SMALL, 9, time.time())
    record.parcels.apply(SMALL, [Pack(source.id, (Fresh("spans", "k", ("x",), b"x"),), frozenset({"spans"}))])
    change(record, f"UPDATE parcels SET changed_at = {time.time() - 7 * DAY}")
    parcel = record.parcels.next(source.id)
    assert parcel is not None
    record.parcels.apply(SMALL, [Begin(parcel.id)])
    return parcel


def change(record: Record, statement: str) -> None:
    with record.outbox._writing() as connection:
        connection.exec_driver_sql(statement)


def found(record: Record, statement: str) -> list[tuple[Any, ...]]:
    with record.outbox._writing() as connection:
        return [tuple(row) for row in connection.exec_driver_sql(statement).all()]


class Busy(SmallTarget):
    """Asks for two minutes of quiet, but for what it had taken before."""

    asked = 0
    before = 0

    async def send(self, parcel: Parcel) -> Answer:
        self.asked += 1
        if self.asked <= self.before:
            while self.asked <= self.before:
                await asyncio.sleep(0.001)
            await asyncio.sleep(0.05)  # until the pause is written down
            return await super().send(parcel)
        return Later("429: slow down", 120.0)


@pytest.mark.parametrize("before", [0, 1])
def test_a_service_that_asks_for_a_pause_gets_it(record: Record, service: Service, before: int) -> None:
    record.write(event for number in range(9) for event in a_dialogue(f"d{number}"))
    busy, now = Busy(service.url), time.time()
    busy.before = before
    deliver(record, busy, pace=Pace(at_once=1 + before, base=0.005, cap=0.05, poll=0.01, patience=1.0))
    assert busy.asked == 1 + before
    [(due,)] = found(record, "SELECT due_at FROM parcels WHERE state = 'pending'")
    assert due > now + 119


def test_a_failure_that_asks_for_nothing_does_not_end_the_pause_that_another_asked_for(record: Record) -> None:
    class Pausing(SmallTarget):
        asked = 0

        def __init__(self) -> None:
            super().__init__("http://nowhere")
            self.both, self.paused = asyncio.Event(), asyncio.Event()

        async def check(self) -> str:
            return ""

        async def send(self, parcel: Parcel) -> Answer:
            self.asked += 1
            if self.asked == 1:
                await self.both.wait()
                self.paused.set()
                return Later("come back in a minute", 60.0)
            self.both.set()
            await self.paused.wait()
            return Later("busy") if self.asked == 2 else Sent()

    for name in "abc":
        record.write(a_dialogue(name))
    target = Pausing()
    deliver(record, target, pace=replace(QUICK, at_once=2, patience=0.5))
    assert target.asked == 2


def test_what_was_on_its_way_is_looked_up_when_the_lag_has_passed_since_it_can_have_arrived(
    record: Record, begun: ParcelRow
) -> None:
    now = time.time()
    change(record, f"UPDATE parcels SET changed_at = {now - 20}")  # a request may take thirty seconds
    assert record.parcels.recover(SMALL, {"spans": LAG}) == 1
    (parcel,) = [record.parcels.next(begun.source_id)]
    assert parcel is not None
    assert parcel.state == "unsure"
    assert parcel.due_at >= now + LAG
    assert record.parcels.next_due(SMALL, now) == parcel.due_at
    assert record.parcels.due(SMALL, 9, now) == []


def test_a_request_is_as_old_as_its_beginning_and_not_as_its_making(record: Record, begun: ParcelRow) -> None:
    now = time.time()
    record.parcels.recover(SMALL, {"spans": LAG})
    assert [row.id for row in record.parcels.due(SMALL, 9, now + LAG + 31)] == [begun.source_id]
    assert record.parcels.due(SMALL, 9, now + LAG - 5) == []


def test_what_is_harmless_is_sent_again_at_once(record: Record, begun: ParcelRow) -> None:
    record.parcels.recover(SMALL, {"other": LAG})
    assert [row.id for row in record.parcels.due(SMALL, 9, time.time())] == [begun.source_id]


def test_attempts_are_counted_for_waits_grow_with_them(record: Record, begun: ParcelRow) -> None:
    record.parcels.apply(SMALL, [Settle(begun.id, "pending"), Begin(begun.id)])
    parcel = record.parcels.next(begun.source_id)
    assert parcel is not None
    assert parcel.attempts == 2


def test_a_clock_that_was_ahead_puts_nothing_off_for_long(record: Record, begun: ParcelRow) -> None:
    change(record, f"UPDATE parcels SET changed_at = {time.time() + 400 * DAY}")
    record.parcels.recover(SMALL, {"spans": LAG})
    assert len(record.parcels.due(SMALL, 9, time.time() + LAG)) == 1


def test_due_times_of_a_wrong_clock_are_put_right_and_others_left(record: Record, begun: ParcelRow) -> None:
    now = time.time()
    record.parcels.apply(SMALL, [Settle(begun.id, "pending", due_at=now + 20 * 3600)])
    record.parcels.unskew(SMALL)
    assert record.parcels.next_due(SMALL, now) == now + 20 * 3600
    record.parcels.apply(SMALL, [Settle(begun.id, "pending", due_at=now + 400 * DAY)])
    record.parcels.unskew(SMALL)
    parcel = record.parcels.next(begun.source_id)
    assert parcel is not None
    assert parcel.due_at <= time.time()
    assert len(record.parcels.due(SMALL, 9, time.time())) == 1


@pytest.mark.parametrize("owner", ["NULL", "'elsewhere:1:1.0'"])
def test_who_does_not_deliver_any_more_writes_nothing(record: Record, begun: ParcelRow, owner: str) -> None:
    change(record, f"UPDATE sync_targets SET owner = {owner}")
    with pytest.raises(ClaimLostError):
        record.parcels.apply(SMALL, [Settle(begun.id, "sent")])
    with pytest.raises(ClaimLostError):
        record.parcels.recover(SMALL, {})
    record.outbox.note(SMALL, "of no interest any more")
    record.outbox.release(SMALL)
    assert found(record, "SELECT state FROM parcels") == [("in_flight",)]
    row = record.outbox.target(SMALL)
    assert (row.trouble, row.owner) == (None, None if owner == "NULL" else owner.strip("'"))


def test_steps_are_kept_all_or_none(record: Record, begun: ParcelRow) -> None:
    again = Pack(begun.source_id, (Fresh("spans", "other", ("y",), b"y"),), frozenset())
    with pytest.raises(Exception, match="record"):
        record.parcels.apply(SMALL, [Settle(begun.id, "sent"), again, PutOff(begun.source_id, 1.0), Settle(999, "pending")])
    assert found(record, "SELECT key, state FROM parcels") == [("k", "in_flight")]


def test_signs_of_life_are_given_while_it_delivers(record: Record, service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    """Else a process on another host takes it for dead after a while."""
    monkeypatch.setattr("workbench.observe.sync.deliver._ALIVE", 0.0)
    record.write(event for number in range(9) for event in a_dialogue(f"d{number}"))
    seen: set[float | None] = set()

    class Looked(SmallTarget):
        async def send(self, parcel: Parcel) -> Answer:
            seen.add(await asyncio.to_thread(lambda: record.outbox.target(SMALL).seen_at))
            return await super().send(parcel)

    deliver(record, Looked(service.url), pace=Pace(at_once=1))
    assert len(seen) > 1


def test_who_stays_waits_for_another_delivery_and_takes_over(record: Record, service: Service) -> None:
    async def both() -> None:
        told: list[Progress] = []
        service.holding = True
        first = asyncio.create_task(Delivery(record, SmallTarget(service.url), QUICK).run())
        while not service.requests:
            await asyncio.sleep(0.001)
        second = asyncio.create_task(sync(record, [SmallTarget(service.url)], stay=True, pace=QUICK, tell=told.append))
        while not any("being delivered by" in each.trouble for each in told):
            assert not second.done()
            await asyncio.sleep(0.001)
        service.holding = False
        await first
        await asyncio.to_thread(record.write, a_dialogue("b"))
        await asyncio.to_thread(wait_until, lambda: len(service.things) == 6)
        second.cancel()
        await asyncio.gather(second, return_exceptions=True)

    record.write(a_dialogue("a"))
    asyncio.run(both())
    assert set(service.things.values()) == {1}


class Long(SmallTarget):
    """Makes many parcels of a source."""

    async def parcels(self, source: Source, record: Record) -> list[Parcel]:
        made = []
        for number in range(12):
            things = [{"id": f"{number:02}-{part}", "said": ""} for part in "abcd"]
            made.append(Parcel("spans", f"k{number}", tuple(t["id"] for t in things), json.dumps(things).encode()))
        return made


def test_parcels_of_a_source_arrive_in_their_order_though_one_is_halved(record: Record, service: Service) -> None:
    service.fault = lambda number, _kind: "413" if number in (1, 2, 5) else None
    record.write(a_dialogue("d"))
    assert deliver(record, Long(service.url)) == {}
    assert service.order == [f"{number:02}-{part}" for number in range(12) for part in "abcd"]


class BusyAfterOne(Busy, Long):
    """Asks for the pause while a source of many parcels is under way."""

    before = 1

    async def parcels(self, source: Source, record: Record) -> list[Parcel]:
        return [replace(parcel, key=f"{source.key}/{parcel.key}") for parcel in await super().parcels(source, record)]


def test_a_pause_counts_between_the_parcels_of_a_source_and_for_whoever_goes_on(record: Record, service: Service) -> None:
    record.write(event for name in "ab" for event in a_dialogue(name))
    busy, now = BusyAfterOne(service.url), time.time()
    deliver(record, busy, pace=Pace(at_once=2, base=0.005, cap=0.05, poll=0.01, patience=1.0))
    assert busy.asked == 2
    assert len(service.things) == 4
    assert all(due > now + 119 for (due,) in found(record, "SELECT due_at FROM outbox"))


def test_what_was_sent_is_not_kept_a_second_time(record: Record, service: Service) -> None:
    service.fault = lambda number, _kind: "413" if number == 1 else None
    record.write(a_dialogue("d"))
    deliver(record, Long(service.url))
    assert found(record, "SELECT count(*) FROM parcels WHERE body IS NOT NULL OR things IS NOT NULL") == [(0,)]


def test_a_word_that_is_said_again_after_another_one_goes_again(record: Record, service: Service) -> None:
    class Revising(SmallTarget):
        async def parcels(self, source: Source, record: Record) -> list[Parcel]:
            (made,) = await super().parcels(source, record)
            said = made.body.replace(made.things[0].encode(), b"it")
            return [Parcel(made.kind, "the rating", ("it",), said)]

    for quality in (0.5, 0.9, 0.5):
        record.rate([a_rating("d", quality)])
        deliver(record, Revising(service.url, size=1))
        assert service.words["it"]["said"] == str(quality)
    assert service.requests == 3
