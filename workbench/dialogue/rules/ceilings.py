"""Which ceilings hold for a run: what it says, what its mode says, and what the workspace says."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from workbench.dialogue.rules.mode import LimitsSpec
from workbench.errors import WorkbenchError
from workbench.settings import BudgetSettings

Limits = Mapping[str, object]
_OF_WORKSPACE: Final = {"max_cost": "dialogue", "max_call_cost": "call"}
"""Limit of a run to the key of `[budget]` that holds where the run says nothing."""


def merge_limits(limits: LimitsSpec, changes: Limits) -> LimitsSpec:
    """Return the limits with those given replaced.

    Raises:
        WorkbenchError: a limit does not exist or has no sense.
    """
    from pydantic import ValidationError

    given = {name: value for name, value in changes.items() if value is not None}
    try:
        return LimitsSpec.model_validate(limits.model_dump() | given)
    except ValidationError as error:
        first = error.errors()[0]
        raise WorkbenchError(
            f"limit {first['loc'][0]}: {first['msg']}", hint=f"Limits: {', '.join(LimitsSpec.model_fields)}."
        ) from None


def limits_of(mode: LimitsSpec, given: Limits, budget: BudgetSettings) -> LimitsSpec:
    """Return the limits of a new run: those given, else the lower of the mode's and the workspace's.

    Raises:
        WorkbenchError: a limit does not exist or has no sense.
    """
    merged, lower = merge_limits(mode, given), {}
    for name, key in _OF_WORKSPACE.items():
        ceilings = [each for each in (getattr(merged, name), getattr(budget, key)) if each is not None]
        if given.get(name) is None and ceilings:
            lower[name] = min(ceilings)
    return merged.model_copy(update=lower)


def ceiling_in_money(limits: LimitsSpec, budget: BudgetSettings) -> str | None:
    """Return the name of a ceiling in USD that holds for a run; None where none does."""
    named = {"max_cost": limits.max_cost, "max_call_cost": limits.max_call_cost}
    named |= {"[budget] day": budget.day, "[budget] workspace": budget.workspace}
    return next((name for name, ceiling in named.items() if ceiling is not None), None)
