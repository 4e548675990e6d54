"""Mishaps on our own side, and words of a service that hold what they must not: nothing is lost, doubled or told."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from sync_mortal import a_dialogue
from sync_service import Service, SmallTarget, deliver

from workbench.errors import RecordError, register_secret
from workbench.observe.sync.deliver import Pace
from workbench.observe.sync.syncing import lost_lines, status_rows
from workbench.observe.sync.target import Answer, Dead, Later, Parcel, Sent, Source, TooLarge, Unsure
from workbench.records import Record

SECRET = "only-this-test-knows-it"
ONCE = Pace(base=0.005, cap=0.05, poll=0.01, patience=0.0)


@pytest.fixture
def record(sqlite_url: str) -> Iterator[Record]:
    with Record.open(sqlite_url) as opened:
        opened.outbox.switch_on(SmallTarget.id, SmallTarget.title, SmallTarget.kinds)
        yield opened


def test_a_record_that_cannot_be_read_just_now_gives_nothing_up(record: Record, service: Service) -> None:
    class Unread(SmallTarget):
        async def parcels(self, source: Source, record: Record) -> list[Parcel]:
            raise RecordError("The record is locked.")

    record.write(a_dialogue("a"))
    assert "locked" in str(deliver(record, Unread(service.url)))
    [row] = status_rows(record)
    assert (row["pending"], row["dead"]) == (1, 0)
    assert deliver(record, SmallTarget(service.url)) == {}
    assert len(service.things) == 3


def test_whoever_breaks_after_the_service_has_taken_it_has_it_looked_up(record: Record, service: Service) -> None:
    class Breaking(SmallTarget):
        async def send(self, parcel: Parcel) -> Answer:
            await super().send(parcel)
            raise ZeroDivisionError("while reading the answer")

    record.write(a_dialogue("a"))
    assert deliver(record, Breaking(service.url)) == {}
    assert set(service.things.values()) == {1}
    assert status_rows(record)[0]["sent"] == 1


def test_a_look_that_breaks_is_taken_again(record: Record, service: Service) -> None:
    class Blind(SmallTarget):
        looks = 0

        async def missing(self, parcel: Parcel) -> tuple[str, ...] | None:
            self.looks += 1
            if self.looks < 3:
                raise ZeroDivisionError
            return await super().missing(parcel)

    service.fault = lambda _number, kind: "lost" if kind == "spans" else None
    record.write(a_dialogue("a"))
    blind = Blind(service.url)
    assert deliver(record, blind) == {}
    assert (blind.looks, set(service.things.values())) == (3, {1})


def test_where_we_are_not_let_in_nothing_is_unsure(record: Record, service: Service) -> None:
    greeted: list[str] = []

    def fault(_number: int, kind: str) -> str | None:
        greeted.append(kind)
        return "401" if len(greeted) > 1 else None

    service.fault = fault
    record.write(a_dialogue("a"))
    assert deliver(record, SmallTarget(service.url))
    [row] = status_rows(record)
    assert (row["pending"], row["unsure"], row["in_flight"]) == (1, 0, 0)


@pytest.mark.parametrize(
    "answer",
    [
        Dead(f"your key is {SECRET}"),
        Later(f"not now, {SECRET}"),
        Unsure(f"what, {SECRET}?"),
        TooLarge(f"{SECRET} says too much"),
        Sent(refused=(("dialogue/a@0-5/1", f"{SECRET} is a bad id"),)),
        ValueError(f"{SECRET} is not a number"),
    ],
    ids=lambda answer: type(answer).__name__,
)
def test_no_answer_brings_a_secret_into_the_record(
    record: Record, service: Service, sqlite_url: str, answer: Answer | Exception
) -> None:
    class Telling(SmallTarget):
        async def send(self, parcel: Parcel) -> Answer:
            if isinstance(answer, Exception):
                raise answer
            return answer

    register_secret(SECRET)
    record.write(a_dialogue("a"))
    deliver(record, Telling(service.url), pace=ONCE)
    rows = status_rows(record)
    assert "[redacted]" in f"{rows[0]['trouble']} {lost_lines(rows)}"
    assert SECRET not in str(rows)
    record.close()
    folder = Path(sqlite_url.removeprefix("sqlite:///")).parent
    assert SECRET.encode() not in b"".join(path.read_bytes() for path in folder.iterdir())


def test_what_is_refused_for_another_parcel_is_not_ours(record: Record, service: Service) -> None:
    class Confused(SmallTarget):
        async def send(self, parcel: Parcel) -> Answer:
            return Sent(refused=(("somebody else's", "no"),))

    record.write(a_dialogue("a"))
    assert deliver(record, Confused(service.url)) == {}
    assert (status_rows(record)[0]["sent"], status_rows(record)[0]["dead"]) == (1, 0)


def test_every_refused_thing_of_a_parcel_is_told(record: Record, service: Service) -> None:
    class Picky(SmallTarget):
        async def send(self, parcel: Parcel) -> Answer:
            return Sent(refused=tuple((thing, "no") for thing in parcel.things[:2]))

    record.write(a_dialogue("a"))
    deliver(record, Picky(service.url))
    [row] = status_rows(record)
    assert sum(lost.count for lost in row["lost"]) == 2
    deliver(record, SmallTarget(service.url), retry_dead=True)
    assert sorted(service.order) == ["dialogue/a@0-5/0", "dialogue/a@0-5/1"]


def test_a_pause_grows_to_its_cap_and_not_above() -> None:
    pace = Pace(base=1.0, cap=300.0)
    assert 0.5 <= pace.pause(1) <= 1.0
    assert 4.0 <= pace.pause(4) <= 8.0
    assert all(150.0 <= pace.pause(failures) <= 300.0 for failures in (10, 30, 10**6))


def test_a_delivery_that_dies_lets_go_of_its_target(record: Record, service: Service) -> None:
    """Also where what it ran into is a defect of ours."""

    class Defective(SmallTarget):
        async def check(self) -> str:
            raise ZeroDivisionError

    record.write(a_dialogue("a"))
    with pytest.raises(ZeroDivisionError):
        deliver(record, Defective(service.url))
    assert record.outbox.target(SmallTarget.id).owner is None
    assert deliver(record, SmallTarget(service.url)) == {}
