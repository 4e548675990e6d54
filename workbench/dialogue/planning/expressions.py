"""Conditions that a mode states on earlier results: `review.score >= 8 and not done.finished`.

A language of its own, so that a mode from anywhere can be read without trust: it has no attributes, methods, assignments or
loops, only values that came in as JSON, operators, and the table in `functions`. Python's own grammar would not do: turns may
be called `for` or `fact-check`, and it has a great deal that would have to be forbidden. Every part is looked at once, so
what is written bounds the time that it takes.

- `review.score` and `review["score"]` look a key up, `plan.topics[0]` an item. A key of a list is looked up in each of its
  items: `all(critics.approve)`.
- `or and not`, `== != < <= > >= in`, `+ - * / // % **`, lists, "text", numbers, `true false null` (or as Python spells them).
- A hyphen within a word belongs to the word, as turns may be called `fact-check`; a minus has spaces around it.
- `default(x, y)` is y where x is missing or null.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from functools import lru_cache
from typing import Any, Final, NamedTuple

from workbench.dialogue.planning.evaluation import (
    Applied,
    Calculated,
    Compared,
    Constant,
    Defaulted,
    Fault,
    Keyed,
    Listed,
    Logical,
    Named,
    Negated,
    Part,
    Values,
)
from workbench.dialogue.planning.functions import FUNCTIONS
from workbench.errors import ModeError

_LONGEST: Final = 2000
_DEEPEST: Final = 20
"""Parentheses, lists, calls and signs within each other; each takes some fifteen frames of Python's stack."""
_SHOWN: Final = 80
_TOKEN: Final = re.compile(
    r"(?P<space>\s+)"
    r"|(?P<number>[0-9]+(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?(?![\w.]))"
    r"|(?P<string>\"[^\"]*\"|'[^']*')"
    r"|(?P<word>[^\W\d]\w*(?:-\w+)*)"
    r"|(?P<sign>[=!<>]=|\*\*|//|[-+*/%<>()\[\],.])"
)
_CONSTANTS: Final[Mapping[str, Any]] = {"true": True, "false": False, "null": None, "True": True, "False": False, "None": None}
_OPERATORS: Final = frozenset({"or", "and", "not", "in"})
_QUOTE: Final = "A text ends with the quote that it begins with."
_INSTEAD: Final[Mapping[str, str]] = {
    "=": "Write == to compare.",
    "&": "Write and.",
    "|": "Write or.",
    "!": "Write not, or != to compare.",
    "is": "Write == null, or != null.",
    '"': _QUOTE,
    "'": _QUOTE,
}
_GRAMMAR: Final = "There are comparisons, and, or, not, in, arithmetic, keys, lists and functions; nothing else."
_VALUE: Final = "A value is expected here."


class _Token(NamedTuple):
    kind: str
    text: str
    at: int


@dataclass(frozen=True, slots=True)
class Expression:
    """A condition that has been read.

    Attributes:
        text: as it was written.
        names: the names that it looks at, such as `review`.
        paths: the same with the keys that follow, such as `review.score`.
    """

    text: str
    names: frozenset[str]
    paths: frozenset[str]
    _part: Part = field(repr=False, compare=False)

    def evaluate(self, values: Values) -> Any:
        """Return what the expression gives for these values.

        Args:
            values: name to JSON value.

        Raises:
            ModeError: something is missing, or of a kind that this cannot be done with; the text says where and what to do.
        """
        try:
            return self._part(values)
        except Fault as fault:
            raise _error(self.text, fault) from None
        except RecursionError:
            raise _error(self.text, Fault(0, "a value is nested too deeply", "Compare smaller parts of it.")) from None


