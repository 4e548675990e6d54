"""What a page is told about a run: how far it is, what each arm yielded, and how sure one can be by now."""

from __future__ import annotations

import math
import time
from typing import TYPE_CHECKING, Any, Final

from workbench.dialogue.export.facts import visible
from workbench.experiments.statistics.monitoring import monitor

if TYPE_CHECKING:
    from workbench.experiments.experiment import Experiment
    from workbench.panels.experiment_tally import RunTally
    from workbench.records.experiments import RunRow

Facts = dict[str, Any]
_POINTS: Final = 120
"""Looks that a page draws; a screen has no room for more."""
_ERRORS: Final = 6
_FEWEST: Final = 2


def experiment_facts(experiment: Experiment, run: RunRow | None, tally: RunTally | None) -> Facts:
    """Return all that a page shows of an experiment, before, during and after a run."""
    plan, definition = experiment.plan, experiment.definition
    margin = plan.margin if plan.margin is not None else definition.metrics[plan.primary].margin
    status = _status(run)
    each = 0 if run is None else run.total // max(len(definition.arms), 1)
    return {
        "name": experiment.name,
        "run": run.id if run else None,
        "status": status,
        "reason": visible(run.reason) if run and run.reason else None,
        "now": time.time(),
        "hypothesis": visible(plan.hypothesis),
        "primary": plan.primary,
        "better": plan.better,
        "margin": margin,
        "control": plan.control,
        "total": run.total if run else 0,
        "began": run.created_at if run else None,
        "ended": run.ended_at if run else None,
        "arms": [_arm(name, each, tally) for name in definition.arms],
        "differences": _differences(plan.alpha, each // max(definition.repeats, 1), tally),
        "later": tally.later if tally else False,
        "errors": _errors(tally),
        "can": {"stop": status == "running"},
        **_pace(experiment, run),
    }


def _status(run: RunRow | None) -> str:
    if run is None:
        return "not run"
    return "interrupted" if run.interrupted else run.status


def _pace(experiment: Experiment, run: RunRow | None) -> Facts:
    """Return seconds that are left and USD, judges included, as the run itself tells them; None where it runs elsewhere."""
    progress = experiment.progress
    if progress is None or run is None or progress.run != run.id:
        return {"eta": None, "cost": None}
    return {"eta": progress.eta if run.status == "running" else None, "cost": progress.cost}


def _arm(name: str, total: int, tally: RunTally | None) -> Facts:
    if tally is None:
        return {"arm": name, "total": total, "ok": 0, "failed": 0, "fallbacks": 0, "mean": None, "latency": None, "cost": 0.0}
    found = tally.arms[name]
    return {
        "arm": name,
        "total": total,
        "ok": found.ok,
        "failed": found.failed,
        "fallbacks": found.fallbacks,
        "mean": found.mean(),
        "latency": found.latency(),
        "cost": found.cost,
    }


def _differences(alpha: float, planned: int, tally: RunTally | None) -> list[Facts]:
    """Return each treatment's running difference; of several arms each is at its share of alpha, as in the analysis."""
    if tally is None:
        return []
    confidence = 1 - alpha / max(len(tally.differences), 1)
    return [_difference(arm, known, planned, confidence) for arm, known in tally.differences.items()]


def _difference(arm: str, known: list[float], planned: int, confidence: float) -> Facts:
    if len(known) < _FEWEST:
        return {"arm": arm, "cases": len(known), "planned": planned, "confidence": confidence, "shown": None, "trail": []}
    looks = monitor(known, planned=max(planned, _FEWEST), confidence=confidence)
    places = _places(len(looks.cases))
    trail = [
        [int(looks.cases[at]), float(looks.means[at]), _finite(float(looks.lows[at])), _finite(float(looks.highs[at]))]
        for at in places
    ]
    shown = looks.stopped_at
    return {
        "arm": arm,
        "cases": len(known),
        "planned": planned,
        "confidence": confidence,
        "shown": shown,
        "trail": trail,
    }


def _places(count: int) -> list[int]:
    """Return the looks that are drawn: all of them, or evenly chosen ones with the last."""
    if count <= _POINTS:
        return list(range(count))
    return sorted({round(place * (count - 1) / (_POINTS - 1)) for place in range(_POINTS)})


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None


def _errors(tally: RunTally | None) -> list[Facts]:
    if tally is None:
        return []
    ranked = sorted(tally.errors.items(), key=lambda each: (-each[1], each[0]))[:_ERRORS]
    return [{"arm": arm, "text": visible(text), "count": count} for (arm, text), count in ranked]
