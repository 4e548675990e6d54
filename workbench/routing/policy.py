"""The nouns of routing, and the interface of a policy.

A policy is asked `choose(task, candidates, constraints)` and answers with a `Choice`: the model, a score for every candidate,
the probability with which each could have been chosen, and one line that says why. Afterwards it may be told how it went:
`learn(outcome)`. `admitted` is the only place that settles which candidates the constraints leave.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, Protocol

from workbench.errors import WorkbenchError
from workbench.models.card import ModelCard

_SHOWN = 8
OTHER: Final = "other"
"""The kind of a text of which nothing can be said."""
POLICIES: Final = (
    "learned", "capability", "cheapest", "local", "random", "round-robin", "epsilon", "thompson", "linucb",
)  # fmt: skip
"""What policies are called, besides `fixed:MODEL`; `named` makes them."""


class RoutingError(WorkbenchError):
    """No model can be chosen, or a table or a log of outcomes cannot be used."""


@dataclass(frozen=True, slots=True)
class Task:
    """What is to be done.

    Attributes:
        text: of the prompt.
        kind: `code`, `maths`, … or any label of a user's own.
        capability: the score on a model's card that counts for it.
        features: what the text is about, as numbers (`Kinds.task` makes them); empty where it was not looked at.
    """

    text: str
    kind: str = OTHER
    capability: str = ""
    features: tuple[float, ...] = ()


@dataclass(frozen=True, slots=True)
class Candidate:
    """A model that could be chosen.

    Attributes:
        name: of its card.
        capabilities: declared scores, 0 to 1, by capability or by kind of task.
        price: USD per million tokens, three parts of input and one of output; None is unknown, which is not free.
        cost_usd: what this task is expected to cost; None is unknown.
        latency: seconds to the first token; None is unknown.
        context_window: tokens; None is unknown.
        local: whether it runs on this machine.
    """

    name: str
    capabilities: Mapping[str, float] = field(default_factory=dict)
    price: float | None = None
    cost_usd: float | None = None
    latency: float | None = None
    context_window: int | None = None
    local: bool = False

    def declared(self, task: Task) -> float | None:
        """Return the score that its card declares for a task: for its kind, else for its capability; None if neither.

        Where nothing is known of the task, it is the mean of all that the card declares.
        """
        score = self.capabilities.get(task.kind, self.capabilities.get(task.capability))
        if score is None and task.kind == OTHER and self.capabilities:
            return sum(self.capabilities.values()) / len(self.capabilities)
        return score


@dataclass(frozen=True, slots=True)
class Constraints:
    """What a choice must keep, and what quality is worth.

    Attributes:
        max_cost_usd: expected cost at most; a model whose cost is unknown is left out then.
        context_tokens: what prompt and answer need; models with a smaller window are left out.
        max_latency: seconds to the first token at most; a model whose latency is unknown is left out then.
        local_only: only models on this machine.
        excluded: models that must not be chosen, e.g. because their provider is down.
        good_enough: the declared score from which on a cheaper model is preferred.
        willing_to_pay: USD for a whole point of quality (1 instead of 0) in one call; None means that cost does not count.
    """

    max_cost_usd: float | None = None
    context_tokens: int | None = None
    max_latency: float | None = None
    local_only: bool = False
    excluded: frozenset[str] = frozenset()
    good_enough: float = 0.7
    willing_to_pay: float | None = None

    def __post_init__(self) -> None:
        """Refuse a price of quality that means nothing.

        Raises:
            RoutingError: it is not above 0.
        """
        if self.willing_to_pay is not None and not self.willing_to_pay > 0:
            raise RoutingError(
                f"willing to pay {self.willing_to_pay} USD for a point of quality: it must be more than 0",
                hint="Leave it out to choose by quality alone; a very small value chooses by cost.",
            )


FREE = Constraints()
"""No constraint at all."""


@dataclass(frozen=True, slots=True)
class Choice:
    """A model, and why.

    Attributes:
        policy: that chose.
        model: name of the candidate.
        scores: what the policy compared, for every candidate that the constraints left; higher is better.
        propensities: the probability with which each of them could have been chosen; they add up to 1.
        reason: one line.
    """

    policy: str
    model: str
    scores: Mapping[str, float]
    propensities: Mapping[str, float]
    reason: str

    @property
    def propensity(self) -> float:
        """The probability with which this model was chosen: what off-policy estimates divide by."""
        return self.propensities[self.model]


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a choice turned out.

    Attributes:
        task: what was to be done.
        candidate: who did it.
        quality: 0 to 1.
        cost_usd: what it cost; None is unknown.

    Raises:
        RoutingError: the quality does not lie between 0 and 1, or the cost is no amount of money.
    """

    task: Task
    candidate: Candidate
    quality: float
    cost_usd: float | None = None

    def __post_init__(self) -> None:
        """Refuse what would spoil everything learned before."""
        if not 0 <= self.quality <= 1:
            raise RoutingError(
                f"a quality of {self.quality} for {self.candidate.name}: it must lie between 0 and 1",
                hint="Divide a score by the highest that could be reached.",
            )
        if self.cost_usd is not None and not (self.cost_usd >= 0 and math.isfinite(self.cost_usd)):
            raise RoutingError(f"a cost of {self.cost_usd} USD for {self.candidate.name}: it must be 0 or more")


