"""Decisions about papers: kept in the record, written into the branch, never over what the user has there."""

import sqlite3

import pytest
from git_places import IDENTITY, assessment_in, git, paper_in, repository_in

from workbench.errors import RecordError, WorkbenchError
from workbench.papers.deciding.branch import make_branch
from workbench.papers.deciding.decisions import Kind, decide, decisions_of
from workbench.papers.deciding.git import GitError
from workbench.records import Record

FOLDER = "experiments/attention-twice-as-fast"
NAME = "experiment/attention-twice-as-fast"
FILE = f"{FOLDER}/DECISION.md"


@pytest.fixture
def mine(tmp_path):
    with Record.open(f"sqlite:///{tmp_path / 'records.db'}") as record:
        yield record


@pytest.fixture
def repo(tmp_path, monkeypatch):
    for name, value in IDENTITY.items():
        monkeypatch.setenv(name, value)
    return repository_in(tmp_path / "repo")


@pytest.fixture
def paper(mine):
    row = paper_in(mine)
    assessment_in(mine, row)
    return row


@pytest.fixture
def branch(mine, repo, paper):
    return make_branch(mine, repo, paper.id)


def test_without_a_branch_only_the_record_has_it_and_it_says_so(mine, repo, paper):
    made = decide(mine, repo, "last", "archive", "Not now.")
    assert (made.kind, made.branch, made.assessment, made.experiment) == (Kind.ARCHIVE, None, "a55e55", None)
    assert made.notes == ("the paper has no branch, so only the record has the decision",)
    assert git(repo, "branch", "--format=%(refname:short)") == "main"


def test_it_is_a_file_in_the_branch_and_the_users_tree_stays(mine, repo, branch):
    (repo / "code.py").write_text("print(2)\n")
    made = decide(mine, repo, "last", "reject", "It is *not* faster.\n\nSee sk-abcdefgh12345678.")
    assert (made.branch, made.place, made.by, made.pull_request) == (NAME, None, "Ada", "")
    text = git(repo, "show", f"{NAME}:{FILE}")
    assert "## Reject, " in text
    assert "> It is \\*not\\* faster.\n>\n> See \\[redacted\\]." in text
    assert "Assessment `a55e55`: implementable, difficulty 3 of 10, 2 (80 %: 1 to 4) weeks" in text
    assert "sk-abcdefgh" not in git(repo, "log", "-p", "--all")
    assert [row.because for row in mine.decisions.all()] == ["It is *not* faster.\n\nSee [redacted]."]
    assert git(repo, "status", "--porcelain").strip() == "M code.py"
    assert git(repo, "branch", "--show-current") == "main"


def test_deciding_again_adds_to_the_file_and_keeps_what_people_wrote_there(mine, repo, branch):
    decide(mine, repo, "last", "needs-more-research", "Too few cases.")
    git(repo, "switch", "-q", NAME)
    (repo / FILE).write_text((repo / FILE).read_text() + "\nA note of mine.\n")
    git(repo, "commit", "-q", "-am", "Note")
    git(repo, "switch", "-q", "main")
    decide(mine, repo, "last", "merge", "Enough cases.")
    text = git(repo, "show", f"{NAME}:{FILE}")
    assert text.count("## ") == 2
    assert text.index("Too few") < text.index("A note of mine") < text.index("Enough")
    assert [each.kind for each in decisions_of(mine, "last")] == ["needs_more_research", "merge"]
    assert git(repo, "log", "--format=%s", f"main..{NAME}").splitlines() == [
        "Decide on attention-twice-as-fast: merge",
        "Note",
        "Decide on attention-twice-as-fast: needs more research",
        "Begin the experiment attention-twice-as-fast",
    ]


def test_decisions_from_before_the_branch_are_in_its_file_too(mine, repo, paper):
    decide(mine, repo, "last", "needs_more_research", "First thought.")
    make_branch(mine, repo, "last")
    decide(mine, repo, "last", "reject", "Second thought.")
    text = git(repo, "show", f"{NAME}:{FILE}")
    assert text.index("First thought") < text.index("Second thought")


def test_merge_prepares_a_pull_request_and_merges_nothing(mine, repo, branch):
    before = git(repo, "rev-parse", "main")
    made = decide(mine, repo, "last", "merge", "Twice as fast here too.")
    assert git(repo, "show", f"{NAME}:{FOLDER}/PULL_REQUEST.md") == made.pull_request.rstrip()
    assert made.pull_request.startswith("# Put to use: Attention, Twice as Fast\n")
    assert "experiment.yaml" in made.pull_request
    assert git(repo, "rev-parse", "main") == before


