"""A branch for the experiment on a paper: whole, in the user's repository, and nothing of the user's touched."""

import json
import os
import re
import shutil
import sqlite3
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest
import yaml
from git_places import IDENTITY, assessment_in, git, paper_in, repository_in

from workbench.errors import RecordError, WorkbenchError
from workbench.papers.deciding.branch import make_branch
from workbench.papers.deciding.git import GitError
from workbench.records import Record

FOLDER = "experiments/attention-twice-as-fast"
NAME = "experiment/attention-twice-as-fast"


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


def state(repo):
    """Everything of the user's that must stay as it is."""
    files = {path: path.read_bytes() for path in repo.rglob("*") if path.is_file() and ".git" not in path.parts}
    index = (repo / ".git/index").read_bytes()
    return files, index, git(repo, "symbolic-ref", "HEAD"), git(repo, "rev-parse", "main"), git(repo, "stash", "list")


def test_the_branch_has_readme_definition_and_notebook(mine, repo, paper):
    before = state(repo)
    made = make_branch(mine, repo, "last")
    assert (made.name, made.place, made.notes, made.next) == (NAME, None, (), f"git switch {NAME}")
    assert state(repo) == before
    assert git(repo, "diff", "--name-only", "main", NAME).split() == [
        f"{FOLDER}/{name}" for name in ("README.md", "experiment.ipynb", "experiment.yaml")
    ]
    assert git(repo, "rev-parse", f"{NAME}^") == git(repo, "rev-parse", "main")
    readme = git(repo, "show", f"{NAME}:{FOLDER}/README.md")
    assert "Implementable: yes" in readme
    assert '"twice as fast", p. 3, verified' in readme
    assert "- [ ] A GPU" in readme
    nbformat.validate(nbformat.reads(git(repo, "show", f"{NAME}:{FOLDER}/experiment.ipynb"), as_version=4))
    [row] = mine.decisions.branches(paper.id)
    assert (row, row.by, row.forced, row.commit) == (made.row, "Ada", False, git(repo, "rev-parse", NAME))


def test_the_definition_is_one_that_experiments_read(mine, repo, paper, tmp_path):
    from workbench.experiments.reading import read_definition

    make_branch(mine, repo, "last")
    file = tmp_path / "experiment.yaml"
    file.write_text(git(repo, "show", f"{NAME}:{FOLDER}/experiment.yaml"))
    found = read_definition(file)
    assert (found.name, list(found.arms), found.planned().primary) == (FOLDER.split("/")[1], ["baseline", "technique"], "right")


def test_context_and_settings_stay_out(mine, repo, paper):
    (repo / ".env").write_text("OPENAI_API_KEY=hunter22")
    make_branch(mine, repo, "last")
    assert "hunter22" not in git(repo, "log", "-p", "--all")


@pytest.mark.parametrize("checkout", [True, False])
def test_uncommitted_work_stays_and_the_branch_gets_a_tree_of_its_own(mine, repo, paper, checkout):
    (repo / "code.py").write_text("print(2)\n")
    (repo / "staged.py").write_text("")
    git(repo, "add", "staged.py")
    (repo / "new.py").write_text("new")
    before = state(repo)
    made = make_branch(mine, repo, "last", checkout=checkout)
    assert state(repo) == before
    assert made.place == repo.parent / "repo-attention-twice-as-fast"
    assert (made.place / FOLDER / "README.md").is_file()
    assert (made.place / "code.py").read_text() == "print(1)\n"
    assert "was left as it is" in made.notes[0]
    again = make_branch(mine, repo, "last", slug="second", worktree=repo.parent / "here")
    assert (again.place, git(again.place, "branch", "--show-current")) == (repo.parent / "here", "experiment/second")


def test_checkout_switches_a_clean_tree(mine, repo, paper):
    (repo / "untracked.py").write_text("mine")
    made = make_branch(mine, repo, "last", checkout=True)
    assert (made.place, git(repo, "branch", "--show-current")) == (repo, NAME)
    assert (repo / "untracked.py").read_text() == "mine"


