"""The paragraph on methods: what was compared, by which tests and why, with which corrections, and what computed it.

It is a list of parts, texts and references, so that every format can cite in its own way.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING, Final, TypeAlias

from workbench.experiments.report import references as cite
from workbench.experiments.report.references import Reference
from workbench.experiments.statistics import Comparison

if TYPE_CHECKING:
    from workbench.experiments.analysis import Analysis

Part: TypeAlias = str | Reference
_WHY: Final[dict[str, tuple[str, tuple[Reference, ...], str]]] = {
    "paired t": (
        "a paired t test on case means",
        (cite.STUDENT,),
        "because both arms answered the same cases",
    ),
    "Welch": (
        "Welch's t test on case means",
        (cite.WELCH,),
        "because the arms did not answer the same cases and may differ in spread",
    ),
    "Bonett-Price": (
        "the adjusted Wald interval for paired proportions",
        (cite.BONETT_PRICE,),
        "because all pairs came out alike",
    ),
    "Agresti-Caffo": (
        "the adjusted interval for two proportions",
        (cite.AGRESTI_CAFFO,),
        "because all cases of each arm came out alike",
    ),
}


def methods_of(analysis: Analysis) -> tuple[Part, ...]:
    """Return the paragraph."""
    return (
        *_design(analysis),
        *_tests(analysis),
        *_corrections(analysis),
        *_margins(analysis),
        *_checks(analysis),
        *_computed(),
    )


def plain(parts: Sequence[Part]) -> str:
    """Return the paragraph as text, works cited by name and year."""
    return "".join(part if isinstance(part, str) else f"({part.short})" for part in parts).replace(") (", "; ")


def software() -> tuple[tuple[str, str], ...]:
    """Return names and versions of what computed the analysis."""
    import platform

    names = ("dialogue-workbench", "numpy", "pandas", "scipy", "statsmodels")
    return (("Python", platform.python_version()), *((name, _version(name)) for name in names))


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:  # it runs from a folder that was never installed
        return "unknown"


def _design(analysis: Analysis) -> Iterator[Part]:
    plan, primary = analysis.plan, analysis.primary
    arms = ", ".join(analysis.treatments)
    repeats = _repeats(analysis)
    yield f"We compared {arms} with the control {plan.control} on {max(facts.cases for facts in analysis.arms):,} cases"
    yield f", each answered up to {repeats} times by each arm" if repeats > 1 else ""
    yield f". The primary metric was {primary.name} ({primary.better} is better"
    yield f"; the smallest difference that matters was {primary.margin:g})" if primary.margin is not None else ")"
    others = ", ".join(f"{metric.name} ({metric.better} is better)" for metric in analysis.metrics[1:])
    yield f"; further metrics were {others}. " if others else ". "
    if analysis.seal is not None:
        yield "The plan was sealed before the run. "
    if repeats > 1:
        yield "Repeats of a case are not independent, so they were averaged before any test. "


def _tests(analysis: Analysis) -> Iterator[Part]:
    by_method: dict[str, list[str]] = {}
    for finding in analysis.findings:
        names = by_method.setdefault(finding.comparison.estimate.method, [])
        if finding.comparison.metric.name not in names:
            names.append(finding.comparison.metric.name)
    for method, names in by_method.items():
        what, works, why = _WHY[method]
        yield f"For {_listed(names)}, means were compared by {what} "
        yield from works
        yield f", {why}. "
    if analysis.findings:
        yield f"Intervals have a confidence of {100 * (1 - analysis.plan.alpha):.3g}%; effect sizes are Hedges' g "
        yield cite.HEDGES
        if any(finding.comparison.paired for finding in analysis.findings):
            yield ", with intervals for paired data where cases are shared "
            yield cite.BONETT
        yield ". "


def _corrections(analysis: Analysis) -> Iterator[Part]:
    if not analysis.findings:
        return
    holm = analysis.plan.correction == "holm"
    yield "P-values were adjusted after "
    yield "Holm " if holm else "Benjamini and Hochberg "
    yield cite.HOLM if holm else cite.BENJAMINI_HOCHBERG
    yield ", those of the primary metric over arms, those of the other metrics over metrics and arms. "
    if (count := len(analysis.treatments)) > 1:
        level = analysis.plan.alpha / count
        yield f"As {count} arms were set against the control, each was recommended at a level of {level:.2g} (Bonferroni). "


def _margins(analysis: Analysis) -> Iterator[Part]:
    stated = [f"{metric.name} {metric.margin:g}" for metric in analysis.metrics if metric.margin is not None]
    if stated:
        yield "That an arm is not worse, or the same, was tested by two one-sided tests "
        yield cite.SCHUIRMANN
        yield f" against margins ({', '.join(stated)}). "


def _checks(analysis: Analysis) -> Iterator[Part]:
    found = [finding.comparison for finding in analysis.findings]
    if not found:
        return
    yield "Results were checked by "
    yield from _ranks(found)
    yield ", by studentised permutation "
    yield cite.JANSSEN
    if any(each.checks.mcnemar for each in found):
        yield ", by McNemar's exact test "
        yield cite.MCNEMAR
    yield " and by BCa bootstrap intervals "
    yield cite.EFRON
    yield f" ({analysis.resamples:,} resamples of the primary metric, seed {analysis.seed}). "


def _ranks(found: Sequence[Comparison]) -> Iterator[Part]:
    kinds = {each.paired for each in found}
    if True in kinds:
        yield "the Wilcoxon signed-rank test "
        yield cite.WILCOXON
    if len(kinds) > 1:
        yield " or "
    if False in kinds:
        yield "the Mann-Whitney test "
        yield cite.MANN_WHITNEY


def _computed() -> Iterator[Part]:
    known = dict(software())
    yield f"Statistics were computed with SciPy {known['scipy']} "
    yield cite.SCIPY
    yield f" and statsmodels {known['statsmodels']} "
    yield cite.STATSMODELS
    yield "."


def _repeats(analysis: Analysis) -> int:
    return int(analysis.observations.groupby(["case", "arm"], observed=True, sort=False).size().max())


def _listed(names: Sequence[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"
