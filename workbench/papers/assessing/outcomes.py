"""What came of assessments: entered by people once they know, and never overwritten."""

from __future__ import annotations

import math
import time
from typing import TYPE_CHECKING

from workbench.errors import WorkbenchError
from workbench.papers.assessing.assessment import Assessment, find_assessment
from workbench.records.assessments import OutcomeRow

if TYPE_CHECKING:
    from workbench.records import Record

_MOST_WEEKS = 5_000
_LONGEST_NOTE = 10_000


def enter_outcome(record: Record, name: str, *, worked: bool, weeks: float | None = None, note: str = "") -> OutcomeRow:
    """Keep what came of an assessment; a later word counts instead of an earlier one, which stays in the record.

    Args:
        record: where the assessment is kept.
        name: as `find_assessment` takes it.
        worked: whether it did what was hoped for.
        weeks: really spent; None where nobody counted.
        note: in your words.

    Raises:
        RecordError: there is no such assessment.
        WorkbenchError: the weeks are no number of weeks, or the note is too long.
    """
    assessment = find_assessment(record, name)
    if weeks is not None and not (math.isfinite(weeks) and 0 < weeks <= _MOST_WEEKS):
        raise WorkbenchError(
            f"{weeks:g} weeks: a number above 0 and up to {_MOST_WEEKS:,} is needed", hint="A day is 0.2 weeks of work."
        )
    if len(note) > _LONGEST_NOTE:
        raise WorkbenchError(f"the note has {len(note):,} characters, of {_LONGEST_NOTE:,} at most", hint="Shorten it.")
    row = OutcomeRow(assessment.id, time.time(), worked, weeks, note.strip())
    record.assessments.add_outcome(row)
    return row


def outcome_of(record: Record, assessment: Assessment) -> OutcomeRow | None:
    """Return the last word on an assessment; None while there is none."""
    entered = record.assessments.outcomes(assessment.id)
    return entered[-1] if entered else None