def test_a_workspace_within_a_repository_keeps_its_experiments(mine, repo, paper):
    (repo / "lab").mkdir()
    assert make_branch(mine, repo / "lab", "last").row.folder == f"lab/{FOLDER}"


def test_what_is_not_implementable_or_not_assessed_takes_force(mine, repo):
    row = paper_in(mine)
    with pytest.raises(WorkbenchError, match=r"has not been assessed(?s:.*)--force"):
        make_branch(mine, repo, row.id)
    assessment_in(mine, row, implementable=False, reasoning="No data.")
    with pytest.raises(WorkbenchError, match="not implementable by assessment a55e55: No data"):
        make_branch(mine, repo, row.id)
    assert git(repo, "branch", "--list", "experiment/*") == ""
    made = make_branch(mine, repo, row.id, force=True)
    assert made.row.forced
    assert "made by force" in git(repo, "show", f"{NAME}:{FOLDER}/README.md")
    other = paper_in(mine, "Other", 2)
    with pytest.raises(RecordError, match="no assessment 'a55e55' of paper"):
        make_branch(mine, repo, other.id, assessment="a55e55")


def test_a_branch_is_made_once_and_another_takes_a_name(mine, repo, paper):
    make_branch(mine, repo, "last")
    with pytest.raises(GitError, match=r"of this paper already(?s:.*)--name"):
        make_branch(mine, repo, "last")
    with pytest.raises(WorkbenchError, match=r"cannot be a short name(?s:.*)--name x-lock"):
        make_branch(mine, repo, "last", slug="../x.lock")
    assert make_branch(mine, repo, "last", slug="second").name == "experiment/second"
    git(repo, "merge", "-q", "experiment/second")
    git(repo, "branch", "-q", "-D", "experiment/second")
    with pytest.raises(GitError, match="exists already in what is checked out"):
        make_branch(mine, repo, "last", slug="second")


def test_a_branch_that_the_record_lost_is_taken_up(mine, repo, paper, tmp_path):
    made = make_branch(mine, repo, "last")
    with Record.open(f"sqlite:///{tmp_path / 'other.db'}") as other:
        assessment_in(other, paper_in(other))
        found = make_branch(other, repo, "last")
        assert (found.row.commit, found.row.base, found.row.folder) == (made.row.commit, made.row.base, FOLDER)
        assert "was there already" in found.notes[0]
        foreign = paper_in(other, "Attention, twice as fast", 2)
        with pytest.raises(GitError, match=f"there is a branch {NAME} already"):
            make_branch(other, repo, foreign.id, force=True)


def _no_repository(tmp_path, repo):
    (tmp_path / "nowhere").mkdir()
    return tmp_path / "nowhere"


def _bare(tmp_path, repo):
    git(tmp_path, "clone", "-q", "--bare", str(repo), "bare")
    return tmp_path / "bare"


def _no_commits(tmp_path, repo):
    (tmp_path / "fresh").mkdir()
    git(tmp_path / "fresh", "init", "-q")
    return tmp_path / "fresh"


def _branch_in_the_way(tmp_path, repo):
    git(repo, "branch", "experiment")
    return repo


def _file_in_the_way(tmp_path, repo):
    (repo / "experiments").write_text("a file")
    git(repo, "add", ".")
    git(repo, "commit", "-q", "-m", "In the way")
    return repo


def _refusing_hook(name):
    def set_up(tmp_path, repo):
        hook = repo / ".git/hooks" / name
        hook.write_text("#!/bin/sh\necho 'no such thing here' >&2\nexit 1\n")
        hook.chmod(0o755)
        return repo

    return set_up


