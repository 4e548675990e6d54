"""Experiments: which of two arms is better, by how much, at what price, and how sure we are.

`definition` says what an experiment consists of (`reading` reads it from YAML), `plan` what it is to show, `cases` where cases
come from. `runner` makes observations: `arms` answer, `metrics` and `judging` say what an answer is worth, `lanes` how much a
provider is asked at once, `money` what may be spent, `keeping` brings observations into the record. `experiment` is what users
hold, `manifest` under which circumstances a run was made, `sizing` how many cases it takes. `statistics` holds what is said
about results; it takes them as a table and asks nothing about where they came from. `analysis` says all of it at once, `plots`
and `report` show it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from workbench.experiments.experiment import Experiment
    from workbench.experiments.plan import Plan

__all__ = ["Experiment", "Plan"]


def __getattr__(name: str) -> Any:
    """Import what is asked for, because the statistics need none of the engine."""
    if name == "Experiment":
        from workbench.experiments.experiment import Experiment

        return Experiment
    if name == "Plan":
        from workbench.experiments.plan import Plan

        return Plan
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
