"""`--help` at the end of a magic's line prints what it does and takes; nothing else is done then."""

from __future__ import annotations

import re
from functools import wraps
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Callable

    from IPython.core.interactiveshell import InteractiveShell
    from IPython.core.magic import Magics

_ALONE: Final = re.compile(r"%%(?P<magic>dialogue|experiment|mode)[ \t]+(?:.*[ \t])?--help")


def asks_for_help(line: str) -> bool:
    """Return whether the line of a magic ends in `--help`."""
    return line.split()[-1:] == ["--help"]


def install(shell: InteractiveShell) -> None:
    """Let a cell magic that asks for help stand alone: of others IPython wants a body."""
    shell.input_transformers_cleanup.append(_with_body)


def helpful(magics: Magics) -> Magics:
    """Return the magics, made to print their help where their line asks for it; those with subcommands see to it themselves."""
    for kind, of_kind in magics.magics.items():
        of_kind.update({name: _helpful(run) for name, run in of_kind.items() if kind == "cell" or hasattr(run, "parser")})
    return magics


def _with_body(lines: list[str]) -> list[str]:
    found = _ALONE.fullmatch("".join(lines).strip())
    return [f"get_ipython().run_cell_magic({found['magic']!r}, '--help', ' ')\n"] if found else lines


def _helpful(run: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(run)
    def helped(line: str, *cell: str) -> Any:
        if asks_for_help(line):
            return print(run.__doc__)  # noqa: T201 - a magic's way to say it
        return run(line, *cell)

    return helped
