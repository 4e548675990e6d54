"""An analysis in sentences: what a terminal shows, and what a reader must bear in mind."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

from workbench.dialogue.export.facts import money
from workbench.experiments.statistics import Comparison, Refusal

if TYPE_CHECKING:
    from workbench.experiments.analysis.result import Advice, Analysis, ArmFacts

_SEALED: Final = "The plan was sealed before the run, and kept."


def summary_of(analysis: Analysis) -> str:
    """Return what was found: the recommendation for each arm first, then metrics, arms, and what to bear in mind."""
    lines = [analysis.plan.hypothesis] if analysis.plan.hypothesis else []
    lines += [line for advice in analysis.advice for line in _advice(advice)]
    lines += [
        f"- {finding.comparison.text} Adjusted p = {finding.p:.3g}."
        for finding in analysis.findings
        if _apart(analysis, finding.comparison)
    ]
    lines += [f"- {_refused(refusal)}" for refusal in analysis.refusals if _apart(analysis, refusal)]
    lines += [f"- {arm_text(facts)}" for facts in analysis.arms]
    lines += [f"! {remark}" for remark in analysis.remarks]
    return "\n".join(lines)


def remarks_on(analysis: Analysis) -> tuple[str, ...]:
    """Return what to bear in mind about the experiment as a whole, most important first."""
    return (*_integrity(analysis), *_margins(analysis), *_power(analysis), *_several(analysis))


def arm_text(facts: ArmFacts) -> str:
    """Return in a line what an arm did."""
    parts = [f"{facts.cases} cases", f"{facts.observations} observations"]
    if facts.failed:
        why = "; ".join(f"{text} ({count})" for text, count in facts.errors)
        parts.append(f"{facts.failed} failed" + (f": {why}" if why else ""))
    if facts.fallbacks:
        parts.append(f"{facts.fallbacks} served by a fallback")
    if facts.cost is not None:
        parts.append(money(facts.cost))
    return f"{facts.arm}: {', '.join(parts)}."


def seal_text(analysis: Analysis) -> str:
    """Return whether the plan was sealed, and what became of it."""
    if analysis.seal is None:
        return "The plan was not sealed before the run, so nothing proves that it was made without the results."
    if not analysis.departures:
        return _SEALED
    count = len(analysis.departures)
    return f"The plan was sealed before the run. The experiment departed from it in {count} point{'s' * (count != 1)}."


def _advice(advice: Advice) -> Iterator[str]:
    if advice.recommendation is None:
        yield f"{advice.treatment}: no recommendation. {advice.reason}"
        return
    found = advice.recommendation
    yield f"{advice.treatment}: {found.verdict}: {found.reason}"
    yield from (f"- {evidence.text}" for evidence in (found.quality, *found.prices))
    yield from (f"! {caution}" for caution in cautions_of(advice))


def cautions_of(advice: Advice) -> list[str]:
    """Return what to bear in mind about a recommendation; what holds of several metrics is said once."""
    by_text: dict[str, list[str]] = {}
    if (found := advice.recommendation) is not None:
        names = [evidence.metric.name for evidence in (found.quality, *found.prices)]
        for caution in found.cautions:
            metric = next(name for name in names if caution.startswith(f"{name}: "))
            by_text.setdefault(caution.removeprefix(f"{metric}: "), []).append(metric)
    return [f"{', '.join(metrics)}: {text}" for text, metrics in by_text.items()]


def _apart(analysis: Analysis, found: Comparison | Refusal) -> bool:
    """Whether a comparison is not told with the recommendation."""
    if found.control != analysis.plan.control:
        return True
    advice = next(each for each in analysis.advice if each.treatment == found.treatment)
    if advice.recommendation is None:
        return True
    told = (advice.recommendation.quality, *advice.recommendation.prices)
    return found.metric.name not in {evidence.metric.name for evidence in told}


def _refused(refusal: Refusal) -> str:
    if refusal.identical:
        return f"{refusal.metric.name}: {refusal.treatment} and {refusal.control} came out the same in every case."
    return f"{refusal.reason}. {refusal.hint}"


def _integrity(analysis: Analysis) -> Iterator[str]:
    if analysis.ratio and analysis.ratio.suspicious:
        yield analysis.ratio.text
    yield from (departure.text for departure in analysis.departures)
    for protocols in analysis.protocols:
        yield protocols.text.replace("\n", " ")
    for facts in analysis.arms:
        if facts.failed == facts.observations:
            yield f"All {facts.observations} observations of {facts.arm} failed."


def _margins(analysis: Analysis) -> Iterator[str]:
    measured = {metric.name: metric for metric in analysis.metrics[1:]}
    for name in analysis.plan.prices:
        if name in measured and measured[name].margin is None:
            yield f"{name} has no margin, so no recommendation looks at it. Say which difference would matter."


def _power(analysis: Analysis) -> Iterator[str]:
    plan = analysis.plan
    for reached in analysis.reached:
        if reached.power is not None and round(reached.power, 2) < plan.power:
            more = f"; it takes {reached.needed:,}" if reached.needed else ""
            yield (
                f"{reached.treatment}: {reached.cases:,} cases show a difference of the margin in {reached.power:.0%} of "
                f"experiments, less than the {plan.power:.0%} planned{more}."
            )
    if plan.cases is not None and any(reached.cases < plan.cases for reached in analysis.reached):
        fewest = min(reached.cases for reached in analysis.reached)
        yield f"{plan.cases:,} cases were planned, and {fewest:,} count."


def _several(analysis: Analysis) -> Iterator[str]:
    count = len(analysis.treatments)
    if count > 1:
        level = analysis.plan.alpha / count
        yield f"{count} arms were set against {analysis.plan.control}, so each is recommended at a level of {level:.2g}."
