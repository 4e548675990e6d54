"""`[budget]`: what a call, a dialogue, a day and a workspace may spend, counted from the record, never passed."""

import asyncio
import json
import random
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from stage import Actors, card, chorus, line, quick
from test_budgets import cut_after_call_started

from workbench.cli import main
from workbench.dialogue import Orchestrator, purse
from workbench.dialogue.money.budget import prompt_bound
from workbench.dialogue.purse import midnight, standings_of
from workbench.errors import ErrorKind as Kind
from workbench.errors import ModelError, WorkbenchError
from workbench.events import Status, Usage
from workbench.models import Chunk, Client
from workbench.settings import BudgetSettings, load_settings


def bank(folder, act, **budget):
    """An orchestrator with these ceilings, and its actors."""
    ceilings, actors = quick(folder, budget=BudgetSettings(**budget)), Actors(act)
    return Orchestrator(settings=ceilings, client=Client(ceilings, actors, seed=1)), actors


async def tenth(request):
    """Answer for 0.1 USD at a dollar a million tokens, or for less where so much is not allowed."""
    yield Chunk(text="x", finish_reason="stop", usage=Usage(0, min(request.sampling.max_tokens, 100_000)))


RICH = card(default_output=100_000, max_output=100_000)


def test_the_day_is_shared_by_all_dialogues_and_says_what_is_spent_and_what_to_do(tmp_path):
    workbench, actors = bank(tmp_path, tenth, day=0.35)
    with workbench:
        first, second = (workbench.run(line(2), "x", models=[RICH]) for _ in range(2))
        third = workbench.run(line(2), "x", models=[RICH])
    assert (first.status, second.status, len(actors.asked)) == (Status.COMPLETED, Status.COMPLETED, 4)
    assert third.status is Status.COST_LIMITED
    assert third.reason.startswith("budget.day: the next call to actor could pass today's budget of 0.35 USD (0.349")
    assert "[budget] day in workbench.toml raises it, or wait until tomorrow" in third.reason
    more, _ = bank(tmp_path, tenth, day=0.65)
    with more:
        assert more.resume(third.id).status is Status.COMPLETED


def test_what_others_spent_counts_once_a_dialogue_starts(tmp_path):
    """Another process is another writer of the same record: what it wrote is read when the next dialogue starts."""
    other, _ = bank(tmp_path / "other", tenth)
    with other:
        events = other.run(line(2), "x", models=[RICH]).recorded_events()
    workbench, actors = bank(tmp_path, tenth, day=0.35)
    with workbench:
        assert workbench.run(line(1), "x", models=[RICH]).status is Status.COMPLETED
        workbench.record.write(events)
        assert workbench.run(line(1), "x", models=[RICH]).status is Status.COMPLETED  # with what is left, which is half
        assert [round(request.sampling.max_tokens, -3) for request in actors.asked] == [100_000, 50_000]
        assert workbench.run(line(1), "x", models=[RICH]).status is Status.COST_LIMITED


def yesterday(events):
    from dataclasses import replace

    from workbench.events import CallEnded

    return [
        replace(each, call=replace(each.call, started_at=each.call.started_at - 86400)) if isinstance(each, CallEnded) else each
        for each in events
    ]


def test_yesterday_counts_for_the_workspace_and_not_for_today(tmp_path):
    other, _ = bank(tmp_path / "other", tenth)
    with other:
        events = yesterday(other.run(line(2), "x", models=[RICH]).recorded_events())
    for name, ends in (("day", Status.COMPLETED), ("workspace", Status.COST_LIMITED)):
        workbench, _ = bank(tmp_path / name, tenth, **{name: 0.2})
        with workbench:
            workbench.record.write(events)
            dialogue = workbench.run(line(2), "x", models=[RICH])
            assert dialogue.status is ends, name
            standing = {each.budget: each for each in standings_of(workbench.settings)}
        spent = 0.2 if name == "day" else 0.0
        assert (standing["day"].spent, standing["workspace"].spent) == pytest.approx(
            (spent, 0.2 + spent), rel=1e-3
        )  # the last answer is a little shorter
    assert dialogue.reason.startswith("budget.workspace: the next call to actor could pass the workspace's budget of 0.2 USD")


