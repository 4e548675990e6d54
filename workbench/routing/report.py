"""What a replay found: for each policy its quality and cost, how far it stays behind, and what each price of quality buys.

Errors are standard errors over seeds. A difference is taken seed by seed first, since all policies meet the same stream.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from workbench.routing.frontier import Point, aiq, apgr, price_at
from workbench.routing.replay import Plan, Replayer, Run
from workbench.routing.tables import Outcomes

PRICED: Final = frozenset({"learned", "epsilon", "thompson", "linucb"})
"""Policies that weigh cost against quality, and so have a frontier and not a point."""
_PRICES: Final = (0.001, 0.01, 0.1, 0.3, 1.0, 3.0, 10.0)
"""Prices of quality for a frontier, in mean costs of the best model."""
_NEARLY: Final = 0.95


@dataclass(frozen=True, slots=True)
class Estimate:
    """A mean over seeds, with its standard error; None where there is one seed only."""

    mean: float
    se: float | None


@dataclass(frozen=True, slots=True)
class Frontier:
    """What a policy reaches at different prices of quality.

    Attributes:
        points: willing to pay (None: cost does not count), mean cost, mean quality.
        aiq: between the costs of the cheapest and the dearest model. The cheapest model's point counts as the policy's own:
            choosing it always is within reach of all.
        apgr: None where the cheapest model is also the best.
        nearly: least cost, as a share of the best model's, at which the hull of the points reaches 95 % of its quality; None
            where it does not.
    """

    points: tuple[tuple[float | None, float, float], ...]
    aiq: float
    apgr: float | None
    nearly: float | None


@dataclass(frozen=True, slots=True)
class Summary:
    """One policy.

    Attributes:
        policy: its name.
        quality: mean over the stream.
        cost_usd: mean of a call.
        last_quality: over the last fifth of the stream.
        last_cost_usd: likewise.
        single_quality: of the best single model on the same streams.
        single_cost_usd: likewise.
        regret_single: worth lost per prompt against the best single model; negative if it is passed.
        regret_oracle: against the best model of each prompt.
        gain: in worth per prompt over each other policy.
        frontier: None where it was not asked for.
    """

    policy: str
    quality: Estimate
    cost_usd: Estimate
    last_quality: Estimate
    last_cost_usd: Estimate
    single_quality: Estimate
    single_cost_usd: Estimate
    regret_single: Estimate
    regret_oracle: Estimate
    gain: Mapping[str, Estimate]
    frontier: Frontier | None = None

    @property
    def of_single(self) -> float:
        """Its quality as a share of the best single model's."""
        return self.quality.mean / self.single_quality.mean if self.single_quality.mean else math.inf


@dataclass(frozen=True, slots=True)
class Report:
    """What a replay found."""

    table: str
    prompts: int
    models: tuple[str, ...]
    left_out: str
    features: str
    plan: Plan
    with_replacement: bool
    policies: tuple[Summary, ...] = field(default=())

    def to_dict(self) -> dict[str, Any]:
        """Return it for JSON."""
        found = asdict(self)
        for row, summary in zip(found["policies"], self.policies, strict=True):
            row["of_single"] = summary.of_single
        return found


def compare(
    replayer: Replayer,
    policies: Sequence[str],
    plan: Plan,
    *,
    frontier: bool = True,
    notify: Callable[[str], None] | None = None,
) -> Report:
    """Replay policies on the same streams, and return what was found.

    Args:
        replayer: over a table.
        policies: their names.
        plan: what is replayed.
        frontier: replay those that weigh cost at other prices of quality too.
        notify: told in a line what begins.

    Raises:
        RoutingError: a policy does not exist or cannot choose among these models.
    """
    tell = notify or (lambda _: None)
    runs: dict[str, list[Run]] = {}
    fronts: dict[str, Frontier] = {}
    for policy in dict.fromkeys(policies):
        tell(f"{policy}: {plan.seeds} streams of {plan.length}")
        runs[policy] = replayer.run(policy, plan)
        if frontier:
            fronts[policy] = _frontier(replayer, policy, plan, runs[policy], tell)
    table = replayer.outcomes
    left = len(table.prompts) - round(len(table.prompts) * plan.held_out)
    return Report(
        table.name,
        len(table.prompts),
        table.models,
        table.left_out,
        "task and text" if replayer.kinds is not None and replayer.kinds.embedder is not None else "task",
        plan,
        plan.length > left,
        tuple(_summary(policy, runs, plan, fronts.get(policy)) for policy in runs),
    )


