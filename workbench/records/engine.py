"""Connections to the two databases that a record may live in.

SQLite runs in WAL mode, so that reading goes on while the writer writes, and with `synchronous=FULL`, so that a turn
that was committed survives a power cut: with group commit the extra sync costs wall time, but next to no CPU.
"""

from __future__ import annotations

import sqlite3
import time
from math import ceil
from pathlib import Path
from typing import Any, Final

from sqlalchemy import URL, Connection, Engine, NullPool, create_engine, event, make_url
from sqlalchemy.exc import ArgumentError

from workbench.errors import RecordError, register_secret
from workbench.records.failures import explained, is_busy
from workbench.records.migrate import bring_up_to_date

BUSY_SECONDS: Final = 10.0
"""How long a statement waits for another process's lock; `?timeout=` in an SQLite URL overrides it."""
CONNECT_SECONDS: Final = 10
"""How long connecting to a PostgreSQL server may take; `?connect_timeout=` overrides it."""
_DRIVERS: Final = {"sqlite": "sqlite", "postgresql": "postgresql+psycopg", "postgres": "postgresql+psycopg"}


def parse_url(url: str) -> URL:
    """Read a record's URL and fill in its driver and time limits.

    Raises:
        RecordError: it is not a URL of SQLite or PostgreSQL, or SQLite without a file.
    """
    try:
        parsed = make_url(url)
    except ArgumentError:
        raise _wrong_url(url) from None
    kind = parsed.drivername.partition("+")[0]
    if kind not in _DRIVERS:
        raise _wrong_url(kind)
    if parsed.password:
        register_secret(str(parsed.password))
    if kind != "sqlite":
        parsed = parsed.set(drivername=_DRIVERS[kind])
        return parsed.update_query_dict({"connect_timeout": str(CONNECT_SECONDS), **parsed.query})
    if parsed.database in {None, "", ":memory:"}:
        raise RecordError("A record in memory would be lost.", hint="Name a file: sqlite:///path/to/records.db")
    parsed = parsed.set(drivername="sqlite", database=str(Path(str(parsed.database)).expanduser().absolute()))
    return parsed.update_query_dict({"timeout": str(BUSY_SECONDS), **parsed.query})


def place_of(url: URL) -> str:
    """Name a record for a message: the file, or the URL without password and options."""
    if url.drivername == "sqlite":
        return str(url.database)
    return url.set(query={}).render_as_string(hide_password=True)


def open_engine(url: URL) -> Engine:
    """Connect, make the folder, file and tables where they are missing, and bring an old schema up to date.

    Raises:
        RecordError: the database cannot be used; the text says why and what helps.
    """
    with explained(place_of(url)):
        engine = _sqlite(url) if url.drivername == "sqlite" else _postgres(url)
        try:
            bring_up_to_date(engine, place_of(url))
        except BaseException:
            engine.dispose()
            raise
    return engine


def look_only(url: URL, patience: float) -> Engine:
    """Connect to what is there, to read it as it is: nothing is made, and nothing brought up to date.

    Args:
        url: as `parse_url` returns it.
        patience: seconds to wait for a lock, for a server (at least 2) and for what it answers.

    Raises:
        RecordError: the package that it needs is not installed.
    """
    if url.drivername == "sqlite":
        address = f"{Path(str(url.database)).as_uri()}?mode=ro"
        return create_engine(url, poolclass=NullPool, creator=lambda: sqlite3.connect(address, patience, uri=True))
    engine = _postgres(url.update_query_dict({"connect_timeout": str(max(2, ceil(patience)))}))

    @event.listens_for(engine, "begin")
    def _limit(connection: Connection) -> None:
        connection.exec_driver_sql("SET TRANSACTION READ ONLY")
        connection.exec_driver_sql(f"SET LOCAL statement_timeout = {max(1, round(patience * 1000))}")

    return engine


def _sqlite(url: URL) -> Engine:
    Path(str(url.database)).parent.mkdir(parents=True, exist_ok=True)
    engine = create_engine(url)
    event.listen(engine, "connect", _prepare_sqlite)
    event.listen(engine, "begin", _begin_sqlite)
    _use_wal(engine, float(str(url.query["timeout"])))
    return engine


def _postgres(url: URL) -> Engine:
    try:
        return create_engine(url, pool_pre_ping=True)
    except ImportError:
        hint = "pip install 'dialogue-workbench[postgres]'"
        raise RecordError("A record in PostgreSQL needs the package psycopg.", hint=hint) from None


def _prepare_sqlite(connection: Any, _: object) -> None:
    connection.isolation_level = None  # BEGIN is ours: the driver's own would leave DDL outside of transactions
    connection.execute("PRAGMA synchronous=FULL")
    connection.execute("PRAGMA foreign_keys=ON")


def _begin_sqlite(connection: Connection) -> None:
    immediate = connection.get_execution_options().get("for_writing")
    connection.exec_driver_sql("BEGIN IMMEDIATE" if immediate else "BEGIN")


def _use_wal(engine: Engine, patience: float) -> None:
    """Switch the file to WAL, which needs it alone for a moment and does not wait for that by itself."""
    deadline = time.monotonic() + patience
    while True:
        raw = engine.raw_connection()
        try:
            raw.cursor().execute("PRAGMA journal_mode=WAL")
        except sqlite3.Error as error:
            if not is_busy(error) or time.monotonic() > deadline:
                raise
            time.sleep(0.02)
        else:
            return
        finally:
            raw.close()


def _wrong_url(what: str) -> RecordError:
    hint = "Use sqlite:///path/to/records.db or postgresql://user:password@host/database"
    kind = what.partition("://")[0]
    return RecordError(f"[record] url: {kind!r} is not a database that can hold a record.", hint=hint)