def test_a_day_begins_anew_at_midnight(tmp_path, monkeypatch):
    workbench, actors = bank(tmp_path, tenth, day=0.1)
    with workbench:
        assert workbench.run(line(2), "x", models=[RICH]).status is Status.COST_LIMITED
        later = time.time() + 86400
        monkeypatch.setattr(purse, "time", SimpleNamespace(time=lambda: later))
        assert workbench.run(line(1), "x", models=[RICH]).status is Status.COMPLETED
    assert len(actors.asked) == 2


def test_midnight_is_the_local_one_and_days_may_have_23_hours(monkeypatch):
    monkeypatch.setenv("TZ", "Europe/Berlin")
    time.tzset()
    try:
        spring = datetime(2026, 3, 29, 13, tzinfo=UTC).timestamp()
        assert datetime.fromtimestamp(midnight(spring), UTC) == datetime(2026, 3, 28, 23, tzinfo=UTC)
        assert midnight(spring, 1) - midnight(spring) == timedelta(hours=23).total_seconds()
    finally:
        monkeypatch.delenv("TZ")
        time.tzset()


def test_a_call_that_never_came_back_counts_at_its_bound(tmp_path):
    workbench, actors = bank(tmp_path, tenth, day=0.15)
    with workbench:
        lost = cut_after_call_started(workbench, "Lost.", [RICH])
        assert workbench.record.find(lost)
        standing = {each.budget: each.spent for each in standings_of(workbench.settings)}
        assert standing["workspace"] == pytest.approx(0.1, rel=0.01)
        workbench.run(line(1), "x", models=[RICH])
    assert standing["day"] == 0  # it began in 1970
    assert actors.asked[0].sampling.max_tokens == 100_000


def test_a_call_whose_usage_was_lost_counts_at_its_bound_in_the_next_process(tmp_path):
    async def cut(_request):
        yield Chunk(text="half")
        raise ModelError(Kind.CONTENT_FILTER, "cut", model="actor")

    workbench, _ = bank(tmp_path, cut, day=0.15)
    with workbench:
        assert workbench.run(line(1), "x", models=[RICH]).status is Status.FAILED
    purse._purses.clear()  # as a new process has none
    workbench, actors = bank(tmp_path, tenth, day=0.15)
    with workbench:
        workbench.run(line(1), "x", models=[RICH])
    assert actors.asked[0].sampling.max_tokens < 51_000


def test_a_model_without_a_price_is_refused_under_each_ceiling(tmp_path):
    for name, said in {"call": "max_call_cost", "dialogue": "max_cost", "day": r"\[budget\] day"}.items():
        workbench, actors = bank(tmp_path / name, tenth, **{name: 1})
        with workbench, pytest.raises(WorkbenchError, match=f"{said} cannot be kept: the price of free is unknown"):
            workbench.run(line(1), "x", models=[card("free", price=None)])
        assert actors.asked == []


@pytest.mark.parametrize(
    ("mode", "given", "workspace", "holds"),
    [(None, None, 0.5, 0.5), (0.2, None, 0.5, 0.2), (0.9, None, 0.5, 0.5), (0.2, 0.9, 0.5, 0.9), (0.2, None, None, 0.2)],
)
def test_a_dialogue_has_what_the_run_says_else_the_lower_of_mode_and_workspace(tmp_path, mode, given, workspace, holds):
    workbench, _ = bank(tmp_path, tenth, dialogue=workspace, call=workspace)
    limits = {"limits": {"max_cost": mode, "max_call_cost": mode}}
    with workbench:
        spec, _ = workbench.prepare(line(1) | limits, "x", models=[RICH], limits={"max_cost": given, "max_call_cost": given})
    assert (spec.limits.max_cost, spec.limits.max_call_cost) == (holds, holds)


