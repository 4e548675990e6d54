"""What has the index take something in later: a row in its queue, in the transaction that writes that thing."""

from __future__ import annotations

from sqlalchemy import Connection, Insert, bindparam, insert, literal_column, select
from sqlalchemy.types import Text

from workbench.events import (
    DialogueEnded,
    DialogueResumed,
    DialogueStarted,
    Event,
    TurnCancelled,
    TurnCompleted,
    TurnFailed,
)
from workbench.records.inserting import insert_of
from workbench.records.projection import Change
from workbench.records.schema import dialogues, search_queue


def queue(connection: Connection, kind: str, item: str, part: str = "") -> None:
    """Have something taken into the index, inside the transaction that writes it."""
    connection.execute(insert(search_queue).values(kind=kind, item=item, part=part))


def queue_words(engine_name: str) -> Insert:
    """Return the statement by which the writer queues a dialogue or a turn.

    A fork's turns that were said in its parent are found there, if the parent is in this record. Parameters: words_kind,
    words_item, words_part, copied_from.
    """
    kind, item, part, origin = (
        bindparam(name, type_=Text()) for name in ("words_kind", "words_item", "words_part", "copied_from")
    )
    elsewhere = select(literal_column("1")).where(dialogues.c.id == origin).exists()
    fresh = select(kind, item, part).where(~elsewhere)
    statement: Insert = insert_of(engine_name)(search_queue).from_select(["kind", "item", "part"], fresh)
    return statement


def queued(event: Event) -> list[Change]:
    """Return what queues the dialogue or the turn that an event tells of."""
    if isinstance(event, (DialogueStarted, DialogueResumed, DialogueEnded)):
        kind, turn = "dialogue", ""
    elif isinstance(event, (TurnCompleted, TurnFailed, TurnCancelled)):
        kind, turn = "turn", event.turn
    else:
        return []
    copied = event.copied_from if isinstance(event, TurnCompleted) else None
    values = {"words_kind": kind, "words_item": event.dialogue, "words_part": turn, "copied_from": copied}
    return [Change("queue_words", ("search_queue", event.dialogue, turn), values)]
