"""HTML: a fragment for a notebook's output, and a page that stands alone.

What models said comes sanitised from `markdown`; the templates escape everything else. A fragment is complete in itself:
formulas are MathML, colours are CSS, nothing is fetched. Its root bears the classes by which MathJax, that of JupyterLab
as well as that of pages made by nbconvert, knows what to leave alone: costs in dollars are no formulas.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Final

from workbench.dialogue.export.beliefs import COLUMNS, positions_section
from workbench.dialogue.export.facts import ending, facts, speaker, sub_dialogues, title, totals, visible, warnings_of
from workbench.dialogue.export.markdown import render_markdown
from workbench.dialogue.transcript import Transcript, Turn

if TYPE_CHECKING:
    from jinja2 import Template

ACCENTS: Final = 8
"""Colours for speakers; the ninth begins again."""
_HERE: Final = Path(__file__).parent


def fragment(transcript: Transcript) -> str:
    """Return the dialogue as HTML for a notebook's output; its style reaches only itself."""
    return template("transcript.html.j2").render(**_facts(transcript))


def page(transcript: Transcript) -> str:
    """Return the dialogue as a page that needs no network."""
    return template("page.html.j2").render(**_facts(transcript), body=fragment(transcript))


def _facts(transcript: Transcript) -> dict[str, object]:
    roles = list(dict.fromkeys(turn.role for turn in transcript.turns))
    turns = [
        _turn(turn, roles.index(turn.role) % ACCENTS) | {"below": sub_dialogues(transcript, turn)} for turn in transcript.turns
    ]
    written = [str(turn[part]) for turn in turns for part in ("html", "reasoning")]
    return {
        "id": visible(transcript.id),
        "mode": visible(transcript.mode),
        "topic": visible(transcript.topic),
        "status": str(transcript.status),
        "ending": ending(transcript),
        "totals": totals(transcript.metrics),
        "turns": turns,
        "warnings": warnings_of(transcript),
        "positions": positions_section(transcript),
        "columns": COLUMNS,
        "has_maths": any("<math" in said for said in written),
        "has_code": any('"wb-c-' in said for said in written),
    }


def _turn(turn: Turn, accent: int) -> dict[str, object]:
    return {
        "title": title(turn),
        "facts": [fact for fact in (visible(speaker(turn)), _retries(turn), facts(turn)) if fact],
        "status": str(turn.status),
        "error": visible(turn.error or ""),
        "hint": visible(turn.hint or ""),
        "reasoning": render_markdown(turn.reasoning) if turn.reasoning.strip() else "",
        "html": render_markdown(turn.text),
        "accent": accent,
    }


def _retries(turn: Turn) -> str:
    """Return how often a model was asked again, and why; nothing if it was not."""
    again = sum(call.attempt > 1 for call in turn.calls)
    if not again:
        return ""
    kinds = ", ".join(dict.fromkeys(str(call.outcome).replace("_", " ") for call in turn.calls if not call.ok))
    return f"{again} {'retry' if again == 1 else 'retries'}" + (f" ({visible(kinds)})" if kinds else "")


@cache
def template(name: str) -> Template:
    """Return a template of this folder; it escapes what it is given."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    loader = FileSystemLoader(_HERE)
    environment = Environment(loader=loader, autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    return environment.get_template(name)
