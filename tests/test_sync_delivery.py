"""What a delivery does with each answer of a service, and that everything arrives once whatever goes wrong."""

from __future__ import annotations

import asyncio
import socket
import sqlite3
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from patience import wait_until
from sync_mortal import a_dialogue, a_rating
from sync_service import FAULTS, QUICK, Service, SmallTarget, deliver, random_faults

from workbench.errors import WorkbenchError
from workbench.observe.sync.deliver import Delivery, Pace
from workbench.observe.sync.syncing import status_rows, sync, would_go
from workbench.observe.sync.target import Answer, Parcel, Sent, Source
from workbench.observe.sync.watch import Watch
from workbench.records import Record
from workbench.records.outbox import Standing

DAY = 86400.0


@pytest.fixture
def target(service: Service) -> SmallTarget:
    return SmallTarget(service.url)


@pytest.fixture
def record(sqlite_url: str, target: SmallTarget) -> Iterator[Record]:
    """A record that is copied to the target."""
    with Record.open(sqlite_url) as opened:
        opened.outbox.switch_on(target.id, target.title, target.kinds)
        yield opened


def write(record: Record, *names: str) -> None:
    record.write(event for name in names for event in a_dialogue(name))


def standing(record: Record) -> Standing:
    return record.outbox.standing(SmallTarget.id)


@pytest.mark.parametrize("kind", ["429", "lost", "413", "all"])
def test_each_thing_arrives_once_though_a_third_of_the_requests_fail(
    record: Record, service: Service, target: SmallTarget, kind: str
) -> None:
    service.fault = random_faults(0.35, 7, FAULTS if kind == "all" else (kind,))
    write(record, *(f"d{number}" for number in range(20)))
    record.rate([a_rating(f"d{number}") for number in range(10)])
    assert deliver(record, target) == {}
    assert {count for thing, count in service.things.items() if thing.startswith("dialogue/")} == {1}
    assert len(service.things) == 90
    assert (standing(record).sent, standing(record).left, standing(record).dead) == (30, 0, 0)


def test_doing_it_again_sends_nothing(record: Record, service: Service, target: SmallTarget) -> None:
    write(record, "a", "b")
    deliver(record, target)
    before = service.requests
    record.rebuild()
    assert deliver(record, target) == {}
    assert deliver(record, target, since=0.0) == {}
    assert service.requests == before


def test_a_later_word_goes_after_the_first_and_the_same_word_not_again(
    record: Record, service: Service, target: SmallTarget
) -> None:
    write(record, "d")
    record.rate([a_rating("d", 0.5)])
    deliver(record, target)
    record.rate([a_rating("d", 0.5)])
    deliver(record, target)
    assert service.requests == 2
    record.rate([a_rating("d", 0.9)])
    deliver(record, target)
    assert [word["said"] for thing, word in service.words.items() if thing.startswith("rating/")][-1] == "0.9"
    assert service.order.index("dialogue/d@0-5/0") < service.order.index("rating/1/0")


def test_a_service_that_is_not_there_costs_nothing_and_gets_all_later(record: Record, target: SmallTarget) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    absent = SmallTarget(f"http://127.0.0.1:{port}")
    write(record, "a", "b")
    problems = deliver(record, absent)
    assert "cannot be reached" in str(problems[absent.id])
    [row] = status_rows(record)
    assert (row["pending"], row["sent"]) == (2, 0)
    assert "cannot be reached" in row["trouble"]
    assert deliver(record, target) == {}
    assert status_rows(record)[0]["trouble"] is None
    write(record, "c")
    assert status_rows(record)[0]["trouble"] is None, "also where something waits again"


def test_a_service_that_was_gone_for_a_week(record: Record, service: Service, target: SmallTarget) -> None:
    """The week is moved in the data: everything in the outbox is made a week older."""
    service.fault = lambda _number, kind: None if kind == "check" else "503"
    write(record, *(f"d{number}" for number in range(30)))
    deliver(record, target, pace=Pace(base=0.005, cap=0.02, poll=0.01, patience=0.001))
    with record.outbox._writing() as connection:
        for table, column in (("outbox", "made_at"), ("outbox", "due_at"), ("parcels", "due_at"), ("parcels", "changed_at")):
            connection.exec_driver_sql(f"UPDATE {table} SET {column} = {column} - {7 * DAY} WHERE {column} > {7 * DAY}")
    assert status_rows(record)[0]["backlog_seconds"] > 6 * DAY
    service.fault = lambda _number, _kind: None
    assert deliver(record, target) == {}
    assert len(service.things) == 90
    assert set(service.things.values()) == {1}


