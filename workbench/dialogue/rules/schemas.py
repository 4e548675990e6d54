"""JSON Schemas that come with modes: whether one may be used, and holding a value against it.

A mode may come from anywhere, so a schema has the keywords listed here and refers to nothing but its own definitions: no
network, and no keyword that is ignored without a word. A value is held against it in a bounded number of steps, and
`pattern`, of which a regular expression's author can make an endless computation, has a time limit for all of an answer.

The dialect is draft 2020-12 without keywords that move references or look at what others have evaluated. `format` is a remark.
"""

from __future__ import annotations

import json
import math
import re
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from functools import lru_cache
from itertools import islice
from typing import TYPE_CHECKING, Any, Final

from workbench.dialogue.rules.misfits import misfit
from workbench.errors import ModeError

if TYPE_CHECKING:
    from jsonschema import ValidationError

Schema = Mapping[str, Any]
_MOST: Final = 8
"""Problems that are told at once; a model mends no more."""
DEEPEST: Final = 30
"""Objects and lists within each other, in schemas and answers: the checks use Python's stack."""
_LONGEST: Final = 50_000
_REFERENCES: Final = 32
"""References that lead to one another, for one value."""
_STEPS: Final = 100_000
_SECONDS: Final = 0.5
_PATTERN: Final = 500
_COUNTED: Final = 10_000
_ONE: Final = frozenset({"additionalProperties", "contains", "else", "if", "items", "not", "propertyNames", "then"})
_MANY: Final = frozenset({"allOf", "anyOf", "oneOf", "prefixItems"})
_NAMED: Final = frozenset({"$defs", "definitions", "dependentSchemas", "properties"})
_VALUES: Final = frozenset({
    "$ref", "type", "enum", "const", "required", "dependentRequired", "minProperties", "maxProperties", "minItems", "maxItems",
    "minContains", "maxContains", "uniqueItems", "minLength", "maxLength", "pattern", "minimum", "maximum", "exclusiveMinimum",
    "exclusiveMaximum", "multipleOf", "title", "description", "default", "examples", "format", "deprecated", "readOnly",
    "writeOnly", "$comment", "$schema",
})  # fmt: skip
_KEYWORDS: Final = _ONE | _MANY | _NAMED | _VALUES
_REFERENCE: Final = re.compile(r"#(?:/(\$defs|definitions)/([\w.\-]+))?")
_REPEATED: Final = re.compile(r"\{(?:\d*,)?(\d+)\}|\{(\d+),\}")


class BrokenLimitError(Exception):
    """Holding a value against the schema takes more steps, time or depth than any answer is worth."""


def check_schema(schema: Any) -> None:
    """Check that a schema can be used.

    Raises:
        ModeError: it cannot; the text says where and what to do.

    >>> check_schema({"type": "object", "properties": {"score": {"type": "integer"}}, "required": ["score"]})
    """
    _usable(_written(schema))


def problems_with(schema: Schema) -> Callable[[Any], list[str]]:
    """Return a function that tells what is wrong with a value; one for each answer, since its limits are used up.

    The function raises BrokenLimitError.

    Raises:
        ModeError: the schema cannot be used.

    >>> problems_with({"properties": {"score": {"maximum": 10}}})({"score": 11})
    ['score: must be at most 10, is 11']
    """
    return _Check(_usable(_written(schema))).problems


def _written(schema: Any) -> str:
    try:
        text = json.dumps(schema, allow_nan=False)
    except (TypeError, ValueError, RecursionError) as error:
        raise _refused(
            "", f"it is no JSON: {error}", "Use objects, lists, texts, finite numbers, true, false and null."
        ) from None
    if len(text) > _LONGEST:
        raise _refused("", f"it is longer than {_LONGEST:,} characters", "Ask for less in one answer.")
    return text


@lru_cache(maxsize=128)
def _usable(text: str) -> dict[str, Any]:
    """Return a schema of our own from JSON, checked once."""
    from jsonschema import Draft202012Validator, FormatChecker, SchemaError

    schema = json.loads(text)
    if not isinstance(schema, dict):
        raise _refused("", "it is no object", "Begin with {type: object, properties: ...}.")
    for path, part in _parts(schema):
        _check_part(path, part, schema)
    # Where it names another draft, jsonschema would take that draft's validator, which knows no limits.
    schema.pop("$schema", None)
    try:
        Draft202012Validator.check_schema(schema, format_checker=FormatChecker(formats=()))
    except SchemaError as error:
        raise _refused("/".join(map(str, error.absolute_path)), error.message[:200], "See json-schema.org.") from None
    try:
        for anything in ("{}", "[]", '""', "0", "true", "null"):
            _Check(schema).problems(json.loads(anything))
    except BrokenLimitError:
        raise _refused(
            "", "its references lead back to where they began", "Refer to a part of the value, not all of it."
        ) from None
    return schema


def _parts(schema: dict[str, Any]) -> Iterator[tuple[str, Any]]:
    """Yield every schema within a schema, with its place."""
    waiting: list[tuple[str, Any, int]] = [("", schema, 0)]
    while waiting:
        path, part, depth = waiting.pop()
        yield path, part
        if depth > DEEPEST:
            raise _refused(path, f"it is more than {DEEPEST} levels deep", "Name parts of it in $defs.")
        for keyword, value in part.items() if isinstance(part, dict) else ():
            place = f"{path}/{keyword}".lstrip("/")
            if keyword in _ONE:
                waiting.append((place, value, depth + 1))
            elif keyword in _MANY and isinstance(value, list):
                waiting += ((f"{place}/{number}", one, depth + 1) for number, one in enumerate(value))
            elif keyword in _NAMED and isinstance(value, dict):
                waiting += ((f"{place}/{name}", one, depth + 1) for name, one in value.items())


