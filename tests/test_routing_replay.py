"""Policies are replayed on the same streams, told only what they chose, and reported beside the best single model and the oracle."""

from __future__ import annotations

import json
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest

from workbench.routing import replay as replaying
from workbench.routing.policy import RoutingError
from workbench.routing.replay import Plan, Replayer
from workbench.routing.report import compare
from workbench.routing.tables import Outcomes

TASKS = ("code", "maths", "prose")
BEST = {"code": "coder", "maths": "counter", "prose": "dear"}


def world(prompts=240, seed=0):
    """Each task has its own best model; `dear` is good at everything, `bad` at nothing."""
    random = np.random.default_rng(seed)
    models = ("bad", "coder", "counter", "dear")
    tasks = tuple(TASKS[i % 3] for i in range(prompts))
    chance = np.array([[0.9 if BEST[task] == m else {"bad": 0.2, "dear": 0.7}.get(m, 0.4) for m in models] for task in tasks])
    quality = (random.random(chance.shape) < chance).astype(float)
    cost = np.tile([0.0001, 0.0001, 0.0001, 0.01], (prompts, 1))
    ids = tuple(f"p{i}" for i in range(prompts))
    return Outcomes("world", ids, tasks, tuple(f"text {i}" for i in ids), models, quality, cost)


@pytest.fixture(scope="module")
def replayer() -> Replayer:
    return Replayer(world())


def test_all_policies_meet_the_same_stream_and_a_seed_decides_it(replayer):
    plan = Plan(length=60, seeds=2)
    one, other = replayer.run("random", plan), replayer.run("learned", plan)
    again = replayer.run("learned", plan)
    for a, b, c in zip(one, other, again, strict=True):
        assert np.array_equal(a.oracle_worth, b.oracle_worth)
        assert np.array_equal(a.single_quality, b.single_quality)
        assert np.array_equal(b.quality, c.quality)
        assert np.array_equal(b.propensity, c.propensity)
    assert not np.array_equal(one[0].oracle_worth, one[1].oracle_worth)


def test_a_single_model_has_no_regret_against_itself(replayer):
    summary = compare(replayer, ["fixed:dear"], Plan(length=100, seeds=3), frontier=False).policies[0]
    assert (summary.regret_single.mean, summary.regret_single.se) == (0, 0)
    assert summary.of_single == 1
    assert summary.regret_oracle.mean > 0
    assert summary.cost_usd.mean == pytest.approx(0.01)


def test_no_policy_passes_the_oracle_and_learned_passes_the_best_single_model(replayer):
    report = compare(replayer, ["learned", "epsilon", "thompson", "random"], Plan(length=400, seeds=5), frontier=False)
    found = {summary.policy: summary for summary in report.policies}
    assert all(summary.regret_oracle.mean > 0 for summary in report.policies)
    assert found["learned"].last_quality.mean > found["learned"].single_quality.mean
    for other in ("epsilon", "thompson", "random"):
        gain = found["learned"].gain[other]
        assert gain.mean > 2 * gain.se, other
        assert gain.mean == pytest.approx(found["learned"].quality.mean - found[other].quality.mean)


def test_earlier_outcomes_and_declared_scores_help(replayer):
    quality = {
        start: compare(replayer, ["learned"], Plan(length=40, seeds=8, start=start), frontier=False).policies[0].quality.mean
        for start in ("cold", "declared", "warm")
    }
    assert quality["cold"] + 0.05 < quality["declared"]
    assert quality["cold"] + 0.05 < quality["warm"]
    capable = compare(replayer, ["capability"], Plan(length=40, seeds=8, start="declared"), frontier=False).policies[0]
    assert capable.quality.mean > capable.single_quality.mean


def test_quality_is_bought_at_the_price_that_one_is_willing_to_pay(replayer):
    def bought(price):
        plan = Plan(length=200, seeds=4, start="warm", willing_to_pay=price)
        return compare(replayer, ["learned"], plan, frontier=False).policies[0]

    mean, thrifty = bought(None), bought(0.01)
    assert thrifty.cost_usd.mean < mean.cost_usd.mean / 5
    assert thrifty.quality.mean < mean.quality.mean
    assert thrifty.regret_single.mean < 0


