"""What the parts of an expression do with values, once `expressions` has read them.

A part is called with the values that names stand for, and gives one. Values are JSON: whatever else is handed in can be
compared, and nothing more. A part that cannot do its work raises a `Fault`, which knows where in the text it stands.
"""

# ruff: noqa: D102 - to call a part is to evaluate it

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from workbench.dialogue.planning.functions import FUNCTIONS, WrongValueError, is_number, keys, kind, number

Values = Mapping[str, Any]
Part = Callable[[Values], Any]
_ARITHMETIC: Final[Mapping[str, Callable[[Any, Any], Any]]] = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "/": operator.truediv,
    "//": operator.floordiv,
    "%": operator.mod,
    "**": math.pow,  # in floats, so that no power takes long
}
_ORDER: Final[Mapping[str, Callable[[Any, Any], bool]]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}


class Fault(Exception):  # noqa: N818 - a ModeError is made of it, once the text is known
    """What is wrong at a place in an expression.

    Args:
        at: the place, counted from 0.
        what: is wrong.
        fix: what to do about it.
    """

    def __init__(self, at: int, what: str, fix: str) -> None:
        super().__init__(what)
        self.at, self.what, self.fix = at, what, fix


class MissingFault(Fault):
    """A name, key or item is not there: what `default` is for."""


@dataclass(frozen=True, slots=True)
class Constant:
    """A number, a text, true, false or null."""

    value: Any

    def __call__(self, _values: Values) -> Any:
        return self.value


@dataclass(frozen=True, slots=True)
class Named:
    """What a name stands for."""

    name: str
    at: int

    def __call__(self, values: Values) -> Any:
        if self.name in values:
            return values[self.name]
        fix = f"There is {keys(values)}." if values else "No result is there yet."
        raise MissingFault(self.at, f"there is no {self.name!r}", fix + spaced(self.name))


@dataclass(frozen=True, slots=True)
class Keyed:
    """What stands under a key or at a place; `whole` is how the value was written."""

    of: Part
    key: str | int
    at: int
    whole: str

    def __call__(self, values: Values) -> Any:
        found = self.of(values)
        if isinstance(self.key, str) and isinstance(found, list | tuple):
            return [self._in(item, f"item {number} of {self.whole}") for number, item in enumerate(found, 1)]
        return self._in(found, self.whole)

    def _in(self, found: Any, whole: str) -> Any:
        try:
            if isinstance(self.key, str):
                if isinstance(found, Mapping):
                    return found[self.key]
            elif isinstance(found, list | tuple):
                return found[self.key]
        except (KeyError, IndexError):
            has = keys(found) if isinstance(found, Mapping) else f"{len(found)} items"
            fix = f"default({self.whole}{self._spelled()}, ...) says what to take instead.{spaced(self.key)}"
            raise MissingFault(self.at, f"{whole} has no {self.key!r}; it has {has}", fix) from None
        if found is None:
            fix = f"Its turn was skipped or gave no such data; default({self.whole}{self._spelled()}, ...) says what to take."
            raise MissingFault(self.at, f"{whole} is null, so it has no {self.key!r}", fix)
        has = "keys" if isinstance(self.key, str) else "places"
        raise Fault(self.at, f"{whole} is {kind(found)}, so it has no {has}", "Objects have keys, lists have places.")

    def _spelled(self) -> str:
        return f".{self.key}" if isinstance(self.key, str) else f"[{self.key}]"


@dataclass(frozen=True, slots=True)
class Listed:
    """A list of values."""

    parts: tuple[Part, ...]

    def __call__(self, values: Values) -> list[Any]:
        return [part(values) for part in self.parts]


@dataclass(frozen=True, slots=True)
class Logical:
    """`or`, `and`: the first value that decides, as in Python; what comes after it is not looked at."""

    parts: tuple[Part, ...]
    decides: bool

    def __call__(self, values: Values) -> Any:
        value = None
        for part in self.parts:
            value = part(values)
            if bool(value) is self.decides:
                break
        return value


@dataclass(frozen=True, slots=True)
class Negated:
    """`not`."""

    part: Part

    def __call__(self, values: Values) -> bool:
        return not self.part(values)


@dataclass(frozen=True, slots=True)
class Compared:
    """Comparisons, one or a chain such as `1 < x < 5`."""

    first: Part
    rest: tuple[tuple[str, int, Part], ...]

    def __call__(self, values: Values) -> bool:
        left = self.first(values)
        for sign, at, part in self.rest:
            right = part(values)
            if not _holds(sign, left, right, at):
                return False
            left = right
        return True


def _holds(sign: str, left: Any, right: Any, at: int) -> bool:
    match sign:
        case "==":
            return bool(left == right)
        case "!=":
            return bool(left != right)
        case "in" | "not in":
            return _contained(left, right, at) is (sign == "in")
    if (is_number(left) and is_number(right)) or (isinstance(left, str) and isinstance(right, str)):
        return _ORDER[sign](left, right)
    fix = "Numbers are compared with numbers, texts with texts; default(x, 0) stands in for null."
    raise Fault(at, f"{kind(left)} {sign} {kind(right)} cannot be told", fix)


def _contained(item: Any, container: Any, at: int) -> bool:
    if isinstance(container, list | tuple):
        return item in container
    if isinstance(container, str | Mapping) and isinstance(item, str):
        return item in container
    fix = "A list can have anything in it, a text a text, and an object a key."
    raise Fault(at, f"{kind(item)} in {kind(container)} cannot be told", fix)


@dataclass(frozen=True, slots=True)
class Calculated:
    """Arithmetic from left to right; `+` also joins texts, and lists."""

    first: Part
    rest: tuple[tuple[str, int, Part], ...]

    def __call__(self, values: Values) -> Any:
        left = self.first(values)
        for sign, at, part in self.rest:
            left = _calculate(sign, left, part(values), at)
        return left


def _calculate(sign: str, left: Any, right: Any, at: int) -> Any:
    joined = sign == "+" and isinstance(left, str | list) and type(left) is type(right)
    if not joined and not (is_number(left) and is_number(right)):
        fix = "It takes numbers; default(x, 0) stands in for null."
        raise Fault(at, f"{kind(left)} {sign} {kind(right)} cannot be calculated", fix)
    try:
        result = _ARITHMETIC[sign](left, right)
        return result if joined else number(result)
    except (ArithmeticError, ValueError, WrongValueError) as error:
        raise Fault(at, f"{sign} gives no number here: {error}", "Bring the values into a range where it does.") from None


@dataclass(frozen=True, slots=True)
class Applied:
    """A function and its values."""

    name: str
    parts: tuple[Part, ...]
    at: int

    def __call__(self, values: Values) -> Any:
        try:
            return FUNCTIONS[self.name].of([part(values) for part in self.parts])
        except WrongValueError as error:
            raise Fault(self.at, f"{self.name}() {error}", FUNCTIONS[self.name].tells) from None


@dataclass(frozen=True, slots=True)
class Defaulted:
    """`default(x, y)`: x, or y where x is missing or null."""

    part: Part
    otherwise: Part

    def __call__(self, values: Values) -> Any:
        try:
            value = self.part(values)
        except MissingFault:
            value = None
        return self.otherwise(values) if value is None else value


def spaced(name: str | int) -> str:
    """Return a reminder for a name that may have been meant as a subtraction."""
    return " A minus has spaces around it." if "-" in str(name) else ""
