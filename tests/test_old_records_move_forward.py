"""What a record of an earlier workbench has is found and counted like what is written now, of every kind."""

from __future__ import annotations

import re
from dataclasses import replace

import sqlalchemy as sa
from record_examples import START, call
from test_record_migrations import _connect
from test_usage import _events, make_old

from workbench.events import Timings, Usage
from workbench.records import Record
from workbench.records.counting import DAY
from workbench.records.migrate import upgrade
from workbench.records.schema import HEAD, metadata, usage, usage_quarters


def _put(connection, tables, name, **values):
    """Write a row of an old table; what must not be missing and is not said is blank."""
    blank = {c.name: "x" if isinstance(c.type, sa.Text) else 0 for c in tables[name].columns if not c.nullable}
    connection.execute(tables[name].insert(), blank | values)


def test_all_that_can_be_found_waits_for_the_index_and_what_a_fork_took_over_does_not(record_url):
    with _connect(record_url).begin() as connection:
        upgrade(connection, "0009")
        old = sa.MetaData()
        old.reflect(connection)
        tables = old.tables
        for name, run in {"d": {}, "fork": {"parent_id": "d", "forked_from": "t1"}, "part": {"parent_id": "d"}}.items():
            _put(connection, tables, "dialogues", id=name, **run)
            for turn, text in (("t1", "said"), ("t2", "said" if name == "d" else f"said by {name}")):
                _put(connection, tables, "turns", dialogue_id=name, turn=turn, text=text, ended_at=START)
        _put(connection, tables, "turns", dialogue_id="d", turn="t3", ended_at=None)
        _put(connection, tables, "papers", id="p")
        _put(connection, tables, "paper_summaries", paper_id="p", model="m", level="short")
        _put(connection, tables, "assessments", id="a", paper_id="p")
        _put(connection, tables, "decisions", id="c", paper_id="p")
        _put(connection, tables, "experiments", id="e")
        upgrade(connection, "0010")
        queued = connection.execute(sa.text("SELECT kind, item, part FROM search_queue")).all()
    turns = {("d", "t1"), ("d", "t2"), ("fork", "t2"), ("part", "t1"), ("part", "t2")}
    assert sorted(map(tuple, queued)) == sorted([
        *(("dialogue", name, "") for name in ("d", "fork", "part")),
        *(("turn", *turn) for turn in turns),
        *(("paper", "p", ""), ("summary", "p", "m/short"), ("assessment", "a", ""), ("decision", "c", ""), ("experiment", "e", "")),
    ])  # fmt: skip


def test_calls_of_every_kind_are_counted_as_they_are_now(record_url, open_record):
    lost = {"outcome": "timeout", "cost": None, "usage": None, "text": "", "reasoning": ""}
    kinds = [
        call("a", 0),
        replace(call("a", 0), outcome="cancelled", usage=Usage(7, 3), timings=Timings(0.0, None, 2.0)),
        replace(call("a", 0), asked="large"),
        replace(call("a", 0), asked="large", **lost),
        replace(call("a", 0), **lost | {"text": "half"}),
        replace(call("a", 0), **lost | {"reasoning": "half"}),
        replace(call("a", 0), **lost | {"usage": Usage(5, 0, 2)}),
        replace(call("a", 0), cost=None),
        replace(call("a", 0), usage=None),
        replace(call("a", 0), saved=0.0),
        replace(call("a", 0), saved=-0.25),
        *(replace(call("a", 0), started_at=at) for at in (-1.0, 0.0, 3e11, START + DAY - 0.5)),
        *(replace(call("a", 0), started_at=899.9 + 900 * number) for number in range(4)),
    ]
    made = [replace(each, id=f"a-{number}") for number, each in enumerate(kinds)]
    begun = START + 5 * DAY
    more = [replace(each, id=f"fork-{number}", started_at=begun + number) for number, each in enumerate(kinds)]
    with open_record() as record:
        record.write(_events("a", START - 1, made, {"parent_id": "run"}, resumed=False))
        record.write(_events("fork", begun, [*made, *more], {"parent_id": "a", "forked_from": "turn_1"}, resumed=False))
        before = _rows(record)
    make_old(record_url)
    with Record.open(record_url) as record:
        assert _rows(record) == before


def test_what_caching_saved_is_read_from_very_many_events(record_url, open_record):
    """They are read a thousand at a time."""
    with open_record() as record:
        for name, many in (("a", 700), ("b", 700), ("c", 1)):
            made = [replace(call(name, number), saved=0.25) for number in range(many)]
            record.write(_events(name, START, made, {}, resumed=False))
        before = _rows(record)
    make_old(record_url)
    with Record.open(record_url) as record:
        assert _rows(record) == before
        assert sum(row.saved for row in record.usage.by("model")) == 0.25 * 1401


def _rows(record):
    """The whole of both tables of sums."""
    with record._engine.connect() as connection:
        return [sorted(map(tuple, connection.execute(sa.select(table)))) for table in (usage, usage_quarters)]


def test_indexes_of_a_part_are_of_the_part_that_the_schema_says(record_url):
    """Nothing else compares their conditions."""
    with _connect(record_url).begin() as connection:
        upgrade(connection, HEAD)
        sqlite = connection.dialect.name == "sqlite"
        about = "SELECT name, sql FROM sqlite_master" if sqlite else "SELECT indexname, indexdef FROM pg_indexes"
        made = {name: sql or "" for name, sql in connection.execute(sa.text(about))}
    for index in (each for table in metadata.tables.values() for each in table.indexes):
        where = index.dialect_options["sqlite" if sqlite else "postgresql"]["where"]
        said = re.sub(r"::\w+|[()\s]", "", made[index.name].partition(" WHERE ")[2])
        assert said == ("" if where is None else re.sub(r"\w+\.|[()\s]", "", str(where))), index.name
