"""What a run may take: one budget that every dialogue of it is part of, judges included."""

from __future__ import annotations

from workbench.dialogue.budget import Amount, Budget
from workbench.dialogue.mode import LimitsSpec
from workbench.errors import BudgetExceededError
from workbench.experiments.definition import RunLimits


class RunBudget(Budget):
    """A budget under which no answer is cut short: a call that does not fit whole is not made, and the run stops.

    A dialogue by itself would ask for a shorter answer with the last of its money. In an experiment that would be another
    treatment.

    Args:
        limits: of the run.
        spent: by the run before.
        whole: the budget of the day and the workspace.

    Attributes:
        reached: why no further call fits; None while there is room.
    """

    def __init__(self, limits: RunLimits, spent: Amount, whole: Budget | None) -> None:
        ceilings = {name: getattr(limits, name) for name in ("max_cost", "max_tokens", "max_calls")}
        super().__init__(LimitsSpec(**ceilings), spent, whole)
        self.reached: str | None = None

    def passed(self, amount: Amount, kept: float = 0.0) -> str | None:
        """Return the name of the ceiling that `amount` would pass, while others hold what it needs.

        Raises:
            BudgetExceededError: nobody holds anything, and it would still be passed.
        """
        found = super().passed(amount, kept)
        if found is not None and not self.held.calls:
            ceiling = getattr(self.limits, found)
            self.reached = f"the next call could pass {found}={ceiling:g} of the run"
            raise BudgetExceededError(found, self.reached)
        return found
