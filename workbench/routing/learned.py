"""Learned routing: a contextual bandit that shares what it learns between tasks and between models.

Expected quality comes from `hierarchy`: each model's own regression on the task's kind and text under a common one, whose prior
uses what is declared (a dearer model is somewhat better, one with a higher score more so). A model is worth

    quality - expected cost / willing to pay,

and the one is chosen whose worth is highest if its quality lies Z standard deviations above what is expected, Z being drawn
anew for each choice and common to all models: a randomised upper confidence bound (RandUCB: Vaswani, Mehrabian, Durand, Kveton
2020, Old dog learns new tricks: randomized UCB for bandit problems, AISTATS; here Z is half-normal). So it
explores what could be better, and not what is merely uncertain. Z has few values: the probability of each choice is a sum over
them, and the logged propensity exact.
"""

from __future__ import annotations

import base64
import math
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from statistics import NormalDist
from typing import Any, Final

import numpy as np

from workbench.routing.costs import Costs
from workbench.routing.features import Rows
from workbench.routing.hierarchy import Array, Hierarchy, Prediction, Prior
from workbench.routing.kinds import FEATURES, features_version
from workbench.routing.policy import FREE, Candidate, Choice, Constraints, Outcome, RoutingError, Task, admitted

_VERSION: Final = 1
_HEIGHTS: Final = np.array([NormalDist().inv_cdf(0.5 + (step + 0.5) / 32) for step in range(16)])
"""The values of Z, all equally likely: the middles of sixteen equal shares of a half-normal distribution."""
_FAINT: Final = 1e-3
"""A hypothesis with less weight than this is not asked."""
_USUAL_SCORE: Final = 0.7
"""A declared score that says nothing: a model without one is taken for such."""


@dataclass(frozen=True, slots=True)
class Belief:
    """What learned routing believes before it has seen anything, as standard deviations of quality unless it says otherwise.

    The sizes are round numbers near the spreads between models and tasks in public tables of outcomes (docs/routing.md).

    Attributes:
        quality: expected of any model on any task.
        quality_spread: of that.
        kind: how tasks differ, for all models alike.
        text: the same by what a text is about, per unit of a feature.
        model: how models differ.
        specialism: how the differences between models change from kind to kind. Several values, which are weighed by how
            well they foretell the outcomes.
        model_text: how they change with what a text is about, per unit of a feature.
        price: how much better a model is that costs ten times as much.
        price_spread: of that.
        score: how much better a model is that declares 1 instead of 0.
        score_spread: of that.
        noise: of a single outcome.
        exploration: standard deviation of Z; 0 never explores but for the floor.
        floor: share of choices that are drawn evenly, so that every model stays measurable.
    """

    quality: float = 0.5
    quality_spread: float = 0.2
    kind: float = 0.15
    text: float = 0.2
    model: float = 0.15
    specialism: tuple[float, ...] = (0.05, 0.15, 0.35)
    model_text: float = 0.3
    price: float = 0.1
    price_spread: float = 0.1
    score: float = 0.7
    score_spread: float = 0.3
    noise: float = 0.4
    exploration: float = 1.0
    floor: float = 0.01

    def prior(self) -> Prior:
        """Return it for the constant and the features of a text; kinds are added as they come up."""
        return Prior(
            covariates=np.array([self.price, self.score]),
            covariates_variance=np.array([self.price_spread, self.score_spread]) ** 2,
            common=np.array([self.quality] + [0.0] * FEATURES),
            common_variance=np.array([self.quality_spread] + [self.text] * FEATURES) ** 2,
            own_variance=np.array([[self.model] + [self.model_text] * FEATURES for _ in self.specialism]) ** 2,
            noise=self.noise**2,
        )


