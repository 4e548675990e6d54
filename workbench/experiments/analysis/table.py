"""An analysis as a DataFrame, and the one place that says in a word what a comparison has shown."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from workbench.experiments.statistics import Comparison, Finding, Refusal, equivalence

if TYPE_CHECKING:
    import pandas as pd

    from workbench.experiments.analysis.result import Analysis


def verdict_on(finding: Finding) -> str:
    """Return what is shown, all looked at together: better, worse, the same, not worse, no gain, or not shown to differ.

    Better and worse are two-sided and adjusted. The others are one-sided tests against the margin, each at the level of the
    comparison.
    """
    if finding.better or finding.worse:
        return "better" if finding.better else "worse"
    if finding.comparison.metric.margin is not None:
        held = equivalence(finding.comparison)
        for holds, word in ((held.equivalent, "the same"), (held.not_worse, "not worse"), (held.no_gain, "no gain")):
            if holds:
                return word
    return "not shown to differ"


def frame_of(analysis: Analysis) -> pd.DataFrame:
    """Return one row a comparison: those that could be made, then the others with the reason in `shown`."""
    import pandas as pd

    rows = [_found(finding) for finding in analysis.findings]
    return pd.DataFrame([*rows, *map(_refused, analysis.refusals)], columns=list(_COLUMNS))


_COLUMNS = (
    *("metric", "better", "control", "treatment", "cases", "control_mean", "treatment_mean", "difference", "low", "high"),
    *("p", "p_adjusted", "g", "g_low", "g_high", "margin", "p_not_worse", "p_no_gain", "method", "shown"),
)


def _found(finding: Finding) -> dict[str, Any]:
    found: Comparison = finding.comparison
    held = equivalence(found) if found.metric.margin is not None else None
    effect = found.effect
    return {
        "metric": found.metric.name,
        "better": found.metric.better,
        "control": found.control,
        "treatment": found.treatment,
        "cases": min(found.cases),
        "control_mean": found.means[0],
        "treatment_mean": found.means[1],
        "difference": found.difference,
        "low": found.low,
        "high": found.high,
        "p": found.p,
        "p_adjusted": finding.p,
        "g": effect.g if effect else None,
        "g_low": effect.low if effect else None,
        "g_high": effect.high if effect else None,
        "margin": found.metric.margin,
        "p_not_worse": held.p_not_worse if held else None,
        "p_no_gain": held.p_no_gain if held else None,
        "method": found.estimate.method,
        "shown": verdict_on(finding),
    }


def _refused(refusal: Refusal) -> dict[str, Any]:
    shown = "the same in every case" if refusal.identical else f"cannot be compared: {refusal.reason}"
    return {
        "metric": refusal.metric.name,
        "better": refusal.metric.better,
        "control": refusal.control,
        "treatment": refusal.treatment,
        "margin": refusal.metric.margin,
        "shown": shown,
    }
