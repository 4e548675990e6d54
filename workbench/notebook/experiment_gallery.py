"""`%experiment gallery`: past experiments on display, with what came of them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from workbench.dialogue.export.facts import money
from workbench.notebook.tables import Column, Table

if TYPE_CHECKING:
    from workbench.experiments.gallery import Exhibit

_COLUMNS = (
    Column("name"),
    Column("run"),
    Column("ended", title="date"),
    Column("arm"),
    Column("verdict"),
    Column("effect"),
    Column("cases", type="Int64"),
    Column("cost", type="float64", show=money),
    Column("difference", title="", type="float64"),
    Column("low", title="", type="float64"),
    Column("high", title="", type="float64"),
    Column("reason", title="why"),
)


def gallery_table(exhibits: Sequence[Exhibit]) -> Table:
    """Return what came of experiments as a table; its DataFrame holds the effect as numbers, too."""
    rows = [
        {
            "name": each.run.name,
            "run": each.run.run,
            "ended": datetime.fromtimestamp(each.run.started_at, UTC).astimezone().strftime("%Y-%m-%d %H:%M"),
            "arm": f"{each.arm} beside {each.control}" if each.arm else None,
            "verdict": each.verdict or "none",
            "effect": _effect(each),
            "cases": each.cases,
            "cost": each.run.cost or None,
            "difference": each.difference,
            "low": each.low,
            "high": each.high,
            "reason": each.reason,
        }
        for each in exhibits
    ]
    caption = "What came of experiments" if rows else "No run fits: `%experiment list` shows all there are."
    return Table(_COLUMNS, rows, caption=caption)


def _effect(exhibit: Exhibit) -> str | None:
    if exhibit.difference is None:
        return None
    return f"{exhibit.metric} {exhibit.difference:+.3g} [{exhibit.low:+.3g}, {exhibit.high:+.3g}]"
