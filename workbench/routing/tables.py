"""Tables of outcomes: what each of several models reached on each of many prompts.

A table is a Parquet or CSV file with the columns `prompt_id, task, prompt_text, model, quality, cost_usd`, a row for each
prompt and model, quality between 0 and 1. Task and text may stand in a second file of prompts, joined on `prompt_id`.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Literal

import numpy as np
from numpy.typing import NDArray

from workbench.routing.policy import RoutingError

if TYPE_CHECKING:
    import pandas as pd

Incomplete = Literal["refuse", "drop-prompts", "drop-models"]
"""What to do where not every model's outcome is known for every prompt."""
COLUMNS: Final = ("prompt_id", "task", "prompt_text", "model", "quality", "cost_usd")
_OF_PROMPTS: Final = ("task", "prompt_text")


@dataclass(frozen=True, slots=True)
class Outcomes:
    """Every model's outcome on every prompt.

    Attributes:
        name: of the table.
        prompts: ids, n of them.
        tasks: what kind of task each prompt is.
        texts: of the prompts.
        models: names, k of them, sorted.
        quality: n by k, 0 to 1.
        cost: n by k, USD.
        left_out: what was dropped because outcomes were missing, in words; empty if nothing.
    """

    name: str
    prompts: tuple[str, ...]
    tasks: tuple[str, ...]
    texts: tuple[str, ...]
    models: tuple[str, ...]
    quality: NDArray[np.float64]
    cost: NDArray[np.float64]
    left_out: str = ""


def read_outcomes(path: Path | str, *, prompts: Path | str | None = None, incomplete: Incomplete = "refuse") -> Outcomes:
    """Read a table.

    Args:
        path: `.parquet` or `.csv`.
        prompts: file with the columns `prompt_id, task, prompt_text` where the table lacks the last two; by default
            `NAME_prompts` beside a table that is called `NAME_outcomes`.
        incomplete: what to do where outcomes are missing.

    Raises:
        RoutingError: the table cannot be read, or does not say what it must; the text names rows.
    """
    path = Path(path)
    frame = _read(path)
    if prompts is None and not set(_OF_PROMPTS) <= set(frame.columns) and path.stem.endswith("_outcomes"):
        beside = path.with_name(path.name.replace("_outcomes", "_prompts"))
        prompts = beside if beside.exists() else None
    if prompts is not None:
        frame = _joined(frame, _read(Path(prompts)), Path(prompts).name)
    return outcomes_of(frame, path.name, incomplete)


def outcomes_of(frame: pd.DataFrame, name: str, incomplete: Incomplete = "refuse") -> Outcomes:
    """Return a DataFrame with these columns as outcomes.

    Args:
        frame: a row for each prompt and model.
        name: used in errors.
        incomplete: what to do where outcomes are missing.

    Raises:
        RoutingError: it does not say what it must.
    """
    import pandas as pd

    if missing := [column for column in COLUMNS if column not in frame.columns]:
        raise RoutingError(
            f"{name} has no column {', '.join(missing)}",
            hint=f"It needs {', '.join(COLUMNS)}; task and prompt_text may come from --prompts FILE.",
        )
    if frame.empty:
        raise RoutingError(f"{name} has no rows")
    rows = pd.DataFrame({column: frame[column].astype("object") for column in COLUMNS}).reset_index(drop=True)
    for column in ("prompt_id", "task", "model"):
        _refuse(name, rows, rows[column].isna() | (rows[column].astype(str).str.strip() == ""), f"{column} is empty")
        rows[column] = rows[column].astype(str)
    rows["prompt_text"] = rows["prompt_text"].fillna("").astype(str)
    for column in ("quality", "cost_usd"):
        rows[column] = pd.to_numeric(rows[column], errors="coerce").astype(float)
    _refuse(name, rows, ~rows["quality"].between(0, 1), "quality is not a number between 0 and 1")
    _refuse(name, rows, ~(np.isfinite(rows["cost_usd"]) & (rows["cost_usd"] >= 0)), "cost_usd is not 0 or more")
    _refuse(name, rows, rows.duplicated(["prompt_id", "model"]), "prompt and model have a row already")
    tasks = rows.groupby("prompt_id", sort=False)["task"].nunique()
    if (tasks > 1).any():
        raise RoutingError(f"{name}: prompt {tasks.index[tasks > 1][0]} has several tasks", hint="A prompt has one task.")
    return _dense(rows, name, incomplete)