class Policy(Protocol):
    """Chooses models."""

    @property
    def name(self) -> str:
        """What people call it."""
        ...

    def choose(self, task: Task, candidates: Sequence[Candidate], constraints: Constraints = FREE) -> Choice:
        """Return a choice.

        Raises:
            RoutingError: the constraints leave no candidate.
        """
        ...

    def learn(self, outcome: Outcome) -> None:
        """Take in how a choice turned out; policies that do not learn let it pass."""
        ...


def candidate_of(card: ModelCard, *, prompt_tokens: int = 1000, output_tokens: int = 500) -> Candidate:
    """Return a card as a candidate for a task of that size."""
    prices = card.prices
    return Candidate(
        card.name,
        card.capabilities,
        price=(3 * prices.input + prices.output) / 4 if prices else None,
        cost_usd=(prompt_tokens * prices.input + output_tokens * prices.output) / 1e6 if prices else None,
        latency=card.latency,
        context_window=card.context_window,
        local=card.local,
    )


def admitted(candidates: Sequence[Candidate], constraints: Constraints) -> list[Candidate]:
    """Return the candidates that keep the constraints, in their order.

    Raises:
        RoutingError: there are none, with the reason for each; or two of them bear one name.
    """
    if len({candidate.name for candidate in candidates}) < len(candidates):
        raise RoutingError("two candidates bear the same name", hint="Name each model once.")
    if constraints == FREE and candidates:
        return list(candidates)
    refused = {candidate.name: refusal(candidate, constraints) for candidate in candidates}
    kept = [candidate for candidate in candidates if refused[candidate.name] is None]
    if not kept:
        reasons = [f"{name} ({reason})" for name, reason in refused.items()]
        more = f" and {len(reasons) - _SHOWN} more" if len(reasons) > _SHOWN else ""
        raise RoutingError(
            "no model can be chosen: " + (", ".join(reasons[:_SHOWN]) + more if reasons else "there are no candidates"),
            hint="Relax a constraint, or declare a model that keeps them: docs/routing.md.",
        )
    return kept


def refusal(candidate: Candidate, constraints: Constraints) -> str | None:
    """Return why a candidate is out; None if it is not."""
    if candidate.name in constraints.excluded:
        return "excluded"
    if constraints.local_only and not candidate.local:
        return "not on this machine"
    if constraints.max_cost_usd is not None and not _within(candidate.cost_usd, constraints.max_cost_usd):
        return "cost unknown" if candidate.cost_usd is None else f"{candidate.cost_usd:.2g} USD"
    if constraints.max_latency is not None and not _within(candidate.latency, constraints.max_latency):
        return "latency unknown" if candidate.latency is None else f"{candidate.latency:g} s"
    window = candidate.context_window
    if constraints.context_tokens is not None and window is not None and window < constraints.context_tokens:
        return f"window of {window} tokens"
    return None


def _within(value: float | None, most: float) -> bool:
    return value is not None and value <= most
