"""Code in colour: Pygments reads it, and a dozen short classes say what is what.

Only languages that the live panel colours too, and no code longer than a page can use: some of Pygments' expressions take
long over text made to defeat them.
"""

from __future__ import annotations

from functools import cache
from html import escape
from itertools import groupby
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from pygments.lexer import Lexer  # type: ignore[import-untyped]

LONGEST: Final = 20_000
"""Characters of code that are still coloured."""
_LANGUAGES: Final = {
    name: language
    for language, names in {
        "python": "python py python3 ipython",
        "javascript": "javascript js jsx mjs node",
        "typescript": "typescript ts tsx",
        "bash": "bash sh shell zsh",
        "json": "json jsonc",
        "yaml": "yaml yml",
        "sql": "sql",
        "r": "r",
        "cpp": "cpp c++ cc c h hpp",
        "java": "java",
        "rust": "rust rs",
        "go": "go golang",
        "html": "html xml xhtml svg",
        "css": "css",
        "markdown": "markdown md",
        "diff": "diff patch",
    }.items()
    for name in names.split()
}
_CLASSES: Final = (
    ("Comment.Preproc", "m"),
    ("Comment", "c"),
    ("Keyword.Constant", "l"),
    ("Keyword", "k"),
    ("Operator.Word", "k"),
    ("Operator", "o"),
    ("Literal.Number", "n"),
    ("Literal.String", "s"),
    ("Name.Decorator", "m"),
    ("Name.Builtin", "b"),
    ("Name.Function", "f"),
    ("Name.Class", "f"),
    ("Name.Tag", "t"),
    ("Name.Attribute", "a"),
    ("Generic.Inserted", "i"),
    ("Generic.Deleted", "d"),
    ("Generic.Heading", "k"),
    ("Generic.Subheading", "k"),
)
CLASSES: Final = frozenset(f"wb-c-{short}" for _, short in _CLASSES)


def highlight(code: str, language: str) -> str:
    """Return code as HTML with `span`s around what has a colour.

    >>> highlight("x = 1", "python")
    'x <span class="wb-c-o">=</span> <span class="wb-c-n">1</span>'
    >>> highlight("x < 1", "klingon")
    'x &lt; 1'
    """
    name = _LANGUAGES.get(language.lower())
    if name is None or len(code) > LONGEST:
        return escape(code, quote=False)
    pieces = ((_class(kind), value) for kind, value in _lexer(name).get_tokens(code))
    html = (_span(short, "".join(value for _, value in run)) for short, run in groupby(pieces, key=lambda piece: piece[0]))
    return "".join(html)


def _span(short: str, text: str) -> str:
    text = escape(text, quote=False)
    return f'<span class="wb-c-{short}">{text}</span>' if short else text


@cache
def _lexer(name: str) -> Lexer:
    from pygments.lexers import get_lexer_by_name  # type: ignore[import-untyped]

    return get_lexer_by_name(name, stripnl=False, ensurenl=False)


@cache
def _class(kind: Any) -> str:
    from pygments.token import string_to_tokentype  # type: ignore[import-untyped]

    return next((short for name, short in _CLASSES if kind in string_to_tokentype(name)), "")
