"""What an approach took, and in which unit two spends are equal: USD where every model has a price, else tokens."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Literal

from workbench.dialogue.dialogue import Dialogue
from workbench.dialogue.export.facts import money
from workbench.models import ModelCard

Unit = Literal["USD", "tokens"]


@dataclass(frozen=True, slots=True)
class Spend:
    """What dialogues took: `cost` in USD, None where no price is known; `seconds` of all calls added up.

    How long one waits depends on what else runs at the same time; how long models work does not, or less.
    """

    cost: float | None
    tokens: int
    seconds: float

    def amount(self, unit: Unit) -> float:
        """Return it in a unit."""
        return (self.cost or 0.0) if unit == "USD" else float(self.tokens)


def unit_of(cards: Iterable[ModelCard]) -> Unit:
    """Return the unit in which models' spends are compared; models that are free are compared by tokens."""
    prices = [card.prices for card in cards]
    return "USD" if all(prices) and any(price.input + price.output > 0 for price in prices if price) else "tokens"


def shown(amount: float, unit: Unit) -> str:
    """Return an amount with its unit: `$0.0123`, or `1,230 tokens`."""
    return money(amount) if unit == "USD" else f"{amount:,.0f} tokens"


def spend_of(dialogue: Dialogue, load: Callable[[str], Dialogue]) -> Spend:
    """Return what a dialogue took, with its failed calls and its sub-dialogues.

    Args:
        dialogue: at its end.
        load: returns a dialogue of the record by its id.
    """
    metrics = dialogue.metrics
    calls = [call for turn in dialogue.snapshot() for call in turn.calls]
    total = Spend(metrics.cost, metrics.tokens, sum(call.timings.total for call in calls))
    for child in dialogue.snapshot().children:
        below = spend_of(load(child), load)
        costs = [cost for cost in (total.cost, below.cost) if cost is not None]
        total = Spend(sum(costs) if costs else None, total.tokens + below.tokens, total.seconds + below.seconds)
    return total
