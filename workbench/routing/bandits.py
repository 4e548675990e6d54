"""The usual bandits, as baselines for learned routing: each learns of one model at a time, and starts from nothing."""

from __future__ import annotations

import math
import random
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

import numpy as np
from numpy.typing import NDArray

from workbench.routing.costs import Costs
from workbench.routing.declared import certain
from workbench.routing.features import Rows
from workbench.routing.policy import FREE, Candidate, Choice, Constraints, Outcome, Task, admitted

_DRAWS: Final = 256
_UNTRIED: Final = 10.0
"""Counts as the mean of a model that was never tried: above any quality, so that it comes first."""


@dataclass
class EpsilonGreedy:
    """The model with the best mean so far, and now and then any (Sutton, Barto 2018, Reinforcement learning, ch. 2).

    A model that was never tried comes before all others (unless it costs more than any quality is worth).

    Args:
        epsilon: share of choices by lot.
        seed: makes a run repeatable.
    """

    epsilon: float = 0.1
    seed: int = 0
    name: str = "epsilon"
    _sums: dict[str, tuple[int, float]] = field(default_factory=dict, init=False, repr=False)
    _costs: Costs = field(default_factory=Costs, init=False, repr=False)
    _random: random.Random = field(init=False, repr=False)

    def __post_init__(self) -> None:
        self._random = random.Random(self.seed)  # noqa: S311 - a lottery, no secret

    def choose(
        self,
        task: Task,  # noqa: ARG002 - it does not look at the task
        candidates: Sequence[Candidate],
        constraints: Constraints = FREE,
    ) -> Choice:
        """Draw a model."""
        left = admitted(candidates, constraints)
        means = []
        for candidate in left:
            count, total = self._sums.get(candidate.name, (0, 0.0))
            means.append(total / count if count else _UNTRIED)
        scores = _worth(means, self._costs, left, constraints)
        best = [candidate.name for candidate in left if scores[candidate.name] == max(scores.values())]
        shares = {name: self.epsilon / len(left) + (1 - self.epsilon) * (name in best) / len(best) for name in scores}
        chosen = self._random.choices(list(shares), list(shares.values()))[0]
        return Choice(self.name, chosen, scores, shares, f"mean so far {scores[chosen]:.2f}, {shares[chosen]:.0%} likely")

    def learn(self, outcome: Outcome) -> None:
        """Add to the model's mean."""
        count, total = self._sums.get(outcome.candidate.name, (0, 0.0))
        self._sums[outcome.candidate.name] = (count + 1, total + outcome.quality)
        self._costs.learn(outcome)


@dataclass
class Thompson:
    """Thompson sampling with a Beta posterior of each model's mean quality (Chapelle, Li 2011), which starts even.

    Qualities between 0 and 1 count as a share of a success. The probabilities are shares of draws, and the model is drawn
    with these.

    Args:
        seed: makes a run repeatable.
    """

    seed: int = 0
    name: str = "thompson"
    _counts: dict[str, tuple[float, float]] = field(default_factory=dict, init=False, repr=False)
    _costs: Costs = field(default_factory=Costs, init=False, repr=False)
    _random: np.random.Generator = field(init=False, repr=False)

    def __post_init__(self) -> None:
        self._random = np.random.default_rng(self.seed)

    def choose(
        self,
        task: Task,  # noqa: ARG002 - it does not look at the task
        candidates: Sequence[Candidate],
        constraints: Constraints = FREE,
    ) -> Choice:
        """Draw a model."""
        left = admitted(candidates, constraints)
        good, bad = np.array([self._counts.get(candidate.name, (1.0, 1.0)) for candidate in left]).T
        scores = _worth((good / (good + bad)).tolist(), self._costs, left, constraints)
        price = np.array(list(scores.values())) - good / (good + bad)
        won = (self._random.beta(good, bad, (_DRAWS, len(left))) + price).argmax(axis=1)
        shares = np.bincount(won, minlength=len(left)) / _DRAWS
        chosen = left[int(self._random.choice(len(left), p=shares))].name
        named = dict(zip(scores, shares.tolist(), strict=True))
        return Choice(self.name, chosen, scores, named, f"the best in {named[chosen]:.0%} of the draws")

    def learn(self, outcome: Outcome) -> None:
        """Add to the model's successes and failures."""
        good, bad = self._counts.get(outcome.candidate.name, (1.0, 1.0))
        self._counts[outcome.candidate.name] = (good + outcome.quality, bad + 1 - outcome.quality)
        self._costs.learn(outcome)


