"""The `insert` of a dialect, the one that can say what to do where a row is there already."""

from __future__ import annotations

from typing import Any


def insert_of(engine_name: str) -> Any:
    """Return the dialect's own `insert`, the one with `on_conflict_do_update` and `on_conflict_do_nothing`."""
    if engine_name == "sqlite":
        from sqlalchemy.dialects import sqlite

        return sqlite.insert
    from sqlalchemy.dialects import postgresql

    return postgresql.insert