def _summary(policy: str, runs: Mapping[str, Sequence[Run]], plan: Plan, frontier: Frontier | None) -> Summary:
    own = runs[policy]
    worths = {name: [float(_worth(run.quality, run.cost, plan).mean()) for run in those] for name, those in runs.items()}
    single = [float(_worth(run.single_quality, run.single_cost, plan).mean()) for run in own]
    oracle = [float(run.oracle_worth.mean()) for run in own]
    return Summary(
        policy,
        _over([run.quality.mean() for run in own]),
        _over([run.cost.mean() for run in own]),
        _over([_last_fifth(run.quality).mean() for run in own]),
        _over([_last_fifth(run.cost).mean() for run in own]),
        _over([run.single_quality.mean() for run in own]),
        _over([run.single_cost.mean() for run in own]),
        _over(np.subtract(single, worths[policy]).tolist()),
        _over(np.subtract(oracle, worths[policy]).tolist()),
        {name: _over(np.subtract(worths[policy], worth).tolist()) for name, worth in worths.items() if name != policy},
        frontier,
    )


def _frontier(replayer: Replayer, policy: str, plan: Plan, runs: Sequence[Run], tell: Callable[[str], None]) -> Frontier:
    """Replay a policy at other prices of quality."""
    weak, strong, dearest = _ends(replayer.outcomes)
    points = [(plan.willing_to_pay, *_point(runs))]
    if policy in PRICED:
        prices: list[float | None] = [strong[0] * factor for factor in _PRICES if strong[0] > 0]
        for price in [*prices, None]:
            if price != plan.willing_to_pay:
                tell(f"{policy}: willing to pay {'any price' if price is None else f'{price:.2g} USD'}")
                points.append((price, *_point(replayer.run(policy, replace(plan, willing_to_pay=price)))))
    line: list[Point] = [(cost, quality) for _, cost, quality in points]
    reached = price_at([*line, weak], _NEARLY * strong[1])
    return Frontier(
        tuple(points),
        aiq([*line, weak], weak[0], dearest) if dearest > weak[0] else max(q for _, q in [*line, weak]),
        apgr(line, weak, strong),
        None if reached is None or not strong[0] else reached / strong[0],
    )


def _ends(table: Outcomes) -> tuple[Point, Point, float]:
    """Return cost and quality of the cheapest model and of the best, and the cost of the dearest."""
    points = list(zip(table.cost.mean(axis=0).tolist(), table.quality.mean(axis=0).tolist(), strict=True))
    return min(points, key=lambda p: (p[0], -p[1])), max(points, key=lambda p: (p[1], -p[0])), max(points)[0]


def _point(runs: Sequence[Run]) -> Point:
    return float(np.mean([run.cost.mean() for run in runs])), float(np.mean([run.quality.mean() for run in runs]))


def _worth(quality: NDArray[np.float64], cost: NDArray[np.float64], plan: Plan) -> NDArray[np.float64]:
    return quality if plan.willing_to_pay is None else quality - cost / plan.willing_to_pay


def _last_fifth(values: NDArray[np.float64]) -> NDArray[np.float64]:
    return values[-max(len(values) // 5, 1) :]


def _over(values: Sequence[float]) -> Estimate:
    se = float(np.std(values, ddof=1) / math.sqrt(len(values))) if len(values) > 1 else None
    return Estimate(float(np.mean(values)), se)
