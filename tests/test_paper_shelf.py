"""The shelf: papers in the record and their files in the workspace, each once, found again by words."""

import shutil

import pytest
from paper_files import SAMPLES, FakeArxiv, pdf_of

from workbench.errors import RecordError
from workbench.papers import Limits, PaperError, Problem, Reader, Shelf
from workbench.papers.reading import catalogues
from workbench.papers.reading.arxiv import Arxiv
from workbench.records import Record


@pytest.fixture
def arxiv():
    server = FakeArxiv()
    yield server
    server.close()


@pytest.fixture(scope="module")
def reader():
    with Reader() as reader:
        yield reader


@pytest.fixture
def mine(sqlite_url):
    with Record.open(sqlite_url) as record:
        yield record


@pytest.fixture
def shelf(mine, tmp_path, arxiv, reader):
    return Shelf(mine, tmp_path, reader=reader, arxiv=Arxiv(f"{arxiv.url}/api/query", f"{arxiv.url}/pdf/", wait=0))


def test_a_file_is_read_kept_and_found_again(shelf, tmp_path):
    [added] = shelf.add(SAMPLES / "acl.pdf")
    row = added.row
    assert added.new
    assert (row.title, row.pages, row.authors[0]) == (shelf.paper(row.id).title, 4, "José Núñez")
    assert (tmp_path / row.file).read_bytes() == (SAMPLES / "acl.pdf").read_bytes()
    assert row.file.startswith("papers/how-much-delay")
    assert shelf.find(row.id[:5]) == shelf.find("last") == row
    assert [each.id for each in shelf.papers("nunez")] == [row.id]
    assert shelf.papers("nobody") == []


def test_the_same_file_is_there_once(shelf, tmp_path):
    [first] = shelf.add(SAMPLES / "acl.pdf")
    copy = tmp_path / "copy of it.pdf"
    shutil.copy(SAMPLES / "acl.pdf", copy)
    [again] = shelf.add(copy)
    assert (again.new, again.row) == (False, first.row)
    assert len(list((tmp_path / "papers").iterdir())) == 1


def test_a_removed_file_is_missed_and_comes_back(shelf, tmp_path):
    [added] = shelf.add(SAMPLES / "acl.pdf")
    (tmp_path / added.row.file).unlink()
    with pytest.raises(PaperError, match="is gone"):
        shelf.file(added.row.id)
    shelf.add(SAMPLES / "acl.pdf")
    assert shelf.file(added.row.id).is_file()


def test_a_folder_is_read_through_and_what_is_refused_is_told(shelf, tmp_path):
    folder = tmp_path / "mine" / "deep"
    folder.mkdir(parents=True)
    shutil.copy(SAMPLES / "revtex.pdf", folder)
    shutil.copy(SAMPLES / "truncated.pdf", folder.parent / "A.PDF")
    (folder / "notes.txt").write_text("no paper")
    (tmp_path / "empty").mkdir()
    told = []
    done = shelf.add(folder.parent, notify=lambda added, number, total: told.append((number, total)))
    assert told == [(1, 2), (2, 2)]
    assert [(each.new, each.error and each.error.problem) for each in done] == [(False, Problem.TRUNCATED), (True, None)]
    with pytest.raises(PaperError, match="has no PDF"):
        shelf.add(tmp_path / "empty")


def test_what_is_nothing_is_refused(shelf):
    with pytest.raises(PaperError, match="no file, URL or arXiv id"):
        shelf.add("nothing-like-it")
    with pytest.raises(RecordError, match="There is no paper 'x'"):
        shelf.find("x")


def test_arxiv_by_id_or_url_comes_once_and_its_word_wins(shelf, arxiv, tmp_path):
    [added] = shelf.add("arXiv:2305.01234")
    row = added.row
    assert (row.title, row.authors) == (FakeArxiv.title, FakeArxiv.authors)
    assert (row.arxiv_id, row.doi, row.year, row.known["arxiv"]["version"]) == ("2305.01234", "10.1000/river.7", 2023, 2)
    assert shelf.paper("2305.01234").abstract.text == "Gauges & gates."
    assert (tmp_path / "papers" / "2305.01234.pdf").is_file()
    asked = len(arxiv.asked)
    for name in ("2305.01234", "https://arxiv.org/abs/2305.01234v2", "https://arxiv.org/pdf/2305.01234"):
        [again] = shelf.add(name)
        assert (again.new, again.row.id) == (False, row.id)
    assert len(arxiv.asked) == asked
    [older] = shelf.add("2305.01234v1")
    assert older.notes == ("version 2 of it is on the shelf",)


def test_the_same_paper_as_a_file_and_from_arxiv_is_one(shelf):
    [file] = shelf.add(SAMPLES / "arxiv.pdf")
    assert file.row.title == FakeArxiv.title
    [fetched] = shelf.add("2305.01234")
    assert (fetched.new, fetched.row) == (False, file.row)


def test_another_file_of_the_same_paper_is_not_added(shelf, tmp_path):
    import pymupdf

    [first] = shelf.add(SAMPLES / "arxiv.pdf")
    with pymupdf.open(SAMPLES / "arxiv.pdf") as pdf:
        pdf.set_metadata({"title": "saved again"})
        (tmp_path / "again.pdf").write_bytes(pdf.tobytes())
    [again] = shelf.add(tmp_path / "again.pdf")
    assert (again.new, again.row) == (False, first.row)
    assert "another file of a paper" in again.notes[0]


