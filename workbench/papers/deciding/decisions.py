"""Decisions about papers: what was decided, why, and on which evidence.

A decision is kept in the record and, where the paper has a branch, as a section of `DECISION.md` in it. Deciding again adds a
decision; none is changed. A decision to merge prepares the text of a pull request; nothing is merged or pushed.
"""

from __future__ import annotations

import getpass
import secrets
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING

from workbench.dialogue.export.facts import visible
from workbench.errors import WorkbenchError, redact
from workbench.papers.assessing.assessment import Assessment, assessments_of, find_assessment
from workbench.papers.deciding.decision_texts import DECISION, PULL_REQUEST, Evidence, decision_file, pull_request
from workbench.papers.deciding.git import GitError, Repository
from workbench.records.decisions import BranchRow, DecisionRow
from workbench.records.papers import PaperRow

if TYPE_CHECKING:
    from workbench.records import Record


class Kind(StrEnum):
    """What can be decided."""

    MERGE = "merge"
    REJECT = "reject"
    ARCHIVE = "archive"
    NEEDS_MORE_RESEARCH = "needs_more_research"


@dataclass(frozen=True, slots=True)
class Decision:
    """A decision about a paper.

    Attributes:
        id: in the record.
        because: the reasons given.
        assessment: id of the assessment that it rests on; None without.
        experiment: id of the experiment that it rests on; None without.
        branch: whose files tell of it; None where only the record does.
        decided_at: Unix seconds.
        by: who decided.
        place: working tree in which the files appeared; None where the branch is checked out nowhere.
        pull_request: text of one, in Markdown; empty unless it is to be merged.
        notes: what is worth telling.
    """

    id: str
    paper: PaperRow
    kind: Kind
    because: str
    assessment: str | None
    experiment: str | None
    branch: str | None
    decided_at: float
    by: str
    place: Path | None = None
    pull_request: str = ""
    notes: tuple[str, ...] = ()


def decide(
    record: Record,
    workspace: Path,
    paper: str,
    kind: str,
    because: str,
    *,
    assessment: str | None = None,
    experiment: str | None = None,
    results: Callable[[str], str] | None = None,
    repository: Path | None = None,
    verify: bool = True,
) -> Decision:
    """Decide about a paper.

    The files are committed to the newest branch of the paper. Where it is checked out, they appear there too, and nothing else
    changes.

    Args:
        record: that has the paper, and keeps the decision.
        workspace: whose repository is looked at where the branch is not found in the one that it was made in.
        paper: as `record.papers.find` takes it.
        kind: `merge`, `reject`, `archive` or `needs_more_research`.
        because: the reasons.
        assessment: id, beginning of one, or `last`, of this paper; by default that of the branch, else the newest.
        experiment: name or id, as `record.experiments.find` takes it; by default the one that the branch began, if it was run.
        results: says what an experiment (its id) showed; by default how far it was run is told.
        repository: a folder in the git repository that has the branch.
        verify: run the hooks `pre-commit` and `commit-msg`.

    Raises:
        RecordError: there is no such paper, assessment or experiment, or the decision cannot be kept.
        GitError: the files cannot be committed. Nothing was decided.
        WorkbenchError: the kind is none, or no reason is given.
    """
    row = record.papers.find(paper)
    chosen = _kind(kind)
    if not because.strip():
        raise WorkbenchError("a decision needs a reason", hint=f'{chosen} --because "..."')
    found, notes = _branch_of(record, row, workspace, repository)
    branch = found[1] if found else None
    evidence = _evidence(record, row, branch, assessment, experiment, results)
    kept = DecisionRow(
        id=secrets.token_hex(6),
        paper_id=row.id,
        kind=chosen.value,
        because=redact(because.strip()),
        decided_at=time.time(),
        by=found[0].user() if found else _user(),
        assessment_id=evidence.assessment.id if evidence.assessment else None,
        experiment_id=evidence.experiment,
        results=evidence.results,
        branch_id=branch.id if branch else None,
    )
    text = pull_request(row, kept, evidence, branch, _changes(*found) if found else "") if chosen is Kind.MERGE else ""
    place = None
    if found:
        place = _in_the_branch(record, row, kept, evidence, *found, text, verify=verify)
    else:
        record.decisions.add(kept)
    return Decision(
        id=kept.id,
        paper=row,
        kind=chosen,
        because=kept.because,
        assessment=kept.assessment_id,
        experiment=kept.experiment_id,
        branch=branch.branch if branch else None,
        decided_at=kept.decided_at,
        by=kept.by,
        place=place,
        pull_request=text,
        notes=notes,
    )


