"""A target in trouble: it is probed with one request at a time, has all of them when it is well, and nothing is sent behind its back."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress

import pytest
from sync_mortal import a_dialogue
from sync_service import QUICK, SmallTarget, deliver

from workbench.errors import WorkbenchError
from workbench.observe.sync.deliver import TROUBLED, Pace
from workbench.observe.sync.syncing import sync
from workbench.observe.sync.target import Answer, Dead, Later, Parcel, Sent
from workbench.records import Record

FIRST_PROBE = Pace().at_once + TROUBLED
"""Number of a request before which as many as that must have failed, however those that began together ended."""
PROMPT = Pace(base=0.002, cap=0.004, poll=0.002, patience=30.0)


class Fragile(SmallTarget):
    """Needs no service: it has what `send` was told to take."""

    def __init__(self) -> None:
        super().__init__("http://nowhere")
        self.taken = Counter[str]()

    async def check(self) -> str:
        return ""

    async def missing(self, parcel: Parcel) -> tuple[str, ...]:
        return tuple(thing for thing in parcel.things if thing not in self.taken)


@pytest.fixture
def record(sqlite_url: str) -> Iterator[Record]:
    with Record.open(sqlite_url) as opened:
        opened.outbox.switch_on(Fragile.id, Fragile.title, Fragile.kinds)
        yield opened


def test_a_target_that_failed_is_probed_by_one_and_has_several_when_it_is_well(record: Record) -> None:
    class Recovering(Fragile):
        asked = at_once = 0
        alone = False

        def __init__(self) -> None:
            super().__init__()
            self.probed_by: list[int] = []
            self.several = asyncio.Event()

        async def send(self, parcel: Parcel) -> Answer:
            self.asked += 1
            self.at_once += 1
            try:
                return await self._answer()
            finally:
                self.at_once -= 1

        async def _answer(self) -> Answer:
            if FIRST_PROBE <= self.asked <= FIRST_PROBE + 2:
                self.probed_by.append(self.at_once)
            if self.asked < FIRST_PROBE + 2:
                await asyncio.sleep(0.005)
                return Later("busy")
            if self.asked > FIRST_PROBE + 2:  # one has gone well
                if self.at_once > 1:
                    self.several.set()
                with suppress(TimeoutError):
                    await asyncio.wait_for(self.several.wait(), 0 if self.alone else 10)
                self.alone = not self.several.is_set()
            return Sent()

    record.write(event for number in range(FIRST_PROBE + 5) for event in a_dialogue(f"d{number}"))
    target = Recovering()
    assert deliver(record, target, pace=PROMPT) == {}
    assert target.several.is_set()
    assert target.probed_by == [1, 1, 1]


def test_what_was_on_its_way_when_a_delivery_broke_off_does_not_go_beside_what_is_sent_anew(record: Record) -> None:
    """Two would arrive if the first went on."""

    class Denying(Fragile):
        begun = checks = 0

        def __init__(self) -> None:
            super().__init__()
            self.again, self.on_its_way = asyncio.Event(), asyncio.Event()

        async def check(self) -> str:
            self.checks += 1
            if self.checks == 2:
                raise WorkbenchError("nobody is let in")
            return ""

        async def send(self, parcel: Parcel) -> Answer:
            if parcel.things[0].startswith("dialogue/slow"):
                self.begun += 1
                self.on_its_way.set()
                if self.begun == 2:
                    self.again.set()
                await self.again.wait()
            elif self.checks == 1:
                await self.on_its_way.wait()
                return Dead("401", denied=True)
            self.taken.update(parcel.things)
            return Sent()

    async def stay(target: Denying) -> None:
        delivery = asyncio.create_task(sync(record, [target], stay=True, pace=QUICK))
        await asyncio.wait_for(target.again.wait(), 30)
        while await asyncio.to_thread(record.parcels.left, target.id):
            await asyncio.sleep(0.005)
        delivery.cancel()
        await asyncio.gather(delivery, return_exceptions=True)

    record.write([*a_dialogue("slow"), *a_dialogue("denied")])
    target = Denying()
    asyncio.run(stay(target))
    assert set(target.taken.values()) == {1}
    assert len(target.taken) == 6
