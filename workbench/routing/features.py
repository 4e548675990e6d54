"""A task as a row of numbers: a constant, what its text is about, and which kind it is of.

Kinds get their places as they come up. After `MOST_KINDS` all further ones share a place, so that a row, and with it the time
of a choice, stays bounded.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from workbench.routing.kinds import FEATURES
from workbench.routing.policy import RoutingError, Task

MOST_KINDS: Final = 64
FIRST: Final = 1 + FEATURES
"""Where the places of kinds begin."""


class Rows:
    """Makes rows, and remembers which place each kind has.

    Args:
        kinds: those that have a place already, in their order.
    """

    def __init__(self, kinds: list[str] | None = None) -> None:
        self.kinds: dict[str, int] = {kind: FIRST + i for i, kind in enumerate(kinds or [])}

    @property
    def size(self) -> int:
        """Length of a row."""
        return FIRST + len(self.kinds)

    def place(self, kind: str) -> bool:
        """Give a kind a place; true if the rows have become longer by that."""
        if kind in self.kinds or len(self.kinds) >= MOST_KINDS:
            return False
        self.kinds[kind] = self.size
        return True

    def row(self, task: Task) -> NDArray[np.float64]:
        """Return the row of a task.

        Raises:
            RoutingError: its features are not those of `Kinds.task`.
        """
        row = np.zeros(self.size)
        row[0] = 1.0
        if task.features:
            if len(task.features) != FEATURES:
                raise RoutingError(
                    f"a task has {FEATURES} features or none, not {len(task.features)}", hint="Use Kinds.task(text)."
                )
            row[1:FIRST] = task.features
        row[self.kinds.get(task.kind, self.size - 1)] = 1.0
        return row
