"""A git branch for the experiment on a paper, in the user's repository.

`experiment/<slug>` is one commit after what is checked out, with `experiments/<slug>/` in it. The user's files, index and
branch are not touched; see `git`. Nothing is pushed.
"""

from __future__ import annotations

import secrets
import time
from dataclasses import dataclass
from itertools import chain, count
from pathlib import Path
from typing import TYPE_CHECKING, Final

from workbench.dialogue.export.facts import visible
from workbench.errors import WorkbenchError, redact
from workbench.papers.assessing.assessment import Assessment, assessments_of, find_assessment
from workbench.papers.deciding.git import GitError, Repository
from workbench.papers.deciding.scaffold import README, scaffold
from workbench.papers.deciding.slugs import is_slug, slug_of
from workbench.records.decisions import BranchRow
from workbench.records.papers import PaperRow

if TYPE_CHECKING:
    from workbench.records import Record

PREFIX: Final = "experiment/"
"""What the names of all such branches begin with."""
FOLDER: Final = "experiments"
TRAILER: Final = "Workbench-Paper"
"""Key of the line of a commit's message that names the paper."""


@dataclass(frozen=True, slots=True)
class Branch:
    """A branch that was made.

    Attributes:
        row: as it is kept.
        assessment: that it was made on; None without.
        place: working tree that it is checked out in; None where it is in none.
        notes: what is worth telling.
    """

    row: BranchRow
    paper: PaperRow
    assessment: Assessment | None = None
    place: Path | None = None
    notes: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """Its name in git."""
        return self.row.branch

    @property
    def next(self) -> str:
        """What to do to work in it."""
        return f"cd {self.place / self.row.folder}" if self.place else f"git switch {self.name}"


def make_branch(
    record: Record,
    workspace: Path,
    paper: str,
    *,
    assessment: str | None = None,
    repository: Path | None = None,
    slug: str | None = None,
    force: bool = False,
    checkout: bool = False,
    worktree: Path | None = None,
    verify: bool = True,
) -> Branch:
    """Make the branch for the experiment on a paper, with README, definition and notebook.

    Where tracked files have changes that are not committed, it is also checked out into a linked working tree beside the
    repository.

    Args:
        record: that has the paper, and keeps what was made.
        workspace: the experiment's folder is put below its place in the repository.
        paper: as `record.papers.find` takes it.
        assessment: id, beginning of one, or `last`, of this paper; by default the newest.
        repository: a folder in the git repository; by default the workspace or, if that is in none, the current folder.
        slug: short name; by default made of the title.
        force: also without an assessment, or against one.
        checkout: switch to it, if no tracked file has changes.
        worktree: check it out there, in a linked working tree; the folder must not exist.
        verify: run the hooks `pre-commit` and `commit-msg`.

    Raises:
        RecordError: there is no such paper or assessment.
        GitError: the repository does not allow it; nothing was made.
        WorkbenchError: the paper is not assessed or not implementable, the short name is none, or a branch of it exists.
    """
    row = record.papers.find(paper)
    found = _assessed(record, row, assessment, force=force)
    if slug is not None and not is_slug(slug):
        hint = f"Lower-case letters, figures and single hyphens, 50 at most: --name {slug_of(slug, row.id)}"
        raise WorkbenchError(f"{slug!r} cannot be a short name", hint=hint)
    slug = slug or slug_of(row.title, row.id)
    repo = repository_for(workspace, repository)
    folder = _folder(repo, workspace, slug)
    branch = PREFIX + slug
    if worktree is not None and worktree.expanduser().exists():
        raise GitError(f"{worktree} exists already", hint="--worktree names a folder that does not exist yet.")
    if repo.tip(branch):
        return _taken_up(record, repo, row, found, slug)
    base = repo.head()
    _check_free(repo, base, folder)
    commit = repo.commit(base, scaffold(row, found, slug), _message(row, slug), under=folder, verify=verify)
    kept = _row(repo, row, found, slug, folder, base, commit)
    repo.point(branch, commit, None)
    try:
        record.decisions.add_branch(kept)
    except BaseException:
        repo.forget(branch, commit)
        raise
    place, notes = _checked_out(repo, branch, slug, checkout=checkout, worktree=worktree)
    return Branch(kept, row, found, place, notes)


def repository_for(workspace: Path, given: Path | None = None) -> Repository:
    """Return the repository given, or that of the workspace, or that of the current folder.

    Raises:
        GitError: there is none.
    """
    if given is not None:
        return Repository.holding(given.expanduser())
    try:
        return Repository.holding(workspace)
    except GitError as error:
        try:
            return Repository.holding(Path.cwd())
        except GitError:
            raise error from None


