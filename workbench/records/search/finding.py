"""Asking the index: which entries have the words and are as wanted, and a piece of each text that shows it."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

from sqlalchemy import Connection, Engine, Row, select, text

from workbench.errors import RecordError
from workbench.events import Status
from workbench.records.failures import explained
from workbench.records.moments import Since, moment
from workbench.records.owners import is_alive
from workbench.records.schema import dialogues
from workbench.records.search.query import Query, read_query
from workbench.records.search.snippets import Snippet, snippet
from workbench.records.search.sources import KINDS, Source, read_sources

SORTS: Final = ("newest", "relevance")
RANKED: Final = 3_000
"""Of so many of the newest that fit, the most relevant are looked for: to weigh half a million takes seconds."""
SELECTIVE: Final = 20_000
"""Entries up to which the rarer is found first. SQLite begins with what is as wanted, and looks for the words among that; to
look up each that has a frequent word takes longer than a second. PostgreSQL begins with what has the words: left to itself, it
goes through all entries from the newest on until it has enough, which for a rare word is all."""
RARE: Final = 5_000
"""Entries up to which a word is rare to PostgreSQL."""
_RARE: Final = (
    "SELECT w.id FROM search_words AS w WHERE w.words @@ to_tsquery('simple', :words) AND w.id >= :begin "  # noqa: S608 - as below
    f"LIMIT {RARE + 1}"
)
_FEW: Final = f"SELECT e.id FROM search_entries AS e WHERE {{}} ORDER BY e.id DESC LIMIT {SELECTIVE + 1}"  # noqa: S608 - as below
_FOREVER: Final = 1 << 62
_INTERRUPTED: Final = "interrupted"
_Parameters: TypeAlias = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Asked:
    """What is looked for.

    Attributes:
        text: as `query.read_query` reads it; empty for anything.
        kinds: of what; by default all.
        model: that was asked or has answered; `*` stands for any letters.
        since: only what happened from then on.
        status: of it; `interrupted` are dialogues that count as running while no process runs them.
        cost_over: USD; what is unknown is not over anything.
        mode: of the dialogue.
        role: of the turn.
        sort: `newest` or `relevance`.
        limit: how many.
    """

    text: str = ""
    kinds: tuple[str, ...] = ()
    model: str | None = None
    since: Since | None = None
    status: str | None = None
    cost_over: float | None = None
    mode: str | None = None
    role: str | None = None
    sort: str = "newest"
    limit: int = 20


@dataclass(frozen=True, slots=True)
class Hit:
    """Something that was found.

    Attributes:
        source: what it is.
        snippet: a piece of its text, with what was looked for marked.
        status: as of now; `interrupted` where nobody runs it any more.
    """

    source: Source
    snippet: Snippet
    status: str | None


@dataclass(frozen=True, slots=True)
class Found:
    """What was found, and whether there is more of it."""

    hits: tuple[Hit, ...]
    more: bool


def find(engine: Engine, place: str, asked: Asked) -> Found:
    """Return what fits; the index answers for what is in it.

    Raises:
        RecordError: nothing can be looked for that way, or the database cannot answer.
    """
    query = read_query(asked.text)
    _check(asked)
    begin = 0 if asked.since is None else min(max(int(moment(asked.since) * 1e6), 0), _FOREVER)
    with explained(place), engine.connect() as connection:
        rows, more = _first(_entries(connection, asked, query, begin), asked.limit)
        texts = _read(connection, rows)
        hits = [_hit(texts[key], query, row.status) for row in rows if (key := (row.kind, row.item, row.part)) in texts]
    return Found(tuple(hits), more)


def _check(asked: Asked) -> None:
    if unknown := [kind for kind in asked.kinds if kind not in KINDS]:
        raise RecordError(f"Nothing is of the kind {unknown[0]!r}.", hint=f"There are: {', '.join(KINDS)}.")
    if asked.sort not in SORTS:
        raise RecordError(f"{asked.sort!r} is no order.", hint=f"There are: {', '.join(SORTS)}.")
    if asked.sort == "relevance" and not asked.text.strip():
        raise RecordError("Without words nothing is more relevant than another.", hint="Leave --sort out.")
    if asked.limit < 1:
        raise RecordError(f"{asked.limit} is not how many to show.", hint="A whole number from 1 is needed.")


def _first(rows: Iterable[Row[Any]], limit: int) -> tuple[list[Row[Any]], bool]:
    """Return the first few things, of which a paper may be found in several places, and whether there are more."""
    kept: dict[tuple[str, str, str], Row[Any]] = {}
    for row in rows:
        key = (row.kind, row.item, "" if row.kind == "paper" else row.part)
        if key in kept:
            continue
        if len(kept) == limit:
            return list(kept.values()), True
        kept[key] = row
    return list(kept.values()), False


def _entries(connection: Connection, asked: Asked, query: Query | None, begin: int) -> Iterator[Row[Any]]:
    """Yield the entries that fit, in the wanted order, a few at a time."""
    conditions, parameters = _conditions(asked, begin)
    dialect = connection.dialect.name
    if query:
        parameters["words"] = query.fts5 if dialect == "sqlite" else query.tsquery
    if query and dialect == "sqlite" and len(conditions) > 1:
        few = connection.execute(text(_FEW.format(" AND ".join(conditions))), parameters).scalars().all()
        if len(few) <= SELECTIVE:
            conditions = ["+w.rowid IN (SELECT value FROM json_each(:few))"]
            parameters |= {"few": json.dumps(list(few))}
    elif query and dialect == "postgresql":
        few = connection.execute(text(_RARE), parameters).scalars().all()
        if len(few) <= RARE:
            conditions.append("e.id = ANY(:few)")
            parameters |= {"few": list(few)}
            query = query if asked.sort == "relevance" else None  # it has the words
    sql = _sql(dialect, asked, query, conditions)
    after, batch = 0, max(4 * asked.limit, 100)
    while True:
        page = text(f"{sql} LIMIT {batch} OFFSET {after}")
        rows = connection.execute(page, parameters).all()
        yield from rows if asked.status != _INTERRUPTED else _orphans(connection, rows)
        if len(rows) < batch:
            return
        after += batch


def _sql(dialect: str, asked: Asked, query: Query | None, conditions: Sequence[str]) -> str:
    where = " AND ".join(conditions)
    if query is None:
        return f"SELECT e.* FROM search_entries AS e WHERE {where} ORDER BY e.id DESC"  # noqa: S608 - values are parameters
    if dialect == "sqlite":
        words, rank = "search_words MATCH :words AND w.rowid >= :begin", "bm25(search_words)"
        joined = "search_words AS w CROSS JOIN search_entries AS e ON e.id = w.rowid"
        order = "w.rowid"
    else:
        words, rank = "w.words @@ to_tsquery('simple', :words)", "-ts_rank(w.words, to_tsquery('simple', :words))"
        joined = "search_words AS w JOIN search_entries AS e ON e.id = w.id"
        order = "e.id"
    newest = f"FROM {joined} WHERE {words} AND {where} ORDER BY {order} DESC"
    if asked.sort == "newest":
        return f"SELECT e.* {newest}"
    ranked = f"SELECT e.*, {rank} AS rank {newest} LIMIT {RANKED}"
    return f"SELECT * FROM ({ranked}) AS ranked ORDER BY rank, id DESC"  # noqa: S608 - as above


def _conditions(asked: Asked, begin: int) -> tuple[list[str], _Parameters]:
    conditions = ["e.id >= :begin"]
    parameters: _Parameters = {"begin": begin}
    named: _Parameters = {"mode": asked.mode, "role": asked.role, "status": _stored(asked.status)}
    for name, value in named.items():
        if value is not None:
            conditions.append(f"e.{name} = :{name}")
            parameters[name] = value
    if asked.kinds:
        names = {f"kind_{number}": kind for number, kind in enumerate(asked.kinds)}
        conditions.append(f"e.kind IN ({', '.join(f':{name}' for name in names)})")
        parameters.update(names)
    if asked.model is not None:
        same = "LIKE :model ESCAPE '!'" if "*" in asked.model else "= :model"
        conditions.append(f"(e.model {same} OR e.served {same})")
        parameters["model"] = _pattern(asked.model)
    if asked.cost_over is not None:
        conditions.append("e.cost > :cost_over")
        parameters["cost_over"] = asked.cost_over
    return conditions, parameters


def _stored(status: str | None) -> str | None:
    """Return how the record says a status; what is interrupted says running, and only dialogues run."""
    return Status.RUNNING.value if status == _INTERRUPTED else status


def _pattern(model: str) -> str:
    if "*" not in model:
        return model
    for special in "!%_":
        model = model.replace(special, f"!{special}")
    return model.replace("*", "%")


def _orphans(connection: Connection, rows: Sequence[Row[Any]]) -> list[Row[Any]]:
    """Return those of running dialogues that no process runs."""
    running = [row.item for row in rows if row.kind == "dialogue"]
    d = dialogues.c
    there = connection.execute(select(d.id, d.owner, d.updated_at).where(d.id.in_(running))).all()
    dead = {row.id for row in there if not is_alive(row.owner, row.updated_at)}
    return [row for row in rows if row.kind == "dialogue" and row.item in dead]


def _read(connection: Connection, rows: Sequence[Row[Any]]) -> dict[tuple[str, str, str], Source]:
    """Return what entries stand for."""
    items: dict[str, set[str]] = {}
    for row in rows:
        items.setdefault(row.kind, set()).add(row.item)
    sources = (source for kind, its in items.items() for source in read_sources(connection, kind, its))
    return {(source.kind, source.item, source.part): source for source in sources}


def _hit(source: Source, query: Query | None, status: str | None) -> Hit:
    return Hit(source, snippet(source.texts, query), status)
