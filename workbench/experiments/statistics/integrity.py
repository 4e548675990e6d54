"""Can the comparison be trusted at all? Did each arm get its share of cases, and what did fallbacks do to it?"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from workbench.dialogue.baselines.intervals import scipy_stats
from workbench.experiments.statistics.comparison import Comparison, compare
from workbench.experiments.statistics.families import Refusal, attempt
from workbench.experiments.statistics.observations import Metric, StatisticsError

if TYPE_CHECKING:
    import pandas as pd

SUSPICIOUS: Final = 0.001
"""Level of the sample-ratio check: looked at in every experiment, it should seldom cry wolf."""


@dataclass(frozen=True, slots=True)
class SampleRatio:
    """Whether the arms got the share of cases that the plan gives them.

    Attributes:
        counts: cases of each arm.
        expected: cases that the plan would have given it.
        p: of chance alone doing this.
    """

    counts: Mapping[str, int]
    expected: Mapping[str, float]
    p: float

    @property
    def suspicious(self) -> bool:
        """Whether something other than chance chose the arms."""
        return self.p < SUSPICIOUS

    @property
    def text(self) -> str:
        """The check in words."""
        shares = ", ".join(f"{arm} {count} of {self.expected[arm]:.4g} expected" for arm, count in self.counts.items())
        if self.suspicious:
            return f"The arms did not get their share (p = {self.p:.2g}): {shares}. Find out why before you read any result."
        return f"The arms got their share (p = {self.p:.2g}): {shares}."


def sample_ratio(counts: Mapping[str, int], plan: Mapping[str, float] | None = None) -> SampleRatio:
    """Check that each arm got its share of cases, with a chi-square test.

    Args:
        counts: cases of each arm.
        plan: weight of each arm; by default all the same.

    Source: Fabijan et al. (2019), Diagnosing sample ratio mismatch in online controlled experiments, KDD.

    Raises:
        StatisticsError: there are fewer than two arms, no cases, or the plan names others.

    >>> sample_ratio({"a": 500, "b": 510}).suspicious, sample_ratio({"a": 500, "b": 700}).suspicious
    (False, True)
    """
    weights = dict.fromkeys(counts, 1.0) if plan is None else {arm: float(weight) for arm, weight in plan.items()}
    if weights.keys() != counts.keys() or not all(0 < weight < float("inf") for weight in weights.values()):
        raise StatisticsError("the plan does not give every arm a share above 0", hint=f"Arms: {', '.join(counts) or 'none'}.")
    total = sum(counts.values())
    if len(counts) < 2 or total < 1 or min(counts.values()) < 0:  # noqa: PLR2004 - one arm has all there is
        raise StatisticsError("there is no ratio to check", hint="It takes two arms and some cases.")
    expected = {arm: total * weights[arm] / sum(weights.values()) for arm in counts}
    p = float(scipy_stats().chisquare(list(counts.values()), list(expected.values())).pvalue)
    return SampleRatio(dict(counts), expected, p)


@dataclass(frozen=True, slots=True)
class Protocols:
    """The comparison with and without what fallbacks served.

    Attributes:
        intention_to_treat: every observation counts for the arm that was asked: what a user of that arm gets.
        per_protocol: only what the arm served itself: what the arm can do. It may flatter: fallbacks serve the hard cases.
        fallbacks: share of observations of control and treatment that a fallback served.
    """

    intention_to_treat: Comparison
    per_protocol: Comparison | Refusal
    fallbacks: tuple[float, float]

    @property
    def agree(self) -> bool:
        """Whether both find the same."""
        one, other = self.intention_to_treat, self.per_protocol
        return isinstance(other, Comparison) and (one.better, one.worse) == (other.better, other.worse)

    @property
    def text(self) -> str:
        """Both in words."""
        one, other = self.intention_to_treat, self.per_protocol
        served = f"Fallbacks served {self.fallbacks[0]:.0%} of {one.control} and {self.fallbacks[1]:.0%} of {one.treatment}."
        if isinstance(other, Refusal):
            return f"{served}\nAs asked: {one.text}\nWithout fallbacks: {other.reason}. {other.hint}"
        verdict = "Both find the same." if self.agree else "They do not find the same: the fallbacks decide."
        return f"{served} {verdict}\nAs asked: {one.text}\nWithout fallbacks: {other.text}"


def by_protocol(
    frame: pd.DataFrame, metric: Metric, *, control: str, treatment: str, fallback: str = "fallback", **options: Any
) -> Protocols:
    """Compare two arms as they were asked, and without what fallbacks served.

    Args:
        frame: as for `compare`, with a column that says whether a fallback served.
        metric: to look at.
        control: the arm that is there already.
        treatment: the arm that might take its place.
        fallback: the column's name; True where a fallback served, and missing means that none did.
        options: of `compare`.

    Raises:
        StatisticsError: there is no such column, or the comparison as asked cannot be made.
    """
    if fallback not in frame.columns:
        there = ", ".join(map(str, frame.columns)) or "none"
        raise StatisticsError(f"the table has no column {fallback}", hint=f"Its columns: {there}.")
    served = frame[fallback].eq(True).fillna(value=False).astype(bool)  # noqa: FBT003 - pandas compares by element
    whole = compare(frame, metric, control=control, treatment=treatment, **options)
    shares = tuple(float(served[frame["arm"] == arm].mean()) for arm in (control, treatment))
    return Protocols(whole, attempt(frame.loc[~served], metric, control, treatment, **options), (shares[0], shares[1]))