@lru_cache(maxsize=512)
def compile_expression(text: str) -> Expression:
    """Read an expression.

    Raises:
        ModeError: it cannot be read; the text says where and what to do.

    >>> review = compile_expression("review.score >= 8 and not review.open")
    >>> sorted(review.names), sorted(review.paths)
    (['review'], ['review.open', 'review.score'])
    >>> review.evaluate({"review": {"score": 9, "open": []}})
    True
    """
    try:
        parser = _Parser(text)
        part = parser.whole()
    except Fault as fault:
        raise _error(text, fault) from None
    return Expression(text, frozenset(parser.names), frozenset(parser.paths), part)


def _error(text: str, fault: Fault) -> ModeError:
    shown = text if len(text) <= _SHOWN else text[: _SHOWN - 1] + "…"
    return ModeError(f"expression {shown!r}, character {fault.at + 1}: {fault.what}", hint=fault.fix)


def _tokens(text: str) -> Iterator[_Token]:
    if len(text) > _LONGEST:
        raise Fault(_LONGEST, f"it is longer than {_LONGEST:,} characters", "Let a turn work it out, and look at its result.")
    at = 0
    while at < len(text):
        match = _TOKEN.match(text, at)
        if match is None or match.lastgroup is None:
            raise Fault(at, f"{text[at]!r} means nothing here", _INSTEAD.get(text[at], _GRAMMAR))
        if match.lastgroup != "space":
            yield _Token(match.lastgroup, match[0], at)
        at = match.end()
    yield _Token("end", "", at)


