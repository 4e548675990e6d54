"""Processes that are killed while they write or deliver: nothing is lost, and nothing arrives twice."""

from __future__ import annotations

import random
import time
from collections.abc import Iterator
from typing import Any

import langfuse_server
import langsmith_server
import psutil
import pytest
from patience import wait_until
from record_examples import whole
from sync_mortal import Mortals, a_dialogue, a_rating, ended, kill, make_target
from sync_service import Service, SmallTarget, deliver, keys, random_faults

from workbench.observe.sync.deliver import Pace
from workbench.records import Record

KILLS, DIALOGUES = 20, 40


@pytest.fixture(scope="module")
def mortals() -> Iterator[Mortals]:
    with Mortals() as all_of_them:
        yield all_of_them


def test_a_writer_killed_anywhere_leaves_a_source_for_all_that_is_kept(mortals: Mortals, sqlite_url: str) -> None:
    with Record.open(sqlite_url) as record:
        record.outbox.switch_on("t", "T", ["dialogue", "rating"])
    rng = random.Random(1)
    with Record.open(sqlite_url) as record:
        for _ in range(8):
            before = len(keys(record))
            writer = mortals.start("write", url=sqlite_url)
            wait_until(lambda before=before: len(keys(record)) > before)
            time.sleep(rng.uniform(0.0, 0.02))  # anywhere in what comes then
            kill(writer)
        ended_ones = {("dialogue", f"{row.id}@0-5") for row in record.summaries(limit=10**6) if row.ended_at is not None}
        rated = {("rating", str(rating.id)) for rating in record.ratings()}
        assert keys(record) == ended_ones | rated
        assert len(ended_ones) >= 8


def small(**faults: Any) -> Any:
    return Service(random_faults(0.35, 2)) if faults else Service()


def langfuse(**faults: Any) -> Any:
    return langfuse_server.Langfuse(**({"faults": langfuse_server.failing(**faults)} if faults else {}))


def langsmith(**faults: Any) -> Any:
    return langsmith_server.LangSmith(**({"faults": langsmith_server.failing(**faults)} if faults else {}))


ARGUMENTS = {
    small: lambda server: ["SmallTarget", [server.url]],
    langfuse: lambda server: ["LangfuseTarget", [server.url, server.public, langfuse_server.SECRET]],
    langsmith: lambda server: ["LangSmithTarget", [server.url, langsmith_server.KEY, "p"]],
}


def arrived(server: Any) -> dict[str, int]:
    """Return how often each thing has arrived of which a second copy would count."""
    counted = server.things if isinstance(server, Service) else server.arrived
    return {thing: count for thing, count in counted.items() if not thing.startswith("rating/")}


def asked(server: Any) -> int:
    return server.requests if isinstance(server, Service) else len(getattr(server, "asked", None) or server.requests)


def said(server: Any) -> set[str]:
    """Return the ids of ratings, scores or feedback that are there."""
    if isinstance(server, Service):
        return {thing for thing in server.things if thing.startswith("rating/")}
    return {str(key) for key in (server.scores if hasattr(server, "scores") else server.feedback)}


@pytest.mark.slow
@pytest.mark.parametrize("open_server", [small, langfuse, langsmith])
def test_twenty_kills_and_a_third_of_all_requests_failing(mortals: Mortals, sqlite_url: str, open_server: Any) -> None:
    """A process is killed as soon as the service has seen a request or two, so each gets somewhere and none gets far.

    What must be there in the end is what a service has to which the same record went without any trouble.
    """
    rng = random.Random(2)
    with Record.open(sqlite_url) as record, open_server(rate=0.35, seed=2) as server, open_server() as quiet:
        record.write(event for number in range(DIALOGUES) for event in whole(f"d{number}"))
        record.rate([a_rating(f"d{number}", turn="turn_1") for number in range(DIALOGUES)])
        target = make_target(*ARGUMENTS[open_server](server))
        target.lag = 0.02
        record.outbox.switch_on(target.id, target.title, target.kinds, 0.0)
        record.outbox.fill(target.id)
        for _ in range(KILLS):
            before, few = asked(server), rng.randrange(2)
            process = mortals.start("deliver", url=sqlite_url, target=ARGUMENTS[open_server](server), lag=0.02)
            wait_until(lambda before=before, few=few: asked(server) > before + few)
            time.sleep(rng.uniform(0.0, 0.01))  # anywhere between two requests, or inside one
            assert process.is_running()
            kill(process)
        assert record.outbox.standing(target.id).left > 0, "there was something left to be killed at until the last"
        assert deliver(record, target) == {}
        other = make_target(*ARGUMENTS[open_server](quiet))
        if other.id == target.id:
            other.id += "'"
        assert deliver(record, other, since=0.0) == {}
        assert set(arrived(server).values()) == {1}
        assert arrived(server).keys() == arrived(quiet).keys()
        assert said(server) == said(quiet)
        assert len(said(server)) >= DIALOGUES
        standing = record.outbox.standing(target.id)
        assert (standing.sent, standing.left, standing.dead) == (2 * DIALOGUES, 0, 0)


def test_two_processes_at_once_deliver_each_thing_once(mortals: Mortals, sqlite_url: str) -> None:
    with Record.open(sqlite_url) as record, Service() as service:
        target = SmallTarget(service.url)
        record.outbox.switch_on(target.id, target.title, target.kinds)
        record.write(event for number in range(30) for event in a_dialogue(f"d{number}"))
        both = [mortals.start("deliver", url=sqlite_url, target=["SmallTarget", [service.url]]) for _ in range(2)]
        for process in both:
            ended(process)
        assert len(service.things) == 90
        assert set(service.things.values()) == {1}


def test_who_was_stopped_for_long_and_wakes_again_sends_nothing_more(mortals: Mortals, sqlite_url: str) -> None:
    """As on a laptop that slept: another process has taken over meanwhile."""
    with Record.open(sqlite_url) as record, Service() as service:
        target = SmallTarget(service.url)
        record.outbox.switch_on(target.id, target.title, target.kinds)
        record.write(event for number in range(40) for event in a_dialogue(f"d{number}"))
        service.holding = True
        asleep = mortals.start("deliver", url=sqlite_url, target=["SmallTarget", [service.url]])
        wait_until(lambda: service.requests == Pace().at_once)
        asleep.suspend()
        wait_until(lambda: asleep.status() == psutil.STATUS_STOPPED)
        service.holding = False
        with record.outbox._writing() as connection:
            connection.exec_driver_sql("UPDATE sync_targets SET owner = NULL")  # it was silent for too long
        assert deliver(record, target) == {}
        asleep.resume()
        ended(asleep)
        assert len(service.things) == 120
        assert max(service.things.values()) == 1
