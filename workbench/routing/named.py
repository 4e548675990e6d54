"""Policies by the names that people give them: `learned`, `fixed:gpt-mini`, `epsilon` and others."""

from __future__ import annotations

import difflib
from collections.abc import Callable
from typing import Final

from workbench.routing.bandits import EpsilonGreedy, LinUCB, Thompson
from workbench.routing.declared import Capability, Cheapest, Fixed, LocalFirst, Random, RoundRobin
from workbench.routing.learned import Learned
from workbench.routing.policy import POLICIES, Policy, RoutingError

_MAKERS: Final[dict[str, Callable[[int], Policy]]] = {
    "learned": Learned,
    "epsilon": lambda seed: EpsilonGreedy(seed=seed),
    "thompson": lambda seed: Thompson(seed=seed),
    "linucb": lambda seed: LinUCB(seed=seed),
    "capability": lambda _: Capability(),
    "cheapest": lambda _: Cheapest(),
    "local": lambda _: LocalFirst(),
    "random": Random,
    "round-robin": lambda _: RoundRobin(),
}
assert set(_MAKERS) == set(POLICIES)
NAMES: Final = (*POLICIES, "fixed:MODEL")


def policy_named(name: str, seed: int = 0) -> Policy:
    """Return a new policy.

    Args:
        name: one of `NAMES`.
        seed: of what it draws.

    Raises:
        RoutingError: there is none of that name.

    >>> policy_named("fixed:gpt-mini").name
    'fixed:gpt-mini'
    """
    kind, _, model = name.partition(":")
    if kind == "fixed" and model:
        return Fixed(model)
    if name not in _MAKERS:
        near = difflib.get_close_matches(name, _MAKERS, n=1)
        hint = f"Did you mean {near[0]}?" if near else f"There are {', '.join(NAMES)}."
        raise RoutingError(f"no routing policy is called {name!r}", hint=hint)
    return _MAKERS[name](seed)
