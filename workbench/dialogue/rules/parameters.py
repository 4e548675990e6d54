"""What a run may change about a mode: named values with defaults. A value is of the kind that its default is."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, TypeAlias

from workbench.errors import ModeError

Parameter: TypeAlias = int | float | str | list[str]
Parameters: TypeAlias = Mapping[str, Parameter]
MOST: Final = 1000
"""The largest whole number: parameters say how often something is done."""


def settle(mode: str, defaults: Parameters, given: Parameters) -> dict[str, Parameter]:
    """Return a mode's parameters with those given in their place; text is read as what the default is.

    Raises:
        ModeError: there is no such parameter, or the value is of another kind or out of range.
    """
    for name in given:
        if name not in defaults:
            raise ModeError(f"mode {mode} has no parameter {name!r}", hint=f"Its parameters: {listed(defaults) or 'none'}.")
    return dict(defaults) | {name: _read(name, value, defaults[name]) for name, value in given.items()}


def listed(parameters: Parameters) -> str:
    """Return parameters as one writes them: `rounds=3, experts=security,performance`."""
    return ", ".join(f"{name}={','.join(value) if isinstance(value, list) else value}" for name, value in parameters.items())


def _read(name: str, value: Parameter, default: Parameter) -> Parameter:
    match default:
        case list():
            items = value.split(",") if isinstance(value, str) else value if isinstance(value, list) else []
            found = [str(item).strip() for item in items if str(item).strip()]
            if not 1 <= len(found) <= MOST:
                raise ModeError(f"{name}={value} is no list", hint=f"Write {name}=a,b,c.")
            return found
        case str():
            return str(value)
        case int():
            return _whole(name, value)
        case _:
            return _number(name, value)


def _whole(name: str, value: Parameter) -> int:
    try:
        number = int(value) if isinstance(value, str) else value
    except ValueError:
        number = None
    if not isinstance(number, int) or isinstance(number, bool):
        raise ModeError(f"{name}={value}: a whole number is needed")
    if not 1 <= number <= MOST:
        raise ModeError(f"{name}={value} is out of range", hint=f"A whole number from 1 to {MOST}.")
    return number


def _number(name: str, value: Parameter) -> float:
    try:
        return float(value)  # type: ignore[arg-type]  # a list is refused below
    except (TypeError, ValueError):
        raise ModeError(f"{name}={value}: a number is needed") from None
