"""The sample papers are read as they are printed: front, sections, references, tables, captions, in every layout."""

import re
import unicodedata

import pytest
from paper_files import SAMPLES, TRUTH

from workbench.papers import Reader


@pytest.fixture(scope="module")
def papers():
    with Reader() as reader:
        return {name: reader.read(SAMPLES / f"{name}.pdf") for name in TRUTH}


def folded(text):
    plain = unicodedata.normalize("NFKD", text).casefold()
    return re.sub(r"[^a-z0-9]", "", "".join(c for c in plain if not unicodedata.combining(c)))


def f1(found, wanted):
    hits = len(set(found) & set(wanted))
    return 2 * hits / (len(set(found)) + len(set(wanted))) if found or wanted else 1.0


each_paper = pytest.mark.parametrize("name", TRUTH)


@each_paper
def test_front(papers, name):
    paper, truth = papers[name], TRUTH[name]
    assert folded(paper.title) == folded(truth["title"])
    assert [author.name for author in paper.authors] == truth["authors"]
    abstract = folded(paper.abstract.text)
    assert abstract.startswith(folded(truth["abstract_start"]))
    assert abstract.endswith(folded(truth["abstract_end"]))
    assert paper.arxiv_id == truth["arxiv_id"]
    assert truth["year"] in (None, paper.year)


@each_paper
def test_sections(papers, name):
    paper, truth = papers[name], TRUTH[name]
    optional = set(map(folded, truth["sections_optional"]))
    tops = [folded(section.title) for section in paper.sections if section.level == 1 and section.title]
    assert [top for top in tops if top not in optional] == list(map(folded, truth["sections"]))
    below = [folded(section.title) for section in paper.sections if section.level == 2]
    assert below == list(map(folded, truth["subsections"]))
    assert [s.title for s in paper.sections if s.appendix] == [t for t in truth["sections"] if "Proofs" in t or "Further" in t]


@each_paper
def test_references(papers, name):
    references, truth = papers[name].references, TRUTH[name]["references"]
    assert len(references) == len(truth)
    assert f1(fields(references), {field for i, r in enumerate(truth) for field in told(i, r)}) >= 0.9


def fields(references):
    """What entries say; of `Turing, A.` the order is turned, because the truth has it as `A. Turing`."""
    return {
        field
        for i, r in enumerate(references)
        for field in told(
            i, {"title": r.title, "year": r.year, "authors": [" ".join(reversed(a.split(", "))) for a in r.authors]}
        )
    }


def told(number, entry):
    yield number, "title", folded(entry["title"] or "")
    yield number, "year", entry["year"]
    for author in entry["authors"]:
        yield number, "author", folded(author)


@each_paper
def test_table_cells(papers, name):
    [table] = papers[name].tables
    truth = TRUTH[name]["tables"][0]
    cells = [(folded(cell), row, column) for row, line in enumerate(table.rows) for column, cell in enumerate(line) if cell]
    wanted = [(folded(cell), row, column) for row, line in enumerate(truth["rows"]) for column, cell in enumerate(line)]
    assert f1(cells, wanted) >= 0.85
    assert list(table.frame.columns) == truth["rows"][0]


@each_paper
def test_captions(papers, name):
    paper, truth = papers[name], TRUTH[name]
    assert [folded(table.caption.text) for table in paper.tables] == [folded(table["caption"]) for table in truth["tables"]]
    assert [folded(figure.caption.text) for figure in paper.figures] == list(map(folded, truth["figures"]))


@each_paper
def test_running_text_has_no_furniture_and_whole_words(papers, name):
    paper = papers[name]
    text = " ".join(section.body.text for section in paper.sections)
    assert "Transactions on Gauges" not in text
    assert "arXiv:" not in text
    assert paper.tables[0].rows[1][0] not in text
    assert not re.search(r"\w-\s\w{2,}", text.replace("snow-fed", ""))


def test_line_numbers_of_manuscripts_are_left_out(papers):
    text = papers["manuscript"].sections[0].body.text
    assert not re.search(r"\b(?:1[0-9]|2[0-9])\b", text)


def test_every_line_has_its_place(papers):
    for name, paper in papers.items():
        for anchor in paper.lines.anchors:
            width, height = paper.page_sizes[anchor.page - 1]
            x0, y0, x1, y1 = anchor.box
            assert 0 <= x0 < x1 <= width, name
            assert 0 <= y0 < y1 <= height, name


def test_columns_are_read_one_after_the_other(papers):
    order = [
        anchor.box[0] > 300
        for anchor in papers["ieee"].lines.anchors
        if anchor.page == 2 and anchor.box[2] - anchor.box[0] < 260
    ]
    assert order == sorted(order)