def _assessed(record: Record, paper: PaperRow, name: str | None, *, force: bool) -> Assessment | None:
    """Return the assessment that the branch is made on, if it speaks for it."""
    found = find_assessment(record, name, paper.id) if name else next(iter(assessments_of(record, paper.id)), None)
    if found is None and not force:
        hint = f'%paper assess {paper.id} --question "…" assesses it; --force branches without.'
        raise WorkbenchError(f"{paper.id} ({paper.title[:80]!r}) has not been assessed", hint=hint)
    if found is not None and not found.implementable and not force:
        because = f": {found.reasoning[:200]}" if found.reasoning else ""
        hint = "--force branches all the same, --assessment names another assessment."
        raise WorkbenchError(f"{paper.id} is not implementable by assessment {found.id}{because}", hint=hint)
    return found


def _folder(repo: Repository, workspace: Path, slug: str) -> str:
    """Return the experiment's folder, from the repository's top."""
    top, here = repo.top.resolve(), workspace.resolve()
    within = here.relative_to(top).as_posix() if here.is_relative_to(top) else "."
    return f"{FOLDER}/{slug}" if within == "." else f"{within}/{FOLDER}/{slug}"


def _message(paper: PaperRow, slug: str) -> str:
    title = " ".join(visible(redact(paper.title)).split())[:200]
    return f"Begin the experiment {slug}\n\nOn the paper {title!r}.\n\n{TRAILER}: {paper.id}\n"


def _check_free(repo: Repository, base: str, folder: str) -> None:
    """Refuse where the branch or its folder cannot be made."""
    if repo.tip(PREFIX.rstrip("/")):
        raise GitError(
            f"a branch is named {PREFIX.rstrip('/')}, so that none can be named {PREFIX}…",
            hint="Rename it: git branch -m experiment OTHER-NAME",
        )
    if repo.exists(base, folder):
        raise GitError(f"{folder} exists already in what is checked out", hint="--name gives the experiment another name.")
    for parent in Path(folder).parents:
        if parent != Path() and repo.exists(base, parent.as_posix()) and not repo.is_folder(base, parent.as_posix()):
            raise GitError(f"{parent.as_posix()} is a file, a link or a submodule in {repo.top}", hint="Move it away.")


def _row(
    repo: Repository, paper: PaperRow, found: Assessment | None, slug: str, folder: str, base: str, commit: str
) -> BranchRow:
    return BranchRow(
        id=secrets.token_hex(6),
        paper_id=paper.id,
        made_at=time.time(),
        by=repo.user(),
        assessment_id=found.id if found else None,
        forced=found is None or not found.implementable,
        slug=slug,
        branch=PREFIX + slug,
        repository=str(repo.top),
        folder=folder,
        base=base,
        commit=commit,
    )


def _taken_up(record: Record, repo: Repository, paper: PaperRow, found: Assessment | None, slug: str) -> Branch:
    """Return a branch of this paper that is there but not in the record: made elsewhere, or by a process that was killed."""
    branch = PREFIX + slug
    known = any(row.branch == branch and repo.contains(branch, row.commit) for row in record.decisions.branches(paper.id))
    said = repo.ask("log", "-1", f"--grep=^{TRAILER}: {paper.id}$", "--format=%H %P", branch, "--").split()
    if known or len(said) < 2 or not (folder := _made_in(repo, said[0], slug)):  # noqa: PLR2004 - a commit and its parent
        whose = "of this paper " if known else ""
        hint = f"git switch {branch} goes there; --name makes another one."
        raise GitError(f"there is a branch {branch} {whose}already", hint=hint)
    kept = _row(repo, paper, found, slug, folder, said[1], said[0])
    record.decisions.add_branch(kept)
    place = repo.checked_out(branch)
    return Branch(kept, paper, found, place.top if place else None, ("it was there already; now the record knows it",))


def _made_in(repo: Repository, commit: str, slug: str) -> str | None:
    """Return the experiment's folder that a commit added."""
    added = repo.ask("diff-tree", "-r", "-z", "--no-commit-id", "--name-only", commit).split("\0")
    return next((path.rpartition("/")[0] for path in added if path.endswith(f"{FOLDER}/{slug}/{README}")), None)


def _checked_out(
    repo: Repository, branch: str, slug: str, *, checkout: bool, worktree: Path | None
) -> tuple[Path | None, tuple[str, ...]]:
    """Check the branch out as far as that touches nothing; return where, and what is worth telling."""
    changed = repo.changed()
    if worktree is None and not changed and not checkout:
        return None, ()
    try:
        if worktree is None and not changed:
            repo.ask("switch", "--quiet", branch)
            return repo.top, ()
        place = worktree.expanduser().resolve() if worktree else _beside(repo, slug)
        repo.ask("worktree", "add", "--quiet", "--", str(place), branch)
    except GitError as error:
        return None, (f"the branch is made, but could not be checked out: {error.message}",)
    why = ("files in your working tree have changes, so it was left as it is",) if changed and worktree is None else ()
    return place, (*why, f"the branch is checked out in {place}; `git worktree remove` removes that")


def _beside(repo: Repository, slug: str) -> Path:
    """Return a folder beside the repository that does not exist."""
    names = (f"{repo.top.name}-{slug}{more}" for more in chain([""], (f"-{n}" for n in count(2))))
    return next(place for name in names if not (place := repo.top.parent / name).exists())
