"""The tables as tidy DataFrames: one row an observation, and the same columns and dtypes whatever is in them.

Text is `string`, whole numbers are `Int64`, seconds and USD `float64`, and every `…_at` (and `at`) is a UTC
`datetime64[us, UTC]`. What is unknown is missing, never zero.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from sqlalchemy import BigInteger, Column, Float, Integer, Row, Table

if TYPE_CHECKING:
    import pandas as pd


def frame(table: Table, rows: Sequence[Row[Any]]) -> pd.DataFrame:
    """Return rows of a table as a DataFrame with the table's columns."""
    import pandas as pd

    raw = pd.DataFrame([tuple(row) for row in rows], columns=[column.name for column in table.c], dtype="object")
    return pd.DataFrame({column.name: _typed(raw[column.name], column) for column in table.c})


def _typed(values: pd.Series[Any], column: Column[Any]) -> pd.Series[Any]:
    import pandas as pd

    if column.name == "at" or column.name.endswith("_at"):
        microseconds = (values.astype("float64") * 1e6).round()
        return pd.to_datetime(microseconds, unit="us", utc=True).dt.as_unit("us")
    if isinstance(column.type, (BigInteger, Integer)):
        return values.astype("Int64")
    return values.astype("float64" if isinstance(column.type, Float) else "string")
