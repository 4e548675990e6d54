"""Where a list of references begins and ends, and what is none of it."""

import pytest
from typist import FILL, Typist

from workbench.papers.reading.layout.parse import parse_pages


def body():
    typist = Typist().front()
    for number, name in enumerate(("Introduction", "Gauges", "Results"), 1):
        typist.heading(f"{number} {name}").text(*[FILL] * 10)
    return typist


def by_author(typist, count=6):
    for number in range(count):
        typist.line(f"{'ABCDEFGH'[number]}olt H, Quint B ({2000 + number}). Reading rivers, part {number + 1}.", gap=3)
        typist.line("Journal of Slow Water, 7(2), 11-24.", x=90)
    return typist


def references(typist):
    return [reference.raw for reference in parse_pages(typist.pdf).references]


@pytest.mark.parametrize(
    "tail",
    [
        [
            "Affiliation:",
            "Hans Holt",
            "University of Brackwater",
            "E-mail: holt@brackwater.edu",
            "URL: https://brackwater.edu/holt",
        ],
        ["Received: April 1, 2013", "Accepted: July 30, 2013"],
        ["Hans Holt received the PhD degree from the University of Brackwater", "in 2012 and is now a professor there."],
    ],
)
def test_what_is_about_the_authors_is_no_reference(tail):
    typist = by_author(body().heading("References"))
    typist.y += 20
    for line in tail:
        typist.line(line)
    found = references(typist)
    assert len(found) == 6
    assert found[-1].endswith("11-24.")


def test_an_entry_goes_on_at_the_top_of_a_page():
    typist = by_author(body().heading("References"), 5)
    typist.line("Zeller H, Quint B (2019). Reading rivers, part 9. In Proceedings of the 7th Conference on", gap=3)
    typist.new_page().line("Weirs. Brackwater Press.")
    found = references(typist)
    assert len(found) == 6
    assert found[-1].endswith("Conference on Weirs. Brackwater Press.")


@pytest.mark.parametrize("number", ["8 |", "111:6 •", "| 1-8", "Page 3 of 9"])
def test_page_numbers_with_ornaments_are_no_references(number):
    typist = by_author(body().heading("References"), 4).new_page()
    typist.page.insert_text((72, 815), number, fontsize=8)
    typist.line("Zeller H, Quint B (2019). Reading rivers, part 9.").line("Journal of Slow Water, 7(2), 11-24.", x=90)
    found = references(typist)
    assert len(found) == 5
    assert number not in " ".join(found)


def test_a_page_number_close_to_a_running_head_is_none_of_the_list():
    typist = Typist()
    for number in range(1, 6):
        typist.page.insert_text((72, 50), str(number), fontsize=9)
        typist.page.insert_text((100, 50), "Journal of Slow Water", fontsize=9)
        typist.y = 80.0
        if number == 1:
            typist.front()
        if number < 5:
            typist.heading(f"{number} Part {'ABCD'[number - 1]} of It").text(*[FILL] * 20).new_page()
    found = references(by_author(typist.heading("References")))
    assert len(found) == 6
    assert found[0].startswith("Aolt")


def test_a_list_with_raised_numbers_and_no_heading():
    typist = body()
    typist.line("1. A step of a proof", font="hebo", gap=12).text(*[FILL] * 2)
    typist.y += 20
    for number in range(1, 9):
        typist.line([(str(number), "helv", 6, 4), f"H. Holt and B. Quint, Slow Water {number}, 11 ({2000 + number})."], gap=3)
    paper = parse_pages(typist.pdf)
    assert [reference.label for reference in paper.references] == [str(number) for number in range(1, 9)]


def test_labels_of_a_figure_beside_the_list_do_not_end_it():
    typist = by_author(body().heading("References"), 2).new_page()
    for row in range(40):
        typist.page.insert_text((400, 80 + 6 * row), "4.4", fontsize=5)
    typist.y = 340.0
    by_author(typist, 6)
    assert len([text for text in references(typist) if "Reading rivers" in text]) == 8


def test_entries_that_begin_with_a_point():
    typist = body().heading("References")
    for number in range(4):
        typist.line(f"\u00b7 Holt, H., {2000 + number}. Reading rivers, part {number + 1}.", gap=3)
        typist.line("Journal of Slow Water, 7(2), 11-24.", x=79)
    assert [text[:12] for text in references(typist)] == [f"Holt, H., {20:02d}" for _ in range(4)]


@pytest.mark.parametrize("sign", ["\u00b2", "\u2460"])
def test_digits_that_are_no_decimals_stop_nobody(sign):
    typist = by_author(body().heading("References"))
    for row in range(12):
        typist.page.insert_text((30, 100 + 20 * row), sign, fontsize=8, fontname="china-s" if sign > "\u00ff" else "helv")
    assert references(typist)


def test_lines_of_contents_are_no_abstract():
    typist = Typist().line("Late Readings and Early Gates", 16, "hebo", 120).line("Ada Marlowe", 11, x=180, gap=8)
    typist.line("Contents", 12, "hebo", gap=10)
    for number in range(1, 7):
        typist.line(f"{number} What the gauges say when nobody of us listens to them at all, and why {number}")
    for number in range(1, 4):
        typist.heading(f"{number} Part {'ABC'[number - 1]} of It").text(*[FILL] * 9)
    assert parse_pages(typist.pdf).abstract.text == ""
