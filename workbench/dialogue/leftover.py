"""What the day's and the workspace's ceilings have left, as far as costs are known: at once, however long the record is.

`purse` is what dialogues are held to; it looks for calls whose cost is lost as well, and takes its time for that.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from workbench.dialogue.purse import dollars, midnight

if TYPE_CHECKING:
    from workbench.records import Record
    from workbench.settings import BudgetSettings


@dataclass(frozen=True, slots=True)
class Left:
    """What is left of a budget.

    Attributes:
        budget: day or workspace.
        ceiling: USD.
        spent: USD of the calls whose cost is known.
        unpriced_calls: that may have cost something which nobody knows.
    """

    budget: str
    ceiling: float
    spent: float
    unpriced_calls: int

    @property
    def left(self) -> float:
        """USD; at most so much where there are calls without a cost."""
        return max(self.ceiling - self.spent, 0.0)

    @property
    def sentence(self) -> str:
        """It in words."""
        most = "at most " if self.unpriced_calls else ""
        return f"Budget of the {self.budget}: {most}{dollars(self.left)} of {dollars(self.ceiling)} left."


def budgets_left(record: Record, ceilings: BudgetSettings) -> list[Left]:
    """Return what is left of the day's and the workspace's budgets; of those without a ceiling nothing.

    Raises:
        RecordError: the record cannot be read.
    """
    wanted = (("day", ceilings.day, midnight(time.time())), ("workspace", ceilings.workspace, None))
    found = []
    for budget, ceiling, since in wanted:
        if ceiling is not None:
            total = record.usage.total(since)
            found.append(Left(budget, ceiling, total.cost or 0.0, total.unpriced_calls))
    return found
