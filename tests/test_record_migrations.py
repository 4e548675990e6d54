"""An old record moves forward without loss; a newer one is left alone, and says so."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from record_examples import script, started, turn, whole

from workbench.errors import RecordError
from workbench.events import Event, event_to_dict
from workbench.records import Record
from workbench.records.engine import parse_url
from workbench.records.migrate import MIGRATIONS, upgrade
from workbench.records.schema import HEAD, REVISIONS, metadata, version


def _connect(url: str) -> sa.Engine:
    """A plain engine that shares nothing with the record but the address."""
    if url.startswith("sqlite"):
        Path(str(sa.make_url(url).database)).parent.mkdir(parents=True, exist_ok=True)
    return sa.create_engine(parse_url(url), poolclass=sa.NullPool)


def _make_old_record(url: str, events: list[Event]) -> None:
    """A record as the first schema kept it, with one dialogue in it."""
    first = events[0]
    with _connect(url).begin() as connection:
        upgrade(connection, "0001")
        tables = sa.MetaData()
        tables.reflect(connection)
        row = {"id": first.dialogue, "mode": "debate", "topic": "Is water wet?", "status": "completed"}
        times = {"created_at": first.at, "updated_at": first.at + 1, "ended_at": first.at + 1}
        sums = {"prompt_tokens": 7, "completion_tokens": 5, "unknown_cost_calls": 0, "turns_completed": 1}
        run = json.dumps(event_to_dict(first)["run"])
        connection.execute(tables.tables["dialogues"].insert(), {**row, **times, **sums, "run": run})
        for event in events:
            body = event_to_dict(event)
            kept = {"dialogue_id": event.dialogue, "seq": event.seq, "type": event.type, "at": event.at}
            connection.execute(tables.tables["events"].insert(), {**kept, "payload": json.dumps(body)})


def test_an_old_record_moves_forward_without_loss(record_url: str, open_record: Callable[[], Record]) -> None:
    events = [started("old", parent_id="mother", forked_from="turn_3"), *turn("old", 1)]
    _make_old_record(record_url, events)
    record = open_record()
    assert record.events("old") == events
    old = record.summary("old")
    assert (old.prompt_tokens, old.completion_tokens, old.turns_completed) == (7, 5, 1)
    assert (old.parent_id, old.forked_from) == ("mother", "turn_3")

    record.write(whole("new"))
    record.rebuild()
    assert record.summary("old").prompt_tokens == 100
    assert list(record.turns()["dialogue_id"]) == ["new", "new", "old"]


@pytest.mark.parametrize("begin", ["new", "old"])
def test_made_at_once_or_brought_forward_the_schema_is_the_same(record_url: str, begin: str) -> None:
    if begin == "old":
        _make_old_record(record_url, [started("old")])
    Record.open(record_url).close()
    with _connect(record_url).connect() as connection:
        options = {"compare_type": True, "version_table": version.name, "include_name": _is_no_index_of_words}
        assert compare_metadata(MigrationContext.configure(connection, opts=options), metadata) == []
        assert connection.execute(sa.select(version.c.version_num)).scalars().all() == [HEAD]


def _is_no_index_of_words(name: str | None, kind: str, _: object) -> bool:
    """Alembic knows no FTS5, nor a tsvector; the next test looks at that one table."""
    return kind != "table" or not str(name).startswith("search_words")


def test_made_at_once_or_brought_forward_the_index_of_words_is_the_same(sqlite_url: str, postgres_url: str) -> None:
    for url, query in (
        (sqlite_url, "SELECT sql FROM sqlite_master WHERE name = 'search_words'"),
        (sqlite_url, "SELECT k, v FROM search_words_config"),
        (postgres_url, "SELECT column_name, data_type FROM information_schema.columns WHERE table_name = 'search_words'"),
        (postgres_url, "SELECT indexdef FROM pg_indexes WHERE tablename = 'search_words' ORDER BY 1"),
    ):
        _remake(url)
        Record.open(url).close()
        with _connect(url).connect() as connection:
            made = connection.execute(sa.text(query)).all()
        _remake(url)
        _make_old_record(url, [started("old")])
        Record.open(url).close()
        with _connect(url).connect() as connection:
            assert connection.execute(sa.text(query)).all() == made
            assert made


def _remake(url: str) -> None:
    """Empty a database."""
    if url.startswith("sqlite"):
        Path(str(sa.make_url(url).database)).unlink(missing_ok=True)
        return
    with _connect(url).begin() as connection:
        connection.execute(sa.text("DROP SCHEMA public CASCADE"))
        connection.execute(sa.text("CREATE SCHEMA public"))


def test_the_code_knows_every_revision_that_it_ships() -> None:
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    shipped = [revision.revision for revision in ScriptDirectory.from_config(config).walk_revisions()]
    assert tuple(reversed(shipped)) == REVISIONS


def test_a_record_of_a_newer_workbench_is_left_alone(record_url: str) -> None:
    with Record.open(record_url) as record:
        record.write(whole("d"))
    with _connect(record_url).begin() as connection:
        connection.execute(sa.update(version).values(version_num="9999"))
    with pytest.raises(RecordError, match=r"newer workbench(?s:.*)Upgrade"):
        Record.open(record_url)
    with _connect(record_url).begin() as connection:
        assert connection.execute(sa.select(version.c.version_num)).scalar_one() == "9999"


def test_a_database_of_something_else_is_left_alone(record_url: str) -> None:
    with _connect(record_url).begin() as connection:
        connection.execute(sa.text("CREATE TABLE events (id INTEGER PRIMARY KEY)"))
    with pytest.raises(RecordError, match="'events' that is not a record's"):
        Record.open(record_url)
    with _connect(record_url).connect() as connection:
        assert sa.inspect(connection).get_table_names() == ["events"]


def test_a_database_with_other_tables_may_hold_a_record_too(record_url: str) -> None:
    with _connect(record_url).begin() as connection:
        connection.execute(sa.text("CREATE TABLE notes (id INTEGER PRIMARY KEY)"))
    with Record.open(record_url) as record:
        record.write(whole("d"))
        assert record.summary("d").turns_completed == 2


def test_processes_may_open_a_record_that_does_not_exist_yet_at_once(
    record_url: str, open_record: Callable[[], Record]
) -> None:
    body = "sys.stdin.readline()\nwith Record.open(sys.argv[1]) as r: r.write(whole(sys.argv[2]))"
    names = ["a", "b", "c"]
    processes = [script(body, record_url, name) for name in names]
    for process in processes:
        assert process.stdin is not None
        process.stdin.write("go\n")
        process.stdin.flush()
    errors = [process.communicate(timeout=60)[1] for process in processes]
    assert errors == ["", "", ""]
    assert {summary.id for summary in open_record().summaries()} == set(names)
