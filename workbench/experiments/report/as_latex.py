"""The report as a LaTeX document that compiles as it is, twice for its citations; every text in it is escaped.

pdflatex knows few characters beyond ASCII. Letters with accents are written by their commands, some signs by theirs; what is
left stands as its code point in brackets, so that nothing is lost and nothing fails.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Sequence
from typing import Final

from workbench.experiments.report.content import Content, Table
from workbench.experiments.report.methods import Part
from workbench.experiments.report.references import Reference

_SIGNS: Final = {
    "\\": r"\textbackslash{}",
    "{": r"\{",
    "}": r"\}",
    "$": r"\$",
    "&": r"\&",
    "#": r"\#",
    "%": r"\%",
    "_": r"\_",
    "^": r"\textasciicircum{}",
    "~": r"\textasciitilde{}",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    "|": r"\textbar{}",
    '"': r"\textquotedbl{}",
    "`": r"\textasciigrave{}",
    "\u00a0": "~",
    "\u2013": r"\textendash{}",
    "\u2014": r"\textemdash{}",
    "\u2018": r"\textquoteleft{}",
    "\u2019": r"\textquoteright{}",
    "\u201c": r"\textquotedblleft{}",
    "\u201d": r"\textquotedblright{}",
    "\u2026": r"\ldots{}",
    "\u00b1": r"\ensuremath{\pm}",
    "\u00d7": r"\ensuremath{\times}",
    "\u2212": r"\ensuremath{-}",
    "\u2264": r"\ensuremath{\leq}",
    "\u2265": r"\ensuremath{\geq}",
    "\u2192": r"\ensuremath{\rightarrow}",
    "\u00df": r"\ss{}",
    "\u00e6": r"\ae{}",
    "\u00c6": r"\AE{}",
    "\u0153": r"\oe{}",
    "\u0152": r"\OE{}",
    "\u00f8": r"\o{}",
    "\u00d8": r"\O{}",
    "\u0142": r"\l{}",
    "\u0141": r"\L{}",
}
_LIGATURES: Final = re.compile(r"([-,'])(?=\1)")
"""Of two such signs LaTeX makes another one; an empty group between them keeps them apart."""
_ACCENTS: Final = {
    "\u0300": "`",
    "\u0301": "'",
    "\u0302": "^",
    "\u0303": "~",
    "\u0304": "=",
    "\u0306": "u",
    "\u0307": ".",
    "\u0308": '"',
    "\u030a": "r",
    "\u030b": "H",
    "\u030c": "v",
    "\u0327": "c",
    "\u0328": "k",
}
_HEAD: Final = r"""\documentclass[10pt]{article}
\usepackage[T1]{fontenc}
\usepackage[utf8]{inputenc}
\IfFileExists{lmodern.sty}{\usepackage{lmodern}}{}
\usepackage[a4paper,margin=2cm]{geometry}
\usepackage{longtable}
\usepackage{array}
\setlength{\parindent}{0pt}
\setlength{\parskip}{0.5em}
\setlength{\tabcolsep}{3pt}
\emergencystretch=3em
\begin{document}
\sloppy
"""
_FIGURES: Final = 1.45
"""Width of a column of figures, in centimetres; words share what is left of `_PAGE`."""
_PAGE: Final = 16.2


def to_latex(content: Content) -> str:
    """Return the report as a document."""
    blocks = [f"\\section*{{{escaped(content.title)}}}", escaped(content.hypothesis)]
    for verdict in content.verdicts:
        blocks.append(f"\\textbf{{{escaped(f'{verdict.arm}: {verdict.verdict}')}}}: {escaped(verdict.reason)}")
        blocks.append(_items([*verdict.evidence, *verdict.cautions]))
    blocks += [r"\subsection*{Results}", _table(content.results), _items(content.refusals)]
    blocks += [r"\subsection*{Arms}", _table(content.arms), _items(content.remarks)]
    blocks += [r"\subsection*{Power and integrity}", _items(content.integrity), escaped(content.sealed)]
    blocks += [_items(content.departures), r"\subsection*{Methods}", cited(content.methods)]
    known = (f"{name}: {value}" for name, value in content.software + content.provenance)
    blocks += [r"\subsection*{Software and provenance}", _items(known), _bibliography(content.works)]
    return _HEAD + "\n\n".join(block for block in blocks if block) + "\n\\end{document}\n"


def cited(parts: Sequence[Part]) -> str:
    """Return a paragraph with its citations as commands."""
    said = "".join(f"\\cite{{{part.key}}}" if isinstance(part, Reference) else escaped(part, keep=True) for part in parts)
    return said.replace(" \\cite", "~\\cite")


def escaped(text: str, *, keep: bool = False) -> str:
    r"""Return text that LaTeX prints as it is, on one line; with `keep` space at its ends stays.

    >>> escaped(r"50% of \input{x} é ☃")
    "50\\% of \\textbackslash{}input\\{x\\} \\'{e} [U+2603]"
    """
    line = " ".join(text.split())
    if keep:
        line = f"{' ' * text[:1].isspace()}{line}{' ' * (text[-1:].isspace() and bool(line))}"
    return _LIGATURES.sub(r"\1{}", "".join(map(_sign, unicodedata.normalize("NFC", line))))


def _sign(sign: str) -> str:
    if sign in _SIGNS:
        return _SIGNS[sign]
    if " " <= sign <= "~":
        return sign
    parts = unicodedata.normalize("NFD", sign)
    if len(parts) == 2 and parts[0].isascii() and parts[0].isalpha() and parts[1] in _ACCENTS:  # noqa: PLR2004 - letter, accent
        return f"\\{_ACCENTS[parts[1]]}{{{parts[0]}}}"
    return f"[U+{ord(sign):04X}]"


def _items(texts: Iterable[str]) -> str:
    items = [f"\\item {{}}{escaped(text)}" for text in texts]
    return "\n".join([r"\begin{itemize}", *items, r"\end{itemize}"]) if items else ""


def _table(table: Table) -> str:
    if not table.rows:
        return ""
    last, words = len(table.heads) - 1, table.words + 1
    wide = (_PAGE - _FIGURES * (len(table.heads) - words)) / words
    columns = [
        rf">{{\raggedright\arraybackslash}}p{{{wide:.2f}cm}}"
        if place < table.words or place == last
        else rf">{{\raggedleft\arraybackslash}}p{{{_FIGURES - 0.2:.2f}cm}}"
        for place in range(len(table.heads))
    ]
    rows = [" & ".join(map(escaped, row)) + r" \\" for row in table.rows]
    heads = " & ".join(map(escaped, table.heads)) + r" \\ \hline"
    return "\n".join(
        [r"{\footnotesize", rf"\begin{{longtable}}{{{''.join(columns)}}}", heads, r"\endhead", *rows, r"\end{longtable}", "}"]
    )


def _bibliography(works: Sequence[Reference]) -> str:
    items = [f"\\bibitem{{{work.key}}} {escaped(work.text)}" for work in works]
    return "\n".join([r"\begin{thebibliography}{99}", *items, r"\end{thebibliography}"]) if items else ""
