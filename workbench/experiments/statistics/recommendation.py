"""Should the treatment be merged? One table decides, and this is the only place that holds it.

| | |
|---|---|
| REJECT | something is shown worse, or nothing is better and every gain that would matter is ruled out |
| STRONG MERGE | quality is shown better, and so is a price (latency, cost) |
| MERGE | quality is shown better, every price not worse |
| CONDITIONAL MERGE | a price is shown better, quality not worse |
| NEEDS MORE DATA | anything else |

The first line that holds counts, so a significant change in the wrong direction never recommends a merge, however small it is
and whatever else is gained. A better treatment never fares worse: where cases and their spread stay the same, a larger gain
never moves the answer down the order REJECT, NEEDS MORE DATA, CONDITIONAL MERGE, MERGE, STRONG MERGE.

Better quality is not enough where it is binary, fewer than ten pairs differ, and McNemar's exact test does not show it: t is
not to be trusted there. What would be MERGE then needs more data; STRONG MERGE does so, too, or is the CONDITIONAL MERGE that
its price is by itself.

Better is a two-sided test at `alpha`, for prices adjusted after Holm, because one of several is enough. Not worse and no gain
are one-sided tests against the margin; not worse needs no adjustment, because all must hold.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from workbench.dialogue.baselines.intervals import holm
from workbench.experiments.statistics.comparison import Comparison
from workbench.experiments.statistics.equivalence import equivalence
from workbench.experiments.statistics.families import Refusal
from workbench.experiments.statistics.observations import Metric, StatisticsError
from workbench.experiments.statistics.power import sample_size


class Verdict(StrEnum):
    """What to do with the treatment."""

    REJECT = "REJECT"
    NEEDS_MORE_DATA = "NEEDS MORE DATA"
    CONDITIONAL_MERGE = "CONDITIONAL MERGE"
    MERGE = "MERGE"
    STRONG_MERGE = "STRONG MERGE"

    @property
    def merges(self) -> bool:
        """Whether it recommends a merge of any kind."""
        return self.value.endswith("MERGE")


@dataclass(frozen=True, slots=True)
class Evidence:
    """What one metric shows.

    Attributes:
        metric: that was compared.
        better: shown better.
        worse: shown worse.
        not_worse: shown worse by less than the margin, or not at all.
        no_gain: shown better by less than the margin, or not at all.
        cases: of each arm that would tell, with 80 % power; None if the question is settled or the data allow no estimate.
        text: in words.
        doubt: why it is not to be trusted that it is better; None where it is.
    """

    metric: Metric
    better: bool
    worse: bool
    not_worse: bool
    no_gain: bool
    cases: int | None
    text: str
    doubt: str | None = None


@dataclass(frozen=True, slots=True)
class Recommendation:
    """What to do, and what it rests on.

    Attributes:
        verdict: what to do.
        reason: in a sentence.
        quality: what the primary metric shows.
        prices: what latency, cost and the like show.
        cases: of each arm in all that would settle it; None unless more data are needed and can be estimated.
        cautions: what to bear in mind, in words.
    """

    verdict: Verdict
    reason: str
    quality: Evidence
    prices: tuple[Evidence, ...]
    cases: int | None
    cautions: tuple[str, ...]

    @property
    def text(self) -> str:
        """The recommendation in words, with the figures that it rests on."""
        lines = [f"{self.verdict}: {self.reason}", *(f"- {found.text}" for found in (self.quality, *self.prices))]
        return "\n".join([*lines, *(f"! {caution}" for caution in self.cautions)])


def recommend(quality: Comparison | Refusal, prices: Sequence[Comparison | Refusal] = ()) -> Recommendation:
    """Return what the results recommend.

    Args:
        quality: the primary metric, with a margin.
        prices: latency, cost and the like, each with a margin. What could not be compared (`families.attempt`) is no
            evidence, unless both arms came out the same in every case.

    Raises:
        StatisticsError: a metric has no margin, is given twice, or compares other arms.
    """
    every = (quality, *prices)
    _require_same_arms(every)
    compared = [found for found in prices if isinstance(found, Comparison)]
    adjusted = dict(zip(map(id, compared), holm([found.p for found in compared]), strict=True))
    first = _evidence(quality, None)
    rest = tuple(_evidence(price, adjusted.get(id(price))) for price in prices)
    verdict, reason = _decide(first, rest)
    undecided = verdict is Verdict.NEEDS_MORE_DATA
    cases = max((found.cases for found in (first, *rest) if found.cases), default=None) if undecided else None
    if cases:
        reason += f" Some {cases} cases of each arm in all would tell."
    cautions = [
        f"{found.metric.name}: {warning}" for found in every if isinstance(found, Comparison) for warning in found.warnings
    ]
    return Recommendation(verdict, reason, first, rest, cases, tuple(cautions))


def _decide(  # noqa: PLR0911 - a line of the table a return
    quality: Evidence, prices: Sequence[Evidence]
) -> tuple[Verdict, str]:
    every = (quality, *prices)
    gains = _names(found for found in prices if found.better)
    if any(found.worse for found in every):
        gained = _names(found for found in every if found.better)
        weighed = f" Whether better {gained} is worth it is for you to decide." if gained else ""
        return Verdict.REJECT, f"shown worse in {_names(found for found in every if found.worse)}.{weighed}"
    if all(found.no_gain for found in every) and not any(found.better for found in every):
        return Verdict.REJECT, "no gain that would matter, in anything."
    if quality.better and quality.doubt is not None:
        if gains and quality.not_worse:
            return (
                Verdict.CONDITIONAL_MERGE,
                f"shown better in {gains}, and not worse in {quality.metric.name}: {quality.doubt}.",
            )
        return Verdict.NEEDS_MORE_DATA, f"{quality.doubt}."
    if quality.better and gains:
        return Verdict.STRONG_MERGE, f"shown better in {quality.metric.name} and in {gains}."
    if quality.better and all(found.not_worse for found in prices):
        return Verdict.MERGE, f"shown better in {quality.metric.name}, and not worse in anything else."
    if gains and quality.not_worse:
        return Verdict.CONDITIONAL_MERGE, f"shown better in {gains}, and not worse in {quality.metric.name}."
    open_questions = [found for found in every if not (found.better or (found.not_worse and found.no_gain))]
    return Verdict.NEEDS_MORE_DATA, f"the data do not settle {_names(open_questions)}."


def _evidence(found: Comparison | Refusal, p: float | None) -> Evidence:
    """Return what a metric shows; `p` is adjusted for the others, None if there are none."""
    if isinstance(found, Refusal):
        same = found.identical
        says = "the same in every case" if same else f"{found.reason}. {found.hint}"
        return Evidence(
            found.metric,
            better=False,
            worse=False,
            not_worse=same,
            no_gain=same,
            cases=None,
            text=f"{found.metric.name}: {says.rstrip('.')}.",
        )
    held = equivalence(found)
    better = found.better and (found.p if p is None else p) < found.alpha
    settled = better or found.worse or (held.not_worse and held.no_gain)
    shown = [
        word
        for word, holds in (
            ("better", better),
            ("worse", found.worse),
            ("not worse by the margin", held.not_worse and not better and not found.worse),
            ("no gain of the margin", held.no_gain),
        )
        if holds
    ]
    doubt = _doubt(found) if better else None
    text = f"{found.text} Margin {held.margin:g}: {'shown ' + ', '.join(shown) if shown else 'nothing shown'}."
    cases = None if settled and doubt is None else _needed(found)
    return Evidence(found.metric, better, found.worse, held.not_worse, held.no_gain, cases, text, doubt)


def _doubt(found: Comparison) -> str | None:
    """Return why a better result is not to be trusted; None where it is."""
    pairs = found.checks.mcnemar
    if pairs is None or not pairs.few or pairs.p < found.alpha:
        return None
    exact = f"McNemar's exact test (p = {pairs.p:.3g}) does not show {found.metric.name} better"
    return f"{exact}, and with {pairs.differ} pairs that differ t is not to be trusted"


def _needed(found: Comparison) -> int | None:
    """Return the cases that show a difference of the margin, and twice those at hand where these should have been enough."""
    try:
        planned = sample_size(found.spread, equivalence(found).margin, alpha=found.alpha)
    except StatisticsError:  # the margin is so small beside the spread that no number would do
        return None
    return max(planned, 2 * min(found.cases))


def _names(found: Iterable[Evidence]) -> str:
    return " and ".join(evidence.metric.name for evidence in found)


def _require_same_arms(every: Sequence[Comparison | Refusal]) -> None:
    arms = {(found.control, found.treatment) for found in every}
    if len(arms) > 1:
        raise StatisticsError("the comparisons are of different arms", hint="Recommend on one control and one treatment.")
    names = [found.metric.name for found in every]
    if twice := [name for name in names if names.count(name) > 1]:
        raise StatisticsError(f"{twice[0]} is given twice", hint="Give every metric once.")
