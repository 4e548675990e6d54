"""Every routing policy on tables of recorded outcomes, beside the best single model and the oracle.

    python experiments/benchmarks/routing.py TABLE… [--seeds 20] [--lengths 100,500,2000] [--json FILE]

A table is what `workbench route replay` takes; prompts on which a model's outcome is missing are left out. Every stream is
drawn from four fifths of the prompts; the other fifth is what a warm start has learned from (all models' outcomes on each), and
what declared scores are taken from (mean by task, to one decimal). The best single model is the best on those four fifths. `±`
are standard errors over seeds, of differences paired by seed.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from dataclasses import asdict, dataclass
from pathlib import Path

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # matrices are small: threads would only wait for each other

import numpy as np

from workbench.routing.kinds import FEATURES, Kinds
from workbench.routing.learned import Learned
from workbench.routing.policy import Candidate, Constraints, Outcome, Task
from workbench.routing.replay import Plan, Replayer
from workbench.routing.report import Estimate, Summary, compare
from workbench.routing.tables import read_outcomes

BANDITS = ("epsilon", "thompson", "linucb")
ROWS = {
    "cold": ("learned", *BANDITS, "random", "round-robin"),
    "declared": ("learned", "capability", "cheapest"),
    "warm": ("learned", *BANDITS),
}
FRONTIER = 500
"""Length of the streams on which the frontier is measured."""


@dataclass
class Row:
    """A policy at one start on streams of one length."""

    table: str
    length: int
    start: str
    summary: Summary


def measure(path: Path, lengths: list[int], seeds: int) -> list[Row]:
    """Return the rows of a table."""
    replayer = Replayer(read_outcomes(path, incomplete="drop-prompts"), Kinds())
    say(f"{path.name}: {len(replayer.outcomes.prompts)} prompts, {len(replayer.outcomes.models)} models")
    found = []
    for length in lengths:
        for start, policies in ROWS.items():
            began = time.perf_counter()
            plan = Plan(length=length, seeds=seeds, start=start)
            report = compare(replayer, policies, plan, frontier=False)
            found += [Row(path.stem, length, start, summary) for summary in report.policies]
            say(f"  {length} prompts, {start}: {time.perf_counter() - began:.0f} s")
    return found


def frontiers(path: Path, seeds: int) -> list[Row]:
    """Return rows with frontiers."""
    replayer = Replayer(read_outcomes(path, incomplete="drop-prompts"), Kinds())
    found = []
    for start, policies in {"cold": ("learned", *BANDITS, "random"), "warm": ("learned", *BANDITS)}.items():
        began = time.perf_counter()
        report = compare(replayer, policies, Plan(length=FRONTIER, seeds=seeds, start=start))
        found += [Row(path.stem, FRONTIER, start, summary) for summary in report.policies]
        say(f"  frontiers, {start}: {time.perf_counter() - began:.0f} s")
    return found


def quality_table(rows: list[Row]) -> str:
    """Return what each policy reaches where cost does not count."""
    lines = ["| table | prompts | start | policy | quality | of the best single | last fifth | USD a call | regret to oracle |"]
    lines.append("|---|---:|---|---|---:|---:|---:|---:|---:|")
    for row in rows:
        s = row.summary
        lines.append(
            f"| {row.table} | {row.length} | {row.start} | {s.policy} | {both(s.quality)} | {s.of_single:.1%} "
            f"| {s.last_quality.mean:.3f} | {s.cost_usd.mean:.3g} | {both(s.regret_oracle)} |"
        )
    return "\n".join(lines)


def gain_table(rows: list[Row]) -> str:
    """Return by how much cold learned routing beats each cold baseline."""
    lines = [
        "| table | prompts | over epsilon | over thompson | over linucb | all above 0 by 2 errors |",
        "|---|---:|---:|---:|---:|---|",
    ]
    for row in rows:
        if row.start != "cold" or row.summary.policy != "learned":
            continue
        gains = [row.summary.gain[name] for name in BANDITS]
        sure = all(gain.se is not None and gain.mean > 2 * gain.se for gain in gains)
        lines.append(f"| {row.table} | {row.length} | {' | '.join(map(both, gains))} | {'yes' if sure else 'no'} |")
    return "\n".join(lines)


def frontier_table(rows: list[Row]) -> str:
    """Return what quality costs."""
    lines = [
        "| table | start | policy | AIQ | APGR | 95 % of the best single's quality, at of its price |",
        "|---|---|---|---:|---:|---:|",
    ]
    for row in rows:
        if (front := row.summary.frontier) is None:
            continue
        recovered = "" if front.apgr is None else f"{front.apgr:.3f}"
        nearly = "not reached" if front.nearly is None else f"{front.nearly:.0%}"
        lines.append(f"| {row.table} | {row.start} | {row.summary.policy} | {front.aiq:.3f} | {recovered} | {nearly} |")
    return "\n".join(lines)


def speed_table() -> str:
    """Return how long choices and learning take, with 50 models and 14 kinds of task: CPU time, for other work is no news."""
    random = np.random.default_rng(0)
    models = [
        Candidate(f"m{i}", {"coding": 0.5}, price=float(10 ** random.uniform(-1, 1.5)), cost_usd=0.001) for i in range(50)
    ]
    tasks = [Task("", f"kind {i % 14}", "coding", tuple(random.normal(0, 0.2, FEATURES))) for i in range(500)]
    outcomes = [Outcome(tasks[i % 500], models[i % 50], float(random.random() > 0.5), 0.001) for i in range(10_000)]
    policy, priced = Learned(), Constraints(willing_to_pay=0.01)

    def choices() -> np.ndarray:
        taken = []
        for i in range(3000):
            began = time.thread_time()
            policy.choose(tasks[i % 500], models, priced)
            taken.append(1000 * (time.thread_time() - began))
        return np.array(taken)

    for outcome in outcomes[:500]:
        policy.learn(outcome)
    before = choices()
    began = time.thread_time()
    for outcome in outcomes:
        policy.learn(outcome)
    learned, after = time.thread_time() - began, choices()
    return "\n".join(
        [
            "| figure | value | aim |",
            "|---|---:|---|",
            f"| CPU of a choice, 50 models, median, ms | {np.median(after):.2f} | |",
            f"| CPU of a choice, 50 models, p99, ms | {np.quantile(after, 0.99):.2f} | < 1 |",
            f"| CPU of 10,000 outcomes learned, s | {learned:.2f} | < 1 |",
            f"| median choice after 10,500 outcomes / after 500 | {np.median(after) / np.median(before):.2f} | 1 |",
            f"| state as JSON, kB | {len(json.dumps(policy.state())) / 1000:.0f} | |",
        ]
    )


def both(estimate: Estimate) -> str:
    return f"{estimate.mean:.3f}" + ("" if estimate.se is None else f" ± {estimate.se:.3f}")


def say(line: str) -> None:
    sys.stderr.write(f"{line}\n")
    sys.stderr.flush()


def main() -> None:
    parser = argparse.ArgumentParser(description="Every routing policy on tables of recorded outcomes.")
    parser.add_argument("tables", nargs="+", type=Path)
    parser.add_argument("--seeds", type=int, default=20)
    parser.add_argument("--lengths", default="100,500,2000")
    parser.add_argument("--no-frontier", action="store_true")
    parser.add_argument("--json", type=Path)
    asked = parser.parse_args()
    lengths = [int(length) for length in asked.lengths.split(",")]
    rows = [row for path in asked.tables for row in measure(path, lengths, asked.seeds)]
    fronts = [] if asked.no_frontier else [row for path in asked.tables for row in frontiers(path, asked.seeds)]
    parts = [gain_table(rows), quality_table(rows), *([frontier_table(fronts)] if fronts else []), speed_table()]
    print("\n\n".join(parts))
    if asked.json:
        asked.json.write_text(json.dumps([asdict(row) for row in [*rows, *fronts]], indent=1), encoding="utf-8")


if __name__ == "__main__":
    main()
