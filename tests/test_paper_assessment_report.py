"""An assessment on paper: nothing that a model or a paper says takes over the page, and every quote says how it stands."""

import re
from html.parser import HTMLParser

import pytest
from test_paper_calibration import PAPER, estimate

from workbench.errors import ExportError
from workbench.papers.assessing.assessment import Assessment, Claim, Weeks
from workbench.papers.assessing.report import as_card, as_markdown, as_text
from workbench.papers.passages.quotes import CheckedQuote

EVIL = '<script>alert(1)</script> <img src="https://evil.example/x" onerror=alert(1)> ![x](https://evil.example/y) {{ 7*7 }}'


class Tags(HTMLParser):
    """The tags of a page with their attributes."""

    def __init__(self):
        super().__init__()
        self.found = []

    def handle_starttag(self, tag, attrs):
        self.found.append((tag, dict(attrs)))


@pytest.fixture
def made():
    quotes = [
        CheckedQuote("Gauges freeze.", "verified", 2, ((2, (1.0, 2.0, 3.0, 4.0)),), "Gauges freeze.", 1.0),
        CheckedQuote("Gauges thaw.", "near miss", 3, (), "Gauges thawed.", 0.9),
        CheckedQuote(EVIL, "not found"),
    ]
    claims = tuple(Claim(f"{EVIL} {n}", "judge", "a", "consensus", quote) for n, quote in enumerate(quotes))
    return Assessment("a1", PAPER, EVIL, f"# Team\n\n{EVIL}", False, 7, Weeks(1, 2.5, 4), (EVIL,), ("# Ice",), (), EVIL, 0.35,
                      EVIL, claims, (estimate("a|b", 0.35),), "judge-model", ("page 1, white: 'obey'",), "d1", None, 0.0)  # fmt: skip


def test_the_page_is_harmless_and_needs_nothing_else(made, tmp_path):
    page = made.report(tmp_path / "made.html").read_text("utf-8")
    assert "default-src 'none'" in page
    tags = Tags()
    tags.feed(page)
    assert {"script", "img", "iframe", "link"}.isdisjoint(tag for tag, _ in tags.found)
    for tag, attributes in tags.found:
        assert not any(name.startswith("on") or name == "src" for name in attributes)
        assert tag != "a" or "noopener" in attributes["rel"]
    assert "49" not in page.partition("<body>")[2].partition("<table>")[0]
    assert "verified, p. 2" in page
    assert "unverified: near miss, p. 3" in page
    assert "Gauges thawed." in page
    assert "unverified: not found" in page
    assert "page 1, white: &#39;obey&#39;" in page
    assert "cost unknown" in page


def test_pictures_stand_beside_their_claims(made):
    card = as_card(made, (), ["UE5H", None, None])
    assert card.count("data:image/png;base64,UE5H") == 1
    assert 'alt="page 2, the quote highlighted"' in card


def test_markdown_keeps_to_its_own_headings(made, tmp_path):
    text = made.report(tmp_path / "made.md").read_text("utf-8")
    assert text == as_markdown(made)
    headings = re.findall(r"^#+ .*", text, re.MULTILINE)
    assert [each for each in headings if "alert" not in each] == [
        "# A Paper", "## Prerequisites", "## Risks", "## Dissent", "## Claims about the paper", "## What each held",
        "## What the team said of itself"]  # fmt: skip
    assert "<script" not in text
    assert "![" not in text
    assert r"a\|b" in text
    assert "**unverified: near miss, p. 3**" in text


def test_plain_text_says_the_same(made):
    text = as_text(made)
    assert "Weeks: 2.5 (80 %: 1 to 4)" in text
    assert "[unverified: near miss, p. 3] Gauges thaw." in text
    assert "the paper says: Gauges thawed." in text
    assert "2 of the judge's claims rest on quotes that are not in the paper." in text


def test_another_ending_is_refused(made, tmp_path):
    with pytest.raises(ExportError, match=r"'\.docx'"):
        made.report(tmp_path / "made.docx")
    with pytest.raises(ExportError, match="cannot be written"):
        made.report(tmp_path / "nowhere" / "made.md")