def test_no_single_call_costs_more_than_its_ceiling_and_parallel_ones_do_not_wait_for_each_other(tmp_path):
    async def act(request):
        for _ in range(5):
            await asyncio.sleep(0)
        yield Chunk(text="x", finish_reason="stop", usage=Usage(10, request.sampling.max_tokens))

    workbench, actors = bank(tmp_path, act, call=0.01)
    with workbench:
        dialogue = workbench.run(chorus(4), "x", models=[RICH])
        short = workbench.run(chorus(4), "x", models=[RICH], limits={"max_call_cost": 0.00001})
    costs = [call.cost for turn in dialogue.transcript for call in turn.calls]
    assert (dialogue.status, len(costs), actors.most) == (Status.COMPLETED, 4, 4)
    assert 0.0099 < max(costs) <= 0.01
    assert short.status is Status.COST_LIMITED
    assert short.reason == "max_call_cost: a call to actor could cost more than max_call_cost=1e-05 USD"


@given(day=st.floats(0, 0.05), workspace=st.floats(0, 0.05), seed=st.integers(0, 2**32))
@settings(max_examples=25, deadline=None)
def test_dialogues_at_the_same_time_never_pass_the_day_nor_the_workspace(day, workspace, seed, tmp_path_factory):
    rng, truly = random.Random(seed), []
    price = card(price=rng.uniform(0, 50), default_output=200, max_output=400)

    async def act(request):
        usage = Usage(rng.randint(1, prompt_bound(request.messages)), rng.randint(0, request.sampling.max_tokens))
        truly.append(price.cost(usage))
        for _ in range(rng.randint(0, 3)):
            await asyncio.sleep(0)
        yield Chunk(text="x")
        if rng.random() < 0.2:
            raise ModelError(Kind.CAPACITY, "cut", model="actor")
        yield Chunk(finish_reason="stop", usage=usage)

    workbench, _ = bank(tmp_path_factory.mktemp("bank"), act, day=day, workspace=workspace)
    with workbench, ThreadPoolExecutor(4) as pool:
        done = list(pool.map(lambda mode: workbench.run(mode, "x", models=[price]), [line(4), chorus(5), line(3), chorus(2)]))
    assert sum(truly) <= min(day, workspace) + 1e-12
    assert {each.status for each in done} <= {Status.COMPLETED, Status.COST_LIMITED, Status.FAILED}


def test_ceilings_come_from_the_file_and_from_variables(tmp_path, monkeypatch):
    (tmp_path / "workbench.toml").write_text("[budget]\nday = 5\ncall = 0.5")
    monkeypatch.setenv("WORKBENCH_BUDGET_DAY", "2.5")
    monkeypatch.setenv("WORKBENCH_BUDGET_WORKSPACE", "100")
    assert load_settings(tmp_path).budget == BudgetSettings(call=0.5, day=2.5, workspace=100)
    monkeypatch.setenv("WORKBENCH_BUDGET_DAY", "much")
    with pytest.raises(WorkbenchError, match=r"budget\.day"):
        load_settings(tmp_path)


def test_the_command_shows_ceilings_spent_and_left(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr("sys.argv", ["workbench", "budget", "--json", "-C", str(tmp_path)])
    (tmp_path / "workbench.toml").write_text("[budget]\nday = 1")
    with pytest.raises(SystemExit):
        main()
    assert [row["spent"] for row in json.loads(capsys.readouterr().out)] == [None, None, 0, 0]
    assert not (tmp_path / ".workbench").exists()
    workbench, _ = bank(tmp_path, tenth)
    with workbench:
        workbench.run(line(2), "x", models=[RICH])
    capsys.readouterr()
    with pytest.raises(SystemExit):
        main()
    rows = {row["budget"]: row for row in json.loads(capsys.readouterr().out)}
    assert rows["day"] == {"budget": "day", "ceiling": 1.0, "spent": pytest.approx(0.2), "left": pytest.approx(0.8)}
    assert rows["workspace"]["ceiling"] is None
