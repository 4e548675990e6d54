"""Answers that are data: how they are asked for, found in what a model said, and asked for once more where they do not fit.

What a model says is not trusted: only so much of it is read, NaN and infinite numbers are not JSON, and characters that a
database cannot hold become a replacement character. `schemas` says what a schema may be.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

from workbench.dialogue.rules.schemas import DEEPEST, BrokenLimitError, Schema, problems_with

_LONGEST: Final = 500_000
_DIGITS: Final = 300
_QUOTED: Final = 1000
_SHOWN: Final = 20
_TRIED: Final = 2000
"""Brackets at which JSON may begin; each that does not costs a look at the whole text."""
_FENCE: Final = re.compile(r"```[\w-]*[^\S\n]*\n(.*?)```", re.DOTALL)
_START: Final = re.compile(r"[\[{]")
_UNHELD: Final = re.compile("[\x00\ud800-\udfff]")
_ASK: Final = (
    "Answer with one JSON value that fits this JSON Schema, and with nothing else: no words around it, no code fence. "
    "Give the data, not the schema.\n\n{schema}"
)
_MEND: Final = (
    "You answered:\n\n{quoted}\n\nThat cannot be used:\n{problems}\n\nGive the whole answer again without these problems. {ask}"
)


@dataclass(frozen=True, slots=True)
class Answer:
    """What was found.

    Attributes:
        data: fits the schema; None if there are problems.
        problems: why there is no data, in lines that a model can act on; empty if there is.
    """

    data: Any
    problems: tuple[str, ...] = ()


class _NotJsonError(ValueError):
    """Python reads it, but it is no JSON, or none that can be kept."""


def parse_answer(text: str, schema: Schema) -> Answer:
    """Find the JSON in a text and hold it against a schema.

    Looked at in this order: the text as a whole, what stands in code fences, and each object or list that is complete, from
    the beginning. The first that fits is the answer. If none does, the problems are those of the longest.

    Raises:
        ModeError: the schema cannot be used.

    >>> parse_answer('Here you are: {"score": 7}', {"type": "object", "required": ["score"]})
    Answer(data={'score': 7}, problems=())
    >>> parse_answer('{"score": "7"}', {"properties": {"score": {"type": "integer"}}}).problems
    ('score: must be integer, is string',)
    """
    problems_of = problems_with(schema)
    if len(text) > _LONGEST:
        return Answer(None, (f"the answer is longer than {_LONGEST:,} characters",))
    longest = -1
    problems: tuple[str, ...] = ("there is no JSON in the answer",)
    try:
        for length, found in _found(text):
            wrong = (str(found),) if isinstance(found, _NotJsonError) else tuple(problems_of(found))
            if not wrong:
                return Answer(found)
            if length > longest:
                longest, problems = length, wrong
    except BrokenLimitError:
        return Answer(None, ("the answer is too large or too deep to be checked; give a smaller one",))
    return Answer(None, problems)


def instruction(schema: Schema) -> str:
    """Return what is said at the end of a prompt that asks for data."""
    return _ASK.format(schema=json.dumps(schema, ensure_ascii=False))


def repair_prompt(text: str, problems: Sequence[str], schema: Schema) -> str:
    """Return the prompt that asks once more, after an answer with problems."""
    quoted = text if len(text) <= _QUOTED else text[:_QUOTED] + "…"
    return _MEND.format(quoted=quoted, problems="\n".join(f"- {problem}" for problem in problems), ask=instruction(schema))


def _found(text: str) -> Iterator[tuple[int, Any]]:
    """Yield what may be meant, with its length: values, or why something that begins like one is none."""
    for whole in (text, *(match[1] for match in _FENCE.finditer(text))):
        found, end = _read(whole, len(whole) - len(whole.lstrip()))
        if not isinstance(found, _NotJsonError) and not whole[end:].strip():
            yield len(whole), found
    start = _START.search(text)
    for _ in range(_TRIED):
        if start is None:
            return
        found, end = _read(text, start.start())
        yield end - start.start(), found
        # What is within a value that breaks off is no value of its own, so reading goes on where it broke.
        start = _START.search(text, max(end, start.end()))
    yield len(text), _NotJsonError("there are too many brackets around the JSON; give nothing else")


def _read(text: str, start: int) -> tuple[Any, int]:
    """Return the JSON value that begins here, or why there is none, and where it ends."""
    try:
        value, end = _DECODER.raw_decode(text, start)
    except json.JSONDecodeError as error:
        what = (
            "it ends before the JSON does" if error.pos >= len(text.rstrip()) else f"{error.msg} at {text[error.pos :][:20]!r}"
        )
        return _NotJsonError(f"the JSON is broken: {what}"), error.pos
    except RecursionError:
        return _NotJsonError("the JSON is nested too deeply"), len(text)
    try:
        return _kept(value, DEEPEST), end
    except _NotJsonError as error:
        return error, end


def _kept(value: Any, depth: int) -> Any:
    """Return a value as it can be kept."""
    if isinstance(value, _NotJsonError):
        raise value
    if isinstance(value, str):
        return _UNHELD.sub("\ufffd", value)
    if isinstance(value, dict | list) and not depth:
        raise _NotJsonError(f"the JSON is more than {DEEPEST} levels deep")
    if isinstance(value, dict):
        return {_UNHELD.sub("\ufffd", key): _kept(item, depth - 1) for key, item in value.items()}
    return [_kept(item, depth - 1) for item in value] if isinstance(value, list) else value


def _whole_number(digits: str) -> int | _NotJsonError:
    return int(digits) if len(digits) <= _DIGITS else _NotJsonError("a number has too many digits")


def _fraction(digits: str) -> float | _NotJsonError:
    value = float(digits)
    return value if math.isfinite(value) else _NotJsonError("a number is too large")


_DECODER: Final = json.JSONDecoder(
    parse_int=_whole_number, parse_float=_fraction, parse_constant=lambda name: _NotJsonError(f"{name} is no JSON; write null")
)
"""Its own hooks return what is wrong instead of raising, so that reading goes on behind the value."""
