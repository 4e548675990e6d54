"""From the queue into the index, a batch a transaction: whatever ends it in between, the rest is in the queue.

An entry's id is the time of what it stands for, in microseconds, so that the index itself gives the newest first and looks at
nothing before a given time. One process at a time does this; the others wait, and find the queue empty.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any, Final, TypeAlias

from sqlalchemy import (
    Connection,
    Engine,
    bindparam,
    delete,
    func,
    insert,
    literal_column,
    select,
    text,
    update,
)

from workbench.records.failures import explained
from workbench.records.schema import dialogues, search_entries, search_queue, turns
from workbench.records.search.sources import KINDS, Source, read_sources
from workbench.records.search.words import searchable

BATCH: Final = 5_000
"""Rows of the queue in one transaction."""
_LOCK: Final = 7_238_114_052_062
"""Any number: the PostgreSQL advisory lock under which one process at a time fills the index."""
_LAST: Final = 4_000_000_000_000_000
"""Microseconds; what is said to be later than the year 2096, or before 1970, counts as of that moment."""
Told: TypeAlias = Callable[[int, int], None]
"""Hears how many rows of the queue are done, and how many there were."""


def waiting(connection: Connection) -> int:
    """Return how many rows are in the queue."""
    return int(connection.execute(select(func.count()).select_from(search_queue)).scalar_one())


def bring_up_to_date(engine: Engine, place: str, told: Told | None = None) -> int:
    """Take all that waits into the index; return how many rows of the queue that were.

    Args:
        engine: of the record.
        place: the record's name in messages.
        told: hears of each batch.

    Raises:
        RecordError: the database does not take it. What is in the index stays.
    """
    with explained(place):
        with engine.connect() as connection:
            first = connection.execute(select(search_queue.c.id).limit(1)).first()
            total = waiting(connection) if first and told else 0
        done = 0
        while first:
            with engine.connect().execution_options(for_writing=True) as connection, connection.begin():
                taken = _take(connection)
            done += taken
            if told:
                told(done, max(total, done))
            if taken < BATCH:
                break
        return done


def start_over(connection: Connection) -> None:
    """Empty the index, and queue all dialogues and turns, and all that was in it besides."""
    kept = select(search_entries.c.kind, search_entries.c.item, search_entries.c.part)
    others = kept.where(search_entries.c.kind.not_in(("dialogue", "turn")))
    columns = ["kind", "item", "part"]
    connection.execute(delete(search_queue).where(search_queue.c.kind.in_(("dialogue", "turn"))))
    for query in (others, _all_dialogues(), _all_turns()):
        connection.execute(insert(search_queue).from_select(columns, query))
    connection.execute(delete(search_entries))
    if connection.dialect.name == "sqlite":
        connection.exec_driver_sql("INSERT INTO search_words (search_words) VALUES ('delete-all')")
    else:
        connection.exec_driver_sql("DELETE FROM search_words")


def _all_dialogues() -> Any:
    return select(literal_column("'dialogue'"), dialogues.c.id, literal_column("''"))


def _all_turns() -> Any:
    """Select all turns that have ended, but for those that a fork took over as they were."""
    t, said, d = turns.c, turns.alias().c, dialogues.c
    same = (said.dialogue_id == d.parent_id) & (said.turn == t.turn) & (said.text == t.text)
    copied = d.forked_from.is_not(None) & select(literal_column("1")).where(same).exists()
    there = select(literal_column("'turn'"), t.dialogue_id, t.turn).join(dialogues, d.id == t.dialogue_id)
    return there.where(t.ended_at.is_not(None), ~copied)


def _take(connection: Connection) -> int:
    """Index the first rows of the queue; return how many there were."""
    if connection.dialect.name == "postgresql":
        connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _LOCK})
    rows = connection.execute(select(search_queue).order_by(search_queue.c.id).limit(BATCH)).all()
    wanted: dict[str, set[tuple[str, str]]] = {}
    for row in rows:
        wanted.setdefault(row.kind, set()).add((row.item, row.part))
    for kind in wanted.keys() & KINDS.keys():
        _index(connection, list(_sources(connection, kind, wanted[kind])))
    if rows:
        connection.execute(delete(search_queue).where(search_queue.c.id.in_([row.id for row in rows])))
    return len(rows)


def _sources(connection: Connection, kind: str, wanted: set[tuple[str, str]]) -> Iterable[Source]:
    """Yield what is asked for. A turn that is named comes alone; where nothing of the whole is named, all of it comes."""
    whole = {item for item, part in wanted if not part}
    for source in read_sources(connection, kind, (item for item, _ in wanted)):
        if source.item in whole or (source.item, source.part) in wanted:
            yield source


def _index(connection: Connection, sources: Sequence[Source]) -> None:
    there = _there(connection, sources)
    topics = [source for source in sources if source.kind == "dialogue" and _key(source) in there]
    if topics:  # a topic does not change, so that its words stay as they are
        change = update(search_entries).where(search_entries.c.id == bindparam("its_id"))
        values = [{"its_id": there[_key(each)], "new_status": each.status, "new_cost": each.cost} for each in topics]
        connection.execute(change.values(status=bindparam("new_status"), cost=bindparam("new_cost")), values)
    fresh = [source for source in sources if source.kind != "dialogue" or _key(source) not in there]
    if old := [there[_key(source)] for source in fresh if _key(source) in there]:
        connection.execute(delete(search_entries).where(search_entries.c.id.in_(old)))
        if connection.dialect.name == "postgresql":
            connection.execute(text("DELETE FROM search_words WHERE id = ANY(:old)"), {"old": old})
    numbered = sorted(zip(_numbers(connection, fresh), fresh, strict=True), key=lambda each: each[0])
    if numbered:
        connection.execute(insert(search_entries), [_entry(number, source) for number, source in numbered])
        words = [{"id": number, "words": searchable("\n".join(source.texts))} for number, source in numbered]
        connection.execute(text(_INSERT[connection.dialect.name]), words)


_INSERT: Final = {
    "sqlite": "INSERT INTO search_words (rowid, words) VALUES (:id, :words)",
    "postgresql": "INSERT INTO search_words (id, words) VALUES (:id, to_tsvector('simple', :words))",
}


def _there(connection: Connection, sources: Sequence[Source]) -> dict[tuple[str, str, str], int]:
    """Return the ids of those that are in the index."""
    e = search_entries.c
    items = sorted({source.item for source in sources})
    rows = connection.execute(select(e.id, e.kind, e.item, e.part).where(e.item.in_(items))).all()
    return {(row.kind, row.item, row.part): row.id for row in rows}


def _numbers(connection: Connection, sources: Sequence[Source]) -> list[int]:
    """Return an id for each: its time, or the next microsecond that is free."""
    column = "rowid" if connection.dialect.name == "sqlite" else "id"
    numbers = [int(min(max(source.at, 0.0) * 1e6, _LAST)) if source.at == source.at else 0 for source in sources]
    taken = _used(connection, column, numbers)
    for place, wanted in enumerate(numbers):
        number = wanted
        while number in taken or (number != wanted and _used(connection, column, [number])):
            number += 1
        taken.add(number)
        numbers[place] = number
    return numbers


def _used(connection: Connection, column: str, numbers: Sequence[int]) -> set[int]:
    among = text(f"SELECT {column} FROM search_words WHERE {column} IN :numbers")  # noqa: S608 - one of two columns
    wanted = among.bindparams(bindparam("numbers", expanding=True))
    return set(connection.execute(wanted, {"numbers": list(numbers)}).scalars())


def _key(source: Source) -> tuple[str, str, str]:
    return source.kind, source.item, source.part


def _entry(number: int, source: Source) -> dict[str, Any]:
    same = ("kind", "item", "part", "mode", "role", "model", "served", "status", "cost")
    return {"id": number, **{name: getattr(source, name) for name in same}}
