"""Scans: their text is recognised where that is asked for, what it is worth is said, and what is missing is named."""

import json
import os
import shutil
import sys
from pathlib import Path

import pytest
from command import in_shell
from paper_files import pdf_of

from workbench.papers import Limits, PaperError, Problem, Reader, Shelf
from workbench.records import Record

TEXT = "A Clock for the Valley\n\nThe river rises late in spring.\nGauges that freeze report nothing."


def needs_tesseract():
    """Skip without Tesseract, but fail where CI=true."""
    if shutil.which("tesseract") is None:
        reason = "Tesseract is not installed (apt-get install tesseract-ocr)"
        pytest.fail(reason) if os.environ.get("CI") == "true" else pytest.skip(reason)


@pytest.fixture(scope="module")
def reader():
    with Reader() as reader:
        yield reader


@pytest.fixture
def scan(tmp_path):
    """A PDF with two pages, of which the first is a picture."""
    import pymupdf

    printed = pymupdf.open(
        "pdf", pdf_of(TEXT, "Printed text is left as it is, whatever\nstands on the other pages of the file.", fontsize=16)
    )
    picture = printed[0].get_pixmap(dpi=150)
    page = printed.new_page(0)
    page.insert_image(page.rect, pixmap=picture)
    printed.delete_page(1)
    path = tmp_path / "scan.pdf"
    path.write_bytes(printed.tobytes())
    return path


def test_the_text_of_pictures_is_read_and_that_is_said(scan, tmp_path, sqlite_url):
    needs_tesseract()
    with Record.open(sqlite_url) as record, Shelf(record, tmp_path / "space") as shelf:
        [added] = shelf.add(scan, offline=True, ocr="eng")
        paper = shelf.paper("last")
        assert "Gauges that freeze report nothing." in paper.lines.text
        assert "Printed text is left as it is, whatever" in paper.lines.text
        assert "recognised from pictures" in " ".join(added.notes)
        assert "1 of 2 pages" in added.notes[0]
        assert shelf.file("last").read_bytes() == scan.read_bytes()
        first = paper.lines.anchors[0]
        assert (first.page, round(first.box[1], -1)) == (1, 80)
        assert shelf.reader.page(shelf.file("last"), 1, [first.box]).startswith(b"\x89PNG")


def test_the_command_line_reads_scans(scan, tmp_path, monkeypatch, capsys):
    needs_tesseract()
    monkeypatch.chdir(tmp_path)
    workbench = in_shell(monkeypatch, capsys, "paper")
    code, out, err = workbench("parse", scan, "--ocr", "--json")
    assert (code, json.loads(out)["title"]) == (0, "A Clock for the Valley")
    assert "page 1, recognised" in err


def test_without_the_wish_a_scan_has_no_text(scan, reader):
    with pytest.raises(PaperError) as caught:
        reader.read(scan)
    assert caught.value.problem is Problem.NO_TEXT
    assert "--ocr" in caught.value.hint


def test_a_language_without_data_is_named(scan, reader):
    needs_tesseract()
    with pytest.raises(PaperError) as caught:
        reader.read(scan, ocr="eng+xyz")
    assert caught.value.problem is Problem.NO_OCR
    assert "no data for 'xyz'" in caught.value.message
    assert "apt-get install tesseract-ocr" in caught.value.hint


@pytest.mark.parametrize("language", ["../../etc/passwd", "eng;rm"])
def test_what_is_no_language_is_refused(scan, reader, language):
    with pytest.raises(PaperError, match="is no language"):
        reader.read(scan, ocr=language)


def test_without_tesseract_the_error_says_what_to_install(scan, tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(Path(sys.executable).parent))
    monkeypatch.setenv("TESSDATA_PREFIX", str(tmp_path / "nowhere"))
    with Reader() as reader, pytest.raises(PaperError) as caught:
        reader.read(scan, ocr="eng")
    assert caught.value.problem is Problem.NO_OCR
    assert "apt-get install tesseract-ocr" in str(caught.value)


def test_recognising_has_a_limit_of_its_own_and_is_killed(scan):
    needs_tesseract()
    with Reader(Limits(ocr_seconds=0.01)) as reader, pytest.raises(PaperError) as caught:
        reader.read(scan, ocr="eng")
    assert caught.value.problem is Problem.TOO_SLOW