def test_without_a_network_the_pdf_speaks_for_itself(shelf, arxiv):
    arxiv.faults = [503] * 50
    [added] = shelf.add(SAMPLES / "arxiv.pdf")
    assert added.row.title.startswith("Waiting for the Water: On the Cost")
    assert any("title and authors are the PDF's" in note for note in added.notes)


def test_offline_asks_nobody(shelf, arxiv):
    [added] = shelf.add(SAMPLES / "arxiv.pdf", offline=True)
    assert arxiv.asked == []
    assert any("ignore all previous instructions" in note for note in added.notes)


def test_a_url_is_fetched_within_limits(shelf, arxiv, mine, tmp_path):
    [added] = shelf.add(f"{arxiv.url}/pdf/2305.01234v2")
    assert added.row.arxiv_id == "2305.01234"
    with Shelf(mine, tmp_path, limits=Limits(bytes=1000)) as small, pytest.raises(PaperError) as caught:
        small.add(f"{arxiv.url}/pdf/again")
    assert caught.value.problem is Problem.TOO_LARGE
    arxiv.faults = [404]
    with pytest.raises(PaperError, match="the server answers 404"):
        shelf.add(f"{arxiv.url}/pdf/absent")
    arxiv.faults = [503, 503]
    [again] = shelf.add(f"{arxiv.url}/pdf/2305.01234v2")
    assert not again.new


def test_a_web_page_is_no_paper(shelf, arxiv):
    with pytest.raises(PaperError) as caught:
        shelf.add(f"{arxiv.url}/api/query?id_list=2305.01234")
    assert caught.value.problem is Problem.NOT_A_PDF


class Alphabet:
    """Vectors that count letters, so that no model is needed."""

    def embed(self, texts):
        import numpy as np

        rows = np.array(
            [[1e-6 + text.lower().count(c) for c in "abcdefghijklmnopqrstuvwxyz"] for text in texts], dtype=np.float32
        )
        return rows / np.linalg.norm(rows, axis=1, keepdims=True)


class Absent:
    """An embedder whose extra is not installed."""

    def embed(self, texts):
        from workbench.errors import WorkbenchError

        raise WorkbenchError("not installed")


@pytest.mark.parametrize("embedder", [Alphabet(), Absent()], ids=["vectors", "words alone"])
def test_passages_are_found_with_their_page(record, tmp_path, embedder, reader):
    first = pdf_of("Drying Paint\n\nAbstract\nPaint dries slowly.\n\n1 Introduction\nWe watch paint dry for many hours.")
    second = pdf_of(
        "Frozen Rivers\n\nAbstract\nRivers freeze.\n\n1 Introduction\nNothing here.",
        "2 Results\nA gauge that freezes reports a constant value.",
    )
    (tmp_path / "a.pdf").write_bytes(first)
    (tmp_path / "b.pdf").write_bytes(second)
    shelf = Shelf(record, tmp_path, embedder=embedder, reader=reader)
    [paint], [rivers] = shelf.add(tmp_path / "a.pdf"), shelf.add(tmp_path / "b.pdf")
    [best, *_] = shelf.search("which gauges freeze?")
    assert best.paper == rivers.row.id
    assert "constant value" in best.chunk.body.text
    assert 2 in best.chunk.body.pages
    assert {hit.paper for hit in shelf.search("paint", paper=paint.row.id)} == {paint.row.id}
    assert shelf.search("  ") == []


def test_two_shelves_at_once_keep_one(record, record_url, tmp_path, reader):
    with Record.open(record_url) as other:
        one, two = Shelf(record, tmp_path, reader=reader), Shelf(other, tmp_path, reader=reader)
        paper = reader.read(SAMPLES / "revtex.pdf")
        [kept] = two.add(SAMPLES / "revtex.pdf")
        row = one._row(kept.row.sha256, paper, "elsewhere", None)
        assert record.papers.add(row, "{}", []) == kept.row
        assert len(one.papers()) == 1


class Catalogue(FakeArxiv):
    """Semantic Scholar and Crossref, which know one retracted paper."""

    def answer(self, path):
        if path.startswith("/scholar/"):
            body = b'{"year": 2023, "venue": "Rivers", "citationCount": 7, "externalIds": {"DOI": "10.1/x"}}'
        else:
            body = b'{"message": {"title": ["A title"], "updated-by": [{"type": "retraction"}], "is-referenced-by-count": 5}}'
        return "application/json", body


def test_a_retraction_is_told_and_silence_is_no_failure():
    server = Catalogue()
    where = {"semantic_scholar": f"{server.url}/scholar/", "crossref": f"{server.url}/crossref/"}
    known = catalogues.look_up("2305.01234", None, **where)
    assert known.retracted is True
    assert known.found["semantic_scholar"]["citations"] == 7
    server.faults = [404, 500]
    silent = catalogues.look_up("2305.01234", "10.1/x", **where)
    assert (silent.found, silent.retracted) == ({}, None)
    assert len(silent.missed) == 2
    server.close()
    assert catalogues.look_up("2305.01234", None, **where).found == {}
    assert catalogues.look_up(None, None, **where).missed
