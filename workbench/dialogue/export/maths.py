r"""Formulas in Markdown: where a text has one, and what it looks like as MathML.

`$x$`, `$$x$$`, `\(x\)` and `\[x\]`, found by the same rules as in the live panel. A single dollar opens a formula only by
pandoc's rule, so that "$5 and $10" stays money. What latex2mathml makes of TeX is not taken on trust: it copies `\text{<b>}`
and `\href` as they are, so its tree is written anew from lists of elements and attributes, and what it does not understand
is shown as source.
"""

from __future__ import annotations

import re
from html import escape, unescape
from typing import TYPE_CHECKING, Final
from xml.etree.ElementTree import Element

if TYPE_CHECKING:
    from collections.abc import Sequence

    from markdown_it import MarkdownIt
    from markdown_it.renderer import RendererHTML
    from markdown_it.ruler import RuleOptionsType
    from markdown_it.rules_block import StateBlock
    from markdown_it.rules_inline import StateInline
    from markdown_it.token import Token
    from markdown_it.utils import EnvType, OptionsDict

_TAGS: Final = """
math menclose mfrac mi mn mo mover mpadded mphantom mroot mrow ms mspace msqrt mstyle msub msubsup msup mtable mtd mtext mtr
munder munderover
"""
_ATTRIBUTES: Final = """
accent accentunder columnalign columnlines depth display displaystyle fence form height largeop linethickness lspace
mathvariant maxsize minsize movablelimits notation rowlines rspace scriptlevel separator stretchy symmetric voffset width
"""
TAGS: Final = frozenset(_TAGS.split())
ATTRIBUTES: Final = frozenset(_ATTRIBUTES.split())
_PARTS: Final = {"mfrac": 2, "mroot": 2, "msub": 2, "msup": 2, "munder": 2, "mover": 2, "msubsup": 3, "munderover": 3}
LONGEST: Final = 4_000
"""Characters of TeX that are still laid out."""
MOST: Final = 5_000
"""Delimiters in one text; a search begins at each, so there is an end to them."""

_VALUE: Final = re.compile(r"[a-z -]{1,80}|[+-]?\d{0,2}(?:\.\d+)?(?:em|ex|mu|px|pt|%)?")
"""Words, and lengths that stay on the page."""
_INLINE: Final = re.compile(
    r"\$\$([^`]{1,4000}?)\$\$|\$(?![\s$])((?:\\[\s\S]|[^$`\\]){1,4000})(?<!\s)\$(?!\d)"
    r"|\\\(([^`]{1,4000}?)\\\)|\\\[([^`]{1,4000}?)\\\]"
)
_CLOSERS: Final = {"\\(": "\\)", "\\[": "\\]", "$$": "$$"}
_STARRED: Final = re.compile(r"\\(begin|end)\{(?:aligned|alignedat|split|gathered|gather|eqnarray)\*?\}")
_ALIGNED_AT: Final = re.compile(r"(\\begin\{alignedat\})\{\d+\}")


def mathml(tex: str, *, display: bool) -> str | None:
    r"""Return TeX as MathML; None when it cannot be laid out faithfully.

    >>> mathml("x^2", display=False)
    '<math><mrow><msup><mi>x</mi><mn>2</mn></msup></mrow></math>'
    >>> mathml(r"\unheard{x}", display=False) is None
    True
    """
    from latex2mathml.converter import convert_to_element

    if len(tex) > LONGEST:
        return None
    tex = _STARRED.sub(r"\\\1{align*}", _ALIGNED_AT.sub(r"\1", tex))
    try:
        tree = convert_to_element(tex, display="block" if display else "inline")
        return "".join(_write(tree))
    except Exception:  # noqa: BLE001 - it has errors of its own, and IndexError, TypeError, RecursionError besides
        return None


def add_maths(markdown: MarkdownIt) -> MarkdownIt:
    """Teach a parser formulas."""
    before: RuleOptionsType = {"alt": ["paragraph", "reference", "blockquote", "list", "table"]}
    markdown.block.ruler.before("fence", "maths", _block, before)
    markdown.inline.ruler.before("escape", "maths", _inline)
    markdown.add_render_rule("maths", _render)
    return markdown


def has_too_many(text: str) -> bool:
    """Whether a text has so many delimiters that it is no text with formulas."""
    return text.count("$") + text.count("\\(") + text.count("\\[") > MOST


def _write(element: Element) -> list[str]:
    if element.tag not in TAGS or element.attrib.keys() & {"class", "href", "id", "style"}:
        raise ValueError(element.tag)
    if len(element) != _PARTS.get(element.tag, len(element)):
        raise ValueError(element.tag)  # half a fraction: the text ended within it
    text = unescape(element.text or "")
    if text.startswith("\\") or (text == "&" and element.tag == "mi"):
        raise ValueError(text)  # a command that it does not know, or a cell outside a table
    attributes = [
        f' {name}="{value}"'
        for name, value in element.attrib.items()
        if name in ATTRIBUTES and _VALUE.fullmatch(value) and (name, value) != ("display", "inline")
    ]
    inner = [part for child in element for part in _write(child)]
    return [f"<{element.tag}{''.join(attributes)}>", escape(text, quote=False), *inner, f"</{element.tag}>"]


def _render(_renderer: RendererHTML, tokens: Sequence[Token], index: int, _options: OptionsDict, _env: EnvType) -> str:
    token = tokens[index]
    display = token.markup in ("$$", "\\[")
    formula = mathml(token.content, display=display)
    source = escape(f"{token.markup}{token.content}{_CLOSERS.get(token.markup, token.markup)}", quote=False)
    shown = f'<code class="wb-source">{source}</code>{formula}' if formula else f'<code class="wb-math">{source}</code>'
    return f"<p>{shown}</p>\n" if token.block else shown


def _inline(state: StateInline, silent: bool) -> bool:  # noqa: FBT001 - markdown-it's signature
    before = state.src[state.pos - 1 : state.pos]
    found = _INLINE.match(state.src, state.pos, state.posMax)
    if found is None or (found[0][0] == "$" and (before.isalnum() or before == "$")):
        return False
    content = next(group for group in found.groups() if group is not None).strip()
    if not content:
        return False
    if not silent:
        token = state.push("maths", "", 0)
        token.content, token.markup = content, _opener(found[0])
    state.pos = found.end()
    return True


def _opener(formula: str) -> str:
    return formula[:2] if formula[:2] in _CLOSERS else "$"


def _block(state: StateBlock, start: int, end: int, silent: bool) -> bool:  # noqa: FBT001 - markdown-it's signature
    if state.is_code_block(start):
        return False
    first = state.src[state.bMarks[start] + state.tShift[start] : state.eMarks[start]]
    markup = first[:2]
    if markup not in ("$$", "\\["):
        return False
    closer, content, line = _CLOSERS[markup], first[2:], start
    while closer not in content:
        line += 1
        if line >= end or state.isEmpty(line) or state.sCount[line] < state.blkIndent:
            return False
        content += "\n" + state.getLines(line, line + 1, state.sCount[start], keepLastLF=False)
    tex, _, rest = content.partition(closer)
    if rest.strip() or not tex.strip():
        return False
    if not silent:
        state.line = line + 1
        token = state.push("maths", "", 0)
        token.block, token.content, token.markup, token.map = True, tex.strip(), markup, [start, line + 1]
    return True