def decisions_of(record: Record, paper: str | None = None) -> list[Decision]:
    """Return the decisions, oldest first; all, or those about one paper (as `record.papers.find` takes it)."""
    papers = {row.id: row for row in ([record.papers.find(paper)] if paper else record.papers.all())}
    branches = {branch.id: branch.branch for name in papers for branch in record.decisions.branches(name)}
    return [
        Decision(
            id=row.id,
            paper=papers[row.paper_id],
            kind=Kind(row.kind),
            because=row.because,
            assessment=row.assessment_id,
            experiment=row.experiment_id,
            branch=branches.get(row.branch_id or ""),
            decided_at=row.decided_at,
            by=row.by,
        )
        for row in record.decisions.all(next(iter(papers)) if paper else None)
    ]


def _kind(name: str) -> Kind:
    try:
        return Kind(name.strip().lower().replace("-", "_"))
    except ValueError:
        raise WorkbenchError(f"{name!r} cannot be decided", hint=f"Decide {', '.join(Kind)}.") from None


def _branch_of(
    record: Record, paper: PaperRow, workspace: Path, given: Path | None
) -> tuple[tuple[Repository, BranchRow] | None, tuple[str, ...]]:
    """Return the newest branch of a paper that git has, with its repository; else why there is none."""
    rows = record.decisions.branches(paper.id)
    if not rows:
        return None, ("the paper has no branch, so only the record has the decision",)
    for row in reversed(rows):
        for place in [given] if given else [Path(row.repository), workspace]:
            try:
                repo = Repository.holding(place)
            except GitError:
                if given:
                    raise
                continue
            if repo.contains(row.branch, row.commit):
                return (repo, row), ()
    gone = f"{rows[-1].branch} is not in {given or rows[-1].repository} any more"
    return None, (f"{gone}, so only the record has the decision; --repo names another repository",)


def _evidence(
    record: Record,
    paper: PaperRow,
    branch: BranchRow | None,
    assessment: str | None,
    experiment: str | None,
    results: Callable[[str], str] | None,
) -> Evidence:
    """Return what a decision rests on: what is named, else what the branch was made on and what was run for it."""
    by_default = assessments_of(record, paper.id)
    if assessment or (branch and branch.assessment_id):
        found: Assessment | None = find_assessment(record, assessment or str(branch and branch.assessment_id), paper.id)
    else:
        found = by_default[0] if by_default else None
    if experiment is None and branch is not None and record.experiments.runs_of(branch.slug):
        experiment = branch.slug
    if experiment is None:
        return Evidence(found)
    row = record.experiments.find(experiment)
    return Evidence(found, row.id, results(row.id) if results else _told(record, row.name))


def _told(record: Record, experiment: str) -> str:
    """Return how far the newest run of an experiment is."""
    runs = record.experiments.runs_of(experiment)
    if not runs:
        return ""
    tally = record.experiments.tally(runs[0].id)
    failed = f", {tally.failed} failed" if tally.failed else ""
    return f"run {runs[0].id} {runs[0].status}, {tally.ok} of {runs[0].total} observations{failed}"


def _in_the_branch(
    record: Record,
    paper: PaperRow,
    decision: DecisionRow,
    evidence: Evidence,
    repo: Repository,
    branch: BranchRow,
    request: str,
    *,
    verify: bool,
) -> Path | None:
    """Commit the files, keep the decision, and return the working tree in which the files appeared; all or nothing."""
    names = [DECISION, *([PULL_REQUEST] if request else [])]
    paths = [f"{branch.folder}/{name}" for name in names]
    tip = str(repo.tip(branch.branch))
    text = decision_file(paper, repo.text(tip, paths[0]), [*record.decisions.all(paper.id), decision], evidence)
    subject = f"Decide on {branch.slug}: {decision.kind.replace('_', ' ')}"
    message = f"{subject}\n\n{visible(decision.because)}\n\nWorkbench-Decision: {decision.id}\n"
    files = dict(zip(names, (text, request), strict=False))
    commit = repo.commit(tip, files, message, under=branch.folder, verify=verify)
    there = repo.checked_out(branch.branch)
    if there and (there.changed(*paths) or any(map(there.untracked, paths))):
        raise GitError(f"{there.top / paths[0]} has changes that are not committed", hint="Commit them, or undo them.")
    with _shown(there, paths, commit, tip):
        repo.point(branch.branch, commit, tip)
        try:
            record.decisions.add(decision)
        except BaseException:
            repo.point(branch.branch, tip, commit)
            raise
    return there.top if there else None


@contextmanager
def _shown(place: Repository | None, paths: list[str], commit: str, before: str) -> Iterator[None]:
    """Put files of a commit into a working tree and its index, and take them back where the block fails."""
    if place is None:
        yield
        return
    place.take(commit, paths)
    try:
        yield
    except BaseException:
        place.take(before, paths)
        raise


def _changes(repo: Repository, branch: BranchRow) -> str:
    return visible(repo.ask("diff", "--stat=100", f"{branch.base}..refs/heads/{branch.branch}", "--"))


def _user() -> str:
    try:
        return getpass.getuser()
    except (OSError, KeyError, ImportError):
        return "unknown"
