"""Observations as one tidy table, whatever they were measured with."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

from workbench.experiments.definition import MEASURED, Definition
from workbench.records import Record
from workbench.records.experiments import ObservationRow

if TYPE_CHECKING:
    import pandas as pd

_SHARES: Final[Mapping[str, float]] = {"treatment": 1.0, "tie": 0.5, "control": 0.0}


def results(record: Record, run: str, definition: Definition) -> pd.DataFrame:
    """Return the observations of a run, one row a case, arm and repeat.

    Columns: case, arm, repeat, a column for each metric (True and False, or numbers; missing where there is no value), status
    (`ok` or `failed`), error, fallback, dialogue, latency (seconds), cost (USD), tokens, started_at (Unix seconds), output.

    Raises:
        RecordError: it cannot be read.
    """
    import pandas as pd

    rows = record.experiments.observations(run)
    frame = pd.DataFrame(
        {
            "case": [row.case_id for row in rows],
            "arm": [row.arm for row in rows],
            "repeat": [row.repeat for row in rows],
        }
    )
    scores = [json.loads(row.scores) for row in rows]
    for name, spec in definition.metrics.items():
        if spec.kind in MEASURED and name == spec.kind:
            continue
        if spec.kind in MEASURED:
            values = [getattr(row, spec.kind) for row in rows]
        elif spec.kind == "pairwise":
            values = _shares(name, rows, definition.planned().control)
        elif spec.kind == "human":
            values = _rated(record, rows)
        else:
            values = [found.get(name) for found in scores]
        frame[name] = _column(values)
    frame["status"] = [row.status for row in rows]
    frame["error"] = pd.Series([row.error for row in rows], dtype=object)
    frame["fallback"] = [bool(row.fallback) for row in rows]
    frame["dialogue"] = pd.Series([row.dialogue_id for row in rows], dtype=object)
    for name in ("latency", "cost", "tokens"):
        frame[name] = pd.Series([getattr(row, name) if row.status == "ok" else None for row in rows], dtype="float64")
    frame["started_at"] = [row.started_at for row in rows]
    frame["output"] = pd.Series([row.output for row in rows], dtype=object)
    return frame


def _column(values: Sequence[Any]) -> Any:
    """Return a column of truths where every value is one, else of numbers with NaN for what is missing."""
    import pandas as pd

    if values and all(isinstance(value, bool) for value in values):
        return pd.Series(values, dtype=bool)
    return pd.Series([None if value is None else float(value) for value in values], dtype="float64")


def _shares(name: str, rows: Sequence[ObservationRow], control: str) -> list[float | None]:
    """Return the share of wins of each observation: a treatment's against the control, the control's against all others."""
    won: dict[tuple[int, int, str], float] = {}
    lost: dict[tuple[int, int], list[float]] = {}
    for row in rows:
        winner = json.loads(row.notes).get("pairs", {}).get(name, {}).get("winner")
        if winner is not None:
            won[row.number, row.repeat, row.arm] = _SHARES[winner]
            lost.setdefault((row.number, row.repeat), []).append(1 - _SHARES[winner])
    return [
        _mean(lost.get((row.number, row.repeat), [])) if row.arm == control else won.get((row.number, row.repeat, row.arm))
        for row in rows
    ]


def preferences(rows: Sequence[ObservationRow], name: str, control: str) -> list[tuple[str, str, str, str]]:
    """Return what a pairwise judge said: case, control, treatment, and who won (`control`, `treatment` or `tie`)."""
    found = []
    for row in rows:
        winner = json.loads(row.notes).get("pairs", {}).get(name, {}).get("winner")
        if winner is not None:
            found.append((row.case_id, control, row.arm, winner))
    return found


def _rated(record: Record, rows: Sequence[ObservationRow]) -> list[float | None]:
    """Return the mean of what people said of each observation's dialogue."""
    mine = {row.dialogue_id for row in rows if row.dialogue_id}
    said: dict[str, list[float]] = {}
    for rating in record.ratings():
        if rating.source == "person" and rating.dialogue in mine:
            said.setdefault(rating.dialogue, []).append(rating.quality)
    return [_mean(said.get(row.dialogue_id or "", [])) for row in rows]


def _mean(values: Sequence[float]) -> float | None:
    return sum(values) / len(values) if values else None
