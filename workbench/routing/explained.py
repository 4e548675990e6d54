"""A choice laid open: every candidate with what speaks for it, or why it is out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from workbench.models.card import ModelCard
from workbench.routing.policy import FREE, Choice, Constraints, Task, candidate_of, refusal
from workbench.routing.router import Router


@dataclass(frozen=True, slots=True)
class Considered:
    """A candidate.

    Attributes:
        model: its name.
        chosen: whether it was chosen.
        score: what the policy compared; None if it is out.
        propensity: the probability with which it could have been chosen; None if it is out.
        declared: its card's score for the task; None if it declares none.
        expected: quality that a policy expects that learns, within 0 and 1, and the standard deviation of that; None for other
            policies.
        cost_usd: expected cost; None is unknown.
        latency: seconds to the first token; None is unknown.
        out: why it could not be chosen; None if it could.
    """

    model: str
    chosen: bool
    score: float | None
    propensity: float | None
    declared: float | None
    expected: tuple[float, float] | None
    cost_usd: float | None
    latency: float | None
    out: str | None


@dataclass(frozen=True, slots=True)
class Explanation:
    """A choice, and all that was considered, the chosen one first and the best of the others next.

    Attributes:
        task: as it was understood.
        choice: None where no candidate was left.
        considered: the candidates.
    """

    task: Task
    choice: Choice | None
    considered: tuple[Considered, ...]


def explain(
    router: Router,
    policy: str,
    task: Task,
    cards: Sequence[ModelCard],
    constraints: Constraints = FREE,
    *,
    prompt_tokens: int = 1000,
    output_tokens: int = 500,
) -> Explanation:
    """Choose as `Router.choose` does, with all that the record has to learn from, and return why. Arguments as there. Blocks.

    Raises:
        RoutingError: there is no such policy.
    """
    router.refresh(policy)
    choice = None
    candidates = [candidate_of(card, prompt_tokens=prompt_tokens, output_tokens=output_tokens) for card in cards]
    out = {candidate.name: refusal(candidate, constraints) for candidate in candidates}
    if not candidates or not all(out.values()):
        choice = router.choose(policy, task, cards, constraints, prompt_tokens, output_tokens)
    known = router.expected(policy, task, cards).items()
    expected = {name: (min(max(mean, 0.0), 1.0), deviation) for name, (mean, deviation) in known}
    considered = [
        Considered(
            candidate.name,
            choice is not None and candidate.name == choice.model,
            choice.scores.get(candidate.name) if choice else None,
            choice.propensities.get(candidate.name) if choice else None,
            candidate.declared(task),
            expected.get(candidate.name),
            candidate.cost_usd,
            candidate.latency,
            out[candidate.name],
        )
        for candidate in candidates
    ]
    considered.sort(key=lambda each: (not each.chosen, each.out is not None, -(each.score or 0.0), each.model))
    return Explanation(task, choice, tuple(considered))
