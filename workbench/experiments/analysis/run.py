"""From observations to an analysis, in the order of a careful reader: what is there, what differs, whether to believe it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import combinations
from typing import TYPE_CHECKING, Any, Final

from workbench.experiments.analysis.departures import departures
from workbench.experiments.analysis.observed import arm_facts, in_order, served_by_fallback
from workbench.experiments.analysis.result import Advice, Analysis, Reached
from workbench.experiments.analysis.words import remarks_on
from workbench.experiments.plan import Plan, Seal
from workbench.experiments.statistics import (
    Comparison,
    Finding,
    Metric,
    Protocols,
    Refusal,
    SampleRatio,
    StatisticsError,
    adjusted,
    attempt,
    minimum_detectable,
    power,
    recommend,
    sample_ratio,
    sample_size,
)
from workbench.experiments.statistics.checks import RESAMPLES

if TYPE_CHECKING:
    import pandas as pd

_FEWER: Final = 5
"""Other metrics than the primary one are resampled so many times less often: there it checks, and decides nothing."""
_ARMS: Final = 2


def analyse(
    observations: pd.DataFrame,
    metrics: Sequence[Metric],
    plan: Plan,
    *,
    arms: Sequence[str] | None = None,
    shares: Mapping[str, float] | None = None,
    all_pairs: bool = False,
    seal: Seal | None = None,
    form: Mapping[str, Any] | None = None,
    resamples: int = RESAMPLES,
    seed: int = 0,
) -> Analysis:
    """Return all that an experiment shows.

    It takes a second or more for each metric and arm with thousands of cases: keep it off an event loop.

    P-values of the primary metric are adjusted over arms, those of all other metrics over metrics and arms. Of several arms,
    each is recommended at `plan.alpha` divided by their number (Bonferroni), so that a false recommendation of any is no
    likelier than with one.

    Args:
        observations: one row a case, arm and repeat, with a column for each metric (NaN where it failed); `status`, `error`,
            `fallback`, `cost` and `started_at` are read where they are there.
        metrics: to compare; the plan's primary one is among them, or a column of its name.
        plan: what decides, and at which level.
        arms: in the order in which they are shown; by default the control, then the others by name.
        shares: weight of each arm in the number of cases; by default all the same.
        all_pairs: whether arms are also compared with one another; recommendations are always against the control.
        seal: of the plan, to find departures from it.
        form: what was run, in the form of the seal.
        resamples: of permutation and bootstrap of the primary metric; of the others a fifth.
        seed: of both.

    Raises:
        StatisticsError: the table has no cases, fewer than two arms, or not the control; or plan and metrics contradict.
        WorkbenchError: SciPy or statsmodels are not installed.
    """
    ordered, names = in_order(observations, plan.control, arms)
    if len(names) < _ARMS:
        raise StatisticsError(f"there is no arm beside {plan.control}", hint="An experiment needs two arms, each with a name.")
    questions = _metrics(metrics, plan, ordered)
    pairs = [(plan.control, name) for name in names[1:]] + (list(combinations(names[1:], 2)) if all_pairs else [])
    options: dict[str, Any] = {"confidence": 1 - plan.alpha, "seed": seed}
    tried = [
        attempt(ordered, metric, *pair, resamples=resamples if not number else max(resamples // _FEWER, 1), **options)
        for number, metric in enumerate(questions)
        for pair in pairs
    ]
    by_question = {(found.metric.name, found.control, found.treatment): found for found in tried}
    beside = [by_question[questions[0].name, plan.control, name] for name in names[1:]]
    facts = tuple(arm_facts(ordered, name, [metric.name for metric in questions]) for name in names)
    analysis = Analysis(
        plan=plan,
        metrics=questions,
        arms=facts,
        findings=_together(tried, questions[0], plan),
        refusals=tuple(found for found in tried if isinstance(found, Refusal)),
        advice=tuple(_advice(name, questions, plan, by_question, len(names) - 1) for name in names[1:]),
        reached=tuple(filter(None, (_reached(found, plan) for found in beside))),
        protocols=tuple(filter(None, (_protocols(ordered, found, resamples, options) for found in beside))),
        ratio=_ratio({each.arm: each.cases for each in facts}, shares),
        seal=seal,
        departures=departures(seal, form, ordered, [metric.name for metric in questions]) if seal else (),
        remarks=(),
        observations=ordered,
        resamples=resamples,
        seed=seed,
    )
    return replace(analysis, remarks=remarks_on(analysis))


def _metrics(metrics: Sequence[Metric], plan: Plan, observations: pd.DataFrame) -> tuple[Metric, ...]:
    """Return the metrics, the primary one first and with the plan's margin."""
    names = [metric.name for metric in metrics]
    if twice := [name for name in names if names.count(name) > 1]:
        raise StatisticsError(f"{twice[0]} is given twice", hint="Give every metric once.")
    primary = next((metric for metric in metrics if metric.name == plan.primary), None)
    if primary is None:
        if plan.primary not in observations.columns:
            there = ", ".join(names) or "none"
            raise StatisticsError(f"the primary metric {plan.primary} was not measured", hint=f"Metrics: {there}.")
        primary = Metric(plan.primary, plan.better, plan.margin)
    if primary.better != plan.better:
        raise StatisticsError(
            f"{primary.name}: the plan says {plan.better} is better, the metric says {primary.better}",
            hint="Say the same in both; what was planned before the run counts.",
        )
    first = replace(primary, margin=primary.margin if plan.margin is None else plan.margin)
    return (first, *(metric for metric in metrics if metric.name != plan.primary))