def test_where_the_branch_is_checked_out_the_file_appears_beside_work_in_progress(mine, repo, branch):
    git(repo, "switch", "-q", NAME)
    (repo / "code.py").write_text("print(2)\n")
    (repo / "staged.py").write_text("")
    git(repo, "add", "staged.py")
    made = decide(mine, repo, "last", "reject", "No.")
    assert made.place == repo
    assert "No." in (repo / FILE).read_text()
    assert git(repo, "status", "--porcelain").split("\n") == [" M code.py", "A  staged.py"]
    (repo / FILE).write_text("mine")
    tip = git(repo, "rev-parse", NAME)
    with pytest.raises(GitError, match="has changes that are not committed"):
        decide(mine, repo, "last", "reject", "No!")
    assert ((repo / FILE).read_text(), git(repo, "rev-parse", NAME), len(mine.decisions.all())) == ("mine", tip, 1)


def test_a_file_of_the_users_that_git_ignores_is_not_written_over(mine, repo, branch):
    git(repo, "switch", "-q", NAME)
    (repo / ".git/info/exclude").write_text("DECISION.md\n")
    (repo / FILE).write_text("mine")
    with pytest.raises(GitError, match="has changes that are not committed"):
        decide(mine, repo, "last", "reject", "No!")
    assert (repo / FILE).read_text() == "mine"


def _hook(repo):
    hook = repo / ".git/hooks/pre-commit"
    hook.write_text("#!/bin/sh\nexit 1\n")
    hook.chmod(0o755)


def _reference_hook(repo):
    hook = repo / ".git/hooks/reference-transaction"
    hook.write_text("#!/bin/sh\nexit 1\n")
    hook.chmod(0o755)


def _locked_record(repo):
    with sqlite3.connect(repo.parent / "records.db") as connection:
        connection.execute("CREATE TRIGGER no BEFORE INSERT ON decisions BEGIN SELECT RAISE(ABORT, 'not now'); END")


@pytest.mark.parametrize("spoil", [_hook, _reference_hook, _locked_record])
@pytest.mark.parametrize("checked_out", [True, False])
def test_what_fails_leaves_neither_file_nor_row(mine, repo, branch, spoil, checked_out):
    if checked_out:
        git(repo, "switch", "-q", NAME)
    tip = git(repo, "rev-parse", NAME)
    spoil(repo)
    with pytest.raises(WorkbenchError):
        decide(mine, repo, "last", "merge", "Yes.")
    assert mine.decisions.all() == []
    assert git(repo, "rev-parse", NAME) == tip
    assert git(repo, "status", "--porcelain") == ""


def test_a_branch_that_moves_meanwhile_is_not_moved_back(mine, repo, branch):
    hook = repo / ".git/hooks/pre-commit"
    hook.write_text(f"#!/bin/sh\ngit update-ref refs/heads/{NAME} main\n")
    hook.chmod(0o755)
    with pytest.raises(GitError, match="cannot be set"):
        decide(mine, repo, "last", "merge", "Yes.")
    assert git(repo, "rev-parse", NAME) == git(repo, "rev-parse", "main")
    assert mine.decisions.all() == []


def test_a_branch_that_is_gone_is_said_to_be(mine, repo, branch):
    git(repo, "branch", "-q", "-D", NAME)
    made = decide(mine, repo, "last", "archive", "Gone.")
    assert made.branch is None
    assert f"{NAME} is not in {repo} any more" in made.notes[0]


def test_it_rests_on_what_is_named(mine, repo, paper, tmp_path):
    assessment_in(mine, paper, name="bbbbbb", created_at=1_700_000_200.0)
    assert decide(mine, repo, "last", "archive", "x").assessment == "bbbbbb"
    assert decide(mine, repo, "last", "archive", "x", assessment="a55").assessment == "a55e55"
    other = paper_in(mine, "Other", 2)
    for words, options in (("no assessment 'a55'", {"assessment": "a55"}), ("no experiment 'nope'", {"experiment": "nope"})):
        with pytest.raises(RecordError, match=words):
            decide(mine, repo, other.id, "archive", "x", **options)


def test_a_kind_that_is_none_and_a_missing_reason_are_refused(mine, repo, paper):
    with pytest.raises(WorkbenchError, match=r"'maybe' cannot be decided(?s:.*)merge, reject, archive, needs_more_research"):
        decide(mine, repo, "last", "maybe", "x")
    with pytest.raises(WorkbenchError, match="needs a reason"):
        decide(mine, repo, "last", "merge", " ")
    assert mine.decisions.all() == []