@pytest.mark.parametrize(
    ("set_up", "words"),
    [
        (_no_repository, "is in no git repository(?s:.*)git init"),
        (lambda tmp_path, repo: tmp_path / "missing", "is no folder"),
        (_bare, "without files"),
        (_no_commits, "has no commits yet"),
        (_branch_in_the_way, "a branch is named experiment"),
        (_file_in_the_way, "experiments is a file, a link or a submodule"),
        (_refusing_hook("pre-commit"), "pre-commit refuses: (?s:.*)no such thing here(?s:.*)--no-verify"),
        (_refusing_hook("commit-msg"), "commit-msg refuses"),
        (_refusing_hook("reference-transaction"), "no such thing here"),
    ],
)
def test_what_git_does_not_allow_is_said_and_nothing_is_made(mine, repo, paper, tmp_path, monkeypatch, set_up, words):
    folder = set_up(tmp_path, repo)
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path))
    with pytest.raises(GitError, match=words):
        make_branch(mine, repo, paper.id, repository=folder)
    assert git(repo, "branch", "--list", "experiment/*") == ""
    assert mine.decisions.branches(paper.id) == []


def test_without_git_or_a_name_it_says_so(mine, repo, paper, monkeypatch):
    for name in IDENTITY:
        if name.endswith(("NAME", "EMAIL")):
            monkeypatch.delenv(name)
    git(repo, "config", "user.useConfigOnly", "true")
    with pytest.raises(GitError, match=r"does not know who you are(?s:.*)user.email"):
        make_branch(mine, repo, paper.id)
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(GitError, match="no git on this machine"):
        make_branch(mine, repo, paper.id)


def test_what_the_record_does_not_take_is_not_made(mine, repo, paper, tmp_path):
    with sqlite3.connect(tmp_path / "records.db") as connection:
        connection.execute("CREATE TRIGGER no BEFORE INSERT ON paper_branches BEGIN SELECT RAISE(ABORT, 'not now'); END")
    with pytest.raises(RecordError, match="not now"):
        make_branch(mine, repo, paper.id)
    assert git(repo, "branch", "--list", "experiment/*") == ""


def test_hooks_see_the_new_files_in_a_whole_tree_and_may_be_left_out(mine, repo, paper):
    git(repo, "update-index", "--add", "--cacheinfo", f"160000,{git(repo, 'rev-parse', 'main')},vendor")  # a submodule
    git(repo, "commit", "-q", "-m", "Vendor")
    hook = repo / ".git/hooks/pre-commit"
    hook.write_text(
        f'#!/bin/sh\ntest -f code.py && test -f {FOLDER}/README.md && git diff --cached --name-only >"{repo}/seen"\n'
    )
    hook.chmod(0o755)
    message = repo / ".git/hooks/commit-msg"
    message.write_text('#!/bin/sh\necho "Signed-off-by: Ada" >>"$1"\n')
    message.chmod(0o755)
    make_branch(mine, repo, paper.id)
    assert len((repo / "seen").read_text().split()) == 3
    assert "Signed-off-by: Ada" in git(repo, "log", "-1", "--format=%B", NAME)
    hook.write_text("#!/bin/sh\nexit 1\n")
    assert make_branch(mine, repo, paper.id, slug="second", verify=False).name == "experiment/second"


def test_a_branch_that_somebody_makes_meanwhile_stays_theirs(mine, repo, paper):
    hook = repo / ".git/hooks/pre-commit"
    hook.write_text(f"#!/bin/sh\ngit update-ref refs/heads/{NAME} main\n")
    hook.chmod(0o755)
    with pytest.raises(GitError, match=r"cannot be set(?s:.*)do it again"):
        make_branch(mine, repo, paper.id)
    assert git(repo, "rev-parse", NAME) == git(repo, "rev-parse", "main")
    assert mine.decisions.branches(paper.id) == []


def test_a_detached_head_and_a_linked_tree_are_bases_too(mine, repo, paper):
    git(repo, "checkout", "-q", "--detach")
    make_branch(mine, repo, paper.id)
    git(repo, "worktree", "add", "-q", "-b", "side", str(repo.parent / "side"))
    (repo.parent / "side" / "more.py").write_text("")
    git(repo.parent / "side", "add", ".")
    git(repo.parent / "side", "commit", "-q", "-m", "More")
    made = make_branch(mine, repo.parent / "side", paper.id, slug="second")
    assert made.row.base == git(repo, "rev-parse", "side")


