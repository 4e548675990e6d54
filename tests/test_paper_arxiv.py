"""arXiv, as its `arxiv` package finds it on a local server: one paper, a search, versions, faults, and no more than it asks for."""

import time

import pytest
from paper_files import FakeArxiv

from workbench.papers import PaperError
from workbench.papers.reading.arxiv import Arxiv, arxiv_name


@pytest.fixture
def server():
    server = FakeArxiv()
    yield server
    server.close()


@pytest.fixture
def arxiv(server):
    return Arxiv(f"{server.url}/api/query", f"{server.url}/pdf/", wait=0)


def test_what_arxiv_says_of_a_paper(arxiv, server):
    entry = arxiv.entry("2305.01234")
    assert (entry.id, entry.version, entry.title, entry.authors) == ("2305.01234", 2, FakeArxiv.title, FakeArxiv.authors)
    assert (entry.year, entry.updated, entry.doi, entry.categories) == (2023, "2023-06-01", "10.1000/river.7", ("cs.CY",))
    assert entry.pdf == f"{server.url}/pdf/2305.01234v2"
    assert arxiv.entry("2305.01234v1").version == 1
    assert arxiv.versions("2305.01234v1") == ["2305.01234v1", "2305.01234v2"]


def test_search(arxiv):
    assert [entry.id for entry in arxiv.search("river gauges")] == ["2305.01234"]
    assert arxiv.search("nothing of the kind") == []


def test_an_unknown_id(arxiv):
    with pytest.raises(PaperError, match=r"has no paper '9999.99999'"):
        arxiv.entry("9999.99999")


def test_it_tries_again_and_then_gives_up_in_words(arxiv, server):
    server.faults = [503, 500, 429]
    assert arxiv.entry("2305.01234").version == 2
    assert len(server.asked) == 4
    server.faults = [503] * 10
    with pytest.raises(PaperError, match=r"cannot be asked.*503") as caught:
        arxiv.entry("2305.01234")
    assert "needs no network" in caught.value.hint


def test_nobody_there(server):
    server.close()
    with pytest.raises(PaperError, match="cannot be asked"):
        Arxiv(f"{server.url}/api/query", wait=0).entry("2305.01234")


def test_requests_keep_their_distance_whoever_makes_them(server, monkeypatch):
    naps = []
    monkeypatch.setattr(time, "sleep", naps.append)
    for _ in range(3):
        Arxiv(f"{server.url}/api/query", wait=3.0).entry("2305.01234")
    assert len(naps) == 2
    assert all(2 < nap <= 3 for nap in naps)


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("2308.08155", "2308.08155"),
        ("arXiv:2308.08155v3", "2308.08155v3"),
        ("https://arxiv.org/pdf/2308.08155v2.pdf", "2308.08155v2"),
        ("http://export.arxiv.org/abs/cs.LG/0501001?context=cs", "cs.LG/0501001"),
        ("https://example.org/2308.08155", None),
        ("2308.081", None),
        ("12345678", None),
        ("paper.pdf", None),
        ("", None),
    ],
)
def test_names(text, name):
    assert arxiv_name(text) == name
