"""How often the default is wrong where the truth is known: false positives, coverage, power, and looking while data come in.

`statistics.py` runs it. Every run draws cases, repeats and arms as an experiment would, and asks `workbench.experiments` for
its estimate: the same code as `compare`, without the resampling checks. Beside it stand Welch on the case means of the same
data, and Welch on all observations pooled, which is what one would do without thinking.
"""

from __future__ import annotations

import argparse
import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy import stats

from workbench.experiments.statistics import Metric, Missing, monitor
from workbench.experiments.statistics.estimate import estimate
from workbench.experiments.statistics.observations import Sample, Values

METRIC = Metric("score", "higher")
NONE = Missing(0, 0, 0, 0)
ALPHA = 0.05


@dataclass(frozen=True)
class World:
    """Where the truth is known.

    Attributes:
        name: what is difficult about it.
        draw: control and treatment, an array cases by repeats each, without any difference between them.
        effect: difference at which power is measured.
        paired: whether cases are shared.
    """

    name: str
    draw: Callable[[np.random.Generator], tuple[Values, Values]]
    effect: float
    paired: bool = True


def shared(rng, n, repeats, *, spread=0.5, noise=(1.0, 1.0), shape=None):
    """Cases of their own difficulty, on which arms differ by `spread`, and repeats by `noise`."""
    shape = shape or rng.standard_normal
    case = rng.standard_normal((n, 1)) * 2
    return tuple(case + spread * shape((n, 1)) + sd * shape((n, repeats)) for sd in noise)


def apart(rng, sizes, repeats, *, spreads=(1.0, 1.0), shape=None):
    """Each arm with cases of its own."""
    shape = shape or rng.standard_normal
    return tuple(sd * shape((n, 1)) + sd * shape((n, repeats)) for n, sd in zip(sizes, spreads, strict=True))


def skewed(rng, sigma):
    """A lognormal shape with mean 0 and standard deviation 1."""
    mean, sd = math.exp(sigma**2 / 2), math.exp(sigma**2 / 2) * math.sqrt(math.expm1(sigma**2))
    return lambda size: (rng.lognormal(0, sigma, size) - mean) / sd


WORLDS = [
    World("shared cases", lambda r: shared(r, 40, 1), 0.5),
    World("shared cases, 5 repeats", lambda r: shared(r, 40, 5), 0.3),
    World("few shared cases, 20 repeats", lambda r: shared(r, 12, 20), 0.5),
    World("shared, 5 repeats, one arm three times as noisy", lambda r: shared(r, 40, 5, noise=(1, 3)), 0.5),
    World("shared, 5 repeats, skewed", lambda r: shared(r, 60, 5, shape=skewed(r, 0.75)), 0.3),
    World(
        "shared, skewed, one arm three times as noisy", lambda r: shared(r, 100, 5, noise=(1, 3), shape=skewed(r, 0.75)), 0.5
    ),
    World("cases apart", lambda r: apart(r, (40, 40), 1), 0.9, paired=False),
    World("apart, 5 repeats (clusters)", lambda r: apart(r, (40, 40), 5), 0.7, paired=False),
    World(
        "apart, 20 against 60, the few three times as noisy", lambda r: apart(r, (20, 60), 5, spreads=(3, 1)), 2.2, paired=False
    ),
    World("apart, skewed", lambda r: apart(r, (60, 60), 5, shape=skewed(r, 0.75)), 0.6, paired=False),
    World(
        "apart, skewed, one arm twice as noisy",
        lambda r: apart(r, (150, 150), 5, spreads=(1, 2), shape=skewed(r, 0.5)),
        0.6,
        paired=False,
    ),
]


def sample(control: Values, treatment: Values, *, paired: bool) -> Sample:
    """The case means of a run, as `compare` would have them."""
    return Sample(
        metric=METRIC,
        arms=("a", "b"),
        control=control.mean(axis=1),
        treatment=treatment.mean(axis=1),
        cases=(),
        paired=paired,
        binary=False,
        missing=(NONE, NONE),
        partial=0,
        failed_more=None,
    )