class Learned:
    """Chooses by what it has learned.

    Args:
        seed: makes its draws repeatable.
        belief: before any outcome.
    """

    name = "learned"

    def __init__(self, seed: int = 0, belief: Belief | None = None) -> None:
        self.belief = belief or Belief()
        self._costs, self._rows = Costs(), Rows()
        self._models: dict[str, int] = {}
        self._posterior = Hierarchy(self.belief.prior())
        self._random = np.random.default_rng(seed)

    def choose(self, task: Task, candidates: Sequence[Candidate], constraints: Constraints = FREE) -> Choice:
        """Choose. The time it takes depends on the numbers of models and kinds, not on what was learned."""
        left = admitted(candidates, constraints)
        known = self._predict(task, left)
        mean, deviation = known.mean, known.deviation
        cost = np.array(self._costs.expected(left))
        price = np.zeros(len(left)) if constraints.willing_to_pay is None else cost / constraints.willing_to_pay
        worth, shares = mean - price, self._shares(price, known)
        chosen = min(int(np.searchsorted(np.cumsum(shares), self._random.random(), side="right")), len(left) - 1)
        names = [candidate.name for candidate in left]
        reason = (
            f"expected quality {min(max(mean[chosen], 0), 1):.2f} ± {deviation[chosen]:.2f} for {task.kind}, "
            f"{cost[chosen]:.2g} USD; chosen with {shares[chosen]:.0%}"
        )
        if (first := int(worth.argmax())) != chosen:
            reason += f"; tried instead of {names[first]}, which promises most"
        return Choice(
            self.name,
            names[chosen],
            dict(zip(names, worth.tolist(), strict=True)),
            dict(zip(names, shares.tolist(), strict=True)),
            reason,
        )

    def learn(self, outcome: Outcome) -> None:
        """Take in how a choice turned out."""
        self._know(outcome.task, [outcome.candidate])
        self._costs.learn(outcome)
        covariates = _covariates(outcome.candidate, outcome.task)
        row = self._rows.row(outcome.task)
        self._posterior.learn(self._models[outcome.candidate.name], row, np.array(covariates), outcome.quality)

    def expected(self, task: Task, candidates: Sequence[Candidate]) -> dict[str, tuple[float, float]]:
        """Return for each candidate its expected quality, and the standard deviation of that."""
        known = self._predict(task, candidates)
        both = zip(candidates, known.mean.tolist(), known.deviation.tolist(), strict=True)
        return {candidate.name: (mean, deviation) for candidate, mean, deviation in both}

    def state(self) -> dict[str, Any]:
        """Return all that was learned, for JSON: of a size that depends on the numbers of models and kinds only."""
        return {
            "version": _VERSION,
            "features": features_version(),
            "belief": asdict(self.belief),
            "kinds": list(self._rows.kinds),
            "models": list(self._models),
            "sums": {name: _packed(array) for name, array in self._posterior.sums().items()},
            "costs": self._costs.state(),
            "random": self._random.bit_generator.state,
        }

    @classmethod
    def from_state(cls, state: Mapping[str, Any]) -> Learned:
        """Return a policy that goes on where `state` was taken.

        Raises:
            RoutingError: it is from another version, damaged, or its features meant something else.
        """
        if state.get("version") != _VERSION or state.get("features") != features_version():
            raise RoutingError(
                "what routing has learned was written by another version, and does not fit this one",
                hint="Learn anew from the record's outcomes.",
            )
        try:
            policy = cls(belief=Belief(**state["belief"] | {"specialism": tuple(state["belief"]["specialism"])}))
            for kind in state["kinds"]:
                policy._place(kind)
            policy._models = {name: number for number, name in enumerate(state["models"])}
            sums = {name: _unpacked(packed) for name, packed in state["sums"].items()}
            policy._posterior.restore(sums)
            if len(policy._models) != policy._posterior.models:
                raise ValueError("models without sums")
            policy._costs.restore(state["costs"])
            policy._random.bit_generator.state = state["random"]
        except (KeyError, TypeError, ValueError, zlib.error) as error:
            raise RoutingError(
                f"what routing has learned is damaged: {error}", hint="Learn anew from the record's outcomes."
            ) from None
        return policy

    def _predict(self, task: Task, candidates: Sequence[Candidate]) -> Prediction:
        self._know(task, candidates)
        numbers = np.array([self._models[candidate.name] for candidate in candidates], dtype=np.intp)
        covariates = np.array([_covariates(candidate, task) for candidate in candidates])
        return self._posterior.predict(numbers, self._rows.row(task), covariates)

    def _shares(self, price: Array, known: Prediction) -> Array:
        """Return the probability of each model: how often it is the best over all Z and hypotheses, and the floor."""
        heights = self.belief.exploration * _HEIGHTS[:, None]
        won = np.zeros(len(price))
        for weight, means, variances in zip(known.weights, known.means, known.variances, strict=True):
            if weight >= _FAINT:
                best = (means - price + heights * np.sqrt(variances)).argmax(axis=1)
                won += weight * np.bincount(best, minlength=len(price))
        shares: Array = (1 - self.belief.floor) * won / won.sum() + self.belief.floor / len(price)
        return shares

    def _know(self, task: Task, candidates: Sequence[Candidate]) -> None:
        """Make room for a kind or for models that are new."""
        self._place(task.kind)
        for candidate in candidates:
            if candidate.name not in self._models:
                self._models[candidate.name] = self._posterior.add_model()

    def _place(self, kind: str) -> None:
        if self._rows.place(kind):
            own = np.array([[size] for size in self.belief.specialism]) ** 2
            self._posterior.add_features(np.zeros(1), np.array([self.belief.kind]) ** 2, own)


def _covariates(candidate: Candidate, task: Task) -> tuple[float, float]:
    """Return the decades of its price above a dollar per million tokens, and its score above the usual one; unknown is 0."""
    price = 0.0 if candidate.price is None else math.log10(min(max(candidate.price, 0.01), 1000.0))
    score = candidate.declared(task)
    return price, 0.0 if score is None else score - _USUAL_SCORE


def _packed(array: Array) -> dict[str, Any]:
    data = zlib.compress(np.ascontiguousarray(array, dtype="<f8").tobytes())
    return {"shape": list(array.shape), "data": base64.b64encode(data).decode()}


def _unpacked(packed: Mapping[str, Any]) -> Array:
    data = zlib.decompress(base64.b64decode(packed["data"], validate=True))
    return np.frombuffer(data, dtype="<f8").reshape(packed["shape"]).astype(np.float64)
