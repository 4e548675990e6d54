"""How good turns were: what people, judges and checks have said of them, and what routing has learned from it.

A later word of a source on a turn replaces its first. Ratings are numbered as they are committed, so who has learned up to a
number has missed none. The state of a learning policy stands beside them.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterable
from dataclasses import asdict
from typing import Any, Final

from sqlalchemy import Connection, Engine, Row, delete, func, insert, select, text
from sqlalchemy.exc import DBAPIError

from workbench.records.enqueue import Wanted, enqueue
from workbench.records.failures import explained, is_passing
from workbench.records.kinds import hold, tell_again
from workbench.records.rating import Learned, Rating
from workbench.records.schema import dialogues, ratings, routers
from workbench.records.texts import storable_values

_SAID: Final = ("quality", "comment", "model")
"""What makes a word of the same source another one."""
_ATTEMPTS: Final = 3


def keep_ratings(engine: Engine, place: str, given: Iterable[Rating]) -> int:
    """Store ratings in one transaction, and return how many were news.

    A word that a source has said before changes nothing; a changed one replaces the old, under a new number.
    """
    every = list(given)
    with explained(place):
        for _ in range(_ATTEMPTS - 1):
            try:
                return _keep_all(engine, every)
            except DBAPIError as error:  # sums are where writers meet, each in its own order
                if not is_passing(error):
                    raise
        return _keep_all(engine, every)


def read_ratings(engine: Engine, place: str, after: int = 0, dialogue: str | None = None) -> list[Rating]:
    """Return the ratings with a number above `after`, rising; all, or those of one dialogue (its full id)."""
    query = select(ratings).where(ratings.c.id > after).order_by(ratings.c.id)
    if dialogue is not None:
        query = query.where(ratings.c.dialogue_id == dialogue)
    with explained(place), engine.connect() as connection:
        return [_rating(row) for row in connection.execute(query)]


def read_rating(engine: Engine, place: str, number: int) -> Rating | None:
    """Return the rating of a number; None where a later word has replaced it."""
    with explained(place), engine.connect() as connection:
        row = connection.execute(select(ratings).where(ratings.c.id == number)).one_or_none()
    return None if row is None else _rating(row)


def count_ratings(engine: Engine, place: str, through: int) -> int:
    """Return how many ratings there are up to a number. One that was replaced is not there any more."""
    query = select(func.count()).select_from(ratings).where(ratings.c.id <= through)
    with explained(place), engine.connect() as connection:
        return connection.execute(query).scalar_one()


def read_learned(engine: Engine, place: str, policy: str) -> Learned | None:
    """Return what a policy has learned; None where nothing is kept."""
    query = select(routers.c.through, routers.c.ratings, routers.c.state).where(routers.c.policy == policy)
    with explained(place), engine.connect() as connection:
        row = connection.execute(query).one_or_none()
    return None if row is None else Learned(row.through, row.ratings, json.loads(row.state))


def keep_learned(engine: Engine, place: str, policy: str, learned: Learned, now: float) -> None:
    """Store what a policy has learned, unless another process has stored more."""
    values = {"policy": policy, "through": learned.through, "ratings": learned.ratings, "updated_at": now}
    values["state"] = json.dumps(learned.state)
    with explained(place), engine.connect().execution_options(for_writing=True) as connection, connection.begin():
        if engine.dialect.name == "postgresql":
            connection.execute(text("LOCK TABLE routers IN SHARE ROW EXCLUSIVE MODE"))
        known = connection.execute(select(routers.c.through).where(routers.c.policy == policy)).scalar_one_or_none()
        if known is not None and known > learned.through:
            return
        connection.execute(delete(routers).where(routers.c.policy == policy))
        connection.execute(insert(routers).values(values))


def _keep_all(engine: Engine, given: Iterable[Rating]) -> int:
    with engine.connect().execution_options(for_writing=True) as connection, connection.begin():
        if engine.dialect.name == "postgresql":  # so that numbers are committed in their order
            connection.execute(text("LOCK TABLE ratings IN SHARE ROW EXCLUSIVE MODE"))
        return sum(_keep(connection, rating) for rating in given)


def _keep(connection: Connection, rating: Rating) -> bool:
    r = ratings.c
    mine = (r.dialogue_id == rating.dialogue) & (r.turn == rating.turn) & (r.source == rating.source) & (r.by == rating.by)
    before = connection.execute(select(ratings).where(mine)).one_or_none()
    values = values_of(rating)
    if before is not None:
        if all(before._mapping[name] == values[name] for name in _SAID):  # noqa: SLF001 - SQLAlchemy's public name for it
            return False
        connection.execute(delete(ratings).where(mine))
    hold(connection, rating.dialogue)
    kept = connection.execute(insert(ratings).values(values)).inserted_primary_key
    assert kept is not None
    tell_again(connection, rating.dialogue, rating.turn)
    enqueue(connection, [Wanted("rating", str(kept[0]), _lane(connection, rating.dialogue))], time.time())
    return True


def _lane(connection: Connection, dialogue: str) -> str:
    """Return the dialogue that one travels with to where the record is copied: the root of those that turns opened."""
    d, seen = dialogues.c, set[str]()
    while dialogue not in seen:
        seen.add(dialogue)
        above = select(d.parent_id).where(d.id == dialogue, d.forked_from.is_(None))
        parent = connection.execute(above).scalar()
        if parent is None or connection.execute(select(d.id).where(d.id == parent)).scalar() is None:
            break  # a root, or a part of an experiment's run
        dialogue = parent
    return dialogue


def values_of(rating: Rating) -> dict[str, Any]:
    """Return the row of a rating, but for its number."""
    values = asdict(rating)
    del values["id"]
    values["dialogue_id"] = values.pop("dialogue")
    values["features"] = json.dumps(rating.features)
    return storable_values(values)


def _rating(row: Row[Any]) -> Rating:
    values = dict(row._mapping)  # noqa: SLF001 - as above
    values["dialogue"] = values.pop("dialogue_id")
    return Rating(**{**values, "features": tuple(json.loads(values["features"]))})