def measure(world: World, runs: int, rng: np.random.Generator) -> list[str]:
    """False positives, coverage, and power beside Welch on the same data."""
    found, covered, power, welch, welch_power, pooled = (0 for _ in range(6))
    for _ in range(runs):
        control, treatment = world.draw(rng)
        result = estimate(sample(control, treatment, paired=world.paired))
        low, high = result.interval()
        found += result.p < ALPHA
        covered += low <= 0 <= high
        shifted = estimate(sample(control, treatment + world.effect, paired=world.paired))
        power += shifted.p < ALPHA
        apart_ = estimate(sample(control, treatment, paired=False))
        welch += apart_.p < ALPHA
        welch_power += estimate(sample(control, treatment + world.effect, paired=False)).p < ALPHA
        pooled += stats.ttest_ind(control.ravel(), treatment.ravel(), equal_var=False).pvalue < ALPHA
    return [world.name, *(f"{100 * count / runs:.1f}" for count in (found, covered, power, welch, welch_power, pooled))]


LOOKS = 300


@dataclass(frozen=True)
class Stream:
    """Differences that come in one by one, with mean 0.

    Attributes:
        name: their shape.
        draw: so many of them.
        bounds: given to `monitor`.
    """

    name: str
    draw: Callable[[np.random.Generator, tuple[int, int]], Values]
    bounds: tuple[float, float] | None = None


STREAMS = [
    Stream("normal differences", lambda r, size: r.standard_normal(size)),
    Stream("differences of skewed values", lambda r, size: skewed(r, 0.75)(size) - skewed(r, 0.75)(size)),
    Stream("wins, losses and ties", lambda r, size: r.choice([-1.0, 0.0, 1.0], p=[0.2, 0.6, 0.2], size=size)),
    Stream("lopsided differences, no bounds given", lambda r, size: r.choice([-0.25, 0.75], p=[0.75, 0.25], size=size)),
    Stream("lopsided differences, bounds given", lambda r, size: r.choice([-0.25, 0.75], p=[0.75, 0.25], size=size), (-1, 1.0)),
]


def monitored(stream: Stream, runs: int, rng: np.random.Generator) -> list[str]:
    """How often one who looks after every case finds what is not there, and what is."""
    data = stream.draw(rng, (runs, LOOKS))
    cases = np.arange(1, LOOKS + 1)
    sums, squares = np.cumsum(data, axis=1), np.cumsum(data**2, axis=1)
    with np.errstate(all="ignore"):
        t = np.abs(sums / cases / np.sqrt((squares - sums**2 / cases) / (cases - 1) / cases))
    usual = (t[:, 9::10] > stats.t.isf(ALPHA / 2, cases[9::10] - 1)).any(axis=1).mean()
    wrong = np.mean([monitor(run, bounds=stream.bounds).stopped_at is not None for run in data])
    lift = 0.4 * data.std()
    wider = stream.bounds and (stream.bounds[0], stream.bounds[1] + lift)
    stops = [monitor(run + lift, bounds=wider).stopped_at for run in data]
    right = [stop for stop in stops if stop is not None]
    middle = f"{np.median(right):.0f}" if right else ""
    return [stream.name, f"{100 * wrong:.1f}", f"{100 * usual:.1f}", f"{100 * len(right) / runs:.1f}", middle]


def table(head: list[str], rows: list[list[str]]) -> None:
    for row in (head, ["---"] + ["--:"] * (len(head) - 1), *rows):
        print(f"| {' | '.join(row)} |", flush=True)
    print()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=int, default=20_000, help="of each world; a tenth as many for monitoring")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    rng = np.random.default_rng(options.seed)
    head = ["%", "false positives", "coverage", "power", "Welch: false positives", "Welch: power", "pooled: false positives"]
    table(head, [measure(world, options.runs, rng) for world in WORLDS])
    head = [
        f"looking after each of {LOOKS} cases, %",
        "false positives",
        "t every ten cases",
        "power at 0.4 sd",
        "cases until then",
    ]
    table(head, [monitored(stream, max(options.runs // 10, 10), rng) for stream in STREAMS])
