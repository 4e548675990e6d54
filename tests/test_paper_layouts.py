"""What is odd about papers, one oddity at a time: headings that run in, outlines, contents, lists without a heading, old fonts."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from typist import AUTHORS, FILL, TITLE, Typist

from workbench.papers import Reader
from workbench.papers.reading.layout.mending import join_lines, mend
from workbench.papers.reading.layout.names import is_name, tidy_name


@pytest.fixture(scope="module")
def reader():
    with Reader() as reader:
        yield reader


@pytest.fixture
def read(reader, tmp_path):
    def read(typist):
        (tmp_path / "p.pdf").write_bytes(typist.pdf.tobytes())
        return reader.read(tmp_path / "p.pdf")

    return read


def tops(paper):
    return [section.title for section in paper.sections if section.level == 1 and section.title]


def test_numbered_headings(read):
    typist = Typist().front()
    for number, name in enumerate(("Introduction", "A Weighted Mean", "Results"), 1):
        typist.heading(f"{number} {name}").text(*[FILL] * 6)
        typist.heading(f"{number}.1 Gauges", 11).text(*[FILL] * 4)
    paper = read(typist)
    assert paper.title == TITLE
    assert [author.name for author in paper.authors] == AUTHORS.split(", ")
    assert tops(paper) == ["Introduction", "A Weighted Mean", "Results"]
    assert [section.number for section in paper.sections] == ["1", "1.1", "2", "2.1", "3", "3.1"]


def test_headings_without_numbers_are_told_by_their_style(read):
    typist = Typist().front()
    for name in ("Introduction", "Gauges and Gates", "Conclusion"):
        typist.heading(name).text(*[FILL] * 6)
    assert tops(read(typist)) == ["Introduction", "Gauges and Gates", "Conclusion"]


def test_headings_that_run_into_their_paragraph(read):
    typist = Typist().front()
    for number, name in enumerate(("Introduction", "Gauges", "Results", "Conclusion"), 1):
        typist.line([(f"{number}. {name}.", "hebo"), "We went to the river early."], gap=8).text(*[FILL] * 5)
    paper = read(typist)
    assert tops(paper) == ["Introduction", "Gauges", "Results", "Conclusion"]
    assert paper.sections[1].body.text.startswith("We went to the river early.")


@pytest.mark.parametrize("dots", [True, False])
def test_a_table_of_contents_is_no_run_of_sections(read, dots):
    typist = Typist().front().heading("Contents")
    names = [f"Of {thing}" for thing in "Rivers Gauges Gates Weirs Bends Snow Clocks Logs Alarms Floods".split()]
    for number, name in enumerate(names, 1):
        typist.line(f"{number} {name}{' . . . . . . . . .' if dots else ''}", font="hebo", gap=6)
        typist.page.insert_text((480, typist.y), str(number + 1), fontsize=10)
    typist.new_page()
    for number, name in enumerate(names, 1):
        typist.heading(f"{number} {name}", 10).text(*[FILL] * 12)
    paper = read(typist)
    assert [title for title in tops(paper) if title != "Contents"] == names
    assert all(len(s.body.text) > 500 for s in paper.sections if s.title in names)


def test_the_outline_of_the_file_helps_where_styles_do_not(read):
    typist = Typist().front()
    names = ("Of Rivers", "Of Gauges", "Of Gates")
    for name in names:
        typist.heading(name, 10, "helv").text(*[FILL] * 8)
    typist.pdf.set_toc([[1, name, 1] for name in names])
    assert tops(read(typist)) == list(names)


def test_an_outline_that_is_not_on_the_pages_is_no_use(read):
    typist = Typist().front()
    lines = ("We went early", "We came late", "We slept well")
    for number, (name, line) in enumerate(zip(("Introduction", "Gauges", "Results"), lines, strict=True), 1):
        typist.heading(f"{number} {name}").text(*[FILL] * 6).line(line)
    typist.pdf.set_toc([[1, name, 1] for name in (*lines, *(f"Slide {number}" for number in range(9)))])
    assert tops(read(typist)) == ["Introduction", "Gauges", "Results"]


def test_the_number_of_a_heading_at_the_foot_of_a_page_stays(read):
    typist = Typist().front()
    for number, name in enumerate(("Introduction", "Gauges", "Results"), 1):
        typist.y = 755.0 if number == 2 else typist.y
        typist.heading(str(number))
        typist.page.insert_text((96, typist.y), name, fontsize=13, fontname="hebo")
        if number == 2:
            typist.new_page()
        typist.text(*[FILL] * 8)
    assert [section.number for section in read(typist).sections if section.title] == ["1", "2", "3"]


def test_numbers_with_a_bar_behind_them(read):
    typist = Typist().front()
    for number, name in enumerate(("INTRODUCTION", "GAUGES AND GATES", "RESULTS"), 1):
        typist.heading(f"{number} | {name}").text(*[FILL] * 10)
    assert [(s.number, s.title) for s in read(typist).sections if s.title] == [
        ("1", "INTRODUCTION"), ("2", "GAUGES AND GATES"), ("3", "RESULTS"),
    ]  # fmt: skip


def test_a_heading_whose_last_word_is_cut_at_the_end_of_its_line(read):
    typist = Typist().front().heading("1 Introduction").text(*[FILL] * 8)
    typist.heading("2 A quadratic deviance that goes on and on until the expres-").line("sion", 13, "hebo").text(*[FILL] * 8)
    typist.heading("3 Results").text(*[FILL] * 8)
    titles = [section.title for section in read(typist).sections if section.title]
    assert titles == ["Introduction", "A quadratic deviance that goes on and on until the expression", "Results"]


def test_a_list_of_references_without_a_heading(read):
    typist = Typist().front()
    for number, name in enumerate(("Introduction", "Gauges", "Results"), 1):
        typist.heading(f"{number} {name}").text(*[FILL] * 10)
    typist.y += 20
    for number in range(1, 9):
        typist.line(
            f"[{number}] A. Hollis and B. Quint. Reading rivers, part {number}. Journal of Slow Water, {2000 + number}.", gap=3
        )
    references = read(typist).references
    assert [reference.label for reference in references] == [f"[{number}]" for number in range(1, 9)]
    assert (references[3].title, references[3].year) == ("Reading rivers, part 4", 2004)


def test_running_heads_and_page_numbers_go_and_numbers_of_headings_stay(read):
    typist = Typist()
    for number in range(1, 5):
        if number > 1:
            typist.new_page()
        typist.page.insert_text((200, 40), "JOURNAL OF SLOW WATER", fontsize=8)
        typist.page.insert_text((300, 815), str(number), fontsize=9)
        if number == 1:
            typist.front()
        typist.heading(f"{number} Part {'ABCD'[number - 1]} of It").text(*[FILL] * 30)
    paper = read(typist)
    assert "SLOW WATER" not in paper.lines.text
    assert [section.number for section in paper.sections] == ["1", "2", "3", "4"]
    assert not any(section.body.text.rstrip().endswith(tuple("1234")) for section in paper.sections)


@pytest.mark.parametrize(
    ("text", "mended"),
    [
        ("Zolt\u00b4an Gy\u00a8ongyi", "Zolt\u00e1n Gy\u00f6ngyi"),
        ("Garc\u00b4\u0131a", "Garc\u00eda"),
        ("Dvo\u02c7r\u00b4ak", "Dvo\u0159\u00e1k"),
        ("e\ufb03cient \ufb02ow", "efficient flow"),
        ("e\x0ecient \x0cnding", "efficient finding"),
        ("don\u00b4t", "don\u00b4t"),
        ("\ufffdLucja", "\u0141ucja"),
        ("a\u00a0b\u200bc", "a bc"),
    ],
)
def test_letters_that_fonts_set_apart_come_together(text, mended):
    assert mend(text) == mended


@given(st.lists(st.text(st.sampled_from("ab -\u00ad\u2013"), max_size=12), max_size=8))
def test_lines_begin_where_they_are_said_to(lines):
    text, starts = join_lines(lines)
    assert len(starts) == len(lines)
    assert starts == sorted(starts)
    for line, start in zip(lines, starts, strict=True):
        words = " ".join(line.split()).rstrip("-\u00ad")
        assert text[start:].replace("\u00ad", "-").startswith(words.replace("\u00ad", "-")), (lines, text)


def test_cut_words_are_whole_and_compounds_keep_their_hyphen():
    assert join_lines(["tech-", "nology"])[0] == "technology"
    assert join_lines(["a snow-", "fed stream"], {"snow-fed"})[0] == "a snow-fed stream"
    assert join_lines(["1999-", "2001"])[0] == "1999-2001"
    assert join_lines(["Garcia-", "Molina"])[0] == "Garcia-Molina"


@pytest.mark.parametrize(
    "name",
    ["Łukasz Kaiser", "Cara O'Brien", "Wen-tau Yih", "J. P. Holzbauer", "Ludwig van der Maas", "Ngọc Trâm", "Tal August"],
)
def test_names(name):
    assert is_name(name)
    assert tidy_name(name) == name


@pytest.mark.parametrize(
    "text",
    [
        "Stanford University",
        "Google Brain",
        "East Lansing",
        "Equal Contribution",
        "Neural Networks",
        "of the River",
        "Abstract",
        "MI 48823 USA",
    ],
)
def test_what_is_no_name(text):
    assert not is_name(text)
