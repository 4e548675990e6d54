"""`%models --stats`: what the record knows of each model, as a table."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from workbench.dialogue.export.facts import money
from workbench.notebook.tables import Column, Table

if TYPE_CHECKING:
    import pandas as pd

    from workbench.models import ModelCard
    from workbench.records import Record
    from workbench.records.model_stats import By
    from workbench.records.moments import Since


def _share(value: float) -> str:
    return f"{value:.0%}"


def _seconds(value: float) -> str:
    return f"{value:.2f} s" if value < 10 else f"{value:.0f} s"  # noqa: PLR2004 - two digits say enough from there on


def _saved(value: float) -> str:
    """Return money, with a minus where more was paid than the baseline would have cost."""
    return "nothing" if value == 0 else f"-{money(-value)}" if value < 0 else money(value)


def _some(value: int) -> str:
    return f"{value:,}" if value else ""


_COLUMNS: Final = (
    Column("model"),
    Column("task", "kind of task"),
    Column("calls", type="Int64", show="{:,}".format),
    Column("answered", "", "Int64"),
    Column("success", "answered", "float64", _share),
    Column("fallbacks", "fell back", "Int64", _some),
    Column("latency_p50", "p50", "float64", _seconds),
    Column("latency_p95", "p95", "float64", _seconds),
    Column("first_token_p50", "first token", "float64", _seconds),
    Column("tokens_per_second", "tokens/s", "float64", "{:.0f}".format),
    Column("prompt_tokens", "tokens in", "Int64", "{:,}".format),
    Column("cached_tokens", "cached", "Int64", _some),
    Column("completion_tokens", "out", "Int64", "{:,}".format),
    Column("cost", type="float64", show=money),
    Column("unpriced_calls", "cost unknown", "Int64", _some),
    Column("quality", type="float64", show="{:.2f}".format),
    Column("within", "95 %"),
    Column("quality_low", "", "float64"),
    Column("quality_high", "", "float64"),
    Column("interval", ""),
    Column("ratings", type="Int64", show=_some),
    Column("rated_dialogues", "", "Int64"),
    Column("baseline_cost", "", "float64"),
    Column("saved", type="float64", show=_saved),
)
_SUMMED: Final = ("calls", "fallbacks", "prompt_tokens", "cached_tokens", "completion_tokens", "unpriced_calls", "ratings")
_MONEY: Final = {"cost": money, "saved": _saved}


def stats_table(
    record: Record, by: By = "model", since: Since | None = None, baseline: ModelCard | None = None, text: str = ""
) -> Table:
    """Return the table.

    Args:
        record: of the workspace.
        by: `task` for a row for each model and kind of task.
        since: only what happened from then on.
        baseline: the model whose prices everything is compared with.
        text: only models whose name has it.

    Raises:
        RecordError: the point in time is none, or the baseline's prices are unknown.
    """
    frame = record.model_stats(by, since, baseline)
    frame = frame[frame.model.str.contains(text, case=False, regex=False)]
    rows = [_row(values) for values in frame.to_dict("records")]
    columns = [column for column in _COLUMNS if column.name in {*frame.columns, "within"}]
    notes = list(_notes(frame, baseline)) if rows else [_nothing(since, text)]
    return Table(columns, rows, notes=notes, totals=[_totals(frame)] if len(rows) > 1 else [])


def _row(values: dict[Any, Any]) -> dict[str, Any]:
    import pandas as pd

    row = {str(name): None if pd.isna(value) else value for name, value in values.items()}
    low, high = row["quality_low"], row["quality_high"]
    return row | {"within": None if low is None else f"{low:.2f} to {high:.2f}"}


def _totals(frame: pd.DataFrame) -> dict[str, str]:
    sums = {name: f"{frame[name].sum():,}" for name in _SUMMED if frame[name].any()}
    paid = {name: show(frame[name].sum()) for name, show in _MONEY.items() if name in frame and frame[name].notna().any()}
    return {"model": "all", **sums, **paid}


def _notes(frame: pd.DataFrame, baseline: ModelCard | None) -> list[str]:
    notes = ["Seconds, tokens and money are of calls, retries included; p50 and p95 are seconds of the answered ones."]
    if frame["fallbacks"].any():
        notes.append("Fell back: answers that were asked of this model and came from another one.")
    if frame["unpriced_calls"].any():
        notes.append("Where the cost of calls is unknown, the cost is a lower bound; unknown is not zero.")
    if methods := sorted(frame["interval"].dropna().unique()):
        names = " or ".join({"t": "Student's t", "Wilson": "Wilson's"}[method] for method in methods)
        notes.append(f"Quality is the mean over rated dialogues, from 0 to 1; its interval is {names}.")
    if baseline is not None:
        notes.append(
            f"Saved: what the same tokens would have cost at the prices of {baseline.name}, less what was paid;"
            " calls whose cost is unknown are left out."
        )
    return notes


def _nothing(since: object, text: str) -> str:
    if text:
        return "No model is like that."
    if since is not None:
        return f"Nothing was called or rated since {since}."
    return "Nothing is recorded yet. %%dialogue chat makes the first call."
