"""The table `search_words`, which no two databases make alike: FTS5 in SQLite, a tsvector with a GIN index in PostgreSQL.

FTS5 keeps the words and not the texts (`content=''`), which stand in the record already. It cannot take a row out again: one
that `search_entries` has no row for counts as gone. Its tokenizer takes everything beyond ASCII for letters, because `words`
has left nothing else there.
"""

from __future__ import annotations

from typing import Final

from sqlalchemy import DDL, Table, event
from sqlalchemy.schema import ExecutableDDLElement

NAME: Final = "search_words"
GATHERED: Final = 1 << 24
"""Bytes of words that FTS5 gathers in memory before it writes them: 16 MB instead of one make indexing a third faster."""
_IN_FTS5: Final = (
    f"CREATE VIRTUAL TABLE {NAME} USING fts5(words, content='', tokenize='ascii')",
    f"INSERT INTO {NAME} ({NAME}, rank) VALUES ('hashsize', {GATHERED})",  # noqa: S608 - our own words
)
_IN_TSVECTOR: Final = (
    f"CREATE TABLE {NAME} (id BIGINT PRIMARY KEY, words TSVECTOR NOT NULL)",
    f"CREATE INDEX {NAME}_words ON {NAME} USING gin (words)",
)


def make_with(table: Table) -> None:
    """Have the words' table made with another one."""
    for dialect, statements in (("sqlite", _IN_FTS5), ("postgresql", _IN_TSVECTOR)):
        for statement in statements:
            make: ExecutableDDLElement = DDL(statement)  # type: ignore[no-untyped-call]
            event.listen(table, "after_create", make.execute_if(dialect=dialect))
