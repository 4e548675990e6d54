"""What is told of positions at the end of a transcript: who changed their mind, and how far all agreed, round by round."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from workbench.dialogue.export.facts import visible
from workbench.dialogue.export.positions import PositionsReport, positions_report
from workbench.dialogue.transcript import Transcript

COLUMNS: Final = ("round", "speakers", "most hold", "share", "pairs that agree", "alpha", "kappa")


@dataclass(frozen=True, slots=True)
class PositionsSection:
    """The section; without positions it is empty, and false.

    Attributes:
        sentences: plain text.
        rows: one a round, as text under COLUMNS; none where there is only one round.
    """

    sentences: list[str]
    rows: list[list[str]]

    def __bool__(self) -> bool:
        return bool(self.sentences)


def positions_section(transcript: Transcript) -> PositionsSection:
    """Return what there is to tell of a dialogue."""
    report: PositionsReport = positions_report(transcript)
    rows = [_row(row) for row in report.rounds]
    return PositionsSection(report.sentences, rows if len(rows) > 1 else [])


def _row(row: dict[str, Any]) -> list[str]:
    leading = " ".join(visible(row["leading"] or "").split())
    numbers = [row["pairs"], row["alpha"], row["kappa"]]
    return [
        "" if row["round"] is None else str(row["round"]),
        str(row["speakers"]),
        leading if len(leading) <= 80 else leading[:79] + "…",  # noqa: PLR2004 - characters of a line
        f"{row['share']:.2f}",
        *("" if number is None else f"{number:.2f}" for number in numbers),
    ]
