"""The kind of task that a call was for, so that what calls took is told apart by it.

It is what routing saw in the task when the call's turn first began; where nobody routed, what ratings of the turn say, of
several kinds the last one in the alphabet. Routing comes before the call, a rating as a rule comes after it: then the calls of
the turn are counted as that kind from there on, in the transaction that stores the rating.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import ColumnElement, Connection, delete, func, select, update

from workbench.records.inserting import insert_of
from workbench.records.schema import calls, dialogues, ratings, turns, usage_tasks
from workbench.records.usage import adding, kind_told, one_by_one


def kind_of(dialogue: ColumnElement[str] | str, turn: ColumnElement[str] | str) -> ColumnElement[str | None]:
    """Return the kind of task of a turn; null where nobody looked."""
    t, r = turns.c, ratings.c
    routed = select(t.kind).where(t.dialogue_id == dialogue, t.turn == turn)
    rated = select(func.max(r.kind)).where(r.dialogue_id == dialogue, r.turn == turn)
    return func.coalesce(routed.scalar_subquery(), rated.scalar_subquery())


def hold(connection: Connection, dialogue: str) -> None:
    """Let nobody store calls of a dialogue until the transaction ends: who adds its events waits for the dialogue's row."""
    connection.execute(select(dialogues.c.id).where(dialogues.c.id == dialogue).with_for_update())


def tell_again(connection: Connection, dialogue: str, turn: str) -> None:
    """Give the calls of a turn the kind that it has by now, and count them as that."""
    c = calls.c
    kind = connection.execute(select(kind_of(dialogue, turn))).scalar()
    others = (c.dialogue_id == dialogue) & (c.turn == turn) & (kind_told(c.kind) != (kind or ""))
    counted = connection.execute(one_by_one(connection.dialect.name, usage_tasks).where(others)).mappings().all()
    for row in counted:
        _move(connection, dict(row), kind or "")
    connection.execute(update(calls).where(others).values(kind=kind))


def _move(connection: Connection, counted: dict[str, Any], kind: str) -> None:
    keys = {column.name for column in usage_tasks.primary_key}
    away = {name: value if name in keys else -value for name, value in counted.items()}
    add = adding(insert_of(connection.dialect.name)(usage_tasks), usage_tasks)
    connection.execute(add, [away, counted | {"kind": kind}])
    left = [usage_tasks.c[name] == counted[name] for name in keys]
    connection.execute(delete(usage_tasks).where(*left, usage_tasks.c.calls == 0))
