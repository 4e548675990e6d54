"""What happened to a paper, from the shelf to a decision, in the order of time."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from workbench.errors import RecordError
from workbench.papers.asking import MODE
from workbench.papers.assessing.assessment import assessments_of
from workbench.records.papers import PaperRow

if TYPE_CHECKING:
    from workbench.records import Record
    from workbench.records.experiments import RunRow

What = Literal["added", "asked", "summarised", "assessed", "branched", "run", "outcome", "decided"]


@dataclass(frozen=True, slots=True)
class Happening:
    """Something that happened to a paper.

    Attributes:
        at: Unix seconds.
        text: in a sentence.
        who: people or models, as they are known; empty where nobody is.
        cost: USD; None where there is none, or it is unknown.
        link: what to look at: a file, the id of a dialogue, of an assessment, of a run or of a decision, or a branch.
    """

    at: float
    what: What
    text: str
    who: str = ""
    cost: float | None = None
    link: str = ""


def history(record: Record, paper: str) -> list[Happening]:
    """Return everything that happened to a paper, oldest first.

    Args:
        record: where it happened.
        paper: as `record.papers.find` takes it.

    Raises:
        RecordError: there is no such paper.
    """
    row = record.papers.find(paper)
    parts = (_added(row), _asked(record, row), _summarised(record, row), _assessed(record, row), _decided(record, row))
    found = [happening for part in parts for happening in part]
    return sorted(found, key=lambda happening: happening.at)


def _added(paper: PaperRow) -> Iterator[Happening]:
    yield Happening(paper.added_at, "added", f"from {paper.source}", link=paper.file)


def _asked(record: Record, paper: PaperRow) -> Iterator[Happening]:
    for mention in record.mentions(MODE["name"], f"\n\nThe paper is {paper.title!r}. "):
        question = mention.topic.partition("\n\nThe paper is ")[0]
        text = question if mention.status == "completed" else f"{question} ({mention.status.replace('_', ' ')})"
        yield Happening(mention.at, "asked", text, ", ".join(mention.models), mention.cost, mention.dialogue)


def _summarised(record: Record, paper: PaperRow) -> Iterator[Happening]:
    from workbench.papers.summaries.summarize import summaries_of

    for summary in summaries_of(record, paper.id):
        text = f"{summary.level}, {summary.words} words"
        link = summary.dialogues[-1] if summary.dialogues else ""
        yield Happening(summary.created_at, "summarised", text, summary.model, summary.cost, link)


def _assessed(record: Record, paper: PaperRow) -> Iterator[Happening]:
    for found in assessments_of(record, paper.id):
        verdict = "implementable" if found.implementable else "not implementable"
        text = f"{verdict}, difficulty {found.difficulty}, {found.weeks} weeks, works with {found.confidence:.0%}"
        yield Happening(found.created_at, "assessed", text, found.model, found.cost, found.id)
        for outcome in record.assessments.outcomes(found.id):
            weeks = "" if outcome.weeks is None else f" in {outcome.weeks:g} weeks"
            note = f": {outcome.note}" if outcome.note else ""
            yield Happening(
                outcome.entered_at, "outcome", f"{'worked' if outcome.worked else 'did not work'}{weeks}{note}", link=found.id
            )


def _decided(record: Record, paper: PaperRow) -> Iterator[Happening]:
    """Yield branches, runs of their experiments and of those that decisions name, and decisions."""
    names = set()
    for branch in record.decisions.branches(paper.id):
        names.add(branch.slug)
        forced = ", by force" if branch.forced else ""
        yield Happening(
            branch.made_at, "branched", f"{branch.branch} in {branch.repository}{forced}", branch.by, link=branch.branch
        )
    for decision in record.decisions.all(paper.id):
        if decision.experiment_id:
            names |= _name(record, decision.experiment_id)
        text = f"{decision.kind.replace('_', ' ')}: {decision.because}"
        yield Happening(decision.decided_at, "decided", text, decision.by, link=decision.id)
    for name in sorted(names):
        for run in record.experiments.runs_of(name):
            yield _run(record, name, run)


def _name(record: Record, experiment: str) -> set[str]:
    try:
        return {record.experiments.find(experiment).name}
    except RecordError:  # decided on another machine, and not brought along
        return set()


def _run(record: Record, name: str, run: RunRow) -> Happening:
    tally = record.experiments.tally(run.id)
    failed = f", {tally.failed} failed" if tally.failed else ""
    status = "interrupted" if run.interrupted else run.status.replace("_", " ")
    text = f"{name}: {status}, {tally.ok} of {run.total} observations{failed}"
    return Happening(run.created_at, "run", text, cost=tally.cost, link=run.id)
