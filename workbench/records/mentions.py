"""Dialogues of a mode whose topic has certain words: which questions were put to a paper, for one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from sqlalchemy import Engine, select

from workbench.records.failures import explained
from workbench.records.schema import dialogues, turns

_AT_ONCE: Final = 500
"""Dialogues in one query."""


@dataclass(frozen=True, slots=True)
class Mention:
    """One such dialogue.

    Attributes:
        at: when it began, in Unix seconds.
        models: that spoke in it, in order.
        cost: USD; None is unknown.
    """

    dialogue: str
    at: float
    topic: str
    status: str
    models: tuple[str, ...]
    cost: float | None


def read_mentions(engine: Engine, place: str, mode: str, words: str) -> list[Mention]:
    """Return the dialogues of a mode whose topic has some words as they stand, oldest first."""
    d, t = dialogues.c, turns.c
    wanted = (d.mode == mode) & d.topic.contains(words, autoescape=True)
    mentions = select(d.id, d.created_at, d.topic, d.status, d.cost).where(wanted).order_by(d.created_at, d.id)
    speakers = select(t.dialogue_id, t.served, t.model).order_by(t.position)
    models: dict[str, dict[str, None]] = {}
    with explained(place), engine.connect() as connection:
        rows = [row for row in connection.execute(mentions) if words in row.topic]
        for start in range(0, len(rows), _AT_ONCE):
            some = [row.id for row in rows[start : start + _AT_ONCE]]
            for turn in connection.execute(speakers.where(t.dialogue_id.in_(some))):
                models.setdefault(turn.dialogue_id, {})[turn.served or turn.model] = None
    return [Mention(r.id, r.created_at, r.topic, r.status, tuple(models.get(r.id, ())), r.cost) for r in rows]
