"""The command line, run as a shell runs it, in this process."""

from __future__ import annotations

import sys
from collections.abc import Callable

import pytest

from workbench.cli import main


def in_shell(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], *first: str
) -> Callable[..., tuple[object, str, str]]:
    """Return what runs `workbench FIRST WORDS` and returns exit code, stdout and stderr."""

    def run(*words: object) -> tuple[object, str, str]:
        monkeypatch.setattr(sys, "argv", ["workbench", *first, *map(str, words)])
        try:
            main()
            code: object = 0
        except SystemExit as end:
            code = end.code or 0
        out = capsys.readouterr()
        return code, out.out, out.err

    return run
