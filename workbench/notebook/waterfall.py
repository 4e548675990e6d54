"""The waterfall of a dialogue: where its time went, as a sentence, a figure, and a table for those who read instead of look."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from workbench.dialogue.export.facts import money
from workbench.notebook.figured import Figured
from workbench.notebook.tables import Column, Table
from workbench.observe.spans import trace_of
from workbench.observe.waterfall import Row, Waterfall
from workbench.observe.waterfall import waterfall_of as measured

if TYPE_CHECKING:
    from workbench.dialogue import Dialogue
    from workbench.records import Record

_TEN: Final = 10


def _seconds(value: float) -> str:
    return f"{value:.2f} s" if value < _TEN else f"{value:.0f} s"


def _some(value: float) -> str:
    return _seconds(value) if value >= 0.005 else ""  # noqa: PLR2004 - what is not nothing in two digits


_COLUMNS: Final = (
    Column("turn"),
    Column("model"),
    Column("began", "at", "float64", _seconds),
    Column("took", type="float64", show=_seconds),
    Column("queue", type="float64", show=_some),
    Column("first_token", "first token", "float64", _some),
    Column("answer", "answer", "float64", _some),
    Column("failed", "failed", "float64", _some),
    Column("pause", "pauses", "float64", _some),
    Column("person", "person", "float64", _some),
    Column("tokens", type="Int64", show="{:,}".format),
    Column("cost", type="float64", show=money),
    Column("critical", "critical", "float64", _some),
    Column("status", show=lambda status: "" if status == "completed" else status.replace("_", " ")),
)
_NOTES: Final = (
    "Queue, first token, answer, failed calls, pauses before the next try, and waits for a person, of each turn.",
    "Critical: on the path that made the dialogue as long as it was. What ran beside it did not make it longer.",
)


class WaterfallPage(Figured):
    """Where a dialogue's time went.

    Args:
        waterfall: of the dialogue.

    Attributes:
        sentence: it in words.
        frame: the table as a DataFrame, times in seconds.
    """

    def __init__(self, waterfall: Waterfall) -> None:
        self.waterfall, self.sentence = waterfall, waterfall.sentence
        head = Table(_COLUMNS, [], caption=waterfall.sentence)
        table = Table(_COLUMNS, [_row(row) for row in waterfall.rows], notes=_NOTES)
        super().__init__([head, table], None)
        if waterfall.rows:
            from workbench.observe.waterfall_figure import waterfall_figure

            self.figure = waterfall_figure(waterfall)
        self.frame = table.frame


def waterfall(record: Record, dialogue: str) -> WaterfallPage:
    """Return the waterfall of a dialogue; takes what `Record.find` takes.

    Raises:
        RecordError: there is none.
    """
    record.flush()
    return WaterfallPage(measured(trace_of(record, record.find(dialogue))))


def waterfall_of(dialogue: Dialogue) -> WaterfallPage:
    """Return the waterfall of a dialogue that is at hand; it is found as `d.waterfall()`."""
    return waterfall(dialogue._at_home().record, dialogue.id)  # noqa: SLF001 - this is the other half of a method of it


def _row(row: Row) -> dict[str, object]:
    return {
        "turn": "· " * row.depth + " ".join(row.title.split())[:80],
        "model": ", ".join(row.models) or None,
        "began": row.begin,
        "took": row.end - row.begin,
        "queue": row.took("queue"),
        "first_token": row.took("first token"),
        "answer": row.took("answer"),
        "failed": row.took("failed"),
        "pause": row.took("pause"),
        "person": row.took("person"),
        "tokens": row.tokens,
        "cost": row.cost,
        "critical": row.critical,
        "status": row.status,
    }
