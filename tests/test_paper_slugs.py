"""A short name is fit for branches, folders and command lines, whatever the title."""

import subprocess
from pathlib import PurePosixPath, PureWindowsPath

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workbench.papers.deciding.slugs import LONGEST, is_slug, slug_of

HOSTILE = [
    "",
    "../../etc",
    "-rf",
    "--help",
    "a.lock",
    "@{-1}",
    "🦙🦙",
    "x" * 500,
    "con",
    "COM1",
    ".git",
    "a..b",
    "~^:?*[\\",
    "\x00",
    "İ",
]


@given(st.text() | st.sampled_from(HOSTILE), st.text(max_size=12))
def test_every_title_has_a_name_that_can_do_no_harm(title, otherwise):
    slug = slug_of(title, otherwise)
    assert slug.isascii()
    assert slug[0].isalpha()
    assert set(slug) <= set("abcdefghijklmnopqrstuvwxyz0123456789-")
    assert len(slug) <= LONGEST + len("paper-")
    assert PurePosixPath(slug).name == PureWindowsPath(slug).name == slug
    assert slug_of(slug, otherwise) == slug or len(slug) > LONGEST


@pytest.mark.parametrize("title", HOSTILE)
def test_git_takes_it(title):
    subprocess.run(["git", "check-ref-format", "--branch", f"experiment/{slug_of(title, '1a2b')}"], check=True)


def test_words_stay_whole_and_names_are_told_from_others():
    assert slug_of("Über die Größe der Straße — ein Überblick", "") == "uber-die-groe-der-strae-ein-uberblick"
    assert slug_of("word " * 40, "") == "-".join(["word"] * 10)
    assert [is_slug(name) for name in ("sparse-gates", "Sparse", "a--b", "a.lock", "", "con", "3d")] == [True, *[False] * 6]
