"""Policies that go by what is declared, or by nothing: none of them learns."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from workbench.routing.policy import FREE, Candidate, Choice, Constraints, Outcome, RoutingError, Task, admitted


@dataclass
class _Unlearning:
    """What policies that do not learn have in common."""

    def learn(self, outcome: Outcome) -> None:
        """Let it pass."""


@dataclass
class Capability(_Unlearning):
    """The highest declared score for the task; among equals the cheapest, then by name. Undeclared counts as 0."""

    name: str = "capability"

    def choose(self, task: Task, candidates: Sequence[Candidate], constraints: Constraints = FREE) -> Choice:
        """Return the best."""
        left = admitted(candidates, constraints)
        best = _best(left, task)
        return certain(self.name, best, _scores(left, task), _declares(best, task))


@dataclass
class Cheapest(_Unlearning):
    """The cheapest whose declared score is good enough; where none is, the one with the highest score."""

    name: str = "cheapest"

    def choose(self, task: Task, candidates: Sequence[Candidate], constraints: Constraints = FREE) -> Choice:
        """Return the cheapest that is good enough."""
        left = admitted(candidates, constraints)
        good = [candidate for candidate in left if (candidate.declared(task) or 0.0) >= constraints.good_enough]
        if not good:
            best = _best(left, task)
            why = f"nobody declares {constraints.good_enough:g} for {task.kind}; {_declares(best, task)}"
            return certain(self.name, best, _scores(left, task), why)
        best = min(good, key=lambda candidate: (_cost(candidate), candidate.name))
        why = f"the cheapest of {len(good)} that declare {constraints.good_enough:g} or more for {task.kind}"
        return certain(self.name, best, _scores(left, task), why)


@dataclass
class LocalFirst(_Unlearning):
    """The best model on this machine if it is good enough, or if nobody declares anything; otherwise the best there is."""

    name: str = "local"

    def choose(self, task: Task, candidates: Sequence[Candidate], constraints: Constraints = FREE) -> Choice:
        """Return a local model where that will do."""
        left = admitted(candidates, constraints)
        here = [candidate for candidate in left if candidate.local]
        best = _best(here or left, task)
        if here and (best.declared(task) or 0.0) < constraints.good_enough and len(here) < len(left):
            other = _best(left, task)
            if (other.declared(task) or 0.0) > (best.declared(task) or 0.0):
                why = f"{best.name} is local and declares less than {constraints.good_enough:g} for {task.kind}"
                return certain(self.name, other, _scores(left, task), why)
        why = "local, and good enough" if here else f"nothing local; {_declares(best, task)}"
        return certain(self.name, best, _scores(left, task), why)


@dataclass
class Fixed(_Unlearning):
    """Always the same model.

    Args:
        model: its name.
    """

    model: str

    @property
    def name(self) -> str:
        """`fixed:MODEL`."""
        return f"fixed:{self.model}"

    def choose(self, task: Task, candidates: Sequence[Candidate], constraints: Constraints = FREE) -> Choice:
        """Return that model.

        Raises:
            RoutingError: it is not among the candidates that the constraints leave.
        """
        left = admitted(candidates, constraints)
        chosen = next((candidate for candidate in left if candidate.name == self.model), None)
        if chosen is None:
            raise RoutingError(
                f"{self.model} is fixed, and is not among the models that can be chosen",
                hint=f"There are {', '.join(sorted(candidate.name for candidate in left)[:20])}.",
            )
        return certain(self.name, chosen, _scores(left, task), "fixed")


@dataclass
class Random(_Unlearning):
    """Each candidate with the same probability.

    Args:
        seed: makes a run repeatable.
    """

    seed: int = 0
    name: str = "random"
    _random: random.Random = field(init=False, repr=False)

    def __post_init__(self) -> None:
        self._random = random.Random(self.seed)  # noqa: S311 - a lottery, no secret

    def choose(self, task: Task, candidates: Sequence[Candidate], constraints: Constraints = FREE) -> Choice:
        """Return any."""
        left = admitted(candidates, constraints)
        even = dict.fromkeys((candidate.name for candidate in left), 1 / len(left))
        chosen = self._random.choice(left)
        return Choice(self.name, chosen.name, _scores(left, task), even, f"one of {len(left)}, by lot")


@dataclass
class RoundRobin(_Unlearning):
    """One after the other, in the order given."""

    name: str = "round-robin"
    _turn: int = field(default=0, init=False, repr=False)

    def choose(self, task: Task, candidates: Sequence[Candidate], constraints: Constraints = FREE) -> Choice:
        """Return the next."""
        left = admitted(candidates, constraints)
        chosen = left[self._turn % len(left)]
        self._turn += 1
        return certain(self.name, chosen, _scores(left, task), f"turn {self._turn} of a round of {len(left)}")


def certain(policy: str, chosen: Candidate, scores: Mapping[str, float], reason: str) -> Choice:
    """Return a choice that could not have been another."""
    propensities = {name: float(name == chosen.name) for name in scores}
    return Choice(policy, chosen.name, scores, propensities, reason)


def _best(candidates: Sequence[Candidate], task: Task) -> Candidate:
    return min(candidates, key=lambda candidate: (-(candidate.declared(task) or 0.0), _cost(candidate), candidate.name))


def _cost(candidate: Candidate) -> float:
    """Return what it costs, the expected cost or else the price; unknown is dearest."""
    known = candidate.cost_usd if candidate.cost_usd is not None else candidate.price
    return float("inf") if known is None else known


def _scores(candidates: Sequence[Candidate], task: Task) -> dict[str, float]:
    return {candidate.name: candidate.declared(task) or 0.0 for candidate in candidates}


def _declares(best: Candidate, task: Task) -> str:
    score = best.declared(task)
    return f"declares {score:g} for {task.kind}, the most" if score is not None else f"nobody declares anything for {task.kind}"
