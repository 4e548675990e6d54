"""How many cases it takes, from a pilot: a run of some twenty cases tells how far cases differ and what they cost."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from workbench.dialogue.export.facts import money
from workbench.experiments.plan import Plan
from workbench.experiments.statistics.observations import Metric, StatisticsError, sample
from workbench.experiments.statistics.power import Spread, minimum_detectable, power, sample_size

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pandas as pd


@dataclass(frozen=True, slots=True)
class Size:
    """What it takes to compare one arm with the control.

    Attributes:
        control: like `treatment`, an arm's name.
        pilot: cases of the pilot that both arms answered.
        difference: that is to be shown: the plan's margin, else what the pilot could just show; None if nothing can be said.
        needed: cases that show it with the plan's power.
        power: with which the pilot, or `plan.cases`, shows it.
        detectable: the smallest difference that so many cases show with the plan's power.
        cases: that `power` and `detectable` are about.
        problem: why the pilot does not tell; None if it does.
    """

    control: str
    treatment: str
    pilot: int
    cases: int
    difference: float | None = None
    needed: int | None = None
    power: float | None = None
    detectable: float | None = None
    problem: str | None = None

    def text(self, metric: Metric, plan: Plan) -> str:
        """Return it in words."""
        if self.problem is not None or self.difference is None:
            return f"{self.treatment} beside {self.control}: {self.problem}"
        said = (
            f"{self.treatment} beside {self.control}: {self.cases} cases show a difference of {self.detectable:.3g} in "
            f"{metric.name} with a power of {plan.power:.0%}"
        )
        if plan.margin is None:
            return f"{said}. The plan has no margin: state the smallest difference that matters to learn how many it takes."
        return f"{said}, and the margin of {plan.margin:g} with {self.power:.0%}; it takes {self.needed:,} cases to show that."


@dataclass(frozen=True, slots=True)
class Sizing:
    """What an experiment takes, by its pilot.

    Attributes:
        metric: the primary one.
        plan: of the experiment.
        sizes: one for each treatment.
        cost_of_case: USD of one case in all arms and repeats; None is unknown.
        seconds_of_case: that models work on one case in all arms and repeats.
    """

    metric: Metric
    plan: Plan
    sizes: tuple[Size, ...]
    cost_of_case: float | None
    seconds_of_case: float | None

    @property
    def needed(self) -> int | None:
        """Cases that show the margin for every treatment; None if that is not known."""
        known = [size.needed for size in self.sizes]
        return max((n for n in known if n is not None), default=None) if None not in known else None

    @property
    def cost(self) -> float | None:
        """USD that so many cases are expected to cost."""
        return None if self.needed is None or self.cost_of_case is None else self.needed * self.cost_of_case

    @property
    def text(self) -> str:
        """All of it in words."""
        lines = [size.text(self.metric, self.plan) for size in self.sizes]
        if self.cost_of_case is not None:
            whole = f"; {self.needed:,} cases, {money(self.cost)}" if self.cost is not None else ""
            lines.append(f"A case in all arms costs {money(self.cost_of_case)}{whole}.")
        return "\n".join(lines)

    def __repr__(self) -> str:
        return self.text

    def _repr_markdown_(self) -> str:
        return "\n".join(f"- {line}" for line in self.text.split("\n"))


def sizing(pilot: pd.DataFrame, metrics: Sequence[Metric], plan: Plan) -> Sizing:
    """Return what it takes to show the plan's margin, by a pilot.

    Args:
        pilot: observations, as `Experiment.results` has them.
        metrics: of the experiment.
        plan: names the primary metric, the control, the margin, the level and the power.
    """
    metric = next(each for each in metrics if each.name == plan.primary)
    treatments = [arm for arm in dict.fromkeys(pilot["arm"]) if arm != plan.control]
    cases = max(int(pilot["case"].nunique()), 1)
    return Sizing(
        metric,
        plan,
        tuple(_size(pilot, metric, plan, arm) for arm in treatments),
        _of_a_case(pilot, "cost", cases),
        _of_a_case(pilot, "latency", cases),
    )


def _size(pilot: pd.DataFrame, metric: Metric, plan: Plan, treatment: str) -> Size:
    cases = plan.cases or int(pilot["case"].nunique())
    alpha, target = plan.alpha, plan.power
    try:
        found = sample(pilot, metric, plan.control, treatment)
        size = Size(plan.control, treatment, len(found.control), cases)
        spread = Spread.of(found)
        detectable = minimum_detectable(spread, cases, target=target, alpha=alpha)
        wanted = plan.margin or detectable
        needed = sample_size(spread, wanted, target=target, alpha=alpha)
        reached = power(spread, cases, wanted, alpha=alpha)
    except StatisticsError as error:
        hint = f" {error.hint}" if error.hint else ""
        return Size(plan.control, treatment, 0, cases, problem=f"{error.message}.{hint}")
    return Size(size.control, treatment, size.pilot, cases, wanted, needed, reached, detectable)


def _of_a_case(pilot: pd.DataFrame, column: str, cases: int) -> float | None:
    total = float(pilot[column].sum(min_count=1))
    return None if math.isnan(total) else total / cases
