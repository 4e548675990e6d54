"""An assessment of a paper: what a debate decided about putting it to use, on which claims, and what each model estimated.

`feasibility` makes assessments, the record keeps them; here is what one says.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from pydantic import TypeAdapter

from workbench.papers.passages.quotes import CheckedQuote
from workbench.records.assessments import AssessmentRow
from workbench.records.papers import PaperRow

if TYPE_CHECKING:
    from workbench.records import Record

CONSENSUS: Final = "consensus"
"""The turn that decides."""


@dataclass(frozen=True, slots=True)
class Weeks:
    """Weeks of work: the likely number, and bounds between which it lies with a probability of 80 %."""

    low: float
    likely: float
    high: float

    def __str__(self) -> str:
        return f"{self.likely:g} (80 %: {self.low:g} to {self.high:g})"


@dataclass(frozen=True, slots=True)
class Claim:
    """Something that was said of the paper.

    Attributes:
        by: who said it: `advocate`, `sceptic`, …, or `judge`.
        model: that spoke.
        turn: of the dialogue, in which it was said.
        quote: what it rests on, as it was looked up in the paper.
    """

    text: str
    by: str
    model: str
    turn: str
    quote: CheckedQuote


@dataclass(frozen=True, slots=True)
class Estimate:
    """What one speaker held in one turn.

    Attributes:
        by, model, turn: as of a claim.
        confidence: probability that it works.
    """

    by: str
    model: str
    turn: str
    implementable: bool
    weeks: Weeks
    confidence: float


@dataclass(frozen=True, slots=True)
class Assessment:
    """What was decided about a paper.

    Attributes:
        id: in the record.
        question: that was asked.
        context: what the team said of itself, in Markdown; empty without.
        implementable: whether this team can put it to use.
        difficulty: 1 (an afternoon) to 10 (research of its own).
        weeks: of work for the team.
        confidence: probability that it works.
        dissent: what was not agreed on; empty where all was.
        claims: about the paper, the judge's first.
        estimates: of every position, rebuttal and the judge, in the order of the debate.
        model: that judged.
        concerns: hidden text in the paper, and sentences that address a model.
        dialogue: id of the debate.
        cost: of it, in USD; None is unknown.
        created_at: Unix seconds.
    """

    id: str
    paper: PaperRow
    question: str
    context: str
    implementable: bool
    difficulty: int
    weeks: Weeks
    prerequisites: tuple[str, ...]
    risks: tuple[str, ...]
    benefits: tuple[str, ...]
    reasoning: str
    confidence: float
    dissent: str
    claims: tuple[Claim, ...]
    estimates: tuple[Estimate, ...]
    model: str
    concerns: tuple[str, ...]
    dialogue: str
    cost: float | None
    created_at: float

    @property
    def unverified(self) -> tuple[Claim, ...]:
        """The claims whose quotes are not in the paper word for word."""
        return tuple(claim for claim in self.claims if claim.quote.status != "verified")

    @property
    def verified(self) -> tuple[Claim, ...]:
        """The claims whose quotes are."""
        return tuple(claim for claim in self.claims if claim.quote.status == "verified")

    def report(self, path: str | Path) -> Path:
        """Write it to a file, and return its path: `.md` as Markdown, `.html` as a page that needs nothing else.

        Raises:
            ExportError: it has another ending, or cannot be written.
        """
        from workbench.papers.assessing.report import write_report

        return write_report(self, path)


_IN_COLUMNS: Final = {"id", "paper", "question", "context", "dialogue", "cost", "created_at"}


@cache
def _adapter() -> TypeAdapter[Assessment]:
    return TypeAdapter(Assessment)


def row_of(assessment: Assessment) -> AssessmentRow:
    """Return an assessment as it is kept."""
    return AssessmentRow(
        id=assessment.id,
        paper_id=assessment.paper.id,
        dialogue_id=assessment.dialogue,
        created_at=assessment.created_at,
        question=assessment.question,
        context=assessment.context,
        data=_adapter().dump_python(assessment, mode="json", exclude=_IN_COLUMNS),
        cost=assessment.cost,
    )


def assessment_of(row: AssessmentRow, paper: PaperRow) -> Assessment:
    """Return the assessment that `row_of` made a row of."""
    columns: dict[str, Any] = {
        "id": row.id,
        "paper": paper,
        "question": row.question,
        "context": row.context,
        "dialogue": row.dialogue_id,
        "cost": row.cost,
        "created_at": row.created_at,
    }
    return _adapter().validate_python(row.data | columns)


def find_assessment(record: Record, name: str, paper: str | None = None) -> Assessment:
    """Return the assessment that an id, the beginning of one, or `last` stands for.

    Args:
        record: where it is kept.
        name: as said.
        paper: that it must be of, as `record.papers.find` takes it; by default any.

    Raises:
        RecordError: there is none, or more than one.
    """
    chosen = None if paper is None else record.papers.find(paper).id
    row = record.assessments.find(name, chosen)
    return assessment_of(row, record.papers.find(row.paper_id))


def assessments_of(record: Record, paper: str | None = None) -> list[Assessment]:
    """Return the assessments, the newest first; all, or those of one paper (as `record.papers.find` takes it)."""
    chosen = None if paper is None else record.papers.find(paper).id
    papers = {row.id: row for row in record.papers.all()}
    return [assessment_of(row, papers[row.paper_id]) for row in record.assessments.all(chosen)]