def test_the_frontier_is_between_the_cheapest_model_and_the_oracle(replayer):
    report = compare(replayer, ["learned", "random"], Plan(length=100, seeds=3, start="warm"))
    learned, random = (summary.frontier for summary in report.policies)
    assert len(learned.points) == 8
    assert len(random.points) == 1
    assert 0.2 < random.aiq < learned.aiq < 1
    assert learned.apgr > random.apgr
    assert learned.nearly < 0.9


def test_streams_longer_than_the_table_are_drawn_with_replacement(replayer):
    short, long = (compare(replayer, ["random"], Plan(length=n, seeds=1), frontier=False) for n in (192, 193))
    assert not short.with_replacement
    assert long.with_replacement
    earlier, stream = replayer._stream(Plan(length=192), 0)
    assert len(set(stream)) == 192
    assert not set(earlier) & set(stream)
    earlier, stream = replayer._stream(Plan(length=1000), 0)
    assert len(set(stream)) < len(stream) == 1000
    assert not set(earlier) & set(stream)


def test_a_policy_is_told_nothing_but_what_it_chose(replayer, monkeypatch):
    told = []

    class Watched:
        name = "watched"

        def __init__(self, seed):
            self.inner = replaying_named("random", seed)

        def choose(self, task, candidates, constraints):
            self.last = self.inner.choose(task, candidates, constraints)
            return self.last

        def learn(self, outcome):
            told.append((outcome.candidate.name, self.last.model))

    replaying_named = replaying.policy_named
    monkeypatch.setattr(replaying, "policy_named", lambda _, seed: Watched(seed))
    replayer.run("watched", Plan(length=50, seeds=1))
    assert len(told) == 50
    assert all(learned == chosen for learned, chosen in told)


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"length": 0}, "one prompt"),
        ({"seeds": 0}, "one prompt"),
        ({"held_out": 1.0}, "held-out"),
        ({"held_out": 0, "start": "warm"}, "held-out"),
    ],
)
def test_impossible_plans_are_refused(options, says):
    with pytest.raises(RoutingError, match=says):
        Plan(**options)


def test_the_command_prints_json_and_a_table(tmp_path):
    table = world(60)
    rows = [
        {"prompt_id": p, "task": t, "prompt_text": x, "model": m, "quality": table.quality[i, j], "cost_usd": table.cost[i, j]}
        for i, (p, t, x) in enumerate(zip(table.prompts, table.tasks, table.texts, strict=True))
        for j, m in enumerate(table.models)
    ]
    path = tmp_path / "t.csv"
    pd.DataFrame(rows).to_csv(path, index=False)

    def command(*options):
        arguments = [
            sys.executable,
            "-c",
            "from workbench.cli import main; main()",
            "route",
            "replay",
            str(path),
            "--no-text",
            "--seeds",
            "2",
            "--length",
            "30",
            *options,
        ]
        return subprocess.run(arguments, check=False, capture_output=True, text=True, timeout=120)

    done = command("--policy", "learned,epsilon", "--json", "--willing-to-pay", "0.02")
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    learned = found["policies"][0]
    assert (found["prompts"], found["plan"]["length"], learned["policy"]) == (60, 30, "learned")
    assert {
        "quality",
        "cost_usd",
        "last_quality",
        "last_cost_usd",
        "regret_single",
        "regret_oracle",
        "of_single",
    } <= learned.keys()
    assert {"aiq", "apgr", "points"} <= learned["frontier"].keys()
    assert learned["gain"]["epsilon"]["se"] > 0
    plain = command("--policy", "random,fixed:dear")
    assert "fixed:dear" in plain.stdout
    assert "60 prompts, 4 models; 2 streams of 30" in plain.stdout
    for wrong, says in [
        (("--policy", "lerned"), "Did you mean learned?"),
        (("--policy", ","), "no policy is named"),
        (("--policy", "fixed:gone"), "gone is fixed"),
        (("--start", "hot"), "cold, declared, warm"),
        (("--incomplete", "maybe"), "drop-prompts"),
        (("--willing-to-pay", "0"), "more than 0"),
    ]:
        refused = command("--no-frontier", *wrong)
        assert refused.returncode == 2
        assert says in refused.stderr
        assert "Traceback" not in refused.stderr
