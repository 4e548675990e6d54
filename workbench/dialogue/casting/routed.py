"""Roles whose model a policy chooses, turn by turn.

`route`, or `route:POLICY`, stands where a model's name may stand. Such a role has a chain of candidates instead of one of
fallbacks; when one of its turns is about to begin, the policy chooses among them, and the next best stand behind the chosen one
in case its provider fails. The choice is told with the turn's beginning, with its reason and its probability.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from pydantic import BaseModel, ConfigDict

from workbench.dialogue.planning.plan import PlannedTurn
from workbench.dialogue.prompts.context import Message
from workbench.dialogue.rules.mode import RoleSpec
from workbench.errors import UnknownModelError
from workbench.models import Client, ModelCard, ModelRegistry
from workbench.routing.policy import Choice, Constraints, Task
from workbench.settings import RoutingSettings

if TYPE_CHECKING:
    from workbench.routing.router import Router

ROUTE: Final = "route"
_JUDGE: Final = "judge"
_BYTES_PER_TOKEN: Final = 4
"""Of prompts in English, roughly; a price list is not more exact than that beforehand."""
_BEHIND: Final = 2
"""How many candidates stand behind the chosen one."""


class Route(BaseModel):
    """How a role gets its models; it goes into the record with the run.

    Attributes:
        policy: its name.
        willing_to_pay: USD for a whole point of quality in one call; None where cost does not count.
        good_enough: declared score from which on a cheaper model will do.
    """

    model_config = ConfigDict(frozen=True)

    policy: str
    willing_to_pay: float | None = None
    good_enough: float = 0.7

    def constraints(self, context_tokens: int, excluded: frozenset[str]) -> Constraints:
        """Return what a choice must keep."""
        return Constraints(
            context_tokens=context_tokens,
            excluded=excluded,
            good_enough=self.good_enough,
            willing_to_pay=self.willing_to_pay,
        )


def route_of(speaker: object, settings: RoutingSettings) -> Route | None:
    """Return the route that a speaker's name means; None where it names a model.

    Raises:
        RoutingError: there is no such policy.
    """
    if not isinstance(speaker, str) or speaker.partition(":")[0] != ROUTE:
        return None
    from workbench.routing.named import policy_named

    policy = speaker.partition(":")[2] or settings.policy
    policy_named(policy)
    return Route(policy=policy, willing_to_pay=settings.willing_to_pay, good_enough=settings.good_enough)


def candidates_for(
    spec: RoleSpec, names: Sequence[str], registry: ModelRegistry, api_base: str | None
) -> tuple[ModelCard, ...]:
    """Return the models that a policy may choose for a role.

    Those named; else those whose key is set and that declare what the role requires; where none declares it, all with a key.

    Raises:
        UnknownModelError: a name is none; or no model has its key set.
    """
    if names:
        return tuple({card.name: card for card in (registry.get(name, api_base=api_base) for name in names)}.values())
    ready = [card for card in registry.capable(()) if "endpoint" not in card.tags]
    able = [card for card in registry.capable(spec.requires) if card in ready]
    if not ready:
        raise UnknownModelError(
            "no model has its key set, so there is nothing to choose from", hint="`workbench doctor` shows what is missing."
        )
    return tuple(able or ready)


async def choose(
    route: Route,
    turn: PlannedTurn,
    spec: RoleSpec,
    *,
    topic: str,
    messages: Sequence[Message],
    answer: int,
    chain: Sequence[ModelCard],
    client: Client,
    router: Router,
) -> dict[str, Any]:
    """Let the policy choose, and return the facts of the choice, as `TurnStarted` tells them.

    Args:
        route: of the turn's role.
        turn: that is about to begin.
        spec: of its role: what it requires says which declared score counts.
        topic: of the dialogue, by which its kind is known.
        messages: the prompt.
        answer: tokens at most.
        chain: the candidates.
        client: knows which providers rest.
        router: chooses.

    Raises:
        RoutingError: none of the candidates can take the turn.
    """
    tokens = sum(len(message["content"]) for message in messages) // _BYTES_PER_TOKEN
    resting = frozenset(card.name for card in chain if client.breaker(card.provider).wait() > 0)
    excluded = resting if len(resting) < len(chain) else frozenset()
    kind = _JUDGE if turn.contest is not None or turn.role == _JUDGE else None

    def ask() -> tuple[Task, Choice]:
        task = router.task(topic, kind)
        if spec.requires:
            task = replace(task, capability=spec.requires[0])
        constraints = route.constraints(tokens + answer, excluded)
        return task, router.choose(route.policy, task, chain, constraints, tokens, answer)

    task, choice = await asyncio.to_thread(ask)
    return {
        "policy": route.policy,
        "model": choice.model,
        "reason": choice.reason,
        "propensity": choice.propensity,
        "scores": dict(choice.scores),
        "kind": task.kind,
        "capability": task.capability,
        "features": list(task.features),
    }


def with_those_behind(chain: Sequence[ModelCard], facts: dict[str, Any]) -> tuple[ModelCard, ...]:
    """Return the model of a choice and the best of the others, those of another provider before those of the same."""
    by_name = {card.name: card for card in chain}
    chosen, scores = by_name[facts["model"]], facts["scores"]
    order = sorted((name for name in scores if name in by_name and name != chosen.name), key=lambda name: -scores[name])
    others = sorted((by_name[name] for name in order), key=lambda card: card.provider == chosen.provider)
    return (chosen, *others[:_BEHIND])
