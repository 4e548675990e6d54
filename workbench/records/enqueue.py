"""What puts a part of the record into the outbox: statements that run in the transaction which writes that part.

There is one row for each target that is switched on and takes the kind; without a target nothing is written. A row names its
source and holds no copy of it. A source that says something new later (a run that ends, an observation that is judged) comes
again under the next version, also while a target is off: nothing else in the record would tell that it does.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final, NamedTuple

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Connection,
    Float,
    Insert,
    Integer,
    Text,
    bindparam,
    func,
    literal_column,
    null,
    or_,
    select,
)

from workbench.events import DialogueEnded
from workbench.records.inserting import insert_of
from workbench.records.schema import dialogues, experiment_runs, outbox, sync_targets
from workbench.records.texts import storable_text

COLUMNS: Final = (
    "target_id", "kind", "subject", "version", "from_seq", "lane", "behind", "made_at", "state", "due_at",
)  # fmt: skip
"""What every row of the outbox begins with, in the order in which the statements give it."""
WAITING: Final = "waiting"
"""State of a source that was not turned into parcels yet."""
_SPAWNED: Final = '%"spawned_by":%'
"""Stands in a run's JSON, where a quotation mark inside a text would have a backslash before it."""


_DIALOGUE: Final = literal_column("'dialogue'", Text())  # columns and not parameters: the writer gives none for these
_WAITING: Final = literal_column(f"'{WAITING}'", Text())
_AT_ONCE: Final = literal_column("0.0", Float(53))
_NONE: Final = literal_column("0", BigInteger())
_ON: Final = literal_column("1", Integer())


class Wanted(NamedTuple):
    """A part of the record that is to be copied.

    Attributes:
        kind: see `workbench.observe.sync.target.Source`.
        subject: its key there; of a dialogue, its id.
        lane: those of one lane go one after the other.
        behind: a lane whose earlier ones go first.
        again: whether it goes once more if it is there already, as the next version.
    """

    kind: str
    subject: str
    lane: str
    behind: str | None = None
    again: bool = False


def enqueue(connection: Connection, wanted: Iterable[Wanted], now: float) -> None:
    """Put parts of the record into the outbox, inside the transaction that writes them."""
    every = list(wanted)
    for again in (False, True):
        rows = [
            {
                "its_kind": each.kind,
                "its_subject": storable_text(each.subject),
                "its_lane": storable_text(each.lane),
                "its_behind": each.behind,
                "kind_pattern": kind_pattern(each.kind),
                "made": now,
            }
            for each in every
            if each.again is again
        ]
        if rows:
            connection.execute(_enqueue(connection.dialect.name, again=again), rows)


def kind_pattern(kind: str) -> str:
    """Return what a target's `kinds` are like where it takes a kind."""
    return f"%|{kind}|%"


def enqueue_dialogue(engine_name: str) -> Insert:
    """Return the statement that puts a dialogue which has just ended into the outbox, if it is a source.

    Parameters: in_dialogue, through (the number of the event that ended it), made, kind_pattern, spawned.
    """
    o, t, d = outbox.c, sync_targets.c, dialogues.c
    this = bindparam("in_dialogue", type_=Text())
    before = select(func.max(o.version)).where(o.target_id == t.id, o.kind == _DIALOGUE, o.subject == this).scalar_subquery()
    through = bindparam("through", type_=BigInteger())
    made = bindparam("made", type_=Float(53))
    query = (
        select(
            t.id, _DIALOGUE, d.id, through, func.coalesce(before, _NONE),
            d.id, null(), made, _WAITING, _AT_ONCE,
        )
        .select_from(sync_targets.join(dialogues, d.id == this))
        .where(t.enabled == _ON, t.kinds.like(bindparam("kind_pattern", type_=Text())), is_source())
    )  # fmt: skip
    return into_outbox(engine_name, query)


def dialogue_values(ended: DialogueEnded, now: float) -> dict[str, Any]:
    """Return the parameters of `enqueue_dialogue`."""
    return {
        "in_dialogue": ended.dialogue,
        "through": ended.seq,
        "made": now,
        "kind_pattern": kind_pattern("dialogue"),
        "spawned": _SPAWNED,
    }


def is_source() -> ColumnElement[bool]:
    """Return whether a dialogue is one: no sub-dialogue, which travels with its root, and no observation of an experiment.

    Its parameter `spawned` is among those of `dialogue_values`.
    """
    d = dialogues.c
    observed = select(experiment_runs.c.id).where(experiment_runs.c.id == d.parent_id).exists()
    spawned = d.run.like(bindparam("spawned", value=_SPAWNED, type_=Text()))
    return or_(d.parent_id.is_(None), d.forked_from.is_not(None), ~(spawned | observed))


def _enqueue(engine_name: str, *, again: bool) -> Insert:
    o, t = outbox.c, sync_targets.c
    kind, subject = bindparam("its_kind", type_=Text()), bindparam("its_subject", type_=Text())
    last = select(func.max(o.version)).where(o.target_id == t.id, o.kind == kind, o.subject == subject).scalar_subquery()
    version: ColumnElement[int] = func.coalesce(last + 1, 0) if again else _NONE
    pattern = bindparam("kind_pattern", type_=Text())
    query = select(
        t.id, kind, subject, version, _NONE,
        bindparam("its_lane", type_=Text()), bindparam("its_behind", type_=Text()), bindparam("made", type_=Float(53)),
        _WAITING, _AT_ONCE,
    ).where(or_(t.enabled == _ON, last.is_not(None)) if again else t.enabled == _ON, t.kinds.like(pattern))  # fmt: skip
    return into_outbox(engine_name, query)


def into_outbox(engine_name: str, query: Any) -> Insert:
    """Return an insert of what a query finds, less what is there."""
    statement: Insert = insert_of(engine_name)(outbox).from_select(list(COLUMNS), query).on_conflict_do_nothing()
    return statement
