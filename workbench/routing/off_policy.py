"""What another policy would have reached, estimated from a log in which only the chosen model's outcome is known.

With w = π(a|x) / p, the new policy's probability of the logged choice over the logged one, and r the quality:

    IPS    mean of w r                               (Horvitz, Thompson 1952)
    SNIPS  sum of w r over sum of w                  (Swaminathan, Joachims 2015, NeurIPS 28)
    DR     mean of m(x) + w (r - q(x, a))            (Dudík, Langford, Li 2011, ICML)

where q is a regression of quality, and m its mean over the new policy's probabilities.

Effective sample size: (sum of w)² / sum of w² (Kish 1965, Survey sampling). Two rules say when no claim is made:

1. It is below 100. A standard error from n observations is itself uncertain by 1 / sqrt(2(n - 1)): by 7 % at 100, 16 % at 20,
   and by more where the weights are skewed. Owen (2013, Monte Carlo theory, methods and examples, ch. 9.3) says not to trust
   an estimate whose effective size is too small; the number is ours. At 100 no choice has more than a tenth of all weight.
2. The weights' mean, which is 1 if the propensities are right and every choice of the new policy could have been logged, is
   further from 1 than three of its standard errors (the arithmetic mean test of Li, Kim, Zitouni 2015, WSDM). Where the new
   policy does what was never logged there is nothing to learn from.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import NormalDist
from typing import Final

import numpy as np
from numpy.typing import NDArray

from workbench.routing.learned import Learned
from workbench.routing.policy import FREE, Candidate, Constraints, Outcome, Policy, RoutingError, Task

Array = NDArray[np.float64]
LEAST_EFFECTIVE: Final = 100
_FAR: Final = 3.0
_FOLDS: Final = 2


@dataclass(frozen=True, slots=True)
class Logged:
    """A choice of an ordinary log.

    Attributes:
        task: what was to be done.
        candidates: that could have been chosen.
        model: that was.
        propensity: the probability with which it was.
        quality: what it reached.
        constraints: of the choice.
    """

    task: Task
    candidates: Sequence[Candidate]
    model: str
    propensity: float
    quality: float
    constraints: Constraints = FREE


@dataclass(frozen=True, slots=True)
class Value:
    """An estimated mean quality.

    Attributes:
        mean: the estimate.
        se: its standard error.
        low: of an interval of 95 %, like `high`.
    """

    mean: float
    se: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Estimates:
    """What a log says of another policy.

    Attributes:
        logged: choices in the log.
        effective: effective sample size.
        ips: None, like the others, where no claim is made.
        snips: the same, self-normalised.
        dr: doubly robust; None too where no regression was given.
        refused: why no claim is made; None if one is.
    """

    logged: int
    effective: float
    ips: Value | None
    snips: Value | None
    dr: Value | None
    refused: str | None


def estimate(
    quality: Array, propensity: Array, target: Array, *, predicted: Array | None = None, expected: Array | None = None
) -> Estimates:
    """Return the estimates for a log of n choices.

    Args:
        quality: what each logged choice reached.
        propensity: the probability with which it was made.
        target: the probability with which the new policy would have made it.
        predicted: what a regression that has not seen the outcome expected of the logged choice. Leave it out for no DR.
        expected: what it expected of the new policy's choice: its mean over the new policy's probabilities.

    Raises:
        RoutingError: a propensity is not above 0 and at most 1, or the arrays differ in length.
    """
    arrays = [quality, propensity, target, *(array for array in (predicted, expected) if array is not None)]
    if not len(quality) or len({len(array) for array in arrays}) > 1:
        raise RoutingError("a log needs at least one choice, and one number of each kind for every choice")
    if not all(np.isfinite(array).all() for array in arrays) or (propensity <= 0).any() or (propensity > 1).any():
        raise RoutingError(
            "a logged propensity lies outside 0 to 1, or a number is missing",
            hint="Only choices that were logged with the probability of what was chosen can be used.",
        )
    weight = target / propensity
    effective = float(weight.sum() ** 2 / (weight**2).sum()) if weight.any() else 0.0
    if (refused := _refusal(weight, effective)) is not None:
        return Estimates(len(quality), effective, None, None, None, refused)
    normalised = float((weight * quality).sum() / weight.sum())
    snips_se = math.sqrt(float((weight**2 * (quality - normalised) ** 2).sum())) / float(weight.sum())
    robust = None
    if predicted is not None and expected is not None:
        robust = _mean(expected + weight * (quality - predicted))
    return Estimates(len(quality), effective, _mean(weight * quality), _value(normalised, snips_se), robust, None)


def evaluate(log: Sequence[Logged], policy: Policy) -> Estimates:
    """Return what a policy would have reached on a log. The policy is asked, and learns nothing.

    The regression for DR is that of learned routing, fitted on one half of the log for the other: no outcome predicts itself.

    Args:
        log: ordinary choices, with their propensities.
        policy: as it is.

    Raises:
        RoutingError: a propensity is not above 0 and at most 1, or the model is not among the candidates.
    """
    if not log:
        raise RoutingError("the log is empty")
    halves = [_fitted([row for i, row in enumerate(log) if i % _FOLDS != fold]) for fold in range(_FOLDS)]
    target, predicted, expected = np.zeros(len(log)), np.zeros(len(log)), np.zeros(len(log))
    for i, row in enumerate(log):
        shares = policy.choose(row.task, row.candidates, row.constraints).propensities
        known = halves[i % _FOLDS].expected(row.task, row.candidates)
        target[i] = shares.get(row.model, 0.0)
        predicted[i] = known[row.model][0]
        expected[i] = sum(share * known[name][0] for name, share in shares.items())
    quality, propensity = np.array([row.quality for row in log]), np.array([row.propensity for row in log])
    return estimate(quality, propensity, target, predicted=predicted, expected=expected)


def _fitted(log: Sequence[Logged]) -> Learned:
    regression = Learned()
    for row in log:
        chosen = next((candidate for candidate in row.candidates if candidate.name == row.model), None)
        if chosen is None:
            raise RoutingError(f"the log says that {row.model} was chosen, which is not among its candidates")
        regression.learn(Outcome(row.task, chosen, row.quality))
    return regression


def _refusal(weight: Array, effective: float) -> str | None:
    """Return why no claim is made; None if one is."""
    if not weight.any():
        return "the new policy would never have chosen what was logged"
    if effective < LEAST_EFFECTIVE:
        return (
            f"the effective sample size is {effective:.0f}, below {LEAST_EFFECTIVE}: a longer log is needed, or a closer policy"
        )
    spread = float(weight.std(ddof=1)) / math.sqrt(len(weight))
    if abs(float(weight.mean()) - 1) > max(_FAR * spread, 1e-9):
        return (
            f"the weights average {weight.mean():.2f} instead of 1: the propensities are wrong, "
            "or the new policy makes choices that were never logged"
        )
    return None


def _mean(values: Array) -> Value:
    return _value(float(values.mean()), float(values.std(ddof=1)) / math.sqrt(len(values)))


def _value(mean: float, se: float) -> Value:
    reach = NormalDist().inv_cdf(0.975) * se
    return Value(mean, se, mean - reach, mean + reach)
