"""Schema versions: make the tables, or bring old ones up to date.

The version stands in the table `record_version`. A new database gets its tables straight from `schema`; Alembic, which
takes a while to import, comes in only where an older version has to be changed.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

from sqlalchemy import Connection, Engine, insert, inspect, select, text

from workbench.errors import RecordError
from workbench.records.schema import HEAD, REVISIONS, metadata, version

MIGRATIONS: Final = Path(__file__).parent / "migrations"
_LOCK: Final = 7_238_114_052_061
"""Any number: the PostgreSQL advisory lock under which one process at a time changes the schema."""


def bring_up_to_date(engine: Engine, place: str) -> None:
    """Give the database the schema that this code uses.

    Raises:
        RecordError: a newer workbench has written it, or its tables are not a record's.
    """
    with engine.connect() as connection:
        found = _found_version(connection)
    if found == HEAD:
        return
    with engine.connect().execution_options(for_writing=True) as connection, connection.begin():
        _wait_for_others(connection)
        found = _found_version(connection)
        if found is None:
            _create(connection, place)
        elif found not in REVISIONS:
            raise RecordError(
                f"The record {place} was written by a newer workbench (schema {found}, this one knows {HEAD}).",
                hint="Upgrade: pip install -U dialogue-workbench",
            )
        elif found != HEAD:
            upgrade(connection, HEAD)


def upgrade(connection: Connection, revision: str) -> None:
    """Run the revisions up to `revision` inside the connection's transaction."""
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    config.attributes["connection"] = connection
    command.upgrade(config, revision)


def _found_version(connection: Connection) -> str | None:
    if not inspect(connection).has_table(version.name):
        return None
    return connection.execute(select(version.c.version_num)).scalar_one_or_none()


def _create(connection: Connection, place: str) -> None:
    taken = sorted(set(metadata.tables) & set(inspect(connection).get_table_names()))
    if taken:
        raise RecordError(
            f"{place} already has a table {taken[0]!r} that is not a record's.",
            hint="Set [record] url to a database of its own.",
        )
    metadata.create_all(connection)
    connection.execute(insert(version).values(version_num=HEAD))


def _wait_for_others(connection: Connection) -> None:
    if connection.dialect.name == "postgresql":
        connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _LOCK})