def test_variables_of_the_environment_do_not_lead_it_astray(mine, repo, paper, tmp_path, monkeypatch):
    other = repository_in(tmp_path / "other")
    monkeypatch.setenv("GIT_DIR", str(other / ".git"))
    monkeypatch.setenv("GIT_WORK_TREE", str(other))
    monkeypatch.setenv("GIT_INDEX_FILE", str(other / ".git/index"))
    monkeypatch.setenv("GIT_OBJECT_DIRECTORY", str(other / ".git/objects"))
    make_branch(mine, repo, paper.id)
    for name in ("GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_OBJECT_DIRECTORY"):
        monkeypatch.delenv(name)
    assert git(other, "branch", "--format=%(refname:short)") == "main"
    assert git(repo, "log", "-1", "--format=%an", NAME) == "Ada"


def test_hostile_words_are_words(mine, repo):
    title = "x: [y](http://evil.example) <script>alert(1)</script>\nplan: {primary: nothing} ${{ }} # -->"
    row = paper_in(mine, title)
    assessment_in(mine, row, reasoning="# Heading\n\n- [ ] <img src=x onerror=1> www.evil.example", risks=("`rm -rf`",))
    made = make_branch(mine, repo, row.id, slug="hostile")
    [readme, written, notes] = [
        git(repo, "show", f"{made.name}:{made.row.folder}/{name}")
        for name in ("README.md", "experiment.yaml", "experiment.ipynb")
    ]
    from markdown_it import MarkdownIt

    page = MarkdownIt("gfm-like", {"linkify": False}).render(readme)
    assert re.findall(r"<(script|img|a) ", page) == []
    assert "http://" not in readme
    assert "www.evil" not in readme
    assert re.findall(r"<h1>(.*?)</h1>", page) == [
        "x: [y](http://evil.example) &lt;script&gt;alert(1)&lt;/script&gt; plan: {primary: nothing} ${{ }} # --&gt;"
    ]
    assert yaml.safe_load(written)["plan"]["primary"] == "right"
    assert "evil" not in notes
    assert json.loads(notes)["cells"]


KILLED = """
import os, sys
from pathlib import Path
from workbench.papers.deciding.branch import make_branch
from workbench.records import Record

for moment in sys.argv[2:]:
    if not (child := os.fork()):
        os.environ["MOMENT"] = moment
        with Record.open(sys.argv[1]) as record:
            make_branch(record, Path.cwd(), "last", slug=moment)
        os._exit(0)
    print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
"""


def test_killed_in_the_middle_it_leaves_a_whole_branch_or_none(repo, tmp_path):
    """The process is killed by git itself, before and after the branch is there; then it is done again."""
    killer = tmp_path / "bin" / "git"
    killer.parent.mkdir()
    killer.write_text(f'#!/bin/sh\n{shutil.which("git")} "$@" || exit\n[ "$1" = "$MOMENT" ] && kill -9 $PPID\nexit 0\n')
    killer.chmod(0o755)
    url = f"sqlite:///{tmp_path / 'records.db'}"
    with Record.open(url) as record:
        assessment_in(record, paper_in(record))
    before = state(repo)
    environment = os.environ | {
        "PATH": f"{killer.parent}{os.pathsep}{os.environ['PATH']}",
        "TMPDIR": str(tmp_path),
        "PYTHONPATH": str(Path(__file__).parent.parent),
    }
    command = [sys.executable, "-c", KILLED, url, "commit-tree", "update-ref"]
    done = subprocess.run(command, env=environment, check=True, cwd=repo, capture_output=True, text=True)
    assert done.stdout.split() == ["-9", "-9"]
    assert state(repo) == before
    assert git(repo, "branch", "--list", "experiment/*").split() == ["experiment/update-ref"]
    with Record.open(url) as record:
        assert record.decisions.branches(record.papers.find("last").id) == []
        for moment in ("commit-tree", "update-ref"):
            made = make_branch(record, repo, "last", slug=moment)
            assert record.decisions.branches(made.paper.id)[-1] == made.row
            assert len(git(repo, "diff", "--name-only", "main", made.name).split()) == 3
