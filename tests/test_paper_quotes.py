"""Quotes of papers: what is printed there word for word, where, and what only looks like it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workbench.papers import Paper, verify_quote
from workbench.papers.passages.quotes import QuoteFinder, boxes_of
from workbench.papers.reading.paper import Anchor, Section, Text

LINES = [
    (1, "We find that the efficient method — the “quick” one — needs"),
    (1, "3.5 hours on eight GPUs, a self-"),
    (2, "explaining result."),
]


def printed(lines):
    from workbench.papers.reading.layout.mending import join_lines

    joined, starts = join_lines([text for _, text in lines])
    anchors = [
        Anchor(at, page, (100.0, 20.0 * n, 400.0, 20.0 * n + 10))
        for n, (at, (page, _)) in enumerate(zip(starts, lines, strict=True))
    ]
    return Text(joined, tuple(anchors))


PAPER = Paper(sections=(Section("Results", 1, printed(LINES), 1),), lines=printed(LINES))


@pytest.mark.parametrize(
    ("quote", "status", "pages"),
    [
        ("We find that the efficient method", "verified", [1]),
        ("We  find\nthat the e\ufb03cient method", "verified", [1]),
        ('the "quick" one - needs 3.5 hours', "verified", [1, 1]),
        ("“a selfexplaining result.”", "verified", [1, 2]),
        ("a self-explaining result", "verified", [1, 2]),
        ("We find that the inefficient method — the “quick” one", "near miss", [1]),
        ("the method needs 4.5 hours on eight GPUs", "near miss", [1, 1]),
        ("needs 3.5 hours … a self-explaining result", "not found", []),
        ("we find that the efficient method", "near miss", [1]),
        ("5 hours on eight", "near miss", [1]),
        ("3.5 hour", "not found", []),
        ("Gauges freeze in winter", "not found", []),
        ("", "not found", []),
        ("…", "not found", []),
    ],
)
def test_a_quote_is_verbatim_or_not_verified(quote, status, pages):
    found = verify_quote(PAPER, quote)
    assert found.status == status
    assert found.page == (found.boxes[0][0] if found.boxes else None)
    if pages is not None:
        assert [page for page, _ in found.boxes] == pages
    assert (found.likeness == 1) == (status == "verified")


def test_boxes_cover_the_words_and_no_more():
    [(page, (x0, _, x1, _))] = verify_quote(PAPER, "efficient method").boxes
    text = LINES[0][1]
    start = text.index("efficient") / len(text)
    assert page == 1
    assert x0 == pytest.approx(100 + 300 * start, abs=1)
    assert x1 == pytest.approx(100 + 300 * (text.index("method") + 6) / len(text), abs=1)


words = st.lists(
    st.sampled_from("gauge water eﬃcient “late” self-made 3.5 % gate; Łódź naïve".split()), min_size=8, max_size=40
)


@given(words, st.data())
def test_whatever_is_cut_out_of_a_paper_at_words_is_verified(text, data):
    start = data.draw(st.integers(0, len(text) - 1))
    end = data.draw(st.integers(start + 1, len(text)))
    lines = [(1 + n // 12, " ".join(text[n : n + 4])) for n in range(0, len(text), 4)]
    body = printed(lines)
    quote = data.draw(st.sampled_from([" ", "\n", "  "])).join(text[start:end])
    if not any(c.isalnum() for c in quote):
        return
    found = verify_quote(Paper(lines=body), quote)
    assert found.status == "verified"
    assert found.boxes


@given(words, st.data())
def test_a_changed_figure_is_never_verified(text, data):
    body = printed([(1, " ".join(text))])
    at = data.draw(st.integers(0, len(text) - 1))
    quote = " ".join([*text[:at], "4.5", *text[at + 1 :]])
    assert verify_quote(Paper(lines=body), quote).status != "verified"


def test_captions_references_and_lines_are_searched_too():
    from paper_files import SAMPLES, TRUTH

    from workbench.papers import Reader

    with Reader() as reader:
        paper = reader.read(SAMPLES / "acl.pdf")
    finder = QuoteFinder(paper)
    truth = TRUTH["acl"]
    for quote in (
        truth["abstract_end"],
        truth["tables"][0]["caption"],
        truth["references"][3]["title"],
        "Upper weir 8760 214 11.2",
    ):
        found = finder.check(quote)
        assert found.status == "verified", quote
        for page, (x0, y0, x1, y1) in found.boxes:
            width, height = paper.page_sizes[page - 1]
            assert 0 <= x0 < x1 <= width
            assert 0 <= y0 < y1 <= height


def test_a_stretch_without_lines_has_no_boxes():
    assert boxes_of(Text("no place"), 0, 5) == ()
