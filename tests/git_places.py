"""Real git repositories, papers and assessments to branch and decide on."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

from workbench.papers.assessing.assessment import Assessment, Claim, Weeks, row_of
from workbench.papers.passages.quotes import CheckedQuote
from workbench.records import Record
from workbench.records.papers import PaperRow

IDENTITY = {
    "GIT_CONFIG_GLOBAL": os.devnull,
    "GIT_CONFIG_SYSTEM": os.devnull,
    "GIT_AUTHOR_NAME": "Ada",
    "GIT_AUTHOR_EMAIL": "ada@example.org",
    "GIT_COMMITTER_NAME": "Ada",
    "GIT_COMMITTER_EMAIL": "ada@example.org",
}


def git(folder: Path, *words: str) -> str:
    """What git prints, asked as a person would."""
    done = subprocess.run(["git", *words], cwd=folder, capture_output=True, text=True, check=True)
    return done.stdout.rstrip("\n")


def repository_in(folder: Path) -> Path:
    """A repository with one commit, on the branch main."""
    folder.mkdir(parents=True, exist_ok=True)
    git(folder, "init", "-q", "-b", "main")
    (folder / "code.py").write_text("print(1)\n")
    git(folder, "add", ".")
    git(folder, "commit", "-q", "-m", "Begin")
    return folder


def paper_in(record: Record, title: str = "Attention, Twice as Fast", number: int = 1) -> PaperRow:
    """A paper on the shelf."""
    digest = f"{number:064x}"[::-1]
    row = PaperRow(
        digest[:12],
        digest,
        1_700_000_000.0,
        title,
        ("Ada Lovelace",),
        2023,
        f"2301.{number:05}",
        None,
        "x.pdf",
        "papers/x.pdf",
        9,
    )
    return record.papers.add(row, "{}", [])


def assessment_in(record: Record, paper: PaperRow, *, implementable: bool = True, name: str = "a55e55", **said) -> Assessment:
    """An assessment of a paper."""
    quote = CheckedQuote("twice as fast", "verified", 3)
    values = {
        "question": "Can we?",
        "context": "Our password is hunter22.",
        "difficulty": 3,
        "weeks": Weeks(1, 2, 4),
        "prerequisites": ("A GPU",),
        "risks": ("It is slow",),
        "benefits": ("Speed",),
        "reasoning": "It is simple.",
        "confidence": 0.7,
        "dissent": "",
        "claims": (Claim("It is twice as fast.", "judge", "m", "consensus", quote),),
        "estimates": (),
        "model": "m",
        "concerns": (),
        "dialogue": f"d-{name}",
        "cost": 0.25,
        "created_at": 1_700_000_100.0,
    }
    found = Assessment(id=name, paper=paper, implementable=implementable, **(values | said))
    record.assessments.add(row_of(found))
    return found
