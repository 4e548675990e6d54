"""What became of papers, as a page is told it: where each one stands on its way to a decision, and all that was said of one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from workbench.panels.paper_facts import Facts, quote_facts
from workbench.papers.assessing.assessment import Assessment, Claim, assessment_of, assessments_of
from workbench.papers.history import history
from workbench.papers.summaries.summarize import Summary, summaries_of
from workbench.records import Record
from workbench.records.papers import PaperRow


class Standings:
    """Where papers stand.

    Args:
        record: that tells.
    """

    def __init__(self, record: Record) -> None:
        self._record = record
        self._concerns: dict[str, int] = {}
        """Of papers that were counted: a paper's text does not change."""

    def of(self, rows: Sequence[PaperRow]) -> dict[str, Facts]:
        """Return for each paper its summaries, newest verdict and branch, last decision, and what to beware of."""
        self._count(rows)
        one = rows[0].id if len(rows) == 1 else None
        verdicts = self._verdicts({row.id: row for row in rows}, one)
        decided = {row.paper_id: row.kind for row in self._record.decisions.all(one)}
        return {
            row.id: {
                "summaries": sorted({summary.level for summary in self._record.paper_summaries.all(row.id)}),
                "verdict": verdicts.get(row.id),
                "branch": next((branch.branch for branch in reversed(self._record.decisions.branches(row.id))), None),
                "decision": decided.get(row.id),
                "concerns": self._concerns[row.id],
                "retracted": _retracted(row),
            }
            for row in rows
        }

    def _verdicts(self, papers: Mapping[str, PaperRow], one: str | None) -> dict[str, Facts]:
        """Return the newest verdict on each of the papers that has one."""
        oldest_first = reversed(self._record.assessments.all(one))
        newest = {row.paper_id: row for row in oldest_first if row.paper_id in papers}
        return {paper: _verdict(assessment_of(row, papers[paper])) for paper, row in newest.items()}

    def _count(self, rows: Sequence[PaperRow]) -> None:
        unknown = [row.id for row in rows if row.id not in self._concerns]
        if unknown:
            self._concerns |= dict.fromkeys(unknown, 0) | self._record.papers.concerns(unknown)


def standing(facts: Facts) -> str:
    """Return how far a paper has come, in words.

    >>> standing({"decision": None, "branch": None, "verdict": None, "summaries": ["sentence"]})
    'summarised'
    """
    if facts["decision"]:
        return f"decided: {facts['decision'].replace('_', ' ')}"
    if facts["branch"]:
        return "branched"
    if facts["verdict"]:
        return "assessed"
    return "summarised" if facts["summaries"] else "new"


def story_facts(record: Record, row: PaperRow) -> Facts:
    """Return all that was said of a paper, and what happened to it."""
    return {
        "summaries": [_summary(summary) for summary in summaries_of(record, row.id)],
        "assessments": [_assessment(assessment) for assessment in assessments_of(record, row.id)],
        "history": [asdict(happening) for happening in history(record, row.id)],
    }


def _retracted(row: PaperRow) -> bool:
    return any(isinstance(said, dict) and bool(said.get("retracted")) for said in row.known.values())


def _summary(summary: Summary) -> Facts:
    return {
        "level": summary.level,
        "text": summary.text,
        "words": summary.words,
        "cut": summary.cut,
        "model": summary.served,
        "cost": summary.cost,
        "created_at": summary.created_at,
    }


def _assessment(assessment: Assessment) -> Facts:
    return {
        **_verdict(assessment),
        "question": assessment.question,
        "context": assessment.context,
        "prerequisites": list(assessment.prerequisites),
        "risks": list(assessment.risks),
        "benefits": list(assessment.benefits),
        "reasoning": assessment.reasoning,
        "dissent": assessment.dissent,
        "claims": [_claim(claim) for claim in assessment.claims],
        "estimates": [asdict(estimate) for estimate in assessment.estimates],
        "model": assessment.model,
        "dialogue": assessment.dialogue,
        "cost": assessment.cost,
    }


def _verdict(assessment: Assessment) -> Facts:
    return {
        "id": assessment.id,
        "created_at": assessment.created_at,
        "implementable": assessment.implementable,
        "difficulty": assessment.difficulty,
        "weeks": asdict(assessment.weeks),
        "confidence": assessment.confidence,
    }


def _claim(claim: Claim) -> dict[str, Any]:
    return {"text": claim.text, "by": claim.by, "model": claim.model, "turn": claim.turn, "quote": quote_facts(claim.quote)}
