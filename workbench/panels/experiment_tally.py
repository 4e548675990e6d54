"""How a run stands, read as it goes: observations that are complete are added up once and not read again.

Cases are counted in their own order, which was fixed before the run, and not in that of completion: what answers quickly is
often what is easy, and a running difference must not lean on it.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from typing import TYPE_CHECKING, Final

from workbench.errors import redact
from workbench.experiments.definition import MEASURED

if TYPE_CHECKING:
    from workbench.experiments.definition import Definition
    from workbench.records.experiments import ExperimentRows, ObservationRow

_LATER: Final = ("pairwise", "human")
"""Kinds of metrics whose values come after the run of observations."""
_LAST: Final = 2**31 - 1


@dataclass(slots=True)
class ArmTally:
    """Sums of one arm. `value` and `seconds` are sums over those of `valued` and `timed` observations."""

    ok: int = 0
    failed: int = 0
    fallbacks: int = 0
    value: float = 0.0
    valued: int = 0
    seconds: float = 0.0
    timed: int = 0
    cost: float = 0.0

    def add(self, row: ObservationRow, value: float | None) -> None:
        """Add an observation."""
        if row.status == "ok":
            self.ok += 1
        else:
            self.failed += 1
        self.fallbacks += row.fallback
        self.cost += row.cost or 0.0
        if row.status == "ok" and row.latency is not None:
            self.seconds, self.timed = self.seconds + row.latency, self.timed + 1
        if value is not None:
            self.value, self.valued = self.value + value, self.valued + 1

    def mean(self) -> float | None:
        """Return the mean of the primary metric."""
        return self.value / self.valued if self.valued else None

    def latency(self) -> float | None:
        """Return the mean of seconds."""
        return self.seconds / self.timed if self.timed else None


@dataclass(slots=True)
class RunTally:
    """What there is of a run.

    Args:
        rows: the record's.
        run: its id.
        definition: of the experiment.
    """

    rows: ExperimentRows
    run: str
    definition: Definition
    arms: dict[str, ArmTally] = field(init=False)
    differences: dict[str, list[float]] = field(init=False)
    """Treatment to its differences from the control in the primary metric, by case, repeats averaged."""
    errors: Counter[tuple[str, str]] = field(init=False)
    """How often an arm failed in which way."""
    _next: int = field(default=0, init=False)
    _whole: dict[str, ArmTally] = field(init=False)
    _whole_errors: Counter[tuple[str, str]] = field(default_factory=Counter, init=False)

    def __post_init__(self) -> None:
        """Begin with nothing."""
        plan, names = self.definition.planned(), list(self.definition.arms)
        self._whole = {name: ArmTally() for name in names}
        self.arms, self.errors = self._whole, Counter()
        self.differences = {name: [] for name in names if name != plan.control}

    @property
    def later(self) -> bool:
        """Whether the primary metric is known only after the observations."""
        return self.definition.metrics[self.definition.planned().primary].kind in _LATER

    def update(self) -> None:
        """Read what is new. Blocks.

        Raises:
            RecordError: the record cannot be read.
        """
        found = self.rows.observations(self.run, (self._next, _LAST))
        expected = len(self.definition.arms) * self.definition.repeats
        open_rows: list[ObservationRow] = []
        for number, group in groupby(found, key=lambda row: row.number):
            case = list(group)
            if number == self._next and len(case) == expected:
                self._count(case, self._whole, self._whole_errors)
                self._differ(case)
                self._next += 1
            else:
                open_rows += case
        self.arms = {name: _copy(tally) for name, tally in self._whole.items()}
        self.errors = self._whole_errors.copy()
        self._count(open_rows, self.arms, self.errors)

    def _count(self, rows: Iterable[ObservationRow], arms: dict[str, ArmTally], errors: Counter[tuple[str, str]]) -> None:
        for row in rows:
            if row.arm not in arms:
                continue
            arms[row.arm].add(row, self._value(row))
            if row.error:
                errors[row.arm, redact(" ".join(row.error.split()))[:200]] += 1

    def _differ(self, case: Sequence[ObservationRow]) -> None:
        control = self._mean(case, self.definition.planned().control)
        for arm, known in self.differences.items():
            mean = self._mean(case, arm)
            if control is not None and mean is not None:
                known.append(mean - control)

    def _mean(self, case: Sequence[ObservationRow], arm: str) -> float | None:
        values = [value for row in case if row.arm == arm and (value := self._value(row)) is not None]
        return sum(values) / len(values) if values else None

    def _value(self, row: ObservationRow) -> float | None:
        """Return an observation's value of the primary metric."""
        primary = self.definition.planned().primary
        spec = self.definition.metrics[primary]
        if row.status != "ok" or spec.kind in _LATER:
            return None
        value = getattr(row, spec.kind) if spec.kind in MEASURED else json.loads(row.scores).get(primary)
        return None if value is None else float(value)


def _copy(tally: ArmTally) -> ArmTally:
    return ArmTally(*(getattr(tally, name) for name in ArmTally.__slots__))
