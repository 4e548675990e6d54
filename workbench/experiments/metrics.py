"""What an output is worth: rules that look at it, and functions that somebody wrote. Judges are in `judging`."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Mapping
from typing import Any, Final

from workbench.dialogue.baselines.answers import same
from workbench.dialogue.rules.schemas import BrokenLimitError, problems_with
from workbench.errors import WorkbenchError
from workbench.experiments.arms import as_text, called
from workbench.experiments.definition import MetricSpec

Score = float | bool | None
_NUMBER: Final = re.compile(r"[+-]?(?:\d{1,3}(?:,\d{3})+|\d+)?(?:\.\d+)?(?:[eE][+-]?\d+)?")


class MetricError(WorkbenchError):
    """A metric cannot say what an output is worth."""


async def score(spec: MetricSpec, function: Callable[..., Any] | None, output: str, case: Mapping[str, Any]) -> Score:
    """Return what an output is worth by a rule or a function.

    Args:
        spec: of the metric; its kind is none that judges or measures.
        function: of the kind `function`.
        output: of the arm.
        case: it was about.

    Raises:
        MetricError: the case lacks a column, or the function gives no number.
    """
    match spec.kind:
        case "exact_match":
            answer = extracted(spec.extract, output)
            return answer is not None and any(same(answer, right) for right in _expected(spec, case))
        case "numeric":
            return _is_close(spec, output, case)
        case "regex":
            return re.search(spec.pattern or "", output) is not None
        case "json_valid":
            return _is_json(spec, output)
        case "function":
            assert function is not None
            return as_score(await called(function, output, dict(case)))
    raise AssertionError(spec.kind)


def extracted(pattern: str | None, output: str) -> str | None:
    r"""Return what the last match of a pattern says: its first group, or all of it; None where nothing matches.

    >>> extracted(r"answer is (\w+)", "The answer is 41. No: the answer is 42."), extracted(None, "x")
    ('42', 'x')
    """
    if pattern is None:
        return output
    found = None
    for match in re.finditer(pattern, output):
        found = next((group for group in match.groups() if group is not None), match[0])
    return found


def as_score(value: Any) -> Score:
    """Return a metric's value as a number or a truth; None where there is none.

    Raises:
        MetricError: it is neither.
    """
    if hasattr(value, "item"):
        value = value.item()
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, (int, float)):
        return float(value) if math.isfinite(value) else None
    raise MetricError(f"a metric gave {str(value)[:40]!r}", hint="It gives a number, True, False or None.")


def _expected(spec: MetricSpec, case: Mapping[str, Any]) -> list[str]:
    column = spec.expected or ""
    if column not in case:
        raise MetricError(f"the case has no column {column}", hint=f"It has: {', '.join(case)}.")
    right = case[column]
    return [as_text(each) or "" for each in (right if isinstance(right, list) else [right])]


def _is_close(spec: MetricSpec, output: str, case: Mapping[str, Any]) -> bool:
    """Whether the last number of the output is near enough to the right one."""
    answer = extracted(spec.extract, output)
    given = None if answer is None else _last_number(answer)
    rights = [number for each in _expected(spec, case) if (number := _last_number(each)) is not None]
    if not rights:
        raise MetricError(f"column {spec.expected} holds no number", hint="Give each case the right number.")
    return given is not None and any(
        math.isclose(given, right, rel_tol=0.0, abs_tol=max(spec.tolerance, spec.relative * abs(right))) for right in rights
    )


def _last_number(text: str) -> float | None:
    for match in reversed(list(_NUMBER.finditer(text))):
        if any(letter.isdigit() for letter in match[0]):
            return float(match[0].replace(",", ""))
    return None


def _is_json(spec: MetricSpec, output: str) -> bool:
    try:
        found = json.loads(output)
    except (json.JSONDecodeError, RecursionError):
        return False
    try:
        return spec.schema_ is None or not problems_with(spec.schema_)(found)
    except BrokenLimitError:
        return False
