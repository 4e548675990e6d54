"""The SQL that the writer runs, built with SQLAlchemy Core and compiled once for an engine.

Compiled to text, because a turn's few rows would otherwise cost more in statement handling than in the database. Each name
is one that `projection.STAGES` lists.
"""

from __future__ import annotations

from typing import Any, Final

from sqlalchemy import BigInteger, Dialect, Float, Integer, Table, Text, bindparam, func, null, update
from sqlalchemy.sql import Executable
from sqlalchemy.sql.elements import ColumnElement
from sqlalchemy.types import TypeEngine

from workbench.records.enqueue import enqueue_dialogue
from workbench.records.inserting import insert_of
from workbench.records.kinds import kind_of
from workbench.records.schema import calls, dialogues, events, turns, usage, usage_quarters, usage_tasks
from workbench.records.search.queueing import queue_words
from workbench.records.usage import count

_TYPES: Final[dict[str, TypeEngine[Any]]] = {
    "now": Float(53),
    "spent": Float(53),
    "prompt": BigInteger(),
    "completion": BigInteger(),
    "unknown": Integer(),
    "completed": Integer(),
}


def compile_statements(dialect: Dialect) -> dict[str, str]:
    """Return the text of every statement, with named parameters in the driver's style."""
    make: Any = type(dialect)
    compiler = make(paramstyle="named" if dialect.name == "sqlite" else "pyformat")
    return {name: str(statement.compile(dialect=compiler)) for name, statement in _statements(dialect.name).items()}


def _statements(engine_name: str) -> dict[str, Any]:
    insert = insert_of(engine_name)
    d, t = dialogues.c, turns.c
    this_dialogue = d.id == _given("in_dialogue")
    this_turn = (t.dialogue_id == _given("in_dialogue")) & (t.turn == _given("of_turn"))
    return {
        "start_dialogue": _upsert(insert, dialogues),
        "resume_dialogue": update(dialogues)
        .where(this_dialogue)
        .values(
            status=_given("new_status"),
            reason=null(),
            ended_at=null(),
            updated_at=_given("now"),
            owner=func.coalesce(_given("new_owner"), d.owner),
            run=_given("new_run"),
        ),
        "keep_event": insert(events).values(_every_column(events)),
        "start_turn": _upsert(insert, turns, keep=("served", "prompt_tokens", "completion_tokens", "cost", "kind")),
        "keep_call": _upsert(insert, calls, kind=kind_of(_given("dialogue_id"), _given("turn"))),
        "count_call": update(turns)
        .where(this_turn)
        .values(
            served=func.coalesce(_given("served_by"), t.served),
            prompt_tokens=t.prompt_tokens + _given("prompt"),
            completion_tokens=t.completion_tokens + _given("completion"),
            cost=_add_known(t.cost),
        ),
        "count_usage": count(engine_name, usage),
        "count_quarter": count(engine_name, usage_quarters),
        "count_task": count(engine_name, usage_tasks),
        "end_turn": update(turns)
        .where(this_turn)
        .values(
            status=_given("new_status"),
            text=_given("new_text"),
            reasoning=_given("new_reasoning"),
            error=_given("new_error"),
            ended_at=_given("now"),
        ),
        "advance_dialogue": update(dialogues)
        .where(this_dialogue)
        .values(
            updated_at=_given("now"),
            prompt_tokens=d.prompt_tokens + _given("prompt"),
            completion_tokens=d.completion_tokens + _given("completion"),
            cost=_add_known(d.cost),
            unknown_cost_calls=d.unknown_cost_calls + _given("unknown"),
            turns_completed=d.turns_completed + _given("completed"),
        ),
        "end_dialogue": update(dialogues)
        .where(this_dialogue)
        .values(
            status=_given("new_status"),
            reason=_given("new_reason"),
            ended_at=_given("now"),
            updated_at=_given("now"),
            owner=null(),
        ),
        "enqueue_dialogue": enqueue_dialogue(engine_name),
        "queue_words": queue_words(engine_name),
    }


def _given(name: str) -> ColumnElement[Any]:
    return bindparam(name, type_=_TYPES.get(name, Text()))


def _add_known(column: ColumnElement[float | None]) -> ColumnElement[Any]:
    """Add a cost, where unknown plus unknown stays unknown and an unknown summand changes nothing."""
    spent = _given("spent")
    return func.coalesce(column + spent, column, spent)


def _every_column(table: Table) -> dict[str, ColumnElement[Any]]:
    return {column.name: bindparam(column.name, type_=column.type) for column in table.c}


def _upsert(insert: Any, table: Table, keep: tuple[str, ...] = (), **found: ColumnElement[Any]) -> Executable:
    """Insert a row, some columns as they are `found`, or renew the one that has its key except for the columns to `keep`."""
    statement = insert(table).values(_every_column(table) | found)
    renewed = {c.name: statement.excluded[c.name] for c in table.c if not c.primary_key and c.name not in keep}
    upsert: Executable = statement.on_conflict_do_update(index_elements=list(table.primary_key), set_=renewed)
    return upsert
