"""`--retry-dead`: what was refused for good is tried once more, and nothing that the service has already comes twice."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from langfuse_desk import sync as sync_langfuse
from langfuse_desk import target as langfuse_target
from langfuse_server import Langfuse
from record_examples import whole
from sync_mortal import a_dialogue, a_rating
from sync_service import Service, SmallTarget, deliver

from workbench.loop import run
from workbench.observe.spans import trace_of
from workbench.observe.sync.deliver import Pace
from workbench.observe.sync.syncing import status_rows, sync
from workbench.observe.sync.target import Answer, Dead, Parcel
from workbench.records import Record


@pytest.fixture
def target(service: Service) -> SmallTarget:
    return SmallTarget(service.url)


@pytest.fixture
def record(open_record: Callable[[], Record], target: SmallTarget) -> Record:
    opened = open_record()
    opened.outbox.switch_on(target.id, target.title, target.kinds)
    return opened


def test_a_plain_sync_leaves_what_is_dead(record: Record, service: Service, target: SmallTarget) -> None:
    service.fault = lambda _number, _kind: "400"
    record.write(a_dialogue("a"))
    deliver(record, target)
    service.fault = lambda _number, _kind: None
    deliver(record, target)
    assert (service.requests, len(service.things)) == (1, 0)


def test_spans_that_came_with_a_refused_one_do_not_come_twice(sqlite_url: str) -> None:
    """Langfuse does not tell which span it refused, and takes the others."""
    with Record.open(sqlite_url) as record, Langfuse() as server:
        record.write(whole("d", 2))
        server.faults = lambda asked: "partial" if asked.number == 1 else None
        where = langfuse_target(server)
        assert sync_langfuse(record, where) == ["spans: 1 of 5 spans refused: one was too odd"]
        again = langfuse_target(server)
        assert run(sync(record, [again], retry_dead=True, pace=Pace(base=0.002, cap=0.02, poll=0.01))) == {}
        assert server.arrived == dict.fromkeys((span.digest(8).hex() for span in trace_of(record, "d").spans), 1)
        assert record.outbox.standing(where.id).dead == 0


def test_an_older_word_does_not_come_after_a_newer_one(record: Record, service: Service, target: SmallTarget) -> None:
    class Revising(SmallTarget):
        """Whose ratings go under the name of what is rated, as scores do."""

        async def parcels(self, source: object, record: Record) -> list[Parcel]:
            (made,) = await super().parcels(source, record)
            return [Parcel(made.kind, "the rating", made.things, made.body)]

    service.fault = lambda _number, _kind: "400"
    record.rate([a_rating("d", 0.5)])
    deliver(record, Revising(service.url))
    service.fault = lambda _number, _kind: None
    record.rate([a_rating("d", 0.9)])
    deliver(record, Revising(service.url))
    deliver(record, Revising(service.url), retry_dead=True)
    assert {word["said"] for word in service.words.values()} == {"0.9"}
    assert set(service.things.values()) == {1}
    [row] = status_rows(record)
    assert (row["dead"], row["sent"], row["lost"]) == (0, 2, ())


def test_what_is_dead_for_one_target_is_not_sent_to_it_because_another_is_tried_again(
    record: Record, service: Service, target: SmallTarget
) -> None:
    other = SmallTarget(service.url)
    other.id = "small:2"
    record.outbox.switch_on(other.id, other.title, other.kinds)
    service.fault = lambda _number, _kind: "400"
    record.write(a_dialogue("a"))
    deliver(record, target)
    deliver(record, other)
    assert [each.count for row in record.outbox.standings() for each in row.lost] == [3, 3]
    service.fault = lambda _number, _kind: None
    deliver(record, SmallTarget(service.url), retry_dead=True)
    assert record.outbox.standing(target.id).dead == 0
    assert record.outbox.standing(other.id).dead == 1
    [lost] = record.outbox.standing(other.id).lost
    assert lost.count == 3


def test_attempts_count_from_none_again(record: Record, service: Service) -> None:
    """Else the first failure after it would be waited out for as long as the last one before."""

    class Refusing(SmallTarget):
        async def send(self, parcel: Parcel) -> Answer:
            return Dead("no")

    record.rate([a_rating("d")])
    deliver(record, Refusing(service.url))
    record.parcels.revive(SmallTarget.id, {})
    (source,) = record.parcels.due(SmallTarget.id, 9, 1.0)
    parcel = record.parcels.next(source.id)
    assert parcel is not None
    assert (parcel.attempts, parcel.state, parcel.due_at) == (0, "pending", 0.0)
