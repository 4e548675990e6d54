"""Files that are no papers: each is refused with its reason and a way out, and the process that read it hurts nobody."""

import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import psutil
import pytest
from paper_files import SAMPLES, pdf_of

from workbench.papers import Limits, PaperError, Problem, Reader

FUZZ = Path(__file__).parent.parent / "experiments" / "benchmarks" / "damaged_papers.py"


@pytest.fixture(scope="module")
def reader():
    with Reader() as reader:
        yield reader


def refused(reader, path):
    with pytest.raises(PaperError) as caught:
        reader.read(path)
    assert path.name in caught.value.message
    assert caught.value.hint
    return caught.value.problem


def locked():
    import pymupdf

    document = pymupdf.open("pdf", pdf_of("A secret."))
    return document.tobytes(encryption=pymupdf.PDF_ENCRYPT_AES_256, user_pw="one", owner_pw="two")


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (b"", Problem.EMPTY),
        (b"<!doctype html><p>Not found", Problem.NOT_A_PDF),
        (b"%PDF-1.7\nnothing of a PDF\n%%EOF", Problem.DAMAGED),
        (locked, Problem.ENCRYPTED),
        (lambda: (SAMPLES / "acl.pdf").read_bytes()[:50_000], Problem.TRUNCATED),
        (lambda: pdf_of("", "", ""), Problem.NO_TEXT),
    ],
    ids=["empty", "web page", "damaged", "encrypted", "truncated", "blank"],
)
def test_a_file_that_is_no_paper_is_refused_with_its_reason(reader, tmp_path, content, problem):
    path = tmp_path / "paper.pdf"
    path.write_bytes(content() if callable(content) else content)
    assert refused(reader, path) is problem


def test_a_scan_has_no_text_and_the_hint_names_a_way(reader):
    with pytest.raises(PaperError, match="2 of its 2 pages are pictures") as caught:
        reader.read(SAMPLES / "scan.pdf")
    assert caught.value.problem is Problem.NO_TEXT
    assert "--ocr" in caught.value.hint


def test_a_missing_file_and_a_folder(reader, tmp_path):
    assert refused(reader, tmp_path / "absent.pdf") is Problem.UNREADABLE
    assert refused(reader, tmp_path) is Problem.UNREADABLE


@pytest.mark.parametrize(
    ("limits", "problem"),
    [
        (Limits(pages=2), Problem.TOO_LONG),
        (Limits(bytes=1000), Problem.TOO_LARGE),
        (Limits(megabytes=60), Problem.TOO_HUNGRY),
    ],
    ids=["pages", "bytes", "memory"],
)
def test_limits(tmp_path, limits, problem):
    path = tmp_path / "long.pdf"
    path.write_bytes(pdf_of(*["Some words on a page."] * 3))
    with Reader(limits) as reader, pytest.raises(PaperError) as caught:
        reader.read(path)
    assert caught.value.problem is problem


def test_what_takes_too_long_is_killed_and_the_next_file_is_read():
    with Reader() as reader:
        paper = reader.read(SAMPLES / "revtex.pdf")
        reader.limits = Limits(seconds=0.2)
        worker = reader._process
        os.kill(worker.pid, signal.SIGSTOP)
        with pytest.raises(PaperError, match=r"took longer than 0\.2 s") as caught:
            reader.read(SAMPLES / "revtex.pdf")
        assert caught.value.problem is Problem.TOO_SLOW
        assert not psutil.pid_exists(worker.pid)
        reader.limits = Limits()
        assert reader.read(SAMPLES / "revtex.pdf") == paper


def test_a_crash_is_an_error_and_the_next_file_is_read():
    with Reader() as reader:
        reader.read(SAMPLES / "revtex.pdf")
        os.kill(reader._process.pid, signal.SIGSTOP)
        threading.Timer(0.1, os.kill, (reader._process.pid, signal.SIGKILL)).start()
        with pytest.raises(PaperError) as caught:
            reader.read(SAMPLES / "revtex.pdf")
        assert caught.value.problem is Problem.CRASHED
        assert reader.read(SAMPLES / "revtex.pdf").title


def test_closing_ends_the_process():
    with Reader() as reader:
        reader.read(SAMPLES / "revtex.pdf")
        worker = reader._process.pid
    assert not psutil.pid_exists(worker)


@pytest.mark.slow
def test_damaged_files_are_read_or_refused_with_a_reason():
    """With 10,000 files: experiments/benchmarks/README.md."""
    command = [sys.executable, str(FUZZ), str(SAMPLES), "--mutations", "44"]
    done = subprocess.run(command, check=False, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    first, *outcomes = done.stdout.splitlines()
    assert first.startswith("44 files")
    assert {line.strip().partition(":")[0] for line in outcomes} <= {"read", *Problem}
