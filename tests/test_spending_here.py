"""What this process spends itself: held while a call is out, counted once when it ended, whatever the record has of it by then."""

from __future__ import annotations

import asyncio
import time
from types import SimpleNamespace

import pytest
from patience import wait_until
from stage import Actors, card, line, quick
from test_spending import BOUND, Elsewhere

from workbench.dialogue import Orchestrator
from workbench.dialogue.purse import Purse, midnight, purse_for, purse_of, standings_of
from workbench.errors import ErrorKind, ModelError
from workbench.events import Status, Usage
from workbench.models import Chunk, Client
from workbench.settings import BudgetSettings

RICH = card(default_output=100_000, max_output=100_000)
TWICE = pytest.approx(0.2, rel=1e-3)


class Stage:
    """A workbench whose `slow` calls wait until it is `going`; each answer costs 0.1 USD, and nobody knows what `cut` ones do."""

    def __init__(self, folder, slow=(), cut=(), **ceilings):
        self.slow, self.cut, self.going = slow, cut, False
        made, self.actors = quick(folder, budget=BudgetSettings(**ceilings)), Actors(self._act)
        self.workbench = Orchestrator(settings=made, client=Client(made, self.actors, seed=1))

    async def _act(self, request):
        number = len(self.actors.asked)
        while number in self.slow and not self.going:
            await asyncio.sleep(0.001)
        yield Chunk(text="x")
        if number in self.cut:
            raise ModelError(ErrorKind.CAPACITY, "cut", model="actor")
        yield Chunk(finish_reason="stop", usage=Usage(0, min(request.sampling.max_tokens, 100_000)))

    def start(self, mode, calls):
        """Begin a dialogue, and wait until so many calls are out and on disk."""
        dialogue = self.workbench.start(mode, "x", models=[RICH])
        wait_until(lambda: len(self.actors.asked) == calls)
        self.workbench.record.flush()
        return dialogue

    @property
    def spent(self):
        """What today and altogether was spent, as a dialogue learns that begins now."""
        record = self.workbench.record
        record.flush()
        purse_for(self.workbench.settings.budget, record)
        mine = purse_of(record.url)
        return mine.day.spent.cost, mine.workspace.spent.cost


@pytest.fixture
def clock(monkeypatch):
    """A clock that goes on by a day where a test says so."""
    shown, now = SimpleNamespace(days=0), time.time
    monkeypatch.setattr(time, "time", lambda: now() + 86_400 * shown.days)
    return shown


def test_a_call_that_is_out_is_held_once_and_shown(tmp_path):
    stage = Stage(tmp_path, slow=(1,), day=0.25, workspace=0.25)
    with stage.workbench as workbench:
        first = stage.start(line(1), calls=1)
        shown = {each.budget: each.spent for each in standings_of(workbench.settings)}
        assert (shown["day"], shown["workspace"], stage.spent) == (BOUND, BOUND, (0, 0))
        assert workbench.run(line(1), "x", models=[RICH]).status is Status.COMPLETED
        assert stage.actors.asked[1].sampling.max_tokens == 100_000
        stage.going = True
        assert first.wait(30)
        assert stage.spent == (TWICE, TWICE)


def test_a_call_that_went_out_before_there_was_a_ceiling_counts(tmp_path):
    stage = Stage(tmp_path, slow=(1,))
    with stage.workbench as workbench:
        dialogue, mine = stage.start(line(1), calls=1), Purse(workbench.record.url)
        mine.look(BudgetSettings(day=9), workbench.record.events)
        assert mine.day.spent.cost == BOUND
        stage.going = True
        assert dialogue.wait(30)


def test_a_call_of_ones_own_whose_usage_is_lost_counts_once_at_its_bound(tmp_path):
    stage = Stage(tmp_path, cut=(1, 2, 3, 4), day=0.45, workspace=9)
    with stage.workbench as workbench:
        assert workbench.run(line(1), "x", models=[RICH]).status is Status.FAILED
        lost = pytest.approx(0.1 * len(stage.actors.asked), rel=1e-3)
        assert stage.spent == (lost, lost)
        assert stage.spent == (lost, lost)


def test_a_dialogue_that_goes_on_after_midnight_has_a_new_day(tmp_path, clock):
    stage = Stage(tmp_path, slow=(1,), day=0.15)
    with stage.workbench:
        dialogue = stage.start(line(2), calls=1)
        clock.days = 1
        stage.going = True
        assert dialogue.wait(30)
    assert dialogue.status is Status.COMPLETED
    assert [request.sampling.max_tokens for request in stage.actors.asked] == [100_000] * 2  # and none with what was left


def test_what_began_before_midnight_takes_nothing_from_the_new_day(tmp_path, clock):
    stage = Stage(tmp_path, slow=(1,), day=9, workspace=9)
    with stage.workbench as workbench:
        first, mine = stage.start(line(1), calls=1), purse_of(workbench.record.url)
        clock.days = 1
        assert workbench.run(line(1), "x", models=[RICH]).status is Status.COMPLETED
        assert (mine.day.spent.cost, mine.workspace.spent.cost) == (BOUND, BOUND)
        stage.going = True
        assert first.wait(30)
        assert (mine.day.spent.cost, mine.workspace.spent.cost) == (BOUND, TWICE)


def test_a_call_that_ends_after_midnight_is_yesterdays_and_counts_once(tmp_path, clock):
    stage = Stage(tmp_path, slow=(1,), day=9, workspace=9)
    with stage.workbench:
        dialogue = stage.start(line(1), calls=1)
        clock.days = 1
        assert stage.spent == (0, 0)
        stage.going = True
        assert dialogue.wait(30)
        assert stage.spent == (0, BOUND)


def test_what_a_dialogue_lost_before_midnight_counts_while_it_still_runs(tmp_path, clock):
    stage = Stage(tmp_path, cut=(1,), slow=(2,), day=9, workspace=9)
    with stage.workbench:
        dialogue = stage.start(line(1), calls=2)
        assert stage.spent == (BOUND, BOUND)
        clock.days = 1
        assert stage.spent == (0, BOUND)
        stage.going = True
        assert dialogue.wait(30)
        assert stage.spent == (0, TWICE)


def test_what_another_process_lost_counts_while_its_dialogue_is_resumed_here(tmp_path):
    stage = Stage(tmp_path, slow=(1, 2), day=9, workspace=9)
    with stage.workbench as workbench:
        assert stage.spent == (0, 0)
        now = time.time()
        assert midnight(now) < now
        Elsewhere(workbench, now).begin(now)
        assert stage.spent == (BOUND, BOUND)
        resumed = workbench.restart("elsewhere")
        wait_until(lambda: len(stage.actors.asked) == 2)
        assert stage.spent == (BOUND, BOUND)
        stage.going = True
        assert resumed.wait(30)
        assert stage.spent == (pytest.approx(0.3, rel=1e-3), pytest.approx(0.3, rel=1e-3))
