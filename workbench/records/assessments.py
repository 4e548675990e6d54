"""Assessments of papers in the record, and what came of them. What an assessment says is JSON here; its meaning is above."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Row, insert, select
from sqlalchemy.exc import IntegrityError

from workbench.errors import RecordError
from workbench.records.enqueue import Wanted, enqueue
from workbench.records.rows import Rows
from workbench.records.schema import assessments, outcomes
from workbench.records.search.queueing import queue
from workbench.records.texts import storable_text, storable_values

_NONE = "`%paper assess ID` makes one, `%paper assessments` lists them."


@dataclass(frozen=True, slots=True)
class AssessmentRow:
    """An assessment of a paper, as it is kept.

    Attributes:
        paper_id: full id of the paper.
        dialogue_id: of the debate that it comes from; there is one assessment of each.
        created_at: Unix seconds.
        question: that was asked of the paper.
        context: what the team said of itself; empty without.
        data: what was decided, with claims and estimates.
        cost: USD of the debate; None is unknown.
    """

    id: str
    paper_id: str
    dialogue_id: str
    created_at: float
    question: str
    context: str
    data: dict[str, Any]
    cost: float | None = None


@dataclass(frozen=True, slots=True)
class OutcomeRow:
    """What came of an assessment, as a person entered it.

    Attributes:
        assessment_id: its full id.
        entered_at: Unix seconds.
        worked: whether it did what was hoped for.
        weeks: really spent; None where nobody counted.
        note: in the person's words.
        id: number in the record; the last one of an assessment counts.
    """

    assessment_id: str
    entered_at: float
    worked: bool
    weeks: float | None = None
    note: str = ""
    id: int = field(default=0, compare=False)


class AssessmentRows(Rows):
    """Assessments, and what came of them; `Rows` has the arguments."""

    def add(self, row: AssessmentRow) -> AssessmentRow:
        """Keep an assessment; return the row as it is kept: where its dialogue has one already, that one.

        Raises:
            RecordError: the database does not take it.
        """
        values = storable_values(
            {
                "id": row.id,
                "paper_id": row.paper_id,
                "dialogue_id": row.dialogue_id,
                "created_at": row.created_at,
                "question": row.question,
                "context": row.context,
                "data": json.dumps(row.data, ensure_ascii=False),
                "cost": row.cost,
            }
        )
        try:
            with self._writing() as connection:
                connection.execute(insert(assessments).values(values))
                queue(connection, "assessment", row.id)
                enqueue(connection, [Wanted("assessment", row.id, row.dialogue_id)], time.time())
        except RecordError as error:
            clash = isinstance(error.__cause__, IntegrityError)
            there = self._all(assessments.c.dialogue_id == row.dialogue_id) if clash else []
            if not there:
                raise
            return there[0]
        return row

    def find(self, name: str, paper: str | None = None) -> AssessmentRow:
        """Return the assessment that an id, the beginning of one, or `last` stands for.

        Args:
            name: as said.
            paper: full id of the paper that it must be of; by default any.

        Raises:
            RecordError: none does, or more than one.
        """
        conditions = [] if paper is None else [assessments.c.paper_id == paper]
        if name != "last":
            conditions.append(assessments.c.id.startswith(name, autoescape=True))
        found = self._all(*conditions, most=6)
        exact = [row for row in found if row.id == name]
        found = exact or (found[:1] if name == "last" else found)
        of = f" of paper {paper}" if paper else ""
        if not found:
            raise RecordError(f"There is no assessment {name!r}{of}.", hint=_NONE)
        if len(found) > 1:
            raise RecordError(f"{name!r} may be {', '.join(row.id for row in found)}.", hint="Give more of the id.")
        return found[0]

    def all(self, paper: str | None = None) -> list[AssessmentRow]:
        """Return the assessments, the newest first; all, or those of one paper (its full id)."""
        return self._all(*([] if paper is None else [assessments.c.paper_id == paper]))

    def of_dialogue(self, dialogue: str) -> AssessmentRow | None:
        """Return the assessment that a dialogue (its full id) came to; None without one."""
        found = self._all(assessments.c.dialogue_id == dialogue)
        return found[0] if found else None

    def add_outcome(self, row: OutcomeRow) -> None:
        """Keep what came of an assessment. What was entered before stays, and the last one counts."""
        values = {
            "assessment_id": row.assessment_id,
            "entered_at": row.entered_at,
            "worked": int(row.worked),
            "weeks": row.weeks,
            "note": storable_text(row.note),
        }
        with self._writing() as connection:
            kept = connection.execute(insert(outcomes).values(values)).inserted_primary_key
            assert kept is not None
            queue(connection, "assessment", row.assessment_id)
            debate = select(assessments.c.dialogue_id).where(assessments.c.id == row.assessment_id)
            behind = connection.execute(debate).scalar()  # whose trace it is told of
            enqueue(connection, [Wanted("outcome", str(kept[0]), row.assessment_id, behind)], time.time())

    def outcomes(self, assessment: str | None = None) -> list[OutcomeRow]:
        """Return everything that was entered, oldest first; of all assessments, or of one (its full id)."""
        query = select(outcomes).order_by(outcomes.c.id)
        if assessment is not None:
            query = query.where(outcomes.c.assessment_id == assessment)
        return [_outcome(row) for row in self._read(query)]

    def _all(self, *conditions: Any, most: int | None = None) -> list[AssessmentRow]:
        query = select(assessments).where(*conditions).order_by(assessments.c.created_at.desc(), assessments.c.id).limit(most)
        return [_assessment(row) for row in self._read(query)]


def _assessment(row: Row[Any]) -> AssessmentRow:
    values = dict(row._mapping)  # noqa: SLF001 - SQLAlchemy's public name for it
    return AssessmentRow(**{**values, "data": json.loads(values["data"])})


def _outcome(row: Row[Any]) -> OutcomeRow:
    values = dict(row._mapping)  # noqa: SLF001 - as above
    return OutcomeRow(**{**values, "worked": bool(values["worked"])})
