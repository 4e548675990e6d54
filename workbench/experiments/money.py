"""What a run may take: one budget that every dialogue of it is part of, judges included."""

from __future__ import annotations

from workbench.dialogue.money.budget import Amount, Budget
from workbench.dialogue.rules.mode import LimitsSpec
from workbench.errors import BudgetExceededError
from workbench.experiments.definition import RunLimits


class Uncut(Budget):
    """A budget under which no answer is cut short: a call that does not fit whole is not made, and the run stops.

    A dialogue by itself would ask for a shorter answer with the last of its money. In an experiment that would be another
    treatment.

    Attributes:
        reached: why no further call fits; None while there is room.
    """

    reached: str | None = None


class RunBudget(Uncut):
    """The budget of a run.

    Args:
        limits: of the run.
        spent: by the run before.
        whole: the budget of the day and the workspace.
    """

    def __init__(self, limits: RunLimits, spent: Amount, whole: Budget | None) -> None:
        ceilings = {name: getattr(limits, name) for name in ("max_cost", "max_tokens", "max_calls")}
        super().__init__(LimitsSpec(**ceilings), spent, whole)

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

    @property
    def ceilings(self) -> dict[str, float]:
        """The lowest ceilings that hold, by name: its own, and those of the day and the workspace."""
        found: dict[str, float] = {}
        for name in ("max_cost", "max_tokens", "max_calls"):
            values = [value for each in self.line if (value := getattr(each.limits, name)) is not None]
            found |= {name: min(values)} if values else {}
        return found

    def has_room(self, amount: Amount) -> bool:
        """Whether an amount passes no ceiling now."""
        return all(Budget.passed(each, amount) is None for each in self.line)

    async def hold(self, amount: Amount) -> None:
        """Hold an amount for calls that another process makes; wait while others hold what it needs.

        Raises:
            BudgetExceededError: nobody holds anything, and it would pass a ceiling.
        """
        while over := [(each, limit) for each in self.line if (limit := each.passed(amount)) is not None]:
            busy = next((each for each, _ in over if each.held.calls), None)
            if busy is None:
                budget, limit = over[0]
                self.reached = f"the next call could pass {limit}={getattr(budget.limits, limit):g} of the {budget.name}"
                raise BudgetExceededError(f"budget.{budget.name}", self.reached)
            busy._settled.clear()  # noqa: SLF001 - of the class that this one is made from
            await busy._settled.wait()  # noqa: SLF001 - as above
        for each in self.line:
            each.held += amount

    def account(self, *, held: Amount, spent: Amount) -> None:
        """Let go of what was held for another process, and count what it has spent."""
        for each in self.line:
            each.held -= held
            each.spent += spent
            each._settled.set()  # noqa: SLF001 - as above
