"""Several targets, and several records: each has its own outbox, its own parcels, and its own trouble."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from sync_mortal import a_dialogue, a_rating
from sync_service import QUICK, Service, SmallTarget, deliver

from workbench.observe.sync.deliver import Delivery
from workbench.observe.sync.syncing import status_rows, sync
from workbench.records import Record
from workbench.records.parcels import Begin, Fresh, Pack, PutOff


class OtherTarget(SmallTarget):
    id = "small:2"
    title = "Other service"


@pytest.fixture
def other_service() -> Iterator[Service]:
    with Service() as running:
        yield running


@pytest.fixture
def record(sqlite_url: str) -> Iterator[Record]:
    """A record that is copied to both."""
    with Record.open(sqlite_url) as opened:
        for each in (SmallTarget, OtherTarget):
            opened.outbox.switch_on(each.id, each.title, each.kinds)
        yield opened


def test_both_get_everything_once(record: Record, service: Service, other_service: Service) -> None:
    record.write(event for number in range(5) for event in a_dialogue(f"d{number}"))
    record.rate([a_rating("d1")])
    assert asyncio.run(sync(record, [SmallTarget(service.url), OtherTarget(other_service.url)], pace=QUICK)) == {}
    assert len(service.things) == 18
    assert service.things == other_service.things
    assert set(service.things.values()) == {1}


def test_one_that_is_gone_holds_up_nothing_of_the_other(record: Record, service: Service) -> None:
    record.write(a_dialogue("d"))
    record.rate([a_rating("d")])
    with Service() as gone:
        absent = SmallTarget(gone.url)
    problems = asyncio.run(sync(record, [absent, OtherTarget(service.url)], pace=QUICK))
    assert list(problems) == [absent.id]
    assert len(service.things) == 6
    here = {row["id"]: row for row in status_rows(record)}
    assert (here["small:1"]["pending"], here["small:1"]["oldest"] is None) == (2, False)
    assert (here["small:2"]["sent"], here["small:2"]["oldest"], here["small:2"]["backlog_seconds"]) == (2, None, None)
    assert "cannot be reached" in here["small:1"]["trouble"], "what the other sent does not end it"


def test_a_delivery_waits_for_nothing_of_another_target(record: Record, service: Service) -> None:
    record.write(a_dialogue("d"))
    record.outbox.claim(SmallTarget.id)
    (source,) = record.parcels.due(SmallTarget.id, 9, time.time())
    record.parcels.apply(SmallTarget.id, [PutOff(source.id, time.time() + 2000)])
    assert deliver(record, OtherTarget(service.url)) == {}
    assert record.parcels.left(OtherTarget.id) == 0
    assert record.parcels.next_due(OtherTarget.id, time.time()) is None


def test_what_is_on_its_way_to_one_is_not_called_unsure_by_the_other(record: Record, service: Service) -> None:
    record.write(a_dialogue("d"))
    record.outbox.claim(SmallTarget.id)
    (source,) = record.parcels.due(SmallTarget.id, 9, time.time())
    record.parcels.apply(SmallTarget.id, [Pack(source.id, (Fresh("spans", "k", ("x",), b"x"),), frozenset())])
    parcel = record.parcels.next(source.id)
    assert parcel is not None
    record.parcels.apply(SmallTarget.id, [Begin(parcel.id)])
    deliver(record, OtherTarget(service.url))
    standing = record.outbox.standing(SmallTarget.id)
    assert (standing.in_flight, standing.unsure) == (1, 0)
    assert record.outbox.target(SmallTarget.id).delivered_by is not None, "nor is it let go"


def test_two_records_of_a_process_are_copied_to_one_service_at_once(record: Record, tmp_path: Path, service: Service) -> None:
    with Record.open(f"sqlite:///{tmp_path}/second.db") as second:
        for name, each in (("a", record), ("b", second)):
            each.outbox.switch_on(SmallTarget.id, SmallTarget.title, SmallTarget.kinds)
            each.write(a_dialogue(name))

        async def both() -> None:
            await asyncio.gather(*(Delivery(each, SmallTarget(service.url), QUICK).run() for each in (record, second)))

        asyncio.run(both())
    assert len(service.things) == 6
