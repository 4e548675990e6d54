"""What calls took, added up as they are written, so that a million of them are looked through in a moment.

`usage` has a row for every day (UTC), model, model asked for, provider, mode, what a dialogue is a part of, and outcome;
`usage_quarters` one for every quarter of an hour and model, because the midnights of all time zones fall on quarters;
`usage_tasks` one for every day, model, model asked for and kind of task, see `kinds`. The writer counts a call in the
transaction that stores it; a rebuild counts all again. From a point in time inside of a day or quarter on, its calls are
counted one by one.

A fork of old may have its parent's calls under their old ids. They began before it did, and count where they were made.
"""

from __future__ import annotations

from typing import Any, Final

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Float,
    FromClause,
    Select,
    Table,
    Text,
    bindparam,
    case,
    cast,
    func,
    literal,
    literal_column,
    or_,
    select,
    union_all,
)
from sqlalchemy.sql import Executable

from workbench.records.counting import DAY, LAST, QUARTER, TOKENS, number_of
from workbench.records.inserting import insert_of
from workbench.records.schema import calls, dialogues, usage, usage_quarters

SUMS: Final = tuple(column.name for column in usage_quarters.c if not column.primary_key)
"""What all three tables add up."""
_SPANS: Final = {"usage": ("day", DAY), "usage_quarters": ("quarter", QUARTER), "usage_tasks": ("day", DAY)}
"""Table to the column of its spans of time, and their seconds."""


def count(engine_name: str, table: Table) -> Executable:
    """Return the statement that counts one call in a table; its dialogue and its own row have to be there."""
    d, c = dialogues.c, calls.c
    kept = select(kind_told(c.kind)).where(
        c.dialogue_id == bindparam("in_dialogue", type_=Text()), c.id == bindparam("call", type_=Text())
    )
    found: dict[str, ColumnElement[Any]] = {"mode": d.mode, "part_of": _part_of(), "kind": kept.scalar_subquery()}
    values = [found.get(name, bindparam(name, type_=column.type)).label(name) for name, column in table.c.items()]
    counted = select(*values).where(
        d.id == bindparam("in_dialogue", type_=Text()),
        or_(d.forked_from.is_(None), d.created_at <= bindparam("began", type_=Float(53))),
    )
    return adding(insert_of(engine_name)(table).from_select(list(table.c.keys()), counted, include_defaults=False), table)


def adding(statement: Any, table: Table) -> Executable:
    """Return the insert of sums that adds them to those that are there."""
    added = {name: column + statement.excluded[name] for name, column in table.c.items() if not column.primary_key}
    upsert: Executable = statement.on_conflict_do_update(index_elements=list(table.primary_key), set_=added)
    return upsert


def used(dialect: str, since: float | None = None, table: Table = usage) -> FromClause:
    """Return what was used from a time on, with the columns of its table of sums; several rows may have one key."""
    if since is None:
        return table
    name, span = _SPANS[table.name]
    first = number_of(since, span)
    first += first * span < since
    whole = select(*table.c).where(table.c[name] >= first)
    part = one_by_one(dialect, table).where(calls.c.started_at >= since, calls.c.started_at < first * span)
    return union_all(whole, part).subquery("used")


def one_by_one(dialect: str, table: Table = usage, *more: ColumnElement[Any]) -> Select[Any]:
    """Select each call as a row of a table, with `more` of its columns."""
    c, d = calls.c, dialogues.c
    nothing, priced, ok = literal(0, BigInteger()), c.cost.is_not(None), c.outcome == "ok"
    wrote = ok & c.completion_tokens.is_not(None)
    unpriced = c.cost.is_(None) & or_(ok, c.prompt_tokens.is_not(None), c.text != "", c.reasoning != "")
    values: dict[str, ColumnElement[Any]] = {
        **{name: _number(dialect, span) for name, span in _SPANS.values()},
        **{name: c[name] for name in ("model", "asked", "provider", "outcome")},
        "mode": d.mode,
        "part_of": _part_of(),
        "kind": kind_told(c.kind),
        "calls": literal(1, BigInteger()),
        "answered": _one_if(ok),
        "cancelled": _one_if(c.outcome == "cancelled"),
        "fallbacks": _one_if(ok & (c.asked != c.model)),
        **{name: func.coalesce(c[name], nothing) for name in TOKENS},
        **{f"priced_{name}": case((priced, func.coalesce(c[name], nothing)), else_=nothing) for name in TOKENS[:3]},
        "priced_calls": _one_if(priced),
        "unpriced_calls": _one_if(unpriced),
        "cached_calls": _one_if(c.saved.is_not(None)),
        "cost": func.coalesce(c.cost, 0.0),
        "saved": func.coalesce(c.saved, 0.0),
        "written": case((wrote, c.completion_tokens), else_=nothing),
        "writing": case((wrote, c.total_seconds), else_=0.0),
    }
    made = or_(d.forked_from.is_(None), d.created_at <= c.started_at)
    columns = (values[column.name].label(column.name) for column in table.c)
    return select(*columns, *more).join_from(calls, dialogues, d.id == c.dialogue_id).where(made)


def _number(dialect: str, span: int) -> ColumnElement[int]:
    """Return the number of the span in which a call began; a cast cuts off in SQLite and rounds in PostgreSQL."""
    at = calls.c.started_at
    number = at / float(span)
    whole = cast(func.floor(number) if dialect == "postgresql" else number, BigInteger)
    return case(((at > 0) & (at < LAST), whole), else_=0)


def kind_told(kind: ColumnElement[str | None]) -> ColumnElement[str]:
    """Return a kind of task, empty where it is unknown."""
    return func.coalesce(kind, literal_column("''", Text()))  # not a parameter: the writer has its statements as text


def _part_of() -> ColumnElement[str]:
    """Return what a dialogue is a part of: a run of an experiment, or the dialogue that opened it. A fork is by itself."""
    nothing = literal_column("''", Text())  # as above
    return case((dialogues.c.forked_from.is_(None), func.coalesce(dialogues.c.parent_id, nothing)), else_=nothing)


def _one_if(condition: ColumnElement[bool]) -> ColumnElement[int]:
    return case((condition, 1), else_=0)
