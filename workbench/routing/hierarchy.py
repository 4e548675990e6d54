"""The model behind learned routing: a Bayesian linear regression of each language model, all of them under a common one.

The quality of model m on a task with features x is taken to be

    y = z·c + x·w + x·δ_m + noise

where z are covariates of the model (price, declared capability), c and w are common to all models, and δ_m is what is
particular to one. c, w and each δ_m have normal priors with independent components; the noise is normal, its variance known.
What is learned of one model therefore moves the others through c and w, and what is learned of one task moves the others
through the features that they share. The posterior is exact. Given (c, w) the δ_m are independent, so each outcome is one
rank-one update (Sherman, Morrison 1950) of one model's matrix and one of the common matrix; nothing grows with the number of
outcomes, and their order does not matter but for rounding. (Lindley, Smith 1972, Bayes estimates for the linear model,
J. R. Stat. Soc. B 34, 1-41.)

How far models differ is not known beforehand: in one workspace each kind of task has its own best model, in another one model
is the best at everything. So there are several hypotheses about the variance of δ_m, side by side, each weighted by how well it
foretold the outcomes (Hoeting et al. 1999, Bayesian model averaging, Statistical Science 14, 382-417).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

_BY_MODEL: Final = ("xx", "zx", "zz", "xy", "zy", "outcomes")
"""The sums that hold what was learned of each model."""


@dataclass(frozen=True, slots=True)
class Prior:
    """What is believed before any outcome.

    Attributes:
        covariates: mean of c.
        covariates_variance: of each component of c.
        common: mean of w.
        common_variance: of each component of w.
        own_variance: of each component of every δ_m, whose mean is 0: a row for each of h hypotheses.
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
        weights: of the hypotheses, h of them; they add up to 1.
        means: expected qualities, h by k.
        variances: of these, h by k.
    """

    weights: Array
    means: Array
    variances: Array

    @property
    def mean(self) -> Array:
        """Expected qualities over all hypotheses, k of them."""
        mean: Array = self.weights @ self.means
        return mean

    @property
    def deviation(self) -> Array:
        """Standard deviations of these."""
        deviation: Array = np.sqrt(self.weights @ (self.variances + self.means**2) - self.mean**2)
        return deviation


class Hierarchy:
    """The posterior, in a form that is updated and asked in time that depends on the numbers of models and features only.

    Args:
        prior: for so many features; more can be added.
    """

    def __init__(self, prior: Prior) -> None:
        p, (h, d) = len(prior.covariates), prior.own_variance.shape
        self.prior = prior
        self.xx, self.zx, self.zz = np.zeros((0, d, d)), np.zeros((0, p, d)), np.zeros((0, p, p))
        self.xy, self.zy, self.outcomes = np.zeros((0, d)), np.zeros((0, p)), np.zeros(0)
        self.evidence = np.zeros(h)
        self._own: Array = np.zeros((h, 0, d, d))
        self._solve()

    @property
    def models(self) -> int:
        """How many models there are."""
        return len(self.outcomes)

    @property
    def weights(self) -> Array:
        """Probabilities of the hypotheses, which were equal at first."""
        likelihood: Array = np.exp(self.evidence - self.evidence.max())
        weights: Array = likelihood / likelihood.sum()
        return weights

    def add_model(self) -> int:
        """Add a model of which nothing is known yet, and return its number."""
        for name in _BY_MODEL:
            sums: Array = getattr(self, name)
            setattr(self, name, np.concatenate([sums, np.zeros((1, *sums.shape[1:]))]))
        fresh = np.array([np.diag(variance) for variance in self.prior.own_variance])
        self._own = np.concatenate([self._own, fresh[:, None]], axis=1)
        return self.models - 1

    def add_features(self, common: Array, common_variance: Array, own_variance: Array) -> None:
        """Add features that all tasks so far had as 0, with what is believed of their weights."""
        old, more = self.prior, len(common)
        self.prior = Prior(
            old.covariates,
            old.covariates_variance,
            np.concatenate([old.common, common]),
            np.concatenate([old.common_variance, common_variance]),
            np.concatenate([old.own_variance, own_variance], axis=1),
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
        noise, used = self.prior.noise, np.flatnonzero(x)
        own = self._own if np.array_equal(models, np.arange(self.models)) else self._own[:, models]
        u = own[..., used] @ x[used]
        seen = z - np.einsum("kpd,hkd->hkp", self.zx[models], u) / noise
        g = np.concatenate([seen, u / self.prior.own_variance[:, None]], axis=2)
        means = (g @ self._common[..., None])[..., 0] + np.einsum("hkd,kd->hk", u, self.xy[models]) / noise
        return Prediction(self.weights, means, np.einsum("hkd,hkd->hk", g @ self._spread, g) + u @ x)

    def learn(self, model: int, x: Array, z: Array, quality: float) -> None:
        """Take in an outcome."""
        noise, used = self.prior.noise, np.flatnonzero(x)
        u = self._own[:, model][..., used] @ x[used]
        g = np.concatenate([z - u @ self.zx[model].T / noise, u / self.prior.own_variance], axis=1)
        variance = noise + u @ x
        step = (self._spread @ g[..., None])[..., 0]
        scale = variance + np.einsum("hd,hd->h", g, step)
        surprise = quality - u @ self.xy[model] / noise - np.einsum("hd,hd->h", g, self._common)
        self.evidence -= (np.log(scale) + surprise**2 / scale) / 2
        self._common += step * (surprise / scale)[:, None]
        self._spread -= step[:, :, None] * (step / scale[:, None])[:, None, :]
        self._own[:, model] -= u[:, :, None] * (u / variance[:, None])[:, None, :]
        self.xx[model][np.ix_(used, used)] += np.outer(x[used], x[used])
        self.zx[model] += np.outer(z, x)
        self.zz[model] += np.outer(z, z)
        self.xy[model] += x * quality
        self.zy[model] += z * quality
        self.outcomes[model] += 1

    def sums(self) -> dict[str, Array]:
        """Return all that was learned, as sums over outcomes."""
        return {name: getattr(self, name) for name in (*_BY_MODEL, "evidence")}

    def restore(self, sums: dict[str, Array]) -> None:
        """Take over what `sums` returned.

        Raises:
            ValueError: the shapes do not fit the prior.
        """
        p, (h, d), k = len(self.prior.covariates), self.prior.own_variance.shape, len(sums["outcomes"])
        shapes = {"xx": (k, d, d), "zx": (k, p, d), "zz": (k, p, p), "xy": (k, d), "zy": (k, p), "outcomes": (k,)}
        for name, shape in {**shapes, "evidence": (h,)}.items():
            if sums[name].shape != shape or not np.isfinite(sums[name]).all():
                raise ValueError(f"{name} is not {' by '.join(map(str, shape))} finite numbers")
            setattr(self, name, sums[name].copy())
        self._solve()

    def _solve(self) -> None:
        """Compute the posterior from the sums."""
        prior, noise = self.prior, self.prior.noise
        own_precision = np.array([np.diag(1 / variance) for variance in prior.own_variance])
        self._own = np.asarray(np.linalg.inv(own_precision[:, None] + self.xx / noise), dtype=np.float64)
        before = np.diag(1 / np.concatenate([prior.covariates_variance, prior.common_variance]))
        precision = np.repeat(before[None], len(prior.own_variance), axis=0)
        weighted = precision @ np.concatenate([prior.covariates, prior.common])
        for model in range(self.models):
            hx = np.concatenate([self.zx[model], self.xx[model]]) / noise
            hh = np.block([[self.zz[model], self.zx[model]], [self.zx[model].T, self.xx[model]]]) / noise
            hy = np.concatenate([self.zy[model], self.xy[model]]) / noise
            precision += hh - hx @ self._own[:, model] @ hx.T
            weighted += hy - (self._own[:, model] @ self.xy[model] / noise) @ hx.T
        self._spread = np.linalg.inv(precision)
        self._common = (self._spread @ weighted[..., None])[..., 0]
