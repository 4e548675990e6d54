"""The built front end, as it is shipped in `static`."""

from __future__ import annotations

import re
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Final, Literal

from workbench.dialogue.transcript import Transcript

STATIC: Final = Path(str(files("workbench.panels"))) / "static"
_RICH: Final = re.compile(r"```|~~~|\$|\\\(|\\\[|^(?: {4}|\t)", re.MULTILINE)


@cache
def script(name: Literal["panels", "rich", "papers", "experiments"]) -> str:
    """Return the bundle of all panels, or a part that a page asks for: maths and code, or a panel of another kind."""
    return (STATIC / f"{name}.js").read_text(encoding="utf-8")


@cache
def styles() -> str:
    """Return the style sheet of all panels."""
    return (STATIC / "panels.css").read_text(encoding="utf-8")


def needs_rich(transcript: Transcript) -> bool:
    """Whether a text may hold maths or code; rather once too often, since a saved page cannot ask later."""
    return any(_RICH.search(turn.text) or _RICH.search(turn.reasoning) for turn in transcript.turns)
