"""What is asked: topics with the answers that are known, one by one or from a file."""

from __future__ import annotations

import csv
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from workbench.dialogue.agreement.votes import written
from workbench.errors import WorkbenchError

_TOPICS: Final = ("topic", "question")
_EXPECTED: Final = ("expected", "answer")
_SHAPE: Final = "A case is a topic (or question) and, where it is known, the expected answer: topic,expected."


@dataclass(frozen=True, slots=True)
class Case:
    """One topic. `expected` is its right answer, None where there is none to be known."""

    topic: str
    expected: str | None = None


def as_cases(given: object) -> tuple[Case, ...]:
    """Return cases: of a topic, a `Case`, a pair, a mapping, or a list of them.

    Raises:
        WorkbenchError: there is none, one has no topic, or some have an expected answer and others have none.

    >>> as_cases([("What is 6 times 7?", 42)])
    (Case(topic='What is 6 times 7?', expected='42'),)
    """
    several = isinstance(given, Sequence) and not isinstance(given, str) and not _is_pair(given)
    cases = tuple(map(_case, given if several and isinstance(given, Sequence) else [given]))
    if not cases:
        raise WorkbenchError("there is no case to compare on", hint=_SHAPE)
    if len({case.expected is None for case in cases}) > 1:
        missing = next(number for number, case in enumerate(cases, 1) if case.expected is None)
        raise WorkbenchError(
            f"case {missing} has no expected answer, others have one",
            hint="Give all of them one, or none: then a referee compares the answers.",
        )
    return cases


def read_cases(path: str | Path) -> tuple[Case, ...]:
    """Read cases from a file: `.csv` with a header, `.jsonl` with one object a line, `.json` with a list.

    Raises:
        WorkbenchError: the file cannot be read, or a case in it is none.
    """
    path = Path(path)
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise WorkbenchError(f"{path} cannot be read: {error}") from None
    try:
        return as_cases(_rows(path.suffix, text))
    except (json.JSONDecodeError, csv.Error) as error:
        raise WorkbenchError(f"{path}: {error}", hint=_SHAPE) from None
    except WorkbenchError as error:
        raise WorkbenchError(f"{path}: {error.message}", hint=error.hint) from None


def _rows(suffix: str, text: str) -> list[Any]:
    if suffix == ".csv":
        return list(csv.DictReader(text.splitlines()))
    if suffix == ".jsonl":
        return [json.loads(line) for line in text.split("\n") if line.strip()]
    if suffix != ".json":
        raise WorkbenchError("this is no file of cases", hint="It ends in .csv, .jsonl or .json.")
    found = json.loads(text)
    return found if isinstance(found, list) else [found]


def _case(given: Any) -> Case:
    match given:
        case Case():
            case = given
        case str():
            case = Case(given)
        case Mapping():
            case = Case(_text(_field(given, _TOPICS)), written(_field(given, _EXPECTED)))
        case [topic, expected]:
            case = Case(_text(topic), written(expected))
        case _:
            raise WorkbenchError(f"{str(given)[:80]!r} is no case", hint=_SHAPE)
    if not case.topic.strip():
        raise WorkbenchError(f"{str(given)[:80]!r} has no topic", hint=_SHAPE)
    return case


def _is_pair(given: Sequence[Any]) -> bool:
    """Whether it is a topic with its answer; several topics come as a list."""
    return isinstance(given, tuple) and len(given) == 2 and isinstance(given[0], str)  # noqa: PLR2004 - a pair


def _field(given: Mapping[Any, Any], names: Sequence[str]) -> Any:
    return next((given[name] for name in names if given.get(name) is not None), None)


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""
