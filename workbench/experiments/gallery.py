"""Past experiments and what came of each: verdict, effect, cost and date, found again by words.

The verdict is worked out anew from the observations, so that it is always that of the data at hand. It does not depend on
resampling, which is cut short here.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from workbench.errors import WorkbenchError
from workbench.experiments.analysis import analyse
from workbench.experiments.experiment import Experiment
from workbench.experiments.finding import Listed, listed
from workbench.experiments.statistics import Finding

if TYPE_CHECKING:
    from collections.abc import Iterator

    from workbench.dialogue.orchestrator import Orchestrator
    from workbench.experiments.analysis import Analysis

LATEST: Final = 20
"""Runs that are looked at if nobody asks for more; each takes up to a second or so."""
_RESAMPLES: Final = 9


@dataclass(frozen=True, slots=True)
class Exhibit:
    """What came of one arm of a run.

    Attributes:
        run: the run, as a list has it.
        hypothesis: of the plan.
        arm: that was set against the control; empty if nothing can be said of any.
        control: the arm that was there already.
        metric: the primary one.
        verdict: what is recommended; None where nothing is.
        difference: of the primary metric, treatment minus control, with `low` and `high`; None where it cannot be said.
        cases: that count.
        reason: of the verdict, or why there is none.
    """

    run: Listed
    hypothesis: str
    arm: str
    control: str
    metric: str
    verdict: str | None
    difference: float | None
    low: float | None
    high: float | None
    cases: int
    reason: str


def gallery(orchestrator: Orchestrator, words: str = "", limit: int = LATEST) -> list[Exhibit]:
    """Return what came of past runs, the newest first, one for each arm beside the control. Blocks.

    Args:
        orchestrator: whose record has them.
        words: that name, definition, verdict or reason must hold, all of them.
        limit: runs that are looked at, the newest ones.
    """
    wanted = words.casefold().split()
    found = [each for run in _runs(orchestrator, limit) for each in _exhibits(orchestrator, run)]
    defined = {word: {run.id for run in listed(orchestrator.record, word)} for word in wanted}
    return [each for each in found if all(_holds(each, word, defined[word]) for word in wanted)]


def _runs(orchestrator: Orchestrator, limit: int) -> list[Listed]:
    return [run for run in listed(orchestrator.record) if run.run is not None][:limit]


def _holds(exhibit: Exhibit, word: str, defined: set[str]) -> bool:
    return exhibit.run.id in defined or word in f"{exhibit.verdict} {exhibit.reason} {exhibit.arm}".casefold()


def _exhibits(orchestrator: Orchestrator, run: Listed) -> Iterator[Exhibit]:
    experiment = Experiment.load(run.run or "", orchestrator)
    plan = experiment.plan
    try:
        found = analyse(experiment.results, experiment.definition.statistics(), plan, resamples=_RESAMPLES)
    except WorkbenchError as error:
        told = (plan.hypothesis, "", plan.control, plan.primary)
        yield Exhibit(run, *told, None, None, None, None, 0, error.message)
        return
    for arm in found.treatments:
        yield _exhibit(run, found, arm)


def _exhibit(run: Listed, found: Analysis, arm: str) -> Exhibit:
    plan = found.plan
    advice = next(each for each in found.advice if each.treatment == arm)
    finding = found.comparison(plan.primary, arm)
    effect: tuple[float | None, float | None, float | None, int] = (None, None, None, 0)
    if isinstance(finding, Finding):
        compared = finding.comparison
        effect = (compared.difference, compared.low, compared.high, min(compared.cases))
    reason = advice.recommendation.reason if advice.recommendation else advice.reason
    verdict = None if advice.verdict is None else str(advice.verdict)
    return Exhibit(run, plan.hypothesis, arm, plan.control, plan.primary, verdict, *effect, reason)
