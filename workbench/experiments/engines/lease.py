"""What a batch may spend: its share of the run's budget, asked for call by call.

The run's budget is in one place, the driver. A call on a worker asks for the most that it can cost, waits for the answer like
for other calls to settle, and gives back what it did not take. So the ceilings hold over all workers, and a worker that dies
takes no more with it than its calls that were under way.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import astuple
from typing import Final

from workbench.dialogue.money.budget import Amount, charge
from workbench.dialogue.rules.mode import LimitsSpec
from workbench.errors import BudgetExceededError
from workbench.events import Call
from workbench.experiments.money import Uncut

CEILINGS: Final = ("max_cost", "max_tokens", "max_calls")
"""What a budget may bound, in the order of an `Amount`."""
_SLACK: Final = 1e-12
"""USD that rounding may cost."""
_QUESTION: Final = Amount(calls=1)
"""Is held while a question is on its way, so that calls wait for the answer."""


class Lease(Uncut):
    """A share of a budget that another process holds. On the engine's loop.

    Args:
        ceilings: that hold for the whole; where there is none, nothing is asked.
        changed: called where there is something to say: `news`, or a `question`.

    Attributes:
        granted: all in all.
    """

    def __init__(self, ceilings: Mapping[str, float], changed: Callable[[], None]) -> None:
        super().__init__(LimitsSpec.model_validate(ceilings))
        self.granted = Amount()
        self._changed, self._asking, self._unsaid = changed, False, False
        self._wanted = self._first = Amount()
        self._told = self._released = Amount()

    def passed(self, amount: Amount, kept: float = 0.0) -> str | None:
        """Return the name of a ceiling where `amount` is not granted yet; more is asked for then.

        Raises:
            BudgetExceededError: it was asked for, and would pass a ceiling of the run.
        """
        if self.reached is not None:
            raise BudgetExceededError("max_cost", self.reached)
        after = astuple(amount + Amount(cost=kept) - self._free)
        over = [
            name for name, more in zip(CEILINGS, after, strict=True) if more > _SLACK and getattr(self.limits, name) is not None
        ]
        if not over:
            return None
        if not self._asking:
            self._asking, self._unsaid, self.held = True, True, self.held + _QUESTION
            self._wanted, self._first = Amount(), amount + Amount(cost=kept)
            self._changed()
        self._wanted += amount + Amount(cost=kept)
        return over[0]

    def settle(self, call: Call, amount: Amount) -> None:
        """Count a call that has ended; what it did not take goes back to the whole."""
        super().settle(call, amount)
        self.granted += charge(call, amount) - amount
        self._released += amount
        self._changed()

    def question(self) -> tuple[Amount, Amount] | None:
        """Return, once, what is wanted and not there: for all calls that wait, and for the first; None where none does."""
        if not self._unsaid:
            return None
        wanted, first, self._unsaid = self._wanted, self._first, False
        return self._missing(wanted), self._missing(first)

    def grant(self, amount: Amount) -> None:
        """Take what was asked for."""
        self.granted += amount
        self._answered()

    def refuse(self, reason: str) -> None:
        """Take no for an answer: no further call fits."""
        self.reached = reason
        self._answered()

    def news(self) -> tuple[Amount, Amount] | None:
        """Return what is spent and what is released since the last time; None where nothing is."""
        spent, released = self.spent - self._told, self._released
        self._told, self._released = self.spent, Amount()
        return None if spent == Amount() == released else (spent, released)

    @property
    def _free(self) -> Amount:
        return self.granted - self.spent - self.held + (_QUESTION if self._asking else Amount())

    def _missing(self, amount: Amount) -> Amount:
        missing = amount - self._free
        return Amount(max(missing.cost, 0.0), max(missing.tokens, 0), max(missing.calls, 0))

    def _answered(self) -> None:
        self._asking, self.held = False, self.held - _QUESTION
        self._settled.set()
