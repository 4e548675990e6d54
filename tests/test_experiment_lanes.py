"""A provider is asked as much at once as it bears, and no more than a minute may see."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from experimenters import adder, careful, sums, workshop
from hypothesis import given
from hypothesis import strategies as st
from wire import Wire
from wired import Clock

from workbench.experiments.lanes import Lane
from workbench.experiments.progress import Progress


async def trip(lane: Lane, clock: Clock, *, congested: bool = False) -> None:
    """Take all seats, and give them back a second later."""
    entered = [await lane.enter() for _ in range(int(lane.seats))]
    clock.now += 1
    for each in entered:
        lane.leave(each, congested=congested)


async def test_seats_double_until_the_first_complaint_then_grow_by_one_a_round() -> None:
    clock = Clock()
    lane = Lane(200, clock=clock)
    seen = []
    for _ in range(4):
        seen.append(int(lane.seats))
        await trip(lane, clock)
    assert seen == [8, 16, 32, 64]
    await trip(lane, clock, congested=True)
    assert lane.seats == 64, "a whole round of complaints halves once"
    await trip(lane, clock)
    assert 64.9 < lane.seats <= 65.1


@given(st.lists(st.booleans(), max_size=60), st.integers(1, 20))
def test_there_is_always_a_seat_and_never_more_than_the_ceiling(complaints: list[bool], ceiling: int) -> None:
    async def play() -> None:
        clock = Clock()
        lane = Lane(ceiling, clock=clock)
        for congested in complaints:
            await trip(lane, clock, congested=congested)
            assert 1 <= lane.seats <= ceiling
            assert lane.active == 0

    asyncio.run(play())


async def test_who_stops_waiting_leaves_the_seat_to_the_next() -> None:
    lane = Lane(1)
    entered = await lane.enter()
    waiting = [asyncio.create_task(lane.enter()) for _ in range(3)]
    await asyncio.sleep(0)
    waiting[0].cancel()
    lane.leave(entered, congested=False)
    waiting[1].cancel()
    await asyncio.wait_for(waiting[2], 10)
    assert lane.active == 1


async def test_a_minute_sees_no_more_entries_than_it_may() -> None:
    loop = asyncio.get_running_loop()
    lane = Lane(100, per_minute=60 * 50)
    began = loop.time()
    for _ in range(6):
        await lane.enter()
    assert loop.time() - began >= 5 / 50 * 0.99


@pytest.mark.parametrize("kind", ["429", "503"])
def test_a_provider_that_complains_gets_less_and_everything_is_answered(tmp_path: Path, kind: str) -> None:
    heard: list[Progress] = []
    with Wire(delay=0.02) as wire, workshop(tmp_path, wire, attempts=30) as orchestrator:
        wire.answer = adder(careful)
        wire.faults = lambda asked: kind if wire.active > 3 else None
        experiment = sums(orchestrator, 15).run(heard.append)
        assert (experiment.results["status"] == "ok").all()
        assert heard[-1].seats["openai"] < 8
