"""A dialogue as one page that replays it: the transcript to read, the facts behind it, and the panel that takes the page over.

The page needs no network and asks for none: its policy allows the scripts that stand in it, known by their hashes, and nothing
else. Without JavaScript the transcript remains. The front end is handed in, since the room that has it is above this one.
"""

from __future__ import annotations

import json
import re
from base64 import b64encode
from collections.abc import Iterable, Mapping
from hashlib import sha256
from typing import Any, Final

from workbench.dialogue.export.as_html import fragment, template
from workbench.dialogue.export.facts import visible
from workbench.dialogue.transcript import Transcript

_UNSAFE: Final = re.compile("[<>&\u2028\u2029\ud800-\udfff]")
"""What could end a script, is a line end to some, or cannot be written to a file."""
_SCRIPT: Final = re.compile(r"<(?=/script|!--)", re.IGNORECASE)


def to_replay(transcript: Transcript, snapshot: Mapping[str, Any], *, bundle: str, css: str, rich: str | None = None) -> str:
    """Return the page.

    Args:
        transcript: what is shown without JavaScript.
        snapshot: the same dialogue as the panel takes it.
        bundle: the front end, an ES module.
        css: its style sheet.
        rich: the renderer of formulas and code, a classic script, if a text needs it.
    """
    scripts = {"bundle": _script(bundle)} | ({"rich": _script(rich)} if rich else {})
    return template("replay.html.j2").render(
        topic=visible(transcript.topic),
        policy=_policy(scripts.values()),
        css=css.replace("</", "<\\/"),
        body=fragment(transcript),
        data=_json({"snapshot": snapshot}),
        **{"rich": None} | scripts,
    )


def _script(source: str) -> str:
    r"""Return JavaScript that can stand in a page: `<` is escaped where a page would read an end or a comment."""
    return _SCRIPT.sub(r"\\x3c", source)


def _policy(scripts: Iterable[str]) -> str:
    hashes = (b64encode(sha256(script.encode()).digest()).decode() for script in scripts)
    sources = " ".join(f"'sha256-{value}'" for value in hashes)
    return f"default-src 'none'; style-src 'unsafe-inline'; script-src {sources}; base-uri 'none'; form-action 'none'"


def _json(value: object) -> str:
    """Return JSON in which nothing ends the script around it."""
    return _UNSAFE.sub(lambda found: f"\\u{ord(found[0]):04x}", json.dumps(value, ensure_ascii=False, separators=(",", ":")))
