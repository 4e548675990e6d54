"""What a model said, as HTML that does no harm.

Markdown is rendered by markdown-it without raw HTML, then sanitised by nh3 (ammonia) as if it had not been. No script, no
image, no style and no name from a model; links open elsewhere and tell nobody from where. A text that would take long, or nest
deeper than a page can show, stays plain.
"""

from __future__ import annotations

import re
from functools import cache
from html import escape
from typing import TYPE_CHECKING, Final

from workbench.dialogue.export import highlight, maths
from workbench.dialogue.export.facts import visible

if TYPE_CHECKING:
    from collections.abc import Sequence

    from markdown_it import MarkdownIt
    from markdown_it.renderer import RendererHTML
    from markdown_it.token import Token
    from markdown_it.utils import EnvType, OptionsDict

_TAGS: Final = (
    "a blockquote br code del em h1 h2 h3 h4 h5 h6 hr li ol p pre s span strong sub sup table tbody td th thead tr ul"
)
TAGS: Final = frozenset(_TAGS.split())
CLASSES: Final = {
    "span": set(highlight.CLASSES),
    "code": {"wb-math", "wb-source"},
    "td": {"wb-right", "wb-center"},
    "th": {"wb-right", "wb-center"},
}
LONGEST: Final = 200_000
"""Characters that are still laid out."""
_BRACKETS: Final = 5_000
"""Opening brackets: the parser's time grows with the square of those that are never closed."""
_CELLS: Final = 50_000
"""Columns of a table times lines of the text: a short row counts as a whole one."""
_TABLE_RULE: Final = re.compile(r"^[ \t>|:-]+$", re.MULTILINE)
_NESTING: Final = 100
_ADDRESS: Final = 200
"""Characters of an image's address that are shown."""
_WEB: Final = re.compile(r"(?:https?|mailto):", re.IGNORECASE)


def render_markdown(text: str) -> str:
    r"""Return Markdown as sanitised HTML.

    >>> render_markdown("**hi** <script>alert(1)</script>")
    '<p><strong>hi</strong> &lt;script&gt;alert(1)&lt;/script&gt;</p>\n'
    """
    text = visible(text)
    if len(text) > LONGEST or text.count("[") > _BRACKETS or _has_huge_table(text):
        return _plain(text)
    parser = _markdown(with_maths=not maths.has_too_many(text))
    tokens = parser.parse(text, {})
    if any(token.level >= _NESTING - 5 for token in tokens):
        return _plain(text)  # the parser drops what is nested deeper
    html = parser.renderer.render(tokens, parser.options, {})
    return _sanitised(visible(html))  # an entity may have become one of the characters that are not seen


def _has_huge_table(text: str) -> bool:
    """Whether a line could stand below a table's head, and so many lines follow that it would fill the page."""
    rules = (line for line in _TABLE_RULE.findall(text) if "-" in line)
    columns = max((line.count("|") for line in rules), default=0)
    return columns > 1 and columns * text.count("\n") > _CELLS


def _plain(text: str) -> str:
    return f"<pre>{escape(text, quote=False)}</pre>\n"


def _sanitised(html: str) -> str:
    import nh3

    return nh3.clean(
        html,
        tags=set(TAGS | maths.TAGS),
        attributes={"a": {"href", "title"}, "ol": {"start"}} | {tag: set(maths.ATTRIBUTES) for tag in maths.TAGS},
        allowed_classes=CLASSES,
        url_schemes={"http", "https", "mailto"},
        link_rel="noopener noreferrer nofollow",
        set_tag_attribute_values={"a": {"target": "_blank"}},
    )


@cache
def _markdown(*, with_maths: bool) -> MarkdownIt:
    from markdown_it import MarkdownIt

    parser = MarkdownIt("commonmark", {"html": False, "maxNesting": _NESTING}).enable(["table", "strikethrough"])
    parser.validateLink = lambda url: _WEB.match(url) is not None  # type: ignore[method-assign]
    for name, rule in _RULES.items():
        parser.add_render_rule(name, rule)
    return maths.add_maths(parser) if with_maths else parser


def _fence(_renderer: RendererHTML, tokens: Sequence[Token], index: int, _options: OptionsDict, _env: EnvType) -> str:
    token = tokens[index]
    language = token.info.split()[0] if token.info.strip() else ""
    return f"<pre><code>{highlight.highlight(token.content, language)}</code></pre>\n"


def _image(renderer: RendererHTML, tokens: Sequence[Token], index: int, options: OptionsDict, env: EnvType) -> str:
    """Write where an image is, for a picture from elsewhere tells elsewhere who looks at it."""
    token = tokens[index]
    address = str(token.attrs["src"])
    alt = renderer.renderInlineAsText(token.children, options, env)
    shown = address if len(address) <= _ADDRESS else f"{address[:_ADDRESS]}…"
    label = escape(f"{alt} ({shown})" if alt else shown)
    return label if env.get("link") else f'<a href="{escape(address)}">{label}</a>'


def _link(renderer: RendererHTML, tokens: Sequence[Token], index: int, options: OptionsDict, env: EnvType) -> str:
    env["link"] = tokens[index].nesting > 0
    return renderer.renderToken(tokens, index, options, env)


def _cell(renderer: RendererHTML, tokens: Sequence[Token], index: int, options: OptionsDict, env: EnvType) -> str:
    token = tokens[index]
    side = str(token.attrs.pop("style", "")).removeprefix("text-align:")
    if side in ("right", "center"):
        token.attrs["class"] = f"wb-{side}"
    return renderer.renderToken(tokens, index, options, env)


_RULES: Final = {
    "fence": _fence,
    "image": _image,
    "link_open": _link,
    "link_close": _link,
    "td_open": _cell,
    "th_open": _cell,
}
