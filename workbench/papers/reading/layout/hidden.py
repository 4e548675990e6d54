"""Text that a reader does not see, and sentences that speak to a model which reads the paper.

Hidden text is taken out of the paper and reported; sentences that a reader sees stay, and are reported too. Text that is
not painted is no secret where it lies on a picture of the page: that is how recognised text lies on a scan.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any, Final

from workbench.papers.reading.layout.lines import Line, Span, union
from workbench.papers.reading.paper import Box, Concern, Text

_TINY: Final = 2.6
"""Points below which nobody reads."""
_FAINT: Final = 0.93
"""Luminance above which letters on white paper are not seen."""
_ADDRESSES: Final = re.compile(
    r"\b(?:ignore|disregard|forget|override)\b[^.]{0,30}\b(?:previous|prior|above|earlier|preceding|all)\b[^.]{0,30}\b(?:instruction|prompt|direction|guideline|rule)s?\b"
    r"|\b(?:give|write|provide|return|output|produce|generate|submit)\b[^.]{0,30}\b(?:positive|favou?rable|glowing)\b[^.]{0,25}"
    r"\b(?:review|rating|assessment|evaluation|recommendation)s?\b[^.]{0,60}"
    r"|\b(?:give|rate|score|grade|assign)\b[^.]{0,15}\bth(?:e|is) (?:paper|submission|manuscript|work)\b[^.]{0,30}"
    r"\b(?:high(?:est|ly)?|top|maximum|perfect|positively|favou?rably|10)\b"
    r"|(?:^|[.:;!,]\s+|\bplease\s+|\byou (?:must|should)\s+)(?:do not|don't|never|avoid)\s[^.]{0,20}\b(?:mention|highlight"
    r"|list|report|raise|note|point out)\w*\b[^.]{0,40}\b(?:negative (?:point|aspect|comment|thing)|weakness|flaw|drawback)\w*"
    r"|\b(?:llm|ai|language model|gpt|chatgpt|claude|gemini|machine|automated|reviewer)[ -](?:reviewer"
    r"|referee|evaluator|grader|model)s?\b\s*[:,]\s*(?:please|ignore|you|note|recommend|accept|this "
    r"paper)[^.]{0,80}"
    r"|\b(?:if you are|as) an? (?:ai|llm|(?:large )?language model|automated"
    r"|artificial)\b[^.]{0,20}\b(?:reviewer|referee|assistant|model|reviewing|system)\b[^.]{0,80}"
    r"|\brecommend\w*\b[^.]{0,20}\b(?:strong |clear )?accept(?:ance|ing)?\b[^.]{0,30}\b(?:this|the) "
    r"(?:paper|submission|manuscript)\b",
    re.IGNORECASE,
)
_AROUND: Final = 160


def take_out_hidden(lines: Sequence[Line], page: Any) -> tuple[list[Line], list[Concern]]:
    """Return a page's lines without what nobody sees, and what that is.

    Args:
        lines: of the page.
        page: of PyMuPDF; asked for its drawings only where something is suspicious.
    """
    suspects = [(line, span, kind) for line in lines for span in line.spans if (kind := _kind(span, page))]
    if not suspects:
        return list(lines), []
    backs = _backgrounds(page)
    scan = any(_covers(box, page) for box in backs["picture"])
    hidden: dict[int, str] = {}
    for _, span, kind in suspects:
        drawn = any(_inside(span.box, box) for boxes in backs.values() for box in boxes)
        if not (kind == "invisible" and scan) and not (kind == "white" and drawn):
            hidden[id(span)] = kind
    return _without(lines, hidden)


def _kind(span: Span, page: Any) -> str | None:
    if not any(c.isalpha() for c in span.text):
        return None
    x0, y0, x1, y1 = span.box
    if x1 < 0 or y1 < 0 or x0 > page.rect.width or y0 > page.rect.height:
        return "off the page"
    if not span.painted or span.alpha < 13:  # a twentieth
        return "invisible"
    if _luminance(span.colour) > _FAINT:
        return "white"
    return "tiny" if span.size < _TINY else None


def _luminance(colour: int) -> float:
    """Return how bright 0xRRGGBB is, 0 to 1, by Rec. 709's weights."""
    red, green, blue = (colour >> shift & 0xFF for shift in (16, 8, 0))
    return (0.2126 * red + 0.7152 * green + 0.0722 * blue) / 255


def _backgrounds(page: Any) -> dict[str, list[Box]]:
    """Return where pictures and dark areas are."""
    areas = [d["rect"] for d in page.get_cdrawings() if d.get("fill") is not None and min(d["fill"]) < 0.85]
    return {"picture": [tuple(info["bbox"]) for info in page.get_image_info()], "area": [tuple(area) for area in areas]}


def _covers(box: Box, page: Any) -> bool:
    return bool((box[2] - box[0]) * (box[3] - box[1]) > 0.7 * page.rect.width * page.rect.height)


def _inside(box: Box, area: Box) -> bool:
    x, y = (box[0] + box[2]) / 2, (box[1] + box[3]) / 2
    return area[0] <= x <= area[2] and area[1] <= y <= area[3]


def _without(lines: Sequence[Line], hidden: dict[int, str]) -> tuple[list[Line], list[Concern]]:
    kept: list[Line] = []
    runs: list[tuple[str, Line, list[Span]]] = []
    for line in lines:
        mine = [span for span in line.spans if id(span) in hidden]
        if not mine:
            kept.append(line)
            continue
        kind = hidden[id(mine[0])]
        if runs and runs[-1][0] == kind:
            runs[-1][2].extend(mine)
        else:
            runs.append((kind, line, mine))
        if rest := [span for span in line.spans if id(span) not in hidden and span.text.strip()]:
            kept.append(Line(line.page, union([span.box for span in rest]), rest, line.level))
    return kept, [_concern(kind, line.page, spans) for kind, line, spans in runs if _matters(kind, spans)]


def _matters(kind: str, spans: Sequence[Span]) -> bool:
    """Whether hidden text says something: single letters in figures are tiny or white for no reason."""
    words = sum(len(word) > 2 for span in spans for word in span.text.split())
    return words >= (2 if kind in ("invisible", "white") else 5)


def _concern(kind: str, page: int, spans: Sequence[Span]) -> Concern:
    text = " ".join(" ".join(span.text for span in spans).split())
    return Concern(kind, text[:2000], page, union([span.box for span in spans]))


def addressed_to_a_model(text: Text) -> list[Concern]:
    """Return the sentences of a text that speak to a model which reads it."""
    found = []
    for match in _ADDRESSES.finditer(text.text):
        start = max(text.text.rfind(". ", 0, match.start()) + 2, match.start() - _AROUND) if match.start() else 0
        end = text.text.find(".", match.end())
        shown = text.text[start : min(end + 1 if end >= 0 else len(text.text), match.end() + _AROUND)]
        anchor = max((a for a in text.anchors if a.start <= match.start()), key=lambda a: a.start)
        found.append(Concern("addresses a model", " ".join(shown.split()), anchor.page, anchor.box))
    return found
