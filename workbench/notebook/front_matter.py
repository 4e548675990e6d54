"""What a dialogue cell may say besides its topic: options in a front matter of YAML, and `{{name}}` for a variable.

Front matter begins in the first line after `%%dialogue` with `---` and ends with the next `---`. A topic that begins with
such a line itself has an empty line before it. Only the cell as it was typed is looked at: no variable's value becomes an
option, an end of the front matter, or another variable.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from IPython.core.error import UsageError

from workbench.dialogue.rules.documents import parse_document
from workbench.errors import ModeError

_FENCE: Final = re.compile(r"---[ \t]*")
_VARIABLE: Final = re.compile(r"(?<!\{)\{\{\s*([^\W\d]\w*)\s*\}\}(?!\})")
_ROOT: Final = "front"
_FIRST: Final = 2
"""Number of the front matter's first line, as the editor counts: `%%dialogue` is line 1."""


@dataclass(frozen=True, slots=True)
class _Kind:
    """What a key takes: `read` returns the value, or None where it is of another kind; `wants` says what it should be."""

    wants: str
    read: Callable[[Any], Any]


def split(cell: str) -> tuple[dict[str, Any], str]:
    """Return the options of a cell's front matter and its topic; no options where there is no front matter.

    `participants` is a mapping, `models` a list, `set` a mapping to numbers; the others are as in `%%dialogue?`.

    Raises:
        UsageError: the front matter is not YAML, or a key or a value makes no sense; the text names the line.
    """
    matter, topic = _cut(cell)
    return _options(matter), topic


def read_cell(cell: str, namespace: Mapping[str, Any]) -> tuple[dict[str, Any], str]:
    """Return what `split` returns, with the variables of both parts filled in.

    Raises:
        UsageError: as `split`; or a variable does not exist, or one in the front matter has more than one line.
    """
    matter, topic = _cut(cell)
    return _options([_fill(line, namespace, one_line=True) for line in matter]), interpolate(topic, namespace)


def interpolate(text: str, namespace: Mapping[str, Any]) -> str:
    """Return a text with `{{name}}` replaced by the variable's value; all other braces stay, and values are not looked into.

    Raises:
        UsageError: there is no such variable.

    >>> interpolate("{{ x }} {x} {{x.y}} {{{x}}} {{}}", {"x": "{{y}}"})
    '{{y}} {x} {{x.y}} {{{x}}} {{}}'
    """
    return _fill(text, namespace, one_line=False)


def _fill(text: str, namespace: Mapping[str, Any], *, one_line: bool) -> str:
    def value(match: re.Match[str]) -> str:
        name = match[1]
        if name not in namespace:
            near = difflib.get_close_matches(name, [known for known in namespace if not known.startswith("_")], n=3)
            meant = f"Did you mean {' or '.join(near)}?" if near else "Run the cell that makes it first."
            raise UsageError(f"{match[0]}: there is no variable {name!r}\n  {meant}")
        filled = str(namespace[name])
        if one_line and len(filled.splitlines()) > 1:
            raise UsageError(
                f"{match[0]}: {name!r} has more than one line, and front matter takes one\n  A text belongs into the topic."
            )
        return filled

    return _VARIABLE.sub(value, text)


def _cut(cell: str) -> tuple[list[str], str]:
    """Return the lines of the front matter and the rest."""
    lines = cell.splitlines(keepends=True)
    if not lines or not _FENCE.fullmatch(lines[0].rstrip("\r\n")):
        return [], cell
    for number, line in enumerate(lines[1:], 1):
        if _FENCE.fullmatch(line.rstrip("\r\n")):
            return lines[1:number], "".join(lines[number + 1 :])
    raise UsageError(
        f"line {_FIRST}: the front matter has no end\n"
        "  Write --- in a line of its own after it. A topic that begins with --- takes an empty line before it."
    )


def _options(lines: list[str]) -> dict[str, Any]:
    """Read front matter as one value of a mapping, so that line numbers and messages are those of the cell."""
    text = "\n" * (_FIRST - 1) + f"{_ROOT}:\n" + "".join(f" {line}" for line in lines)
    try:
        document = parse_document(text, "line ")
    except ModeError as error:
        hint = f"\n  {error.hint}" if error.hint else ""
        raise UsageError(f"{error.message.replace('line :', 'line ', 1)}{hint}") from None
    data = document.data[_ROOT]
    if data is None:
        return {}
    if not isinstance(data, dict):
        raise UsageError(f"line {_FIRST + 1}: front matter is made of lines like `rounds: 2`")
    found: dict[str, Any] = {}
    for key, value in data.items():
        at = f"line {document.lines[_ROOT, key]}"
        name, checked = _option(key, value, at)
        if name in found:
            raise UsageError(f"{at}: {key}: {name} stands twice\n  Keep one.")
        found[name] = checked
    return found


