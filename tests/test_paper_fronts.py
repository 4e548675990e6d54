"""Titles, authors and abstracts where journals set them oddly, one oddity at a time."""

import pytest
from typist import ABSTRACT, AUTHORS, FILL, TITLE, Typist

from workbench.papers.reading.layout.mending import from_t1
from workbench.papers.reading.layout.names import is_name, tidy_name
from workbench.papers.reading.layout.parse import parse_pages


def under_title(*rows):
    """A paper with these rows between its title and its abstract."""
    typist = Typist().line(TITLE, 16, "hebo", 120)
    for row in rows:
        typist.line(row, gap=6)
    typist.line("Abstract", 11, "hebo", x=270, gap=12).text(ABSTRACT, ABSTRACT)
    return parse_pages(typist.heading("1 Introduction").text(*[FILL] * 6).pdf)


def names(paper):
    return [author.name for author in paper.authors]


def mark(text):
    return (text, "helv", 6, 4)


@pytest.mark.parametrize(
    "name",
    ["Daniel A. Weiss", "Bo An", "Kai Ming To", "In So Park", "Andrew Senior", "Israel Cohen", "Mila Berg", "J. A. Bosch"],
)
def test_names_that_are_words_too(name):
    assert is_name(name)
    assert names(under_title(f"{name}, Ada Marlowe")) == [name, "Ada Marlowe"]


@pytest.mark.parametrize("text", ["Tel Aviv, Israel", "The River Group", "Gauge Development Team", "Institute of Rivers"])
def test_words_that_are_no_names(text):
    assert not any(is_name(part.strip()) for part in text.split(","))


def test_a_nickname_stays_and_a_role_goes():
    assert is_name("Xiaoyu (Rayne) Zheng")
    assert tidy_name("Ada Marlowe (Researcher)") == "Ada Marlowe"
    assert tidy_name("By Ada Marlowe") == "Ada Marlowe"


def test_several_marks_raised_behind_a_name_are_not_part_of_it():
    paper = under_title(["Ada Marlowe", mark("a,1,"), ", Wei-Lin Zhao", mark("b,c")], [mark("a"), "University of Brackwater"])
    assert names(paper) == ["Ada Marlowe", "Wei-Lin Zhao"]


def test_long_marks_such_as_orcids_do_not_hide_the_names():
    orcid = mark("1[0000-1111-2222-3333]")
    paper = under_title(
        ["Ada Marlowe", orcid, ", Grace Hollis", orcid], ["and Wei-Lin Zhao", orcid], "University of Brackwater"
    )
    assert names(paper) == ["Ada Marlowe", "Grace Hollis", "Wei-Lin Zhao"]


def test_a_name_that_runs_over_the_end_of_a_line():
    paper = under_title("Ada Marlowe, Grace Hollis, and Ursula K.", "Park, Wei-Lin Zhao", "University of Brackwater")
    assert names(paper) == ["Ada Marlowe", "Grace Hollis", "Ursula K Park", "Wei-Lin Zhao"]


def test_fonts_of_bitmaps_keep_their_accents():
    assert from_t1("\x8aukasz Wi\xb1niewski") == "Łukasz Wiśniewski"


def test_a_title_that_running_heads_repeat_is_still_the_title():
    typist = Typist()
    typist.y = 30.0
    typist.line(TITLE, 16, "hebo", 120).line(AUTHORS, 11, x=180, gap=8)
    typist.line("Abstract", 11, "hebo", x=270, gap=12).text(ABSTRACT)
    for number in range(1, 6):
        typist.heading(f"{number} Part {'ABCDE'[number - 1]} of It").text(*[FILL] * 20).new_page()
        typist.page.insert_text((200, 50), TITLE, fontsize=8)
    assert parse_pages(typist.pdf).title == TITLE


