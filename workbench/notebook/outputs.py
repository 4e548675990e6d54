"""What stays in a cell: one output in four forms, readable without a kernel, a network or this package.

HTML for JupyterLab, Markdown for GitHub, plain text for terminals, and the dialogue itself as versioned JSON for programs.
"""

from __future__ import annotations

import json
from typing import Any, Final

from workbench.dialogue import Dialogue
from workbench.dialogue.export.as_html import fragment
from workbench.dialogue.export.as_markdown import to_markdown
from workbench.dialogue.lines import Lines

MIME: Final = "application/vnd.workbench.dialogue.v1+json"


def static_bundle(dialogue: Dialogue) -> dict[str, Any]:
    """Return the mime bundle of a dialogue as it stands."""
    return {
        "text/plain": plain_text(dialogue),
        "text/markdown": to_markdown(dialogue.transcript),
        "text/html": fragment(dialogue.transcript),
        MIME: json.loads(json.dumps(dialogue.to_dict(), default=str)),
    }


def plain_text(dialogue: Dialogue) -> str:
    """Return the transcript as text."""
    lines: list[str] = []
    writer = Lines(dialogue, lines.append)
    for event in dialogue.recorded_events():
        writer.see(event)
    return "\n".join(lines)