def _option(key: str, value: Any, at: str) -> tuple[str, Any]:
    """Return an option's one name and its value."""
    name = key.replace("-", "_")
    if name not in _KINDS:
        near = difflib.get_close_matches(name, _KINDS, n=2)
        known = f"Did you mean {' or '.join(near)}?" if near else f"There are: {', '.join(_KINDS)}."
        if name == "mode":
            known = "The mode stands in the first line: %%dialogue MODE."
        raise UsageError(f"{at}: front matter has no key {key!r}\n  {known}")
    kind = _KINDS[name]
    checked = kind.read(value)
    if checked is None:
        raise UsageError(f"{at}: {key}: {kind.wants} is needed, not {_shown(value)}")
    return _ONE_NAME.get(name, name), checked


def _shown(value: Any) -> str:
    if value is None:
        return "nothing"
    return "a mapping" if isinstance(value, dict) else "a list" if isinstance(value, list) else repr(value)


def _roles(value: Any) -> dict[str, str] | None:
    """Read `{pro: gpt}`, `pro=gpt` or a list of the latter."""
    if isinstance(value, dict):
        return value if value and all(map(_word, value.values())) else None
    pairs = [text.partition("=") for text in ([value] if isinstance(value, str) else value or ()) if isinstance(text, str)]
    wanted = 1 if isinstance(value, str) else len(value) if isinstance(value, list) else -1
    roles = {role.strip(): model.strip() for role, _, model in pairs}
    return roles if len(roles) == wanted and all(roles) and all(roles.values()) else None


def _models(value: Any) -> list[str] | None:
    names = value.split(",") if isinstance(value, str) else value
    if not isinstance(names, list) or not all(map(_word, names)):
        return None
    return [name.strip() for name in names] or None


def _values(value: Any) -> dict[str, Any] | None:
    plain = isinstance(value, dict) and all(isinstance(each, int | float | str | list) for each in value.values())
    return value if plain and value else None


def _presets(value: Any) -> Any:
    """Read `precise`, a list of such words, or a mapping of roles to presets or to fields of one."""
    if isinstance(value, dict):
        plain = all(isinstance(each, dict) or _word(each) for each in value.values())
        return value if value and plain else None
    return _models(value)


def _word(value: Any) -> str | None:
    return value.strip() or None if isinstance(value, str) else None


def _variable(value: Any) -> str | None:
    return value if isinstance(value, str) and value.isidentifier() else None


def _whole(value: Any) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def _positive(value: Any) -> int | None:
    whole = _whole(value)
    return whole if whole is not None and whole > 0 else None


def _amount(value: Any) -> float | None:
    """Read a number that is not below zero; `.inf` and `.nan` are none."""
    number = not isinstance(value, bool) and isinstance(value, int | float)
    return float(value) if number and 0 <= value < float("inf") else None


def _answer(value: Any) -> str | None:
    """Read an answer as text; YAML takes a bare `no` for false."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    return str(value).strip() or None if isinstance(value, str | int | float) else None


def _switch(value: Any) -> bool | None:
    return value if isinstance(value, bool) else None


_TEXT: Final = _Kind("a text", _word)
_KINDS: Final[Mapping[str, _Kind]] = {
    "participants": _Kind("a mapping of roles to models, like {pro: gpt, con: claude},", _roles),
    "participant": _Kind("ROLE=MODEL", _roles),
    "models": _Kind("a list of models", _models),
    "judge": _TEXT,
    "rounds": _Kind("a whole number from 1", _positive),
    "set": _Kind("a mapping of parameters to numbers, words or lists", _values),
    "budget": _Kind("an amount in USD", _amount),
    "max_call_cost": _Kind("an amount in USD", _amount),
    "sampling": _Kind("a preset, or a mapping of roles to presets,", _presets),
    "max_tokens": _Kind("a whole number from 1", _positive),
    "timeout": _Kind("a number of seconds", _amount),
    "seed": _Kind("a whole number", _whole),
    "approve": _Kind("a list of roles", _models),
    "candidates": _Kind("a list of models", _models),
    "api_base": _TEXT,
    "cassette": _TEXT,
    "pace": _Kind("a number", _amount),
    "baselines": _Kind("true or false", _switch),
    "expected": _Kind("a text, a number, or true or false", _answer),
    "referee": _TEXT,
    "judgements": _Kind("a whole number from 1", _positive),
    "background": _Kind("true or false", _switch),
    "detach": _Kind("true or false", _switch),
    "output": _Kind("the name of a variable", _variable),
    "resume": _Kind("an id in quotes, or last,", _word),
}
"""The long names of the options of `%%dialogue`, and what they take."""
_ONE_NAME: Final = {"participant": "participants"}
