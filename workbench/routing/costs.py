"""What a call to each model is expected to cost: what is declared, corrected by what was paid."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from workbench.routing.policy import Candidate, Outcome

_TRUST: Final = 5.0
"""Paid calls that weigh as much as the declared cost: answers of one model differ in length by a factor of a few."""


class Costs:
    """Expected costs, learned model by model from what was paid."""

    def __init__(self) -> None:
        self._paid: dict[str, tuple[float, float, float]] = {}
        """Calls with known cost, the sum of paid over declared, and the sum of what was paid in USD."""

    def expected(self, candidates: Sequence[Candidate]) -> list[float]:
        """Return the expected cost of each in USD. One of which nothing is known counts as the dearest of them."""
        known = [self._expected(candidate) for candidate in candidates]
        dearest = max((cost for cost in known if cost is not None), default=0.0)
        return [dearest if cost is None else cost for cost in known]

    def learn(self, outcome: Outcome) -> None:
        """Take in what was paid; an outcome whose cost is unknown says nothing."""
        if (cost := outcome.cost_usd) is None:
            return
        declared = outcome.candidate.cost_usd
        ratio = cost / declared if declared else 1.0
        calls, ratios, paid = self._paid.get(outcome.candidate.name, (0.0, 0.0, 0.0))
        self._paid[outcome.candidate.name] = (calls + 1, ratios + ratio, paid + cost)

    def state(self) -> dict[str, Any]:
        """Return what was learned, for JSON."""
        return {name: list(sums) for name, sums in self._paid.items()}

    def restore(self, state: dict[str, Any]) -> None:
        """Take over what `state` returned."""
        self._paid = {name: (float(a), float(b), float(c)) for name, (a, b, c) in state.items()}

    def _expected(self, candidate: Candidate) -> float | None:
        calls, ratios, paid = self._paid.get(candidate.name, (0.0, 0.0, 0.0))
        if candidate.cost_usd is None:
            return paid / calls if calls else None
        return candidate.cost_usd * (_TRUST + ratios) / (_TRUST + calls)
