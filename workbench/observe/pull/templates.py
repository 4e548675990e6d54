"""Templates of other tools in the words of a mode: `{{name}}` (mustache) or `{name}` (f-string) becomes `{name}`.

A mode fills in plain names and nothing else, so whatever a template does beyond that is an error that names it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from string import Formatter
from typing import Final, NamedTuple

from workbench.observe.pull.service import PullError, Style

_TAG: Final = re.compile(r"\{\{\{\s*(?P<raw>[^{}]*?)\s*\}\}\}|\{\{\s*(?P<plain>[^{}]*?)\s*\}\}")
_NAME: Final = re.compile(r"[A-Za-z][A-Za-z0-9_\-]*")
_HINT: Final = "A mode's template has plain names only, such as {topic}: change the prompt, or write the mode by hand."


class Piece(NamedTuple):
    """A part of a template: text as it stands, or the name of a variable."""

    text: str
    variable: bool


def pieces(text: str, style: Style) -> list[Piece]:
    """Return the parts of a template.

    Raises:
        PullError: it has what a mode cannot say.
    """
    found = list(_mustache(text) if style == "mustache" else _f_string(text))
    for piece in found:
        if piece.variable and not _NAME.fullmatch(piece.text):
            raise PullError(f"The prompt has {{{piece.text}}}, which is no plain name.", hint=_HINT)
    return found


def variables(parts: list[Piece]) -> list[str]:
    """Return the names of a template's variables, each once."""
    return list(dict.fromkeys(piece.text for piece in parts if piece.variable))


def filled(parts: list[Piece], named: Callable[[str], str]) -> str:
    """Return the template of a mode, each variable under its name there."""
    return "".join(f"{{{named(piece.text)}}}" if piece.variable else piece.text for piece in parts)


def _mustache(text: str) -> Iterator[Piece]:
    end = 0
    for match in _TAG.finditer(text):
        yield Piece(text[end : match.start()], variable=False)
        end, name = match.end(), (match["raw"] if match["raw"] is not None else match["plain"]).lstrip("&").strip()
        if name[:1] in "#^/>=":
            raise PullError(f"The prompt has {match[0]}: conditions, loops and parts are not for a mode.", hint=_HINT)
        if name[:1] != "!":
            yield Piece(name, variable=True)
    yield Piece(text[end:], variable=False)


def _f_string(text: str) -> Iterator[Piece]:
    try:
        for literal, name, form, conversion in Formatter().parse(text):
            yield Piece(literal, variable=False)
            if name is not None:
                if form or conversion:
                    raise PullError(f"The prompt formats {{{name}}}, which a mode does not.", hint=_HINT)
                yield Piece(name, variable=True)
    except ValueError as error:
        raise PullError(f"The prompt is no template: {error}.", hint=_HINT) from None