def _check_part(path: str, part: Any, root: dict[str, Any]) -> None:
    if isinstance(part, bool):
        return
    if not isinstance(part, dict):
        raise _refused(path, "a schema is an object, or true or false", "Write {} where anything goes.")
    for keyword in part:
        if keyword not in _KEYWORDS or (keyword == "$schema" and path):
            near = get_close_matches(keyword, _KEYWORDS, 1)
            fix = f"Did you mean {near[0]}?" if near and near[0] != keyword else "Leave it out."
            raise _refused(path, f"the keyword {keyword!r} is not supported here", fix)
    if "$ref" in part:
        _check_reference(path, part["$ref"], root)
    if "pattern" in part:
        _check_pattern(path, part["pattern"])


def _check_reference(path: str, reference: Any, root: dict[str, Any]) -> None:
    match = _REFERENCE.fullmatch(reference) if isinstance(reference, str) else None
    if match is None:
        raise _refused(path, f"{reference!r} is outside this schema", 'A $ref is "#", or "#/$defs/NAME".')
    section = root.get(match[1]) if match[1] else {match[2]: None}
    if not isinstance(section, dict) or match[2] not in section:
        raise _refused(path, f"there is no {reference}", f"Define it in {match[1]}.")


def _check_pattern(path: str, pattern: Any) -> None:
    """Check that a regular expression compiles, and soon: repetitions are unrolled by the library."""
    import regex

    if not isinstance(pattern, str) or len(pattern) > _PATTERN:
        raise _refused(path, f"a pattern is a text of at most {_PATTERN} characters", "Use enum, or check it in another turn.")
    counts = [int((match[1] or match[2])[:9]) for match in _REPEATED.finditer(pattern)]
    if math.prod(max(count, 1) for count in counts) > _COUNTED:
        raise _refused(path, f"the pattern {pattern!r} repeats too much", "Use minLength and maxLength for lengths.")
    try:
        regex.compile(pattern)
    except (regex.error, RecursionError, OverflowError, ValueError) as error:
        raise _refused(path, f"the pattern {pattern!r} is none: {error}", "Write a regular expression.") from None


def _refused(path: str, what: str, fix: str) -> ModeError:
    return ModeError(f"output schema{f', at {path[:200]}' if path else ''}: {what}", hint=fix)


@dataclass(slots=True)
class _Check:
    """Holds values against a schema, with one store of steps and seconds for all of them."""

    schema: dict[str, Any]
    steps: int = field(default=_STEPS, init=False)
    seconds: float = field(default=_SECONDS, init=False)
    references: int = field(default=0, init=False)
    _validator: Any = field(init=False)

    def __post_init__(self) -> None:
        from jsonschema import Draft202012Validator
        from jsonschema.validators import extend
        from referencing import Registry

        own = {"pattern": self._pattern, "uniqueItems": _unique, "$ref": self._reference}
        keywords = Draft202012Validator.VALIDATORS | own
        bounded = extend(Draft202012Validator, {name: self._stepping(keyword) for name, keyword in keywords.items()})
        self._validator = bounded(self.schema, registry=Registry())

    def problems(self, value: Any) -> list[str]:
        """Return what is wrong with a value, in words for who made it."""
        try:
            return list(dict.fromkeys(map(misfit, islice(self._validator.iter_errors(value), _MOST))))
        except (RecursionError, ArithmeticError):
            raise BrokenLimitError from None

    def _stepping(self, keyword: Callable[..., Any]) -> Callable[..., Any]:
        def step(*given: Any) -> Any:
            self.steps -= 1
            if self.steps < 0:
                raise BrokenLimitError
            return keyword(*given)

        return step

    def _reference(self, validator: Any, reference: str, value: Any, schema: Any) -> Iterator[ValidationError]:
        """Follow a reference, within bounds of our own: at Python's the library that resolves it would panic."""
        from jsonschema import Draft202012Validator

        self.references += 1
        if self.references > _REFERENCES:
            raise BrokenLimitError
        try:
            yield from Draft202012Validator.VALIDATORS["$ref"](validator, reference, value, schema) or ()
        finally:
            self.references -= 1

    def _pattern(self, _validator: Any, pattern: str, value: Any, _schema: Any) -> Iterator[ValidationError]:
        import regex
        from jsonschema import ValidationError

        if not isinstance(value, str):
            return
        began = time.perf_counter()
        try:
            found = regex.search(pattern, value, timeout=max(self.seconds, 0.001))
        except TimeoutError:
            raise BrokenLimitError from None
        self.seconds -= time.perf_counter() - began
        if found is None:
            yield ValidationError("does not match")


def _unique(_validator: Any, wanted: bool, value: Any, _schema: Any) -> Iterator[ValidationError]:  # noqa: FBT001 - jsonschema calls
    """Stand in for jsonschema's own, which compares every item with every other where they cannot be sorted."""
    from jsonschema import ValidationError

    if wanted and isinstance(value, list) and len({json.dumps(_plain(item), sort_keys=True) for item in value}) < len(value):
        yield ValidationError("has items twice")


def _plain(value: Any) -> Any:
    """Return a value that is written as all those are that JSON Schema takes for equal: 1.0 is 1."""
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    return [_plain(item) for item in value] if isinstance(value, list) else value
