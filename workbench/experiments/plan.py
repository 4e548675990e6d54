"""What is to be shown, said before anybody has seen a result; and the seal that proves it was said before.

A sealed form is one JSON text of plan, arms, metrics and cases, in which equal content is equal text; the seal is its SHA-256.
It is stored before the run, and a report compares it with what was done.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from workbench.errors import WorkbenchError
from workbench.experiments.statistics.families import Correction
from workbench.experiments.statistics.observations import Better


class PlanError(WorkbenchError):
    """A plan that cannot be carried out: the text names the field, the hint the way out."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What an experiment is to show.

    Attributes:
        primary: name of the metric that decides.
        better: which way it is better: `higher` or `lower`.
        control: name of the arm that is there already.
        hypothesis: in a sentence.
        margin: the smallest difference of the primary metric that matters, above 0; None if nobody has stated one. Without it
            "not worse" cannot be shown.
        alpha: level of every test.
        power: probability that is wanted to show a difference of the margin.
        correction: of p-values, over metrics and over arms.
        prices: metrics that a recommendation sets against the primary one; those that are not measured are left out.
        cases: how many are to be run; None says as many as there are.
    """

    primary: str
    better: Better
    control: str
    hypothesis: str = ""
    margin: float | None = None
    alpha: float = 0.05
    power: float = 0.8
    correction: Correction = "holm"
    prices: tuple[str, ...] = ("latency", "cost")
    cases: int | None = None

    def __post_init__(self) -> None:
        """Refuse figures that mean nothing."""
        object.__setattr__(self, "prices", tuple(self.prices))
        checks = (
            ("better", self.better in {"higher", "lower"}, "Say higher or lower."),
            ("margin", self.margin is None or 0 < self.margin < math.inf, "A margin is a number above 0."),
            ("alpha", 0 < self.alpha < 1, "It lies between 0 and 1; 0.05 is usual."),
            ("power", 0 < self.power < 1, "It lies between 0 and 1; 0.8 is usual."),
            ("correction", self.correction in {"holm", "benjamini-hochberg"}, "Say holm or benjamini-hochberg."),
            ("cases", self.cases is None or self.cases >= 1, "A number of cases is at least 1."),
        )
        for name, fine, hint in checks:
            if not fine:
                raise PlanError(f"plan: {name} is {getattr(self, name)!r}", hint=hint)

    def to_dict(self) -> dict[str, Any]:
        """Return it as JSON values."""
        return asdict(self) | {"prices": list(self.prices)}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Plan:
        """Return the plan that `to_dict` wrote."""
        return cls(**{**values, "prices": tuple(values.get("prices", ("latency", "cost")))})


@dataclass(frozen=True, slots=True)
class Seal:
    """A form that was fixed at a point in time.

    Attributes:
        sha256: of the form's canonical text.
        sealed_at: Unix seconds.
        form: `name`, `plan`, `arms` (name to what it does), `metrics` (name to how it is measured), `cases` (`ids` in order and
            the `sha256` of their contents), `repeats`, `seed`, `fallbacks`.
    """

    sha256: str
    sealed_at: float
    form: dict[str, Any]

    @property
    def intact(self) -> bool:
        """Whether the form is the one that was sealed."""
        return digest(self.form) == self.sha256


def canonical(form: Mapping[str, Any]) -> str:
    """Return a form as the one JSON text that equal forms share.

    >>> canonical({"b": 1, "a": [2.0]})
    '{"a":[2.0],"b":1}'

    Raises:
        PlanError: it holds what JSON cannot.
    """
    try:
        return json.dumps(form, sort_keys=True, separators=(",", ":"), ensure_ascii=True, allow_nan=False)
    except (TypeError, ValueError) as error:
        raise PlanError(
            f"the definition cannot be written down: {error}", hint="Use numbers, texts, lists and mappings."
        ) from None


def digest(form: Mapping[str, Any]) -> str:
    """Return the SHA-256 of a form's canonical text, in hexadecimal."""
    return hashlib.sha256(canonical(form).encode()).hexdigest()
