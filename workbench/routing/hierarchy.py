"""The model behind learned routing: a Bayesian linear regression of each language model, all of them under a common one.

The quality of model m on a task with features x is taken to be

    y = z·c + x·w + x·δ_m + noise

where z are covariates of the model (price, declared capability), c and w are common to all models, and δ_m is what is
particular to one. c, w and each δ_m have normal priors with independent components; the noise is normal, its variance known.
What is learned of one model therefore moves the others through c and w, and what is learned of one task moves the others
through the features that they share. The posterior is exact. Given (c, w) the δ_m are independent, so each outcome is one
rank-one update (Sherman, Morrison 1950) of one model's matrix and one of the common matrix; nothing grows with the number of
outcomes, and their order does not matter but for rounding. (Lindley, Smith 1972, Bayes estimates for
the linear model, J. R. Stat. Soc. B 34, 1-41; Gelman et al. 2013, Bayesian Data Analysis, ch. 15.)
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

_FIELDS: Final = ("xx", "zx", "zz", "xy", "zy", "outcomes")
"""The sums that hold all that was learned."""


@dataclass(frozen=True, slots=True)
class Prior:
    """What is believed before any outcome.

    Attributes:
        covariates: mean of c.
        covariates_variance: of each component of c.
        common: mean of w.
        common_variance: of each component of w.
        own_variance: of each component of every δ_m, whose mean is 0.
        noise: variance of a quality around its expectation.
    """

    covariates: Array
    covariates_variance: Array
    common: Array
    common_variance: Array
    own_variance: Array
    noise: float


@dataclass(frozen=True, slots=True)
class Prediction:
    """What is known of the qualities of k models on one task. The noise of a single outcome is in none of it.

    Attributes:
        mean: expected, k of them.
        common: how each depends on (c, w), k rows.
        common_spread: these rows times the covariance of (c, w).
        own: variance that is each model's own.
    """

    mean: Array
    common: Array
    common_spread: Array
    own: Array

    @property
    def variance(self) -> Array:
        """Variance of each expected quality."""
        variance: Array = np.einsum("kd,kd->k", self.common_spread, self.common) + self.own
        return variance

    def covariance(self, some: NDArray[np.intp]) -> Array:
        """Covariance of some of them."""
        covariance: Array = self.common_spread[some] @ self.common[some].T
        covariance[np.diag_indices(len(some))] += self.own[some]
        return covariance


class Hierarchy:
    """The posterior, in a form that is updated and asked in time that depends on the numbers of models and features only.

    Args:
        prior: for so many features; more can be added.
    """

    def __init__(self, prior: Prior) -> None:
        p, d = len(prior.covariates), len(prior.common)
        self.prior = prior
        self.xx, self.zx, self.zz = np.zeros((0, d, d)), np.zeros((0, p, d)), np.zeros((0, p, p))
        self.xy, self.zy, self.outcomes = np.zeros((0, d)), np.zeros((0, p)), np.zeros(0)
        self._own: Array = np.zeros((0, d, d))
        self._own_xy: Array = np.zeros((0, d))
        self._solve()

    @property
    def models(self) -> int:
        """How many models there are."""
        return len(self.outcomes)

    def add_model(self) -> int:
        """Add a model of which nothing is known yet, and return its number."""
        for name in _FIELDS:
            sums: Array = getattr(self, name)
            setattr(self, name, np.concatenate([sums, np.zeros((1, *sums.shape[1:]))]))
        self._own = np.concatenate([self._own, np.diag(self.prior.own_variance)[None]])
        self._own_xy = np.concatenate([self._own_xy, np.zeros_like(self.prior.common)[None]])
        return self.models - 1

    def add_features(self, common: Array, common_variance: Array, own_variance: Array) -> None:
        """Add features that all tasks so far had as 0, with what is believed of their weights."""
        old, more = self.prior, len(common)
        self.prior = Prior(
            old.covariates,
            old.covariates_variance,
            np.concatenate([old.common, common]),
            np.concatenate([old.common_variance, common_variance]),
            np.concatenate([old.own_variance, own_variance]),
            old.noise,
        )
        self.xx = np.pad(self.xx, ((0, 0), (0, more), (0, more)))
        self.zx = np.pad(self.zx, ((0, 0), (0, 0), (0, more)))
        self.xy = np.pad(self.xy, ((0, 0), (0, more)))
        self._solve()

    def predict(self, models: NDArray[np.intp], x: Array, z: Array) -> Prediction:
        """Return what is known of the qualities of models on a task.

        Args:
            models: their numbers, k of them.
            x: features of the task, d of them.
            z: covariates of the models, k rows of p.
        """
        used = np.flatnonzero(x)
        own = self._own if np.array_equal(models, np.arange(self.models)) else self._own[models]
        u = own[:, :, used] @ x[used]
        seen = z - np.einsum("kpd,kd->kp", self.zx[models], u) / self.prior.noise
        g = np.concatenate([seen, u / self.prior.own_variance], axis=1)
        mean = g @ self._common + np.einsum("kd,kd->k", u, self._own_xy[models])
        return Prediction(mean, g, g @ self._spread, u @ x)

    def learn(self, model: int, x: Array, z: Array, quality: float) -> None:
        """Take in an outcome."""
        noise, used = self.prior.noise, np.flatnonzero(x)
        u = self._own[model][:, used] @ x[used]
        g = np.concatenate([z - self.zx[model] @ u / noise, u / self.prior.own_variance])
        variance = noise + float(x @ u)
        step = self._spread @ g
        scale = variance + float(g @ step)
        surprise = quality - float(u @ self._own_xy[model]) - float(g @ self._common)
        self._common += step * (surprise / scale)
        self._spread -= np.outer(step, step / scale)
        self._own[model] -= np.outer(u, u / variance)
        self._own_xy[model] += x * (quality / noise)
        self.xx[model][np.ix_(used, used)] += np.outer(x[used], x[used])
        self.zx[model] += np.outer(z, x)
        self.zz[model] += np.outer(z, z)
        self.xy[model] += x * quality
        self.zy[model] += z * quality
        self.outcomes[model] += 1

    def sums(self) -> dict[str, Array]:
        """Return all that was learned, as sums over outcomes."""
        return {name: getattr(self, name) for name in _FIELDS}

    def restore(self, sums: dict[str, Array]) -> None:
        """Take over what `sums` returned.

        Raises:
            ValueError: the shapes do not fit the prior.
        """
        d, p, k = len(self.prior.common), len(self.prior.covariates), len(sums["outcomes"])
        shapes = {"xx": (k, d, d), "zx": (k, p, d), "zz": (k, p, p), "xy": (k, d), "zy": (k, p), "outcomes": (k,)}
        for name, shape in shapes.items():
            if sums[name].shape != shape or not np.isfinite(sums[name]).all():
                raise ValueError(f"{name} is not {' by '.join(map(str, shape))} finite numbers")
        for name in _FIELDS:
            setattr(self, name, sums[name].copy())
        self._solve()

    def _solve(self) -> None:
        """Compute the posterior from the sums."""
        prior, noise = self.prior, self.prior.noise
        own_precision = np.diag(1 / prior.own_variance)
        self._own = np.asarray(np.linalg.inv(own_precision + self.xx / noise), dtype=np.float64)
        self._own_xy = self.xy / noise
        precision = np.diag(1 / np.concatenate([prior.covariates_variance, prior.common_variance]))
        weighted = precision @ np.concatenate([prior.covariates, prior.common])
        for model in range(self.models):
            hx = np.concatenate([self.zx[model], self.xx[model]]) / noise
            hh = np.block([[self.zz[model], self.zx[model]], [self.zx[model].T, self.xx[model]]]) / noise
            precision += hh - hx @ self._own[model] @ hx.T
            weighted += np.concatenate([self.zy[model], self.xy[model]]) / noise - hx @ self._own[model] @ self._own_xy[model]
        self._spread = np.linalg.inv(precision)
        self._common = self._spread @ weighted
