"""`%paper assessments`, `%paper outcome` and `%paper calibration`: what was estimated, and what came of it."""

from __future__ import annotations

import math
from argparse import Namespace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from workbench.notebook.paper.assess import AssessmentPage, page_of
from workbench.notebook.paper.command import Command, Parser, add_output
from workbench.notebook.paper.desk import Desk

if TYPE_CHECKING:
    import plotly.graph_objects as go

    from workbench.notebook.tables import Table
    from workbench.papers.assessing.calibration import Calibration, Forecast


class CalibrationPage:
    """How well models estimate, on display: a table and its figure. `frame` is what to go on with.

    Args:
        rows: one for each forecaster.
        found: the forecasts.
    """

    def __init__(self, rows: list[Calibration], found: list[Forecast]) -> None:
        self.rows, self.found = rows, found

    @property
    def frame(self) -> Any:
        """One row for each forecaster, with the columns of the table."""
        return self._table.frame

    @property
    def figure(self) -> go.Figure:
        """How often it worked beside how probable that was said to be, and how often the weeks were right."""
        from workbench.papers.assessing.calibration import plot_calibration

        return plot_calibration(self.found)

    @property
    def _table(self) -> Table:
        return _calibration_table(self.rows)

    def __repr__(self) -> str:
        return self._table.text

    def _ipython_display_(self) -> None:
        from IPython.display import display

        display(self._table)
        if self.found:
            display(self.figure)


def _outcome_arguments(parser: Parser) -> None:
    parser.add_argument("assessment", metavar="ASSESSMENT", help="its id, the beginning of it, or last")
    parser.add_argument("--worked", required=True, choices=("yes", "no"), help="whether it did what was hoped for")
    parser.add_argument("--weeks", type=float, metavar="N", help="weeks of work really spent")
    parser.add_argument("--note", default="", metavar="TEXT", help="what is worth knowing")
    add_output(parser, "the assessment")


def _outcome(desk: Desk, wanted: Namespace) -> AssessmentPage:
    from workbench.papers.assessing.assessment import find_assessment
    from workbench.papers.assessing.outcomes import enter_outcome

    record = desk.orchestrator.record
    entered = enter_outcome(record, wanted.assessment, worked=wanted.worked == "yes", weeks=wanted.weeks, note=wanted.note)
    made = find_assessment(record, entered.assessment_id)
    desk.bind(wanted.output, made)
    return page_of(desk, made)


def _list_arguments(parser: Parser) -> None:
    parser.add_argument("paper", nargs="?", metavar="ID", help="only those of this paper")


def _list(desk: Desk, wanted: Namespace) -> Table:
    from workbench.notebook.tables import Column, Table
    from workbench.papers.assessing.assessment import assessments_of
    from workbench.papers.assessing.report import told_outcome

    record = desk.orchestrator.record
    paper = desk.shelf.find(wanted.paper).id if wanted.paper else None
    last = {outcome.assessment_id: told_outcome(outcome) for outcome in record.assessments.outcomes()}
    rows = [
        {
            "assessment": made.id,
            "paper": made.paper.id,
            "title": made.paper.title,
            "implementable": "yes" if made.implementable else "no",
            "difficulty": made.difficulty,
            "weeks": made.weeks.likely,
            "confidence": made.confidence,
            "verified": f"{len(made.verified)} of {len(made.claims)}",
            "outcome": last.get(made.id),
            "made": datetime.fromtimestamp(made.created_at, UTC).strftime("%Y-%m-%d"),
        }
        for made in assessments_of(record, paper)
    ]
    columns = [Column("assessment"), Column("paper"), Column("title"), Column("implementable"),
               Column("difficulty", type="Int64"), Column("weeks", type="float64", show="{:g}".format),
               Column("confidence", type="float64", show="{:.0%}".format), Column("verified"), Column("outcome"),
               Column("made")]  # fmt: skip
    return Table(columns, rows, notes=[] if rows else ["No assessments. %paper assess ID makes one."])


def _calibration(desk: Desk, _wanted: Namespace) -> CalibrationPage:
    from workbench.papers.assessing.calibration import calibrate, forecasts

    found = forecasts(desk.orchestrator.record)
    return CalibrationPage(calibrate(found), found)


def _calibration_table(rows: list[Calibration]) -> Table:
    from workbench.notebook.tables import Column, Table

    shown = [
        {
            "who": row.who,
            "outcomes": row.n,
            "brier": row.brier,
            "reference": row.reference,
            "timed": row.timed,
            "coverage": row.coverage,
            "coverage_low": row.coverage_low if row.timed else None,
            "coverage_high": row.coverage_high if row.timed else None,
            "log_ratio": row.log_ratio,
            "factor": None if row.log_ratio is None else math.exp(row.log_ratio),
            "verdict": row.verdict,
        }
        for row in rows
    ]
    share, score = "{:.0%}".format, "{:.3f}".format
    columns = [Column("who"), Column("outcomes", type="Int64"), Column("brier", "Brier score", "float64", score),
               Column("reference", "base rate's", "float64", score), Column("timed", type="Int64"),
               Column("coverage", "weeks within", "float64", share), Column("coverage_low", "from", "float64", share),
               Column("coverage_high", "to", "float64", share), Column("log_ratio", "", "float64", score),
               Column("factor", "spent / likely", "float64", "{:.2f}".format), Column("verdict")]  # fmt: skip
    notes = [
        "Brier score: 0 is perfect, and who scores no better than the base rate knows nothing of the single paper.",
        "Of the intervals of weeks 80 % should hold the weeks spent.",
    ]
    return Table(
        columns, shown, notes=notes if rows else ["No outcomes yet. %paper outcome ASSESSMENT --worked yes enters one."]
    )


COMMAND = Command(
    name="outcome",
    help="Say what came of an assessment, once you know.",
    run=_outcome,
    arguments=_outcome_arguments,
    examples=('%paper outcome last --worked yes --weeks 5 --note "The data took longer than the code."',),
    long=True,
)
ASSESSMENTS = Command(name="assessments", help="List assessments.", run=_list, arguments=_list_arguments)
CALIBRATION = Command(
    name="calibration",
    help="Show how well each model's estimates were, from the outcomes entered.",
    run=_calibration,
    arguments=lambda _parser: None,
    examples=("c = %paper calibration",),
)
