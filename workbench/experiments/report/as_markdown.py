"""The report as Markdown for GitHub and notebooks. Names are text there: no markup, no link, no mention, no formula."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

from workbench.experiments.report.content import Content, Table
from workbench.experiments.report.methods import plain

_MARKUP: Final = re.compile(r"([\\`*_{}\[\]|~#<>!$^])")
_LINKS: Final = re.compile(r"://|(?<=www)\.|@", re.IGNORECASE)
_ENTITIES: Final = {"://": "&#58;//", ".": "&#46;", "@": "&#64;"}
_LEADING: Final = re.compile(r"^(\d+)([.)])(?=\s|$)|^([-+])(?=[-\s]|$)")


def to_markdown(content: Content) -> str:
    """Return the report."""
    return "\n\n".join(block for block in _blocks(content) if block) + "\n"


def escaped(text: str) -> str:
    r"""Return text, on one line, that Markdown shows as it is.

    >>> escaped("1. a|b <img> @me https://x.org")
    '1\\. a\\|b \\<img\\> &#64;me https&#58;//x.org'
    """
    line = _MARKUP.sub(r"\\\1", " ".join(text.split()).replace("&", "&amp;"))
    line = _LINKS.sub(lambda found: _ENTITIES[found[0]], line)
    return _LEADING.sub(lambda found: f"{found[1]}\\{found[2]}" if found[1] else f"\\{found[3]}", line)


def _blocks(content: Content) -> list[str]:
    said = [f"# {escaped(content.title)}", escaped(content.hypothesis)]
    for verdict in content.verdicts:
        said.append(f"**{escaped(verdict.arm)}: {escaped(verdict.verdict)}**: {escaped(verdict.reason)}")
        said.append(_bullets([*verdict.evidence, *verdict.cautions]))
    said += ["## Results", _table(content.results), _bullets(content.refusals)]
    said += ["## Arms", _table(content.arms), _bullets(content.remarks)]
    said += ["## Power and integrity", _bullets(content.integrity), escaped(content.sealed), _bullets(content.departures)]
    said += ["## Methods", escaped(plain(content.methods))]
    said += [
        "## Software and provenance",
        _bullets(f"{name}: {value}" for name, value in content.software + content.provenance),
    ]
    return [*said, "## References", _bullets(work.text for work in content.works)]


def _table(table: Table) -> str:
    if not table.rows:
        return ""
    last = len(table.heads) - 1
    rules = ["---" if place < table.words or place == last else "--:" for place in range(len(table.heads))]
    lines = [table.heads, rules, *([escaped(cell) for cell in row] for row in table.rows)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _bullets(texts: Iterable[str]) -> str:
    return "\n".join(f"- {escaped(text)}" for text in texts)
