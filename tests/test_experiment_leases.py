"""What batches on workers may spend: together never more than the run's ceiling, whatever they ask and whoever dies."""

from __future__ import annotations

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workbench.dialogue.money.budget import Amount
from workbench.errors import BudgetExceededError
from workbench.events import Call, Timings, Usage
from workbench.experiments.definition import RunLimits
from workbench.experiments.engines.lease import Lease
from workbench.experiments.money import RunBudget


def paid(cost: float) -> Call:
    """Return a call that has ended."""
    return Call(
        id="c",
        asked="m",
        model="m",
        provider="p",
        attempt=1,
        outcome="ok",
        started_at=0.0,
        timings=Timings(queue=0.0, first_token=None, total=0.0),
        usage=Usage(prompt=1, completion=1),
        cost=cost,
    )


class Side:
    """A lease and the driver's side of it, without a wire between them."""

    def __init__(self, budget: RunBudget) -> None:
        self.budget, self.held = budget, Amount()
        self.lease = Lease(budget.ceilings, lambda: None)

    async def call(self, most: float, cost: float) -> bool:
        """Make a call that costs at most `most` and does cost `cost`; say whether it was made."""
        amount = Amount(most, 10, 1)
        try:
            while self.lease.passed(amount) is not None:
                await self.ask()
        except BudgetExceededError:
            return False
        self.lease.held += amount
        await asyncio.sleep(0)
        self.lease.settle(paid(cost), amount)
        self.tell()
        return True

    async def ask(self) -> None:
        """Ask what is wanted, or wait for the answer to somebody else's question."""
        question = self.lease.question()
        if question is None:
            await asyncio.sleep(0)
            return
        wanted, least = question
        amount = wanted if self.budget.has_room(wanted) else least
        try:
            await self.budget.hold(amount)
        except BudgetExceededError as error:
            self.lease.refuse(error.message)
        else:
            self.held += amount
            self.lease.grant(amount)

    def tell(self) -> None:
        """Say what is spent and released."""
        if (news := self.lease.news()) is not None:
            self.held -= news[1]
            self.budget.account(held=news[1], spent=news[0])

    def end(self, *, lost: bool = False) -> None:
        """End, or die: what is held is let go of."""
        self.budget.account(held=self.held, spent=self.held if lost else Amount())


COSTS = st.tuples(st.integers(1, 20), st.floats(0, 1)).map(lambda drawn: (drawn[0] / 100, drawn[0] / 100 * drawn[1]))


@given(batches=st.lists(st.lists(COSTS, min_size=1, max_size=6), min_size=1, max_size=4), ceiling=st.integers(1, 100))
def test_the_ceiling_is_never_passed_and_nothing_stays_held(batches: list[list[tuple[float, float]]], ceiling: int) -> None:
    async def play() -> None:
        budget = RunBudget(RunLimits(max_cost=ceiling / 100), Amount(), None)

        async def batch(calls: list[tuple[float, float]]) -> float:
            side = Side(budget)
            made = await asyncio.gather(*(side.call(most, cost) for most, cost in calls))
            side.end()
            return sum(cost for (_, cost), there in zip(calls, made, strict=True) if there)

        async with asyncio.timeout(10):
            spent = sum(await asyncio.gather(*(batch(calls) for calls in batches)))
        assert budget.spent.cost == pytest.approx(spent)
        assert budget.spent.cost <= ceiling / 100 + 1e-9
        assert budget.held.cost == pytest.approx(0.0, abs=1e-9)
        assert budget.held.calls == 0
        if sum(most for calls in batches for most, _ in calls) <= ceiling / 100:
            assert budget.reached is None

    asyncio.run(play())


async def test_what_a_dead_worker_may_have_spent_counts_as_spent() -> None:
    budget = RunBudget(RunLimits(max_cost=1.0), Amount(), None)
    side = Side(budget)
    assert side.lease.passed(Amount(0.4, 10, 1))
    await side.ask()
    assert side.lease.passed(Amount(0.4, 10, 1)) is None
    side.end(lost=True)
    assert budget.spent.cost == pytest.approx(0.4)
    assert budget.held == Amount()
    assert not budget.has_room(Amount(0.7, 10, 1))


async def test_without_a_ceiling_nothing_is_asked() -> None:
    asked: list[None] = []
    lease = Lease({}, lambda: asked.append(None))
    assert lease.passed(Amount(1000.0, 10**9, 10**6)) is None
    assert not asked