def test_little_is_frozen_for_a_service_that_fails_always(record: Record, service: Service, target: SmallTarget) -> None:
    service.fault = lambda _number, kind: None if kind == "check" else "500"
    write(record, *(f"d{number}" for number in range(50)))
    deliver(record, target, pace=Pace(base=0.05, cap=5.0, poll=0.01, patience=0.02))
    with record.outbox._writing() as connection:
        [(frozen,)] = connection.exec_driver_sql("SELECT count(*) FROM parcels").all()
    assert 1 <= frozen <= 2 * Pace().at_once
    assert standing(record).left == 50


def test_due_times_of_a_clock_that_was_wrong_do_not_count(record: Record, service: Service, target: SmallTarget) -> None:
    write(record, "a")
    with record.outbox._writing() as connection:
        connection.exec_driver_sql(f"UPDATE outbox SET due_at = {time.time() + 400 * DAY}, made_at = {time.time() + 400 * DAY}")
    assert deliver(record, target) == {}
    assert len(service.things) == 3
    assert status_rows(record)[0]["backlog_seconds"] is None


def test_what_is_too_large_goes_in_parts_and_a_single_thing_is_dead(record: Record, service: Service) -> None:
    target = SmallTarget(service.url, size=8)
    service.fault = lambda number, kind: "413" if number in (1, 2) and kind == "spans" else None
    write(record, "a")
    assert deliver(record, target) == {}
    assert len(service.things) == 8
    assert set(service.things.values()) == {1}
    service.fault, service.most = lambda _number, kind: None if kind == "check" else "413", 0
    write(record, "b")
    deliver(record, target)
    [row] = status_rows(record)
    assert row["dead"] == 1
    assert sum(lost.count for lost in row["lost"]) == 8
    assert "limit" in row["lost"][0].remedy
    service.fault = lambda _number, _kind: None
    assert deliver(record, target, retry_dead=True) == {}
    assert status_rows(record)[0]["dead"] == 0
    assert len(service.things) == 16


def test_what_a_service_refuses_is_dead_with_its_reason_and_the_rest_goes_on(
    record: Record, service: Service, target: SmallTarget
) -> None:
    service.fault = lambda number, _kind: "400" if number == 1 else None
    write(record, "a", "b")
    assert deliver(record, target) == {}
    [row] = status_rows(record)
    assert (row["sent"], row["dead"]) == (1, 1)
    assert "400" in row["lost"][0].reason


def test_refused_things_of_a_parcel_are_dead_by_themselves(record: Record, service: Service) -> None:
    class Picky(SmallTarget):
        async def send(self, parcel: Parcel) -> Answer:
            return Sent(refused=((parcel.things[1], "a bad id"),))

    write(record, "a")
    deliver(record, Picky(service.url))
    [row] = status_rows(record)
    assert [(lost.kind, lost.count, lost.reason) for lost in row["lost"]] == [("spans", 1, "a bad id")]
    deliver(record, SmallTarget(service.url), retry_dead=True)
    assert service.order == ["dialogue/a@0-5/1"]


def test_a_wrong_key_stops_the_delivery_and_loses_nothing(record: Record, service: Service, target: SmallTarget) -> None:
    """The key is withdrawn after the greeting."""
    greeted = []

    def fault(_number: int, kind: str) -> str | None:
        if kind == "check":
            greeted.append(kind)
        return "401" if kind != "check" or len(greeted) > 1 else None

    service.fault = fault
    write(record, *(f"d{number}" for number in range(20)))
    problem = deliver(record, target)[target.id]
    assert "401" in problem.message
    assert "SMALL_KEY" in str(problem.hint)
    assert (standing(record).dead, standing(record).left) == (0, 20)
    service.fault = lambda _number, _kind: None
    assert deliver(record, target) == {}
    assert set(service.things.values()) == {1}


def test_a_source_that_cannot_be_told_is_dead_and_the_others_go_on(record: Record, service: Service) -> None:
    class Broken(SmallTarget):
        async def parcels(self, source: Source, record: Record) -> list[Parcel]:
            if source.key.startswith("a@"):
                raise ZeroDivisionError("sk-abcdefgh12345678")
            return await super().parcels(source, record)

    write(record, "a", "b")
    assert deliver(record, Broken(service.url)) == {}
    [row] = status_rows(record)
    assert (row["sent"], row["dead"]) == (1, 1)
    assert "ZeroDivisionError" in row["lost"][0].reason
    assert "sk-abcdefgh" not in row["lost"][0].reason
    assert deliver(record, SmallTarget(service.url), retry_dead=True) == {}
    assert standing(record).sent == 2
    assert len(service.things) == 2 * 3, "and not only said to be"


def test_what_cannot_be_looked_up_waits_until_it_can(record: Record, service: Service, target: SmallTarget) -> None:
    asked: list[str] = []

    def fault(number: int, kind: str) -> str | None:
        asked.append(kind)
        return "lost" if kind == "spans" else "503" if kind == "which" and asked.count("which") < 4 else None

    service.fault = fault
    write(record, "a")
    assert deliver(record, target) == {}
    assert asked.count("which") == 4
    assert asked.count("spans") == 1