def _together(tried: Sequence[Comparison | Refusal], primary: Metric, plan: Plan) -> tuple[Finding, ...]:
    """Return comparisons with p adjusted: the primary metric over arms, the others over metrics and arms."""
    done = [found for found in tried if isinstance(found, Comparison)]
    first = [found for found in done if found.metric == primary]
    rest = [found for found in done if found.metric != primary]
    return tuple(
        Finding(found, p)
        for family in (first, rest)
        for found, p in zip(family, adjusted([found.p for found in family], plan.correction), strict=True)
    )


def _advice(
    treatment: str,
    metrics: Sequence[Metric],
    plan: Plan,
    found: Mapping[tuple[str, str, str], Comparison | Refusal],
    count: int,
) -> Advice:
    """Return what to do with one of `count` arms: by the primary metric, and by those prices that have a margin."""
    prices = [metric for metric in metrics[1:] if metric.name in plan.prices and metric.margin is not None]
    quality, *rest = (
        _at(found[metric.name, plan.control, treatment], 1 - plan.alpha / count) for metric in (metrics[0], *prices)
    )
    if metrics[0].margin is None:
        name = metrics[0].name
        reason = f"{name} has no margin, so nobody can say what would matter. State it in the plan, before you look."
        return Advice(treatment, None, reason)
    return Advice(treatment, recommend(quality, rest))


def _at(found: Comparison | Refusal, confidence: float) -> Comparison | Refusal:
    """Return a comparison at another confidence; checks and effect size stay as they are."""
    if isinstance(found, Refusal) or confidence == found.confidence:
        return found
    low, high = found.estimate.interval(confidence)
    return replace(found, confidence=confidence, low=low, high=high)


def _reached(found: Comparison | Refusal, plan: Plan) -> Reached | None:
    if isinstance(found, Refusal):
        return None
    cases, margin = min(found.cases), found.metric.margin
    try:
        detectable = minimum_detectable(found.spread, cases, target=plan.power, alpha=plan.alpha)
        there = None if margin is None else power(found.spread, cases, margin, alpha=plan.alpha)
    except StatisticsError:  # cases without spread
        return None
    return Reached(found.treatment, cases, there, detectable, _needed(found, plan))


def _needed(found: Comparison, plan: Plan) -> int | None:
    if found.metric.margin is None:
        return None
    try:
        return sample_size(found.spread, found.metric.margin, target=plan.power, alpha=plan.alpha)
    except StatisticsError:  # the margin is so small beside the spread that no number would do
        return None


def _protocols(
    observations: pd.DataFrame, found: Comparison | Refusal, resamples: int, options: Mapping[str, Any]
) -> Protocols | None:
    """Return the comparison with and without what fallbacks served; None where they served nothing of either arm."""
    served = served_by_fallback(observations)
    if isinstance(found, Refusal) or served is None:
        return None
    one, other = (float(served[observations["arm"] == arm].mean()) for arm in (found.control, found.treatment))
    if not one and not other:
        return None
    without = attempt(
        observations.loc[~served],
        found.metric,
        found.control,
        found.treatment,
        resamples=max(resamples // _FEWER, 1),
        **options,
    )
    return Protocols(found, without, (one, other))


def _ratio(counts: Mapping[str, int], shares: Mapping[str, float] | None) -> SampleRatio | None:
    return sample_ratio(counts, shares) if sum(counts.values()) else None
