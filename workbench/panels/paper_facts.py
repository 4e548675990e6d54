"""What a page is told about papers: plain JSON, as `widgets/src/paper/protocol.ts` declares it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from workbench.papers.asking import PaperAnswer
from workbench.papers.passages.occurrences import Occurrence
from workbench.papers.passages.quotes import CheckedQuote
from workbench.papers.reading.paper import Anchor, Box, Paper, Section, Text
from workbench.records.papers import PaperRow

Facts = dict[str, Any]


def row_facts(row: PaperRow) -> Facts:
    """Return what the shelf shows of a paper."""
    return {
        "id": row.id,
        "title": row.title,
        "authors": list(row.authors),
        "year": row.year,
        "arxiv_id": row.arxiv_id,
        "doi": row.doi,
        "pages": row.pages,
        "added_at": row.added_at,
    }


def paper_facts(paper: Paper) -> Facts:
    """Return what is read in a paper: its abstract and its outline, with places; not its text."""
    return {
        "abstract": paper.abstract.text,
        "sizes": [list(size) for size in paper.page_sizes],
        "outline": [_section(section) for section in paper.sections],
        "figures": [_captioned(figure.label, figure.caption, figure.page) for figure in paper.figures],
        "tables": [_captioned(table.label, table.caption, table.page) for table in paper.tables],
        "references": len(paper.references),
        "flagged": [
            {"kind": each.kind, "text": each.text, "page": each.page, "boxes": _boxes([(each.page, each.box)])}
            for each in paper.concerns
        ],
    }


def quote_facts(quote: CheckedQuote) -> Facts:
    """Return a quote, how it stands, and where."""
    return {
        "quote": quote.quote,
        "status": quote.status,
        "page": quote.page,
        "boxes": _boxes(quote.boxes),
        "found": quote.found,
    }


def occurrence_facts(found: Occurrence) -> Facts:
    """Return a place where words stand."""
    return {
        "page": found.page,
        "boxes": _boxes(found.boxes),
        "before": found.before,
        "found": found.found,
        "after": found.after,
    }


def answer_facts(answer: PaperAnswer) -> Facts:
    """Return an answer with its quotes."""
    return {
        "question": answer.question,
        "answer": answer.answer,
        "quotes": [quote_facts(quote) for quote in answer.quotes],
        "dialogue": answer.dialogue,
        "cost": answer.cost,
    }


def page_text(paper: Paper, page: int) -> str:
    """Return what is printed on a page, for those who cannot see the picture of it."""
    return "\n".join(_line(paper.lines, index) for index, anchor in enumerate(paper.lines.anchors) if anchor.page == page)


def _line(text: Text, index: int) -> str:
    anchors: Sequence[Anchor] = text.anchors
    until = anchors[index + 1].start if index + 1 < len(anchors) else len(text.text)
    return text.text[anchors[index].start : until].strip()


def _section(section: Section) -> Facts:
    first = next((anchor for anchor in section.body.anchors if anchor.page == section.page), None)
    return {
        "number": section.number,
        "title": section.title,
        "level": section.level,
        "page": section.page,
        "appendix": section.appendix,
        "top": first.box[1] if first else None,
    }


def _captioned(label: str, caption: Text, page: int) -> Facts:
    return {
        "label": label,
        "caption": caption.text,
        "page": page,
        "top": caption.anchors[0].box[1] if caption.anchors else None,
    }


def _boxes(boxes: Iterable[tuple[int, Box]]) -> list[list[float]]:
    """Return boxes as page, left, top, right, bottom."""
    return [[page, *box] for page, box in boxes]
