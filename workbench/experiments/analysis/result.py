"""What an analysis found: nouns only. Figures are computed in `run`, sentences in `words`."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, fields, is_dataclass
from enum import Enum
from functools import cached_property
from typing import TYPE_CHECKING, Any

from workbench.experiments.analysis.departures import Departure
from workbench.experiments.plan import Plan, Seal
from workbench.experiments.statistics import (
    Comparison,
    Finding,
    Metric,
    Protocols,
    Recommendation,
    Refusal,
    SampleRatio,
    Verdict,
)

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, slots=True)
class ArmFacts:
    """What an arm did, whatever is said about its results.

    Attributes:
        arm: its name.
        cases: with an observation.
        observations: in all.
        failed: of them, without any metric.
        fallbacks: of them, served by another model than the one asked for; None if nobody noted it.
        cost: USD of all; None where it is not known.
        errors: how often which failure happened, the commonest first, three at most.
    """

    arm: str
    cases: int
    observations: int
    failed: int
    fallbacks: int | None
    cost: float | None
    errors: tuple[tuple[str, int], ...]


@dataclass(frozen=True, slots=True)
class Reached:
    """What the cases at hand could have shown on the primary metric.

    Attributes:
        treatment: the arm.
        cases: of the arm with fewer.
        power: probability to show a true difference of the margin; None without a margin.
        detectable: the smallest true difference that is shown with the planned power, in the metric's unit.
        needed: cases of each arm at which the planned power is reached; None without a margin, or where no number would do.
    """

    treatment: str
    cases: int
    power: float | None
    detectable: float
    needed: int | None


@dataclass(frozen=True, slots=True)
class Advice:
    """What to do with an arm.

    Attributes:
        treatment: the arm.
        recommendation: None where none can be made.
        reason: why there is none; empty if there is one.
    """

    treatment: str
    recommendation: Recommendation | None
    reason: str = ""

    @property
    def verdict(self) -> Verdict | None:
        """What to do; None where nothing can be recommended."""
        return self.recommendation.verdict if self.recommendation else None


@dataclass(frozen=True, eq=False)
class Analysis:
    """All that an experiment shows. Shown in a notebook as its recommendation with a table; `summary` is the text.

    Attributes:
        plan: that it was made by.
        metrics: the primary one first.
        arms: the control first.
        findings: comparisons that could be made: of the primary metric, then of the others; p adjusted among each of the two.
        refusals: comparisons that the data do not allow, and why.
        advice: for each arm but the control.
        reached: power of the primary metric, for each arm where it can be said.
        protocols: of the primary metric, for each arm where fallbacks served either side.
        ratio: whether arms got their share of cases; None if there is nothing to check.
        seal: of the plan; None if it was not sealed.
        departures: from the sealed plan.
        remarks: what to bear in mind about the experiment as a whole, in words.
        observations: that were analysed, in order.
        resamples: of permutation and bootstrap of the primary metric.
        seed: of both.
    """

    plan: Plan
    metrics: tuple[Metric, ...]
    arms: tuple[ArmFacts, ...]
    findings: tuple[Finding, ...]
    refusals: tuple[Refusal, ...]
    advice: tuple[Advice, ...]
    reached: tuple[Reached, ...]
    protocols: tuple[Protocols, ...]
    ratio: SampleRatio | None
    seal: Seal | None
    departures: tuple[Departure, ...]
    remarks: tuple[str, ...]
    observations: pd.DataFrame
    resamples: int
    seed: int

    @property
    def primary(self) -> Metric:
        """The metric that decides."""
        return self.metrics[0]

    @property
    def treatments(self) -> tuple[str, ...]:
        """Names of the arms that might take the control's place."""
        return tuple(facts.arm for facts in self.arms if facts.arm != self.plan.control)

    def comparison(self, metric: str, treatment: str, control: str | None = None) -> Finding | Refusal | None:
        """Return what was found of a metric and an arm, by default beside the plan's control; None if it was not looked at."""
        wanted = (metric, control or self.plan.control, treatment)
        found = next((each for each in self.findings if _question(each.comparison) == wanted), None)
        return found or next((each for each in self.refusals if _question(each) == wanted), None)

    @cached_property
    def frame(self) -> pd.DataFrame:
        """One row a comparison, also of those that could not be made."""
        from workbench.experiments.analysis.table import frame_of

        return frame_of(self)

    @cached_property
    def summary(self) -> str:
        """What was found, in words."""
        from workbench.experiments.analysis.words import summary_of

        return summary_of(self)

    def to_dict(self) -> dict[str, Any]:
        """Return all figures as JSON values, without the observations."""
        left_out = {"observations", "seal"}
        values = {part.name: _plain(getattr(self, part.name)) for part in fields(self) if part.name not in left_out}
        return values | {"sealed": self.seal.sha256 if self.seal else None}

    def to_json(self) -> str:
        """Return all figures as one JSON text; the same observations and plan give the same text."""
        return json.dumps(self.to_dict(), sort_keys=True, separators=(",", ":"), ensure_ascii=True, allow_nan=False)

    def __repr__(self) -> str:
        return self.summary

    def _repr_mimebundle_(self, include: object = None, exclude: object = None) -> dict[str, str]:  # noqa: ARG002 - IPython's
        from workbench.experiments.report import fragment

        return {"text/plain": self.summary, "text/html": fragment(self)}


def _question(facts: Comparison | Refusal) -> tuple[str, str, str]:
    return facts.metric.name, facts.control, facts.treatment


def _plain(value: Any) -> Any:
    """Return a value as JSON has it; what is not finite has no number there."""
    if is_dataclass(value) and not isinstance(value, type):
        return {part.name: _plain(getattr(value, part.name)) for part in fields(value)}
    if isinstance(value, Mapping):
        return {str(name): _plain(each) for name, each in value.items()}
    if isinstance(value, tuple | list):
        return [_plain(each) for each in value]
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, bool | int | str) or value is None:
        return value
    return float(value) if math.isfinite(value) else None