@dataclass
class LinUCB:
    """A ridge regression of each model on the same features that learned routing has, and the highest upper bound wins.

    Algorithm 1 of Li, Chu, Langford, Schapire 2010, A contextual-bandit approach to personalized news article
    recommendation, WWW (models apart, ridge 1). Ties are settled by lot.

    Args:
        alpha: standard deviations above the mean.
        seed: makes a run repeatable.
    """

    alpha: float = 1.0
    seed: int = 0
    name: str = "linucb"
    _rows: Rows = field(default_factory=Rows, init=False, repr=False)
    _inverse: dict[str, NDArray[np.float64]] = field(default_factory=dict, init=False, repr=False)
    _sums: dict[str, NDArray[np.float64]] = field(default_factory=dict, init=False, repr=False)
    _costs: Costs = field(default_factory=Costs, init=False, repr=False)
    _random: random.Random = field(init=False, repr=False)

    def __post_init__(self) -> None:
        self._random = random.Random(self.seed)  # noqa: S311 - a lottery, no secret

    def choose(self, task: Task, candidates: Sequence[Candidate], constraints: Constraints = FREE) -> Choice:
        """Return the model with the highest upper bound."""
        left = admitted(candidates, constraints)
        self._rows.place(task.kind)
        row = self._rows.row(task)
        bounds = []
        for candidate in left:
            inverse, sums = self._known(candidate.name)
            reach = inverse @ row
            bounds.append(float(reach @ sums) + self.alpha * math.sqrt(max(float(reach @ row), 0.0)))
        scores = _worth(bounds, self._costs, left, constraints)
        best = [candidate for candidate in left if scores[candidate.name] == max(scores.values())]
        if len(best) > 1:
            even = {name: (name in {candidate.name for candidate in best}) / len(best) for name in scores}
            chosen = self._random.choice(best).name
            return Choice(self.name, chosen, scores, even, f"one of {len(best)} with the same bound, by lot")
        return certain(self.name, best[0], scores, f"upper bound {scores[best[0].name]:.2f} for {task.kind}")

    def learn(self, outcome: Outcome) -> None:
        """Update the model's regression."""
        self._rows.place(outcome.task.kind)
        row, name = self._rows.row(outcome.task), outcome.candidate.name
        inverse, sums = self._known(name)
        reach = inverse @ row
        self._inverse[name] = inverse - np.outer(reach, reach) / (1 + row @ reach)
        self._sums[name] = sums + row * outcome.quality
        self._costs.learn(outcome)

    def _known(self, name: str) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return a model's regression, as long as rows are now."""
        inverse, sums = self._inverse.get(name), self._sums.get(name)
        if inverse is None or sums is None:
            inverse, sums = np.eye(self._rows.size), np.zeros(self._rows.size)
        elif (more := self._rows.size - len(sums)) > 0:
            inverse, sums = np.pad(inverse, (0, more)), np.pad(sums, (0, more))
            inverse[range(-more, 0), range(-more, 0)] = 1.0
        self._inverse[name], self._sums[name] = inverse, sums
        return inverse, sums


def _worth(
    quality: Sequence[float], costs: Costs, candidates: Sequence[Candidate], constraints: Constraints
) -> dict[str, float]:
    """Return what each candidate is worth: its quality less its expected cost at the price that is paid for quality."""
    names = [candidate.name for candidate in candidates]
    if constraints.willing_to_pay is None:
        return dict(zip(names, quality, strict=True))
    priced = zip(names, quality, costs.expected(candidates), strict=True)
    return {name: q - cost / constraints.willing_to_pay for name, q, cost in priced}