class _Parser:
    """Reads a text by recursive descent; each method takes what binds tighter than the one before it."""

    def __init__(self, text: str) -> None:
        self.names: set[str] = set()
        self.paths: set[str] = set()
        self._text = text
        self._left = _tokens(text)
        self._now = next(self._left)
        self._depth = 0

    def whole(self) -> Part:
        part = self._either()
        if self._now.kind != "end":
            raise self._unexpected()
        return part

    def _step(self) -> _Token:
        taken, self._now = self._now, next(self._left, self._now)
        return taken

    def _sees(self, *texts: str) -> bool:
        return self._now.kind in ("word", "sign") and self._now.text in texts

    def _take(self, text: str) -> None:
        if not self._sees(text):
            raise self._unexpected(f"{text} is expected here.")
        self._step()

    def _unexpected(self, fix: str = _GRAMMAR) -> Fault:
        found = repr(self._now.text[:_SHOWN]) if self._now.text else "the end"
        return Fault(self._now.at, f"{found} is not expected here", _INSTEAD.get(self._now.text, fix))

    def _deeper(self, read: Callable[[], Part]) -> Part:
        self._depth += 1
        if self._depth > _DEEPEST:
            raise Fault(self._now.at, f"there are more than {_DEEPEST} levels within each other", "Take it apart.")
        part = read()
        self._depth -= 1
        return part

    def _either(self) -> Part:
        return self._logical("or", self._both)

    def _both(self) -> Part:
        return self._logical("and", self._negation)

    def _logical(self, word: str, read: Callable[[], Part]) -> Part:
        parts = [read()]
        while self._sees(word):
            self._step()
            parts.append(read())
        return parts[0] if len(parts) == 1 else Logical(tuple(parts), decides=word == "or")

    def _negation(self) -> Part:
        if not self._sees("not"):
            return self._comparison()
        self._step()
        return Negated(self._deeper(self._negation))

    def _comparison(self) -> Part:
        first = self._sum()
        rest: list[tuple[str, int, Part]] = []
        while self._sees("==", "!=", "<", "<=", ">", ">=", "in", "not"):
            _, sign, at = self._step()
            if sign == "not":
                self._take("in")
            rest.append(("not in" if sign == "not" else sign, at, self._sum()))
        return Compared(first, tuple(rest)) if rest else first

    def _sum(self) -> Part:
        return self._chain(("+", "-"), self._product)

    def _product(self) -> Part:
        return self._chain(("*", "/", "//", "%"), self._signed)

    def _chain(self, signs: tuple[str, ...], read: Callable[[], Part]) -> Part:
        first = read()
        rest: list[tuple[str, int, Part]] = []
        while self._sees(*signs):
            _, sign, at = self._step()
            rest.append((sign, at, read()))
        return Calculated(first, tuple(rest)) if rest else first

    def _signed(self) -> Part:
        if not self._sees("-", "+"):
            return self._power()
        _, sign, at = self._step()
        return Calculated(Constant(0), ((sign, at, self._deeper(self._signed)),))

    def _power(self) -> Part:
        base = self._looked_up()
        if not self._sees("**"):
            return base
        _, sign, at = self._step()
        return Calculated(base, ((sign, at, self._deeper(self._signed)),))

    def _looked_up(self) -> Part:
        start = self._now.at
        part = self._atom()
        path = [part.name] if isinstance(part, Named) else []
        while self._sees(".", "["):
            whole = self._text[start : self._now.at].strip()
            key = self._key()
            part = Keyed(part, key, start, whole)
            if path and isinstance(key, str):
                path.append(key)
        if path:
            self.names.add(path[0])
            self.paths.add(".".join(path))
        return part

    def _key(self) -> str | int:
        if self._step().text == ".":
            if self._now.kind != "word":
                raise self._unexpected("A dot is followed by a key; one that is no plain word goes in brackets: x['a key'].")
            return self._step().text
        minus = self._sees("-")
        if minus:
            self._step()
        token = self._step()
        if token.kind == "string" and not minus:
            key: str | int = token.text[1:-1]
        elif token.kind == "number" and token.text.isdigit() and len(token.text) <= 9:  # noqa: PLR2004 - no list is longer
            key = int(token.text) * (-1 if minus else 1)
        else:
            raise Fault(token.at, "what stands in brackets is no key", "Write a text or a whole number: x['key'], x[0], x[-1].")
        self._take("]")
        return key

    def _atom(self) -> Part:
        if self._now.kind == "end" or self._now.text in _OPERATORS:
            raise self._unexpected(_VALUE)
        kind, text, at = self._step()
        match kind, text:
            case "number", _:
                return Constant(_number(text, at))
            case "string", _:
                return Constant(text[1:-1])
            case "sign", "(":
                part = self._deeper(self._either)
                self._take(")")
                return part
            case "sign", "[":
                return Listed(self._until("]"))
            case "word", _ if self._sees("("):
                return self._call(text, at)
            case "word", _:
                return Constant(_CONSTANTS[text]) if text in _CONSTANTS else Named(text, at)
        raise Fault(at, f"{text!r} is not expected here", _VALUE)

    def _until(self, end: str) -> tuple[Part, ...]:
        """Take values between commas, and what ends them."""
        parts: list[Part] = []
        while not self._sees(end):
            parts.append(self._deeper(self._either))
            if not self._sees(end):
                self._take(",")
        self._step()
        return tuple(parts)

    def _call(self, name: str, at: int) -> Part:
        known = ("default", *FUNCTIONS)
        if name not in known:
            near = get_close_matches(name, known, 1)
            fix = f"Did you mean {near[0]}?" if near else f"Functions are {', '.join(sorted(known))}."
            raise Fault(at, f"there is no function {name!r}", fix)
        self._step()
        parts = self._until(")")
        least, most = (2, 2) if name == "default" else (FUNCTIONS[name].least, FUNCTIONS[name].most)
        if not least <= len(parts) <= most:
            fix = "default(x, y) is y where x is missing or null." if name == "default" else FUNCTIONS[name].tells
            raise Fault(at, f"{name}() does not take {len(parts)} values", fix)
        return Defaulted(*parts) if name == "default" else Applied(name, parts, at)


def _number(text: str, at: int) -> int | float:
    value = int(text) if text.isdigit() and len(text) <= 300 else float(text)  # noqa: PLR2004 - the most that is calculated with
    if not math.isfinite(value):
        raise Fault(at, "the number is too large", "Numbers go up to 1e300.")
    return value
