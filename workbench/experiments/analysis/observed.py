"""The table of observations before any statistics: put in order, and counted."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final

from workbench.errors import redact
from workbench.experiments.analysis.result import ArmFacts
from workbench.experiments.statistics import StatisticsError

if TYPE_CHECKING:
    import pandas as pd

_ERRORS: Final = 3
_LONGEST: Final = 160


def in_order(observations: pd.DataFrame, control: str, arms: Sequence[str] | None) -> tuple[pd.DataFrame, list[str]]:
    """Return the rows by case, arm and repeat, and the arms, the control first.

    Whoever reads the same observations from elsewhere may get them in another order; sums of floats and resampling must not
    notice.

    Raises:
        StatisticsError: there is no case or arm, the control is none of the arms, or a row belongs to no arm.
    """
    if absent := [name for name in ("case", "arm") if name not in observations.columns]:
        columns = ", ".join(map(str, observations.columns)) or "none"
        raise StatisticsError(f"the table has no column {absent[0]}", hint=f"Its columns: {columns}.")
    if observations.empty:
        raise StatisticsError("there are no observations", hint="Run the experiment first.")
    if observations["arm"].isna().any():
        raise StatisticsError("a row belongs to no arm", hint="Name the arm in every row, or leave the row out.")
    there = list(map(str, observations["arm"].unique()))
    if control not in there:
        raise StatisticsError(f"the control {control} has no observation", hint=f"Arms with observations: {', '.join(there)}.")
    if arms is not None:
        there = [*dict.fromkeys(name for name in arms if name in there)]
    names = [control, *(name for name in (there if arms is not None else sorted(there)) if name != control)]
    return _sorted(observations.assign(arm=observations["arm"].astype(str)), names), names


def served_by_fallback(observations: pd.DataFrame) -> pd.Series[Any] | None:
    """Return of each row whether another model served than was asked for; None if that was not noted."""
    if "fallback" not in observations.columns:
        return None
    return observations["fallback"].eq(other=True).fillna(value=False).astype(bool)


def arm_facts(observations: pd.DataFrame, arm: str, metrics: Sequence[str]) -> ArmFacts:
    """Return what an arm did. A row failed if its status says so, or none of the metrics has a value."""
    rows = observations.loc[observations["arm"] == arm]
    failed = rows[[name for name in metrics if name in rows.columns]].isna().all(axis="columns")
    if "status" in rows.columns:
        failed |= rows["status"].eq("failed").fillna(value=False).astype(bool)
    served = served_by_fallback(rows)
    return ArmFacts(
        arm=arm,
        cases=int(rows["case"].nunique()),
        observations=len(rows),
        failed=int(failed.sum()),
        fallbacks=None if served is None else int(served.sum()),
        cost=_sum(rows, "cost"),
        errors=_errors(rows.loc[failed]),
    )


def _sorted(observations: pd.DataFrame, names: Sequence[str]) -> pd.DataFrame:
    """Return the rows of these arms; cases may be texts and numbers at once, so they are ordered as texts."""
    import pandas as pd

    order = {name: number for number, name in enumerate(names)}
    rows = observations.loc[observations["arm"].isin(order)]
    keys = pd.DataFrame({"case": rows["case"].map(str).to_list(), "arm": rows["arm"].map(order).to_list()})
    if "repeat" in rows.columns:
        keys["repeat"] = rows["repeat"].map(_place).to_list()
    by = list(map(str, keys.columns))
    return rows.take(keys.sort_values(by, kind="stable").index.to_numpy()).reset_index(drop=True)


def _place(repeat: Any) -> str:
    return f"{repeat:>12}" if isinstance(repeat, str) else f"{float(repeat):020.6f}"


def _sum(rows: pd.DataFrame, column: str) -> float | None:
    import pandas as pd

    if column not in rows.columns:
        return None
    known = pd.to_numeric(rows[column], errors="coerce").dropna()
    return None if known.empty else float(known.sum())


def _errors(failed: pd.DataFrame) -> tuple[tuple[str, int], ...]:
    if "error" not in failed.columns:
        return ()
    texts = failed["error"].dropna().map(lambda text: redact(" ".join(str(text).split()))[:_LONGEST])
    counts = texts.value_counts()
    ranked = sorted(((str(text), int(count)) for text, count in counts.items()), key=lambda each: (-each[1], each[0]))
    return tuple(ranked[:_ERRORS])