def test_a_locked_record_is_waited_for_after_the_service_has_answered(
    record: Record, service: Service, target: SmallTarget, sqlite_url: str
) -> None:
    write(record, "a")
    other = sqlite3.connect(sqlite_url.removeprefix("sqlite:///"), isolation_level=None, check_same_thread=False)

    def fault(_number: int, kind: str) -> None:
        if kind == "spans":
            other.execute("BEGIN IMMEDIATE")
            threading.Timer(0.3, other.rollback).start()

    service.fault = fault
    assert deliver(record, target) == {}
    assert set(service.things.values()) == {1}
    assert standing(record).sent == 1


def test_a_full_disk_ends_the_delivery_and_the_next_one_looks_up_what_was_sent(
    record: Record, service: Service, target: SmallTarget, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("workbench.observe.sync.ledger.PATIENCE", (0.01,))
    write(record, "a", "b")

    class Filling(SmallTarget):
        async def send(self, parcel: Parcel) -> Answer:
            answer = await super().send(parcel)
            full()
            return answer

    def full() -> None:
        with record.outbox._engine.begin() as connection:
            connection.exec_driver_sql("CREATE TRIGGER full BEFORE UPDATE ON parcels BEGIN SELECT RAISE(ABORT, 'full'); END")

    problems = deliver(record, Filling(service.url))
    assert problems
    with record.outbox._engine.begin() as connection:
        connection.exec_driver_sql("DROP TRIGGER full")
    assert deliver(record, target) == {}
    assert len(service.things) == 6
    assert set(service.things.values()) == {1}


def test_cancelling_leaves_what_was_on_its_way_to_be_looked_up(record: Record, service: Service, target: SmallTarget) -> None:
    async def stop_midway() -> None:
        task = asyncio.create_task(sync(record, [target], pace=QUICK))
        while service.requests < 3:
            await asyncio.sleep(0.001)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    write(record, *(f"d{number}" for number in range(30)))
    asyncio.run(stop_midway())
    [row] = status_rows(record)
    assert row["in_flight"] == 0
    assert row["delivered_by"] is None
    assert deliver(record, target) == {}
    assert set(service.things.values()) == {1}
    assert len(service.things) == 90


def test_one_process_delivers_to_a_target_once_at_a_time(record: Record, service: Service, target: SmallTarget) -> None:
    async def twice() -> list[Any]:
        pairs = [Delivery(record, SmallTarget(service.url), QUICK).run() for _ in range(2)]
        return await asyncio.gather(*pairs, return_exceptions=True)

    write(record, *(f"d{number}" for number in range(10)))
    outcomes = asyncio.run(twice())
    assert sum(isinstance(outcome, WorkbenchError) for outcome in outcomes) == 1
    assert set(service.things.values()) == {1}


def test_a_watch_takes_what_comes_and_outlives_a_service_that_goes(
    record: Record, service: Service, target: SmallTarget
) -> None:
    watch = Watch(record, lambda: [target], pace=QUICK)
    write(record, "a")
    wait_until(lambda: len(service.things) == 3)
    service.fault = lambda _number, _kind: "401"
    write(record, "b")
    wait_until(lambda: "401" in (record.outbox.target(target.id).trouble or ""))
    service.fault = lambda _number, _kind: None
    write(record, "c")
    wait_until(lambda: standing(record).sent == 3)
    assert watch.stop()
    assert watch.problem is None
    assert set(service.things.values()) == {1}


def test_a_dry_run_asks_nobody(record: Record, service: Service, target: SmallTarget) -> None:
    write(record, "a")
    deliver(record, target)
    before = service.requests
    write(record, "b")
    other = SmallTarget("http://127.0.0.1:9")
    other.id = "small:2"
    rows = [row for row in would_go(record, [target, other], since=0.0) if row["kind"] == "dialogue"]
    assert [(row["would_go"], row["sent"]) for row in rows] == [(1, 1), (2, 0)]
    assert service.requests == before
    assert [row.id for row in record.outbox.targets()] == ["small:1"]


def test_no_secret_reaches_the_record(record: Record, service: Service, sqlite_url: str) -> None:
    secret = "a-key-that-nobody-knows"
    service.fault = lambda number, _kind: ("400", "429", "500")[number % 3]
    write(record, *(f"d{number}" for number in range(6)))
    deliver(record, SmallTarget(service.url, secret=secret), pace=Pace(base=0.005, cap=0.01, poll=0.01, patience=0.001))
    assert any(secret in seen for seen in service.secrets_seen)
    record.close()
    file = sqlite_url.removeprefix("sqlite:///")
    assert secret.encode() not in b"".join(path.read_bytes() for path in Path(file).parent.iterdir())
