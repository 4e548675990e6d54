"""Where a dialogue comes from, by exact ids: the dialogue that it was forked from or spawned by, and so on."""

from __future__ import annotations

from typing import Final, NamedTuple

from sqlalchemy import Engine, select

from workbench.records.failures import explained
from workbench.records.schema import dialogues

_GENERATIONS: Final = 1000
"""How far up is looked: what was imported may name anything as its parent."""


class Ancestor(NamedTuple):
    """A dialogue, and where it comes from; see `DialogueSummary`."""

    id: str
    parent_id: str | None
    forked_from: str | None


def read_ancestors(engine: Engine, place: str, dialogue: str) -> list[Ancestor]:
    """Return a dialogue (its full id), its parent, and so on, as far as they are known; none for an unknown one."""
    d = dialogues.c
    found: dict[str, Ancestor] = {}
    name: str | None = dialogue
    with explained(place), engine.connect() as connection:
        while name is not None and name not in found and len(found) < _GENERATIONS:
            row = connection.execute(select(d.id, d.parent_id, d.forked_from).where(d.id == name)).one_or_none()
            if row is None:
                break
            found[name] = Ancestor(*row)
            name = row.parent_id
    return list(found.values())
