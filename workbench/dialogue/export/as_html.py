"""HTML: a fragment for a notebook's output, and a page that stands alone.

Markdown is rendered by markdown-it without raw HTML, then sanitised by nh3 (ammonia) as if it had not been. No script, no
remote image, no style from a model; links open elsewhere and tell nobody from where. The template escapes everything else.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Final

from workbench.dialogue.export.facts import ending, facts, speaker, title, totals, visible
from workbench.dialogue.transcript import Transcript, Turn

if TYPE_CHECKING:
    from jinja2 import Template
    from markdown_it import MarkdownIt

_HERE: Final = Path(__file__).parent
_TAGS: Final = frozenset(
    [
        "a",
        "blockquote",
        "br",
        "code",
        "del",
        "em",
        "h1",
        "h2",
        "h3",
        "h4",
        "h5",
        "h6",
        "hr",
        "li",
        "ol",
        "p",
        "pre",
        "s",
        "strong",
        "sub",
        "sup",
        "table",
        "tbody",
        "td",
        "th",
        "thead",
        "tr",
        "ul",
    ]
)


def fragment(transcript: Transcript) -> str:
    """Return the dialogue as HTML for a notebook's output; its style reaches only itself."""
    return _template("transcript.html.j2").render(**_facts(transcript))


def page(transcript: Transcript) -> str:
    """Return the dialogue as a page that needs no network."""
    return _template("page.html.j2").render(**_facts(transcript), body=fragment(transcript))


def render_markdown(text: str) -> str:
    r"""Return Markdown as sanitised HTML.

    >>> render_markdown("**hi** <script>alert(1)</script>")
    '<p><strong>hi</strong> &lt;script&gt;alert(1)&lt;/script&gt;</p>\n'
    """
    import nh3

    return nh3.clean(
        _markdown().render(visible(text)),
        tags=set(_TAGS),
        attributes={"a": {"href", "title"}, "ol": {"start"}},
        url_schemes={"http", "https", "mailto"},
        link_rel="noopener noreferrer nofollow",
        set_tag_attribute_values={"a": {"target": "_blank"}},
    )


def _facts(transcript: Transcript) -> dict[str, object]:
    return {
        "id": visible(transcript.id),
        "mode": visible(transcript.mode),
        "topic": visible(transcript.topic),
        "status": str(transcript.status),
        "ending": ending(transcript),
        "totals": totals(transcript.metrics),
        "turns": [_turn(turn, transcript) for turn in transcript.turns],
    }


def _turn(turn: Turn, transcript: Transcript) -> dict[str, object]:
    roles = list(dict.fromkeys(other.role for other in transcript.turns))
    return {
        "title": title(turn),
        "speaker": visible(speaker(turn)),
        "facts": facts(turn),
        "status": str(turn.status),
        "error": visible(turn.error or ""),
        "hint": visible(turn.hint or ""),
        "reasoning": render_markdown(turn.reasoning) if turn.reasoning.strip() else "",
        "html": render_markdown(turn.text),
        "accent": roles.index(turn.role) % 8,
    }


@cache
def _markdown() -> MarkdownIt:
    from markdown_it import MarkdownIt

    return MarkdownIt("commonmark", {"html": False, "maxNesting": 100}).enable(["table", "strikethrough"]).disable("image")


@cache
def _template(name: str) -> Template:
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    loader = FileSystemLoader(_HERE)
    environment = Environment(loader=loader, autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    return environment.get_template(name)
