"""Summaries of papers in the record: one of each paper, model and length. How they are made is above."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import Any

from sqlalchemy import Row, delete, insert, select

from workbench.records.rows import Rows
from workbench.records.schema import paper_summaries
from workbench.records.search.queueing import queue
from workbench.records.texts import storable_text


@dataclass(frozen=True, slots=True)
class SummaryRow:
    """A summary, as it is kept.

    Attributes:
        paper_id: full id of the paper, which is the beginning of its file's SHA-256.
        model: the card that was asked.
        level: how long it is: `sentence`, `paragraph`, `detailed` or `technical`.
        words: that it has.
        cut: whether its end was cut off, because the model would not be brief.
        served: the card that wrote it: another one than `model` after a fallback.
        cost: USD; None is unknown.
        created_at: Unix seconds.
        dialogues: ids of the dialogues that it comes from.
    """

    paper_id: str
    model: str
    level: str
    text: str
    words: int
    cut: bool
    served: str
    cost: float | None
    created_at: float
    dialogues: tuple[str, ...]


class SummaryRows(Rows):
    """Summaries of papers; `Rows` has the arguments."""

    def put(self, row: SummaryRow) -> None:
        """Keep a summary in place of an earlier one of the same paper, model and level.

        Raises:
            RecordError: the database does not take it.
        """
        values: dict[str, Any] = asdict(row) | {
            "text": storable_text(row.text),
            "cut": int(row.cut),
            "dialogues": json.dumps(row.dialogues),
        }
        c = paper_summaries.c
        same = (c.paper_id == row.paper_id) & (c.model == row.model) & (c.level == row.level)
        with self._writing() as connection:
            connection.execute(delete(paper_summaries).where(same))
            connection.execute(insert(paper_summaries).values(values))
            queue(connection, "summary", row.paper_id, f"{row.model}/{row.level}")

    def all(self, paper: str) -> list[SummaryRow]:
        """Return the summaries of a paper (its full id), the newest first."""
        c = paper_summaries.c
        query = select(paper_summaries).where(c.paper_id == paper).order_by(c.created_at.desc(), c.model, c.level)
        return [_row(row) for row in self._read(query)]


def _row(row: Row[Any]) -> SummaryRow:
    values = dict(row._mapping)  # noqa: SLF001 - SQLAlchemy's public name for it
    return SummaryRow(**{**values, "cut": bool(values["cut"]), "dialogues": tuple(json.loads(values["dialogues"]))})
