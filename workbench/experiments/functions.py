"""Python functions as arms and metrics: named in a definition, and found again by that name."""

from __future__ import annotations

import hashlib
import importlib
import inspect
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from workbench.experiments.definition import Definition
from workbench.experiments.reading import DefinitionError

Function = Callable[..., Any]


@dataclass(slots=True)
class Functions:
    """The functions that somebody gave, by the name of arm or metric; others are imported."""

    given: Mapping[str, Function] = field(default_factory=dict)

    def arm(self, name: str, call: str) -> Function:
        """Return the function of an arm.

        Raises:
            DefinitionError: it cannot be found.
        """
        return self.given.get(name) or imported(call, f"arms.{name}")

    def metrics(self, definition: Definition) -> dict[str, Function]:
        """Return the functions of all metrics that are one. Errors as for `arm`."""
        return {
            name: self.given.get(name) or imported(spec.call or "", f"metrics.{name}")
            for name, spec in definition.metrics.items()
            if spec.kind == "function"
        }


def imported(call: str, where: str) -> Function:
    """Return a function by its name, `MODULE:NAME`.

    Raises:
        DefinitionError: there is none.
    """
    module, _, name = call.partition(":")
    try:
        found: Any = importlib.import_module(module)
        for part in name.split("."):
            found = getattr(found, part)
    except (ImportError, AttributeError, ValueError) as error:
        raise DefinitionError(
            f"{where}.call: {call} cannot be found: {error}",
            hint="Write MODULE:NAME; a function of a notebook is given again: Experiment.load(…, functions={name: function}).",
        ) from None
    if not callable(found):
        raise DefinitionError(f"{where}.call: {call} is no function", hint="Write MODULE:NAME of a function.")
    function: Function = found
    return function


def described(arms: Mapping[str, Any], metrics: Mapping[str, Any] | Sequence[Any]) -> tuple[dict[str, Any], Any, Functions]:
    """Return arms and metrics with names in the place of functions, and the functions."""
    given: dict[str, Function] = {}
    return (
        {name: _described(name, {"call": arm} if callable(arm) else arm, given) for name, arm in arms.items()},
        {
            name: _described(name, {"kind": "function", "call": each} if callable(each) else each, given)
            for name, each in metrics.items()
        }
        if isinstance(metrics, Mapping)
        else list(metrics),
        Functions(given),
    )


def _described(name: str, spec: Any, given: dict[str, Function]) -> Any:
    if not isinstance(spec, Mapping) or not callable(spec.get("call")):
        return spec
    function = given[name] = spec["call"]
    kind = {"kind": "function"} if "better" in spec else {}
    return {**kind, **spec, "call": f"{function.__module__}:{function.__qualname__}", "source": _source(function)}


def _source(function: Function) -> str | None:
    try:
        return hashlib.sha256(inspect.getsource(function).encode()).hexdigest()
    except (OSError, TypeError):
        return None
