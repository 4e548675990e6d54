"""The functions that an expression may call: each takes JSON values and gives one.

Those that take many values take them one by one, as a list, or as an object, whose values they are then.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

_LARGEST: Final = 10**300
_MANY: Final = 1000
_NAMED: Final = 8
_KINDS: Final[tuple[tuple[type | tuple[type, ...], str], ...]] = (
    (type(None), "null"),
    (bool, "true or false"),
    ((int, float), "a number"),
    (str, "a text"),
    ((list, tuple), "a list"),
    (Mapping, "an object"),
)


class WrongValueError(Exception):
    """A function cannot do its work with what it was given; the text goes on after the function's name."""


@dataclass(frozen=True, slots=True)
class Function:
    """A function.

    Attributes:
        of: takes the list of its values.
        least: number of values.
        most: number of values.
        tells: what it does, in a sentence.
    """

    of: Callable[[list[Any]], Any]
    least: int
    most: int
    tells: str


def kind(value: Any) -> str:
    """Return what a value is, in a mode author's words."""
    return next((words for types, words in _KINDS if isinstance(value, types)), "no JSON value")


def keys(found: Mapping[str, Any]) -> str:
    """Return the keys of an object, if they are not too many to read."""
    shown = ", ".join(str(key)[:40] for key in list(found)[:_NAMED])
    return (shown + ", …" if len(found) > _NAMED else shown) or "no keys"


def is_number(value: Any) -> bool:
    """Whether one can calculate with it; true is 1, as in Python."""
    return isinstance(value, int | float)


def number(value: Any) -> Any:
    """Return a number if it is one that JSON can hold.

    Raises:
        WrongValueError: it is infinite, undefined, or has more digits than anybody needs.
    """
    if not is_number(value):
        raise WrongValueError(f"takes numbers, not {kind(value)}")
    if not math.isfinite(value) if isinstance(value, float) else abs(value) > _LARGEST:
        raise WrongValueError("goes beyond 1e300")
    return value


def _many(given: list[Any]) -> list[Any]:
    if len(given) != 1:
        return given
    return list(_whole(given[0]))


def _whole(given: Any) -> Iterable[Any]:
    if isinstance(given, Mapping):
        return given.values()
    if isinstance(given, list | tuple):
        return given
    raise WrongValueError(f"takes a list, not {kind(given)}")


def _numbers(given: list[Any]) -> list[Any]:
    return [number(value) for value in _many(given)]


def _some(found: list[Any]) -> list[Any]:
    if not found:
        raise WrongValueError("has nothing to work on: the list is empty")
    return found


def _comparable(given: list[Any]) -> list[Any]:
    found = _some(_many(given))
    return found if all(isinstance(value, str) for value in found) else [number(value) for value in found]


def _len(given: list[Any]) -> int:
    if not isinstance(given[0], str | list | tuple | Mapping):
        raise WrongValueError(f"takes a text, a list or an object, not {kind(given[0])}")
    return len(given[0])


def _mean(given: list[Any]) -> Any:
    found = _some(_numbers(given))
    return number(sum(found) / len(found))


def _round(given: list[Any]) -> Any:
    digits = given[1] if len(given) > 1 else None
    if digits is not None and not (isinstance(digits, int) and abs(digits) <= 15):  # noqa: PLR2004 - what a float has
        raise WrongValueError("takes a whole number of digits, up to 15")
    return round(number(given[0]), digits)


def _lower(given: list[Any]) -> Any:
    text = given[0]
    if isinstance(text, list | tuple):
        return [_lower([item]) for item in text]
    if not isinstance(text, str):
        raise WrongValueError(f"takes a text or a list of texts, not {kind(text)}")
    return text.lower()


def _count(given: list[Any]) -> int:
    found = list(_whole(given[0]))
    return sum(map(bool, found)) if len(given) == 1 else found.count(given[1])


def _argmax(given: list[Any]) -> Any:
    whole = given[0]
    values = _some(_numbers([whole]))
    place = values.index(max(values))
    return list(whole)[place] if isinstance(whole, Mapping) else place


def _unique(given: list[Any]) -> list[Any]:
    seen: dict[Any, Any] = {}
    for item in _whole(given[0]):
        plain = item is None or isinstance(item, str | int | float)
        seen.setdefault(item if plain else (json.dumps(item, sort_keys=True, default=repr),), item)
    return list(seen.values())


FUNCTIONS: Final[Mapping[str, Function]] = {
    "len": Function(_len, 1, 1, "len(x) is the length of a text, a list or an object."),
    "min": Function(lambda given: min(_comparable(given)), 1, _MANY, "min(list) is its least value."),
    "max": Function(lambda given: max(_comparable(given)), 1, _MANY, "max(list) is its greatest value."),
    "sum": Function(lambda given: number(sum(_numbers(given))), 1, _MANY, "sum(list) adds numbers; an empty list gives 0."),
    "mean": Function(_mean, 1, _MANY, "mean(list) is the mean of its numbers."),
    "round": Function(_round, 1, 2, "round(x) or round(x, digits) rounds a number."),
    "abs": Function(lambda given: abs(number(given[0])), 1, 1, "abs(x) is a number without its sign."),
    "any": Function(lambda given: any(_many(given)), 1, _MANY, "any(list): at least one value is true."),
    "all": Function(lambda given: all(_many(given)), 1, _MANY, "all(list): every value is true, as in an empty list."),
    "lower": Function(_lower, 1, 1, "lower(text) is the text in small letters; of a list, each of its texts."),
    "count": Function(_count, 1, 2, "count(list) counts what is true, count(list, x) what equals x."),
    "argmax": Function(_argmax, 1, 1, "argmax(x) is the key, or place from 0, of the greatest number; the first of equals."),
    "unique": Function(_unique, 1, 1, "unique(list) has every value once, in their order."),
}
