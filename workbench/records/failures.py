"""What a database's error means to a person, and what to do about it.

The tables below are the only place that reads SQLite's error names and PostgreSQL's SQLSTATEs.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from sqlalchemy.exc import SQLAlchemyError

from workbench.errors import RecordError, redact

_SQLITE: Final = (
    ("SQLITE_FULL", "the disk is full", "Free some space: what is waiting is written with the next turn."),
    ("SQLITE_BUSY", "it is locked by another process", "Close the program that holds it, then try again."),
    ("SQLITE_LOCKED", "it is locked by another process", "Close the program that holds it, then try again."),
    ("SQLITE_NOTADB", "the file is not an SQLite database", "Move the file away or set [record] url to another one."),
    ("SQLITE_CORRUPT", "the file is damaged", "Move it away; `sqlite3 FILE .recover` saves what can be read."),
    ("SQLITE_READONLY", "it may not be written", "Change its permissions or set [record] url to another place."),
    ("SQLITE_PERM", "it may not be written", "Change its permissions or set [record] url to another place."),
    ("SQLITE_CANTOPEN", "the file cannot be opened", "Check that its folder exists and may be written."),
    ("SQLITE_IOERR", "reading or writing the disk failed", "Check the disk and its free space."),
)
_POSTGRES: Final = (
    ("53100", "the server's disk is full", "Free some space: what is waiting is written with the next turn."),
    ("53300", "the server has too many connections", "Close other programs that use it, then try again."),
    ("28", "the server refused the login", "Check the user and password in [record] url."),
    ("3D000", "the server has no such database", "Create it first: createdb NAME."),
    ("42501", "the user may not do this", "Grant the user of [record] url the right to create and write tables."),
    ("57P", "the server is stopping or starting", "What is waiting is written with the next turn once it is back."),
    ("08", "the connection was lost", "What is waiting is written with the next turn once it is back."),
    ("55P03", "it is locked by another process", "Close the program that holds it, then try again."),
)
_RETRIED: Final = ("40001", "40P01")
"""Serialisation failure and deadlock: the same transaction may succeed at once."""


def explain(error: BaseException, place: str) -> RecordError:
    """Turn an error of SQLAlchemy or a database driver into one for the user.

    Args:
        error: the error as it came.
        place: the record, named without its password.
    """
    if isinstance(error, RecordError):
        return error
    cause = _driver_error(error)
    code, words = _code(cause), redact(str(cause).strip()) or type(cause).__name__
    for prefix, meaning, hint in (*_SQLITE, *_POSTGRES):
        if code.startswith(prefix):
            return RecordError(f"The record {place}: {meaning} ({words}).", hint=hint)
    if isinstance(cause, OSError):
        return RecordError(f"The record {place} cannot be opened: {words}.", hint="Set [record] url to another place.")
    if _is_connection_trouble(cause):
        hint = "Check that the server runs and that [record] url names it; nothing that is waiting is lost."
        return RecordError(f"The record {place} cannot be reached: {words}", hint=hint)
    return RecordError(f"The record {place}: {words}")


@contextmanager
def explained(place: str) -> Iterator[None]:
    """Raise whatever a database raises inside as a `RecordError`."""
    try:
        yield
    except (SQLAlchemyError, sqlite3.Error, OSError) as error:
        raise explain(error, place) from error


def is_unfit(error: BaseException) -> bool:
    """Whether the rows are to blame, so that trying again cannot help."""
    cause = _driver_error(error)
    if isinstance(cause, (RecordError, OSError)):
        return False
    if _is_a(cause, "IntegrityError", "DataError"):
        return True
    if _is_a(cause, "ProgrammingError"):
        return not _code(cause)  # a value of a type that the driver cannot store
    return isinstance(cause, (TypeError, ValueError, KeyError, AttributeError, OverflowError, RecursionError))


def is_passing(error: BaseException) -> bool:
    """Whether the same transaction may succeed at once on a fresh connection."""
    cause = _driver_error(error)
    return _code(cause) in _RETRIED or _is_connection_trouble(cause) or _code(cause).startswith(("57P", "08"))


def is_busy(error: BaseException) -> bool:
    """Whether another process holds the SQLite file just now."""
    return _code(_driver_error(error)).startswith(("SQLITE_BUSY", "SQLITE_LOCKED"))


def _driver_error(error: BaseException) -> BaseException:
    return getattr(error, "orig", None) or error


def _code(error: BaseException) -> str:
    return getattr(error, "sqlite_errorname", None) or getattr(error, "sqlstate", None) or ""


def _is_connection_trouble(error: BaseException) -> bool:
    psycopg = type(error).__module__.startswith("psycopg")
    return psycopg and not _code(error) and _is_a(error, "OperationalError", "InterfaceError")


def _is_a(error: BaseException, *names: str) -> bool:
    """Whether an error is of a class that the DB-API names so; each driver has its own."""
    return any(cls.__name__ in names for cls in type(error).__mro__)
