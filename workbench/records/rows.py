"""How those parts of the record that are no events are read and written: each has a class of its own, made from this one."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from sqlalchemy import Connection, Engine, Select

from workbench.records.failures import explained


class Rows:
    """Reads and writes tables; every method may be called from any thread and blocks.

    Args:
        engine: of the record.
        place: the record's name in messages.
    """

    def __init__(self, engine: Engine, place: str) -> None:
        self._engine = engine
        self._place = place

    def _read(self, query: Select[Any]) -> Sequence[Any]:
        """Return what a query finds. Raises a `RecordError` where the database cannot answer."""
        with explained(self._place), self._engine.connect() as connection:
            return connection.execute(query).all()

    @contextmanager
    def _writing(self) -> Iterator[Connection]:
        """Give a transaction, which is kept whole or not at all. Raises a `RecordError` where the database does not take it."""
        with (
            explained(self._place),
            self._engine.connect().execution_options(for_writing=True) as connection,
            connection.begin(),
        ):
            yield connection
