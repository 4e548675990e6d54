"""From a PDF's bytes to a `Paper`. Runs in the worker process; PyMuPDF is imported here and in `lines` only."""

from __future__ import annotations

import re
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from typing import Any

from workbench.papers.reading.layout.authors import find_authors
from workbench.papers.reading.layout.captions import Caption, find_captions
from workbench.papers.reading.layout.columns import in_reading_order
from workbench.papers.reading.layout.document import Document, as_document
from workbench.papers.reading.layout.footnotes import find_footnotes
from workbench.papers.reading.layout.front import find_abstract, find_title, front_ends, title_text
from workbench.papers.reading.layout.furniture import strip_furniture
from workbench.papers.reading.layout.heading import Heading
from workbench.papers.reading.layout.headings import find_headings
from workbench.papers.reading.layout.hidden import addressed_to_a_model, take_out_hidden
from workbench.papers.reading.layout.identifiers import (
    ARXIV,
    arxiv_id_in,
    arxiv_year,
    created_year,
    doi_in,
    likely_year,
    year_in,
)
from workbench.papers.reading.layout.lines import Line, read_lines, read_rules, read_words, union
from workbench.papers.reading.layout.outline import Entry, with_outline
from workbench.papers.reading.layout.reference_fields import read_reference
from workbench.papers.reading.layout.references import ReferenceList, find_references
from workbench.papers.reading.layout.tables import Sheet, read_table
from workbench.papers.reading.paper import Anchor, Author, Box, Concern, Figure, Paper, Section, Table, Text


def parse_pages(pdf: Any, name: str = "") -> Paper:
    """Return the paper that an open document of PyMuPDF holds.

    Args:
        pdf: the document.
        name: of the file; one that is an arXiv id tells it where the file does not.
    """
    raw: list[list[Line]] = []
    concerns: list[Concern] = []
    for number, page in enumerate(pdf, start=1):
        seen, hidden = take_out_hidden(read_lines(page, number), page)
        raw.append(seen)
        concerns += hidden
    sizes = [(round(page.rect.width, 1), round(page.rect.height, 1)) for page in pdf]
    pages, furniture = strip_furniture(raw, sizes)
    document = as_document(in_reading_order(pages, sizes), pages, sizes)
    captions = find_captions(document)
    tables = _tables(pdf, document, captions)
    paper = _paper(document, furniture, captions, tables, _outline(pdf), pdf.metadata or {}, name)
    addressed = addressed_to_a_model(paper.lines)
    addressed += [
        replace(c, kind="addresses a model")
        for c in concerns
        if addressed_to_a_model(Text(c.text, (Anchor(0, c.page, c.box),)))
    ]
    return replace(paper, concerns=(*concerns, *addressed))


def _outline(pdf: Any) -> list[Entry]:
    with suppress(Exception):  # a broken outline is none
        return [(int(level), str(title), int(page)) for level, title, page in pdf.get_toc()][:500]
    return []


def _paper(
    document: Document,
    furniture: Sequence[Line],
    captions: Sequence[Caption],
    tables: Sequence[Table],
    outline: Sequence[Entry],
    metadata: dict[str, Any],
    name: str,
) -> Paper:
    title = find_title(document, [line.text for line in furniture])
    listed = find_references(document)
    notes = find_footnotes(document)
    begin = front_ends(document, title)
    rules = find_headings(document, begin)
    headings = with_outline(document, rules, outline, title_text(document, title), begin)
    abstract = find_abstract(document, title)
    authors = find_authors(document, title, abstract)
    body = [h for h in headings if not _in_front(document, h)]
    first_page = [line.text for line in furniture if line.page == 1] + [
        line.text for note in notes for line in note if line.page == 1
    ]
    top = title[0].box[1] if title else 0.0
    upper = [line for line in document.lines if line.page == 1]
    front = [line.text for line in upper if document.part(line) in ("author", "title") or line.box[1] < top]
    arxiv_id = arxiv_id_in(first_page + front) or _named_id(name)
    references = tuple(read_reference(document.text(e.lines, e.skip), e.label) for e in listed.entries) if listed else ()
    return Paper(
        title=title_text(document, title),
        authors=tuple(Author(name) for name in authors),
        abstract=document.text(abstract.lines, abstract.skip) if abstract else Text(),
        sections=tuple(_sections(document, body, listed)),
        references=references,
        tables=tuple(tables),
        figures=tuple(_figure(document, c) for c in captions if c.kind == "figure"),
        footnotes=tuple(document.text(note) for note in notes),
        lines=document.text(document.lines),
        arxiv_id=arxiv_id,
        doi=doi_in(first_page + front),
        year=(arxiv_year(arxiv_id) if arxiv_id else None)
        or year_in(first_page, front)
        or likely_year(created_year(metadata.get("creationDate")), [r.year for r in references if r.year]),
        page_sizes=tuple(document.sizes),
    )


def _named_id(name: str) -> str | None:
    found = ARXIV.fullmatch(re.sub(r"\.pdf$", "", name, flags=re.IGNORECASE))
    return found.group(1) if found else None


def _in_front(document: Document, heading: Heading) -> bool:
    return document.part(document.lines[heading.start]) in ("abstract", "title", "author")


def _sections(document: Document, headings: Sequence[Heading], listed: ReferenceList | None) -> list[Section]:
    skip = {listed.heading} if listed and listed.heading is not None else set()
    marks = [h for h in headings if h.start not in skip]
    found = []
    first = marks[0].start if marks else len(document.lines)
    before = _running(document, 0, first)
    if before and (not marks or sum(len(line.text) for line in before) > 400):  # less is a stray line
        found.append(Section("", 1, document.text(before), before[0].page))
    for heading, following in zip(marks, [*marks[1:], None], strict=False):
        end = following.start if following else len(document.lines)
        own = [document.lines[heading.start]] if heading.run_in else []
        body = document.text([*own, *_running(document, heading.end, end, skip)], heading.run_in)
        page = document.lines[heading.start].page
        found.append(Section(heading.title, heading.level, body, page, heading.number, heading.appendix))
    return found


def _running(document: Document, start: int, end: int, skip: set[int] | None = None) -> list[Line]:
    """Return the lines of running text between two places."""
    return [
        line
        for index, line in enumerate(document.lines[start:end], start)
        if document.part(line) == "text" and index not in (skip or ())
    ]


def _tables(pdf: Any, document: Document, captions: Sequence[Caption]) -> list[Table]:
    """Return the tables, and mark the lines that stand in them."""
    sheets: dict[int, Sheet] = {}
    found = []
    for caption in captions:
        if caption.kind != "table":
            continue
        page = caption.lines[0].page
        if page not in sheets:
            sheets[page] = Sheet(read_words(pdf[page - 1]), *read_rules(pdf[page - 1]))
        place = union([line.box for line in caption.lines])
        others = [union([line.box for line in c.lines]) for c in captions if c is not caption and c.lines[0].page == page]
        read = read_table(sheets[page], place, others, caption.lines[0].frame)
        rows, box = read or ((), None)
        if box is not None:
            document.mark([line for line in document.lines if line.page == page and _within(line, box)], "table")
        found.append(Table(caption.label, document.text(caption.lines, caption.skip), page, rows, box))
    return found


def _within(line: Line, box: Box) -> bool:
    across = min(line.box[2], box[2]) - max(line.box[0], box[0])
    return box[1] <= line.middle <= box[3] and across > 0.6 * line.width


def _figure(document: Document, caption: Caption) -> Figure:
    return Figure(caption.label, document.text(caption.lines, caption.skip), caption.lines[0].page)
