"""What the routing panel shows, worked out from choices and ratings.

Several ratings of one turn are averaged first; a model's quality and cost are means over dialogues of its means there, because
turns of one dialogue are not independent. What is shown over time is the mean of the latest turns.

Regret is what the best model would have been better: the difference between the mean quality of the model that is best at a
kind of task, as far as the record knows it by now, and what was reached. It is known for kinds at which at least two models
have been rated five times, which experiments see to; elsewhere it is left out.
"""

from __future__ import annotations

import math
from collections import Counter, defaultdict, deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from statistics import fmean, stdev
from typing import Final

from workbench.records.choices import Chosen
from workbench.records.means import Mean, mean_of, student_quantile
from workbench.records.rating import Rating
from workbench.routing.frontier import Point, hull

LATEST: Final = 50
"""Turns over which a mean over time goes."""
_ENOUGH: Final = 5
"""Rated turns from which on a model's mean quality at a kind of task counts as known."""
_TWO: Final = 2


@dataclass(frozen=True, slots=True)
class Rated:
    """One turn with what was said of it: the mean of its ratings."""

    dialogue: str
    model: str
    kind: str
    routed: bool
    quality: float
    cost: float | None


@dataclass(frozen=True, slots=True)
class ModelPoint:
    """One model's mean quality and cost (USD) of a rated turn; the ends of an interval are None where it is not known."""

    model: str
    turns: int
    quality: Mean
    cost: float
    cost_low: float | None
    cost_high: float | None


@dataclass(frozen=True, slots=True)
class RoutingFacts:
    """What there is to show.

    Attributes:
        choices: how many.
        rated: turns of them that were rated.
        models: all that appear, in one order for all pictures.
        by_kind: kind of task to model to how often it was chosen.
        quality: mean over the latest rated choices, one value a rated choice; so are `cost` and `regret`.
        cost: USD of a turn; None while none is known.
        regret: None while none is known.
        exploring: share of the latest choices that did not look best to the policy, one value a choice.
        points: models by cost.
        frontier: corners of the hull of the points: what mixing models by lot can reach.
    """

    choices: int
    rated: int
    models: tuple[str, ...]
    by_kind: dict[str, Counter[str]]
    quality: list[float]
    cost: list[float | None]
    regret: list[float | None]
    exploring: list[float]
    points: list[ModelPoint]
    frontier: list[Point]


def routing_facts(choices: Sequence[Chosen], ratings: Sequence[Rating]) -> RoutingFacts:
    """Return what choices (oldest first) and ratings tell."""
    rated = _by_turn(ratings)
    routed = [each for each in rated if each.routed]
    best = _best(rated)
    points = sorted(_points(rated), key=lambda point: (point.cost, point.model))
    by_kind: dict[str, Counter[str]] = defaultdict(Counter)
    for each in choices:
        by_kind[each.kind][each.model] += 1
    frequent = Counter(each.model for each in choices)
    frequent.update({each.model: 0 for each in rated})
    return RoutingFacts(
        choices=len(choices),
        rated=len(routed),
        models=tuple(sorted(frequent, key=lambda model: (-frequent[model], model))),
        by_kind=dict(sorted(by_kind.items(), key=lambda item: (-item[1].total(), item[0]))),
        quality=[mean for mean in _running(each.quality for each in routed) if mean is not None],
        cost=list(_running(each.cost for each in routed)),
        regret=list(_running(best[each.kind] - each.quality if each.kind in best else None for each in routed)),
        exploring=[mean for mean in _running(float(not each.promising) for each in choices) if mean is not None],
        points=points,
        frontier=hull((point.cost, point.quality.value) for point in points),
    )


def _by_turn(ratings: Sequence[Rating]) -> list[Rated]:
    """Return the turns that were rated, in the order of their first rating."""
    said: dict[tuple[str, str], list[Rating]] = {}
    for rating in sorted(ratings, key=lambda each: (each.at, each.id)):
        said.setdefault((rating.dialogue, rating.turn), []).append(rating)
    return [
        Rated(
            dialogue=words[0].dialogue,
            model=words[0].model,
            kind=words[0].kind,
            routed=bool(words[0].policy),
            quality=fmean(word.quality for word in words),
            cost=next((word.cost for word in words if word.cost is not None), None),
        )
        for words in said.values()
    ]


def _best(rated: Sequence[Rated]) -> dict[str, float]:
    """Return the mean quality of the best model at each kind of task at which it is known."""
    qualities: dict[str, dict[str, list[float]]] = defaultdict(lambda: defaultdict(list))
    for each in rated:
        qualities[each.kind][each.model].append(each.quality)
    known = {kind: [fmean(q) for q in by.values() if len(q) >= _ENOUGH] for kind, by in qualities.items()}
    return {kind: max(means) for kind, means in known.items() if len(means) >= _TWO}


def _running(values: Iterable[float | None]) -> Iterator[float | None]:
    """Yield for each value the mean of the latest known ones, it included; None while none is known."""
    latest: deque[float] = deque(maxlen=LATEST)
    for value in values:
        if value is not None:
            latest.append(value)
        yield fmean(latest) if latest else None


def _points(rated: Sequence[Rated]) -> Iterator[ModelPoint]:
    """Yield a point for each model with a turn whose cost is known."""
    by_model: dict[str, dict[str, list[Rated]]] = defaultdict(lambda: defaultdict(list))
    for each in rated:
        by_model[each.model][each.dialogue].append(each)
    for model, dialogues in by_model.items():
        qualities = [fmean(each.quality for each in turns) for turns in dialogues.values()]
        paid = [[each.cost for each in turns if each.cost is not None] for turns in dialogues.values()]
        costs = [fmean(known) for known in paid if known]
        if costs:
            cost, reach = fmean(costs), _reach(costs)
            yield ModelPoint(
                model=model,
                turns=sum(map(len, dialogues.values())),
                quality=_mean(qualities),
                cost=cost,
                cost_low=None if reach is None else max(cost - reach, 0.0),
                cost_high=None if reach is None else cost + reach,
            )


def _mean(values: Sequence[float]) -> Mean:
    whole, alike = all(value in (0.0, 1.0) for value in values), min(values) == max(values)
    return mean_of(len(values), math.fsum(values), math.fsum(v * v for v in values), whole=whole, alike=alike)


def _reach(values: Sequence[float]) -> float | None:
    """Return how far the 95 % interval of a mean reaches to either side (Student's t); None for one value."""
    if len(values) < _TWO:
        return None
    return student_quantile(0.975, len(values) - 1) * stdev(values) / math.sqrt(len(values))
