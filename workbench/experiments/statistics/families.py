"""Several comparisons at once: over metrics, of arms against a control, of all pairs. Who looks often finds by chance.

Holm keeps the probability of any false finding at the level, Benjamini and Hochberg the share of false ones among the findings.
Sources: Holm (1979), Scand. J. Stat. 6, 65-70; Benjamini, Hochberg (1995), J. R. Stat. Soc. B 57, 289-300.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import TYPE_CHECKING, Any, Literal

from workbench.dialogue.baselines.intervals import holm, scipy_stats
from workbench.experiments.statistics.comparison import Comparison, compare
from workbench.experiments.statistics.observations import Metric, NoSpreadError, StatisticsError

if TYPE_CHECKING:
    import pandas as pd

Correction = Literal["holm", "benjamini-hochberg"]


@dataclass(frozen=True, slots=True)
class Refusal:
    """A comparison that the data do not allow, and why.

    Attributes:
        metric: what was to be compared.
        control: like `treatment`, an arm's name.
        reason: what is wrong.
        hint: the way out.
        identical: whether both arms came out the same in every case, so that there is no difference to test.
    """

    metric: Metric
    control: str
    treatment: str
    reason: str
    hint: str
    identical: bool


@dataclass(frozen=True, slots=True)
class Finding:
    """A comparison among others.

    Attributes:
        comparison: by itself; its interval and p do not know of the others.
        p: adjusted for all that were looked at together.
    """

    comparison: Comparison
    p: float

    @property
    def better(self) -> bool:
        """Whether treatment is shown to be better, all looked at together."""
        return self.p < self.comparison.alpha and self.comparison.better

    @property
    def worse(self) -> bool:
        """Whether treatment is shown to be worse, all looked at together."""
        return self.p < self.comparison.alpha and self.comparison.worse


@dataclass(frozen=True, slots=True)
class Family:
    """Comparisons that were looked at together.

    Attributes:
        findings: in the order asked for.
        refusals: comparisons that the data do not allow; the others stand.
        correction: how the p-values were adjusted.
    """

    findings: tuple[Finding, ...]
    refusals: tuple[Refusal, ...]
    correction: Correction

    @property
    def frame(self) -> pd.DataFrame:
        """One row a comparison."""
        import pandas as pd

        return pd.DataFrame([_row(finding) for finding in self.findings])


def compare_metrics(
    frame: pd.DataFrame,
    metrics: Sequence[Metric],
    *,
    control: str,
    treatment: str,
    correction: Correction = "holm",
    **options: Any,
) -> Family:
    """Compare two arms on several metrics.

    Args:
        frame: as for `compare`.
        metrics: to look at together.
        control: the arm that is there already.
        treatment: the arm that might take its place.
        correction: of the p-values.
        options: of `compare`.

    Raises:
        StatisticsError: no metric is named.
    """
    return _family(frame, [(metric, control, treatment) for metric in metrics], correction, options)


def compare_arms(
    frame: pd.DataFrame,
    metric: Metric,
    *,
    control: str | None = None,
    correction: Correction = "holm",
    **options: Any,
) -> Family:
    """Compare more than two arms on one metric: each against `control`, or all pairs if it is None.

    Args:
        frame: as for `compare`, of any number of arms.
        metric: to look at.
        control: the arm that is there already.
        correction: of the p-values.
        options: of `compare`.

    Raises:
        StatisticsError: there are fewer than two arms, or the control is none of them.
    """
    if "arm" not in frame.columns:
        raise StatisticsError("the table has no column arm", hint="Say in it which arm a row belongs to.")
    arms = list(frame["arm"].dropna().unique())
    if control is not None and control not in arms:
        raise StatisticsError(f"the table has no arm {control}", hint=f"Its arms: {', '.join(map(str, arms)) or 'none'}.")
    pairs = combinations(arms, 2) if control is None else ((control, arm) for arm in arms if arm != control)
    return _family(frame, [(metric, one, other) for one, other in pairs], correction, options)


def adjusted(p_values: Sequence[float], correction: Correction = "holm") -> tuple[float, ...]:
    """Return p-values adjusted for all being looked at together, in the order given.

    >>> adjusted([0.01, 0.04, 0.03]), adjusted([0.02, 0.04, 0.03], "benjamini-hochberg")
    ((0.03, 0.06, 0.06), (0.04, 0.04, 0.04))
    """
    if bad := [p for p in p_values if not 0 <= p <= 1]:
        raise StatisticsError(f"{bad[0]} is no p-value", hint="It lies between 0 and 1.")
    if correction not in {"holm", "benjamini-hochberg"}:
        raise StatisticsError(f"there is no correction {correction!r}", hint="Say holm or benjamini-hochberg.")
    if not p_values:
        return ()
    if correction == "holm":
        return tuple(holm(p_values))
    return tuple(scipy_stats().false_discovery_control(p_values, method="bh").tolist())


def attempt(frame: pd.DataFrame, metric: Metric, control: str, treatment: str, **options: Any) -> Comparison | Refusal:
    """Compare two arms, and return the reason where that cannot be done."""
    try:
        return compare(frame, metric, control=control, treatment=treatment, **options)
    except StatisticsError as error:
        identical = isinstance(error, NoSpreadError) and error.identical
        return Refusal(metric, control, treatment, error.message, error.hint or "", identical)


def _family(
    frame: pd.DataFrame, asked: Iterable[tuple[Metric, str, str]], correction: Correction, options: dict[str, Any]
) -> Family:
    tried = [attempt(frame, *question, **options) for question in asked]
    if not tried:
        raise StatisticsError("there is nothing to compare", hint="Name at least one metric and two arms.")
    done = [found for found in tried if isinstance(found, Comparison)]
    together = adjusted([found.p for found in done], correction)
    return Family(
        findings=tuple(Finding(found, p) for found, p in zip(done, together, strict=True)),
        refusals=tuple(found for found in tried if isinstance(found, Refusal)),
        correction=correction,
    )


def _row(finding: Finding) -> dict[str, Any]:
    found = finding.comparison
    return {
        "metric": found.metric.name,
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
        "g": found.effect.g if found.effect else None,
        "better": finding.better,
        "worse": finding.worse,
    }
