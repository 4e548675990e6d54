"""Papers as JSON: whole, as they are kept, and as `workbench paper parse --json` prints them."""

from __future__ import annotations

import json
from functools import cache
from typing import Any

from pydantic import TypeAdapter

from workbench.papers.reading.paper import Paper, Reference, Section


@cache
def _adapter() -> TypeAdapter[Paper]:
    return TypeAdapter(Paper)


def paper_from_json(text: str) -> Paper:
    """Return the paper that `paper_to_json` wrote."""
    return _adapter().validate_json(text)


def paper_to_json(paper: Paper) -> str:
    """Return a paper as JSON, with the place of every line."""
    return json.dumps(_adapter().dump_python(paper), ensure_ascii=False, separators=(",", ":"))


def printed(paper: Paper) -> dict[str, Any]:
    """Return what `workbench paper parse --json` prints: texts without their places, pages kept."""
    return {
        "title": paper.title,
        "authors": [{"name": author.name} for author in paper.authors],
        "abstract": paper.abstract.text,
        "sections": [_section(section) for section in paper.sections],
        "references": [_reference(reference) for reference in paper.references],
        "tables": [
            {"label": table.label, "caption": table.caption.text, "page": table.page, "rows": [list(row) for row in table.rows]}
            for table in paper.tables
        ],
        "figures": [{"label": figure.label, "caption": figure.caption.text, "page": figure.page} for figure in paper.figures],
        "arxiv_id": paper.arxiv_id,
        "doi": paper.doi,
        "year": paper.year,
    }


def _section(section: Section) -> dict[str, Any]:
    last = max(section.body.pages, default=section.page)
    return {
        "title": section.title,
        "level": section.level,
        "text": section.body.text,
        "page": section.page,
        "last_page": max(last, section.page),
        "number": section.number,
        "appendix": section.appendix,
    }


def _reference(reference: Reference) -> dict[str, Any]:
    return {
        "label": reference.label,
        "raw": reference.raw,
        "authors": list(reference.authors),
        "title": reference.title,
        "year": reference.year,
        "doi": reference.doi,
        "arxiv_id": reference.arxiv_id,
    }