def test_the_name_of_a_journal_above_its_volume_is_not_the_title():
    typist = Typist().line("SWJ Journal of Slow Water", 26, "hebi").line("July 2008, Volume 27, Issue 3. doi: 10.1000/slow.7")
    typist.line(TITLE, 16, "hebo", 120, gap=40).line(AUTHORS, 11, x=180, gap=8)
    typist.line("Abstract", 11, "hebo", x=270, gap=12).text(ABSTRACT, ABSTRACT)
    paper = parse_pages(typist.heading("1 Introduction").text(*[FILL] * 6).pdf)
    assert (paper.title, paper.doi) == (TITLE, "10.1000/slow.7")


def test_an_abstract_in_bold_is_whole_and_none_of_it_a_heading():
    typist = Typist().line(TITLE, 16, "hebo", 120).line(AUTHORS, 11, x=180, gap=8)
    lines = [FILL.removesuffix("."), *[FILL.lower().removesuffix(".")] * 5, "and this is its end."]
    typist.y += 10
    for line in lines:
        typist.line(line, font="hebo")
    for name in ("Introduction", "Gauges", "Conclusion"):
        typist.heading(name).text(*[FILL] * 8)
    paper = parse_pages(typist.pdf)
    assert paper.abstract.text.startswith("A reading that arrives late")
    assert paper.abstract.text.endswith("and this is its end.")
    assert [section.title for section in paper.sections if section.title] == ["Introduction", "Gauges", "Conclusion"]


def test_an_abstract_may_begin_a_sentence_with_its_own_name():
    typist = Typist().line(TITLE, 16, "hebo", 120).line(AUTHORS, 11, x=180, gap=8)
    typist.line("Gauges are slow, and what this bold", font="hebo", gap=10).line(
        "abstract says of them is that they", font="hebo"
    )
    for _ in range(6):
        typist.line(FILL.lower(), font="hebo")
    paper = parse_pages(typist.heading("1 Introduction").text(*[FILL] * 8).heading("2 Gauges").text(*[FILL] * 8).pdf)
    assert not paper.abstract.text.startswith("says")


def test_a_structured_abstract_is_whole():
    typist = Typist().line(TITLE, 16, "hebo", 120).line(AUTHORS, 11, x=180, gap=8).line("Abstract", 12, "hebo", gap=12)
    for part in ("Background", "Methods", "Results", "Conclusions"):
        typist.line(part, font="hebo", gap=6).text(FILL, f"This was about {part.lower()}.")
    for name in ("Introduction", "Gauges", "Conclusion"):
        typist.heading(name).text(*[FILL] * 8)
    paper = parse_pages(typist.pdf)
    assert paper.abstract.text.endswith("This was about conclusions.")
    assert [section.title for section in paper.sections if section.title] == ["Introduction", "Gauges", "Conclusion"]


def test_an_abstract_goes_on_behind_the_notes_at_the_foot_of_its_page():
    typist = Typist().line(TITLE, 16, "hebo", 120).line(AUTHORS, 12, x=180, gap=8)
    typist.line("Abstract", 12, "hebo", x=270, gap=420)
    for _ in range(5):
        typist.line(FILL.removesuffix(".").lower())
    typist.line("* This is how the work was paid for, and by whom it was.", 8, gap=14).new_page()
    typist.line("and this is its end.")
    for name in ("1 Introduction", "2 Gauges"):
        typist.heading(name, 15)
        for _ in range(25):
            typist.line(FILL[:70], 12)
    assert parse_pages(typist.pdf).abstract.text.endswith("of the river and this is its end.")


def test_what_stands_below_the_first_heading_is_no_abstract():
    typist = Typist().line(TITLE, 16, "hebo", 120).line(AUTHORS, 11, x=180, gap=8)
    for number in range(1, 5):
        typist.heading(f"{number} Part {'ABCD'[number - 1]} of It").text(*[FILL] * 8)
    paper = parse_pages(typist.pdf)
    assert paper.abstract.text == ""
    assert [section.number for section in paper.sections] == ["1", "2", "3", "4"]