def _dense(rows: pd.DataFrame, name: str, incomplete: Incomplete) -> Outcomes:
    """Return the rows as matrices."""
    quality = rows.pivot_table(index="prompt_id", columns="model", values="quality", sort=False).sort_index(axis=1)
    cost = rows.pivot_table(index="prompt_id", columns="model", values="cost_usd", sort=False)[quality.columns]
    known, left_out = quality.notna(), ""
    if not known.all(axis=None):
        lacking = known.sum()[lambda counts: counts < len(quality)]
        what = f"{int((~known).sum().sum())} outcomes are missing, of {len(lacking)} models (first {lacking.index[0]})"
        if incomplete == "refuse":
            raise RoutingError(
                f"{name}: {what}",
                hint="--incomplete drop-prompts leaves out the prompts that lack one, drop-models the models.",
            )
        keep = quality[known.all(axis=1)] if incomplete == "drop-prompts" else quality.loc[:, known.all(axis=0)]
        dropped = [f"{len(quality) - len(keep)} prompts"] if incomplete == "drop-prompts" else list(lacking.index)
        left_out = f"{', '.join(dropped)} left out: {what}"
        quality, cost = keep, cost.loc[keep.index, keep.columns]
    if len(quality.columns) < 2 or len(quality) < 2:  # noqa: PLR2004 - with one there is nothing to choose
        raise RoutingError(
            f"{name}: {len(quality)} prompts and {len(quality.columns)} models{' are left' if left_out else ''}",
            hint="There must be two of each at least.",
        )
    of_prompt = rows.drop_duplicates("prompt_id").set_index("prompt_id").loc[quality.index]
    return Outcomes(
        name,
        tuple(quality.index),
        tuple(of_prompt["task"]),
        tuple(of_prompt["prompt_text"]),
        tuple(quality.columns),
        quality.to_numpy(dtype=float),
        cost.to_numpy(dtype=float),
        left_out,
    )


def _joined(frame: pd.DataFrame, prompts: pd.DataFrame, name: str) -> pd.DataFrame:
    """Return the rows with task and text from the prompts."""
    wanted = [column for column in _OF_PROMPTS if column not in frame.columns]
    if missing := [column for column in ("prompt_id", *wanted) if column not in prompts.columns]:
        raise RoutingError(f"{name} has no column {', '.join(missing)}")
    if "prompt_id" not in frame.columns:
        return frame
    if prompts["prompt_id"].duplicated().any():
        raise RoutingError(f"{name}: a prompt_id stands there twice", hint="It needs one row for each prompt.")
    unknown = frame.loc[~frame["prompt_id"].isin(prompts["prompt_id"]), "prompt_id"]
    if len(unknown):
        raise RoutingError(f"{name} lacks {unknown.nunique()} prompts of the table, first {unknown.iloc[0]}")
    return frame.merge(prompts[["prompt_id", *wanted]], on="prompt_id", how="left")


def _read(path: Path) -> pd.DataFrame:
    import pandas as pd

    if path.suffix not in {".parquet", ".csv"}:
        raise RoutingError(f"{path} is neither a .parquet nor a .csv file")
    try:
        return pd.read_parquet(path) if path.suffix == ".parquet" else pd.read_csv(path, dtype={"prompt_id": str})
    except FileNotFoundError:
        raise RoutingError(f"there is no file {path}") from None
    except ImportError:
        raise RoutingError(
            "reading Parquet needs PyArrow, which is not installed",
            hint="pip install 'dialogue-workbench[routing]', or give a CSV file.",
        ) from None
    except (OSError, ValueError) as error:  # pandas' parser errors and PyArrow's are ValueErrors
        raise RoutingError(f"{path} cannot be read: {_first_line(error)}") from None


def _refuse(name: str, rows: pd.DataFrame, wrong: Any, what: str) -> None:
    """Raise if any row is wrong.

    Raises:
        RoutingError: naming the first of them.
    """
    if not wrong.any():
        return
    first = rows[wrong].iloc[0]
    where = f"prompt {first['prompt_id']}, model {first['model']}"
    raise RoutingError(f"{name}: {what} in {int(wrong.sum())} rows, first {where} (row {rows[wrong].index[0] + 1})")


def _first_line(error: Exception) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0]
