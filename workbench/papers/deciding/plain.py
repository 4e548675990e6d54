"""Texts of papers, models and people in Markdown, where they say what they say and mean nothing to whoever renders it."""

from __future__ import annotations

import re
from html import escape
from typing import Final

from workbench.dialogue.export.facts import visible
from workbench.errors import redact

_SIGNS: Final = re.compile(r"([\\`*_\[\]|~#$@])")
_ADDRESS: Final = re.compile(r"(?i)\b([a-z][a-z0-9+.-]*):(?=//)|\b(www)\.")
"""What GitHub turns into a link without being asked to."""
_START: Final = re.compile(r"^(\d{0,9})([-+=.)])")


def plain(text: str) -> str:
    r"""Return a text as one line of Markdown that shows it as it is: no markup, HTML, link, image, formula or mention.

    Secrets are blanked.

    >>> plain("<b>A</b>\n# [x](http://y)")
    '&lt;b&gt;A&lt;/b&gt; \\# \\[x\\](http\\://y)'
    """
    line = " ".join(visible(redact(text)).split())
    line = _SIGNS.sub(r"\\\1", escape(line, quote=False))
    line = _ADDRESS.sub(lambda found: rf"{found[1]}\:" if found[1] else rf"{found[2]}\.", line)
    return _START.sub(r"\1\\\2", line)


def quoted(text: str) -> str:
    r"""Return a text as a quotation in Markdown, each of its paragraphs as `plain` returns it.

    >>> print(quoted("One.\n\nTwo *times*."))
    > One.
    >
    > Two \*times\*.
    """
    paragraphs = [plain(part) for part in re.split(r"\n\s*\n", text) if part.strip()]
    return "\n>\n".join(f"> {paragraph}" for paragraph in paragraphs)


def listed(items: tuple[str, ...] | list[str], mark: str = "-") -> str:
    """Return texts as a list, a line for each; with no texts, a line that says so."""
    return "\n".join(f"{mark} {plain(item)}" for item in items) or "- none named"
