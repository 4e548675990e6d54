"""What a decision looks like in files: a section of `DECISION.md`, and the text of a pull request."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from workbench.papers.assessing.assessment import Assessment
from workbench.papers.deciding.plain import plain, quoted
from workbench.records.decisions import BranchRow, DecisionRow
from workbench.records.papers import PaperRow

DECISION: Final = "DECISION.md"
PULL_REQUEST: Final = "PULL_REQUEST.md"
_TO_LOOK_AT: Final = """\
## To look at

- [ ] The technique is in the code that is used, not only in the experiment
- [ ] Tests cover it
- [ ] What it costs in use is acceptable"""


@dataclass(frozen=True, slots=True)
class Evidence:
    """What a decision rests on.

    Attributes:
        experiment: its id; None without.
        results: what it showed; empty where it was not run.
    """

    assessment: Assessment | None = None
    experiment: str | None = None
    results: str = ""


def decision_file(paper: PaperRow, before: str | None, decisions: Iterable[DecisionRow], evidence: Evidence) -> str:
    """Return `DECISION.md` with sections for the decisions that it does not have yet.

    Args:
        paper: that they are about.
        before: the file as it is; None where there is none. What it says is left as it is.
        decisions: oldest first; the last one is the one that is being made.
        evidence: of the last one.
    """
    text = before if before is not None else f"# Decisions on {plain(paper.title) or paper.id}\n"
    known = {evidence.assessment.id: evidence.assessment} if evidence.assessment else {}
    for row in decisions:
        if f"`{row.id}`" not in text:
            text = f"{text.rstrip()}\n\n{_section(row, known.get(row.assessment_id or ''))}"
    return text


def pull_request(paper: PaperRow, decision: DecisionRow, evidence: Evidence, branch: BranchRow | None, changes: str) -> str:
    """Return the text of a pull request, its title as heading.

    Args:
        paper: that the work is about.
        decision: to merge it.
        evidence: that it rests on.
        branch: to merge; None where there is none yet.
        changes: what it changes, as `git diff --stat` says it.
    """
    authors = plain(", ".join(paper.authors[:3])) + (" and others" if len(paper.authors) > 3 else "")  # noqa: PLR2004
    where = ", ".join(filter(None, (authors, str(paper.year or ""), plain(paper.arxiv_id or paper.doi or ""))))
    diff = "\n".join(f"    {line}" for line in changes.splitlines()) or "    (none)"
    parts = [
        f"# Put to use: {plain(paper.title) or paper.id}",
        f"From the paper by {where}." if where else "",
        "## Why",
        quoted(decision.because),
        "## Evidence",
        "\n".join(_evidence(decision, evidence.assessment)),
        f"## Changes\n\nOn `{branch.branch}`, since `{branch.base[:12]}`:\n\n{diff}" if branch else "",
        _TO_LOOK_AT,
        f"Decision `{decision.id}` of {_day(decision.decided_at)}, by {plain(decision.by)}.",
    ]
    return "\n\n".join(filter(None, parts)) + "\n"


def _section(row: DecisionRow, assessment: Assessment | None) -> str:
    lines = [f"## {row.kind.replace('_', ' ').capitalize()}, {_day(row.decided_at)}", "", quoted(row.because), ""]
    return "\n".join([*lines, *_evidence(row, assessment), "", f"Decision `{row.id}`, by {plain(row.by)}.", ""])


def _evidence(row: DecisionRow, assessment: Assessment | None) -> list[str]:
    if row.assessment_id is None:
        lines = ["- Assessment: none"]
    elif assessment is None:
        lines = [f"- Assessment `{row.assessment_id}`"]
    else:
        verdict = "implementable" if assessment.implementable else "not implementable"
        effort = f"difficulty {assessment.difficulty} of 10, {assessment.weeks} weeks"
        lines = [
            f"- Assessment `{row.assessment_id}`: {verdict}, {effort}, works with a probability of {assessment.confidence:.0%}"
        ]
    if row.experiment_id is None:
        return [*lines, "- Experiment: none"]
    return [*lines, f"- Experiment `{plain(row.experiment_id)}`: {plain(row.results) or 'without results'}"]


def _day(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%d %H:%M UTC")
