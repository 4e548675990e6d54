"""Observations whose truth is known: a table as an experiment yields it, without any model."""

from __future__ import annotations

import numpy as np
import pandas as pd

from workbench.experiments.plan import Plan
from workbench.experiments.statistics import Metric

METRICS = [
    Metric("score", "higher", margin=0.5),
    Metric("right", "higher", margin=0.1, binary=True),
    Metric("latency", "lower", margin=0.3),
    Metric("cost", "lower", margin=0.001),
]
PLAN = Plan("score", "higher", "single", hypothesis="A debate answers better than one call.", margin=0.5)


def observed(cases=30, lifts=None, repeats=2, seed=0, fails=(), served=(), dear=0.0):
    """A table: `lifts` arm to gain in score; `fails` and `served` hold (case, arm) that failed or that a fallback answered."""
    lifts = {"single": 0.0, "debate": 0.15} if lifts is None else lifts
    rng = np.random.default_rng(seed)
    hard = rng.uniform(0.1, 0.8, cases)
    rows = []
    for number in range(cases):
        for arm, lift in lifts.items():
            for repeat in range(repeats):
                fine = (number, arm) not in fails
                drawn = rng.random(), rng.normal(), rng.gamma(4, 0.3), rng.gamma(9, 0.1)
                rows.append({
                    "case": f"c{number}",
                    "arm": arm,
                    "repeat": repeat,
                    "score": hard[number] * 10 + lift * 10 + drawn[1] if fine else np.nan,
                    "right": bool(drawn[0] < hard[number] + lift) if fine else None,
                    "latency": drawn[2] if fine else np.nan,
                    "cost": 0.002 * drawn[3] + dear * (lift > 0) if fine else np.nan,
                    "status": "ok" if fine else "failed",
                    "error": None if fine else "timeout: no answer in 30 s",
                    "fallback": (number, arm) in served,
                    "started_at": 1.7e9 + number,
                })  # fmt: skip
    return pd.DataFrame(rows)
