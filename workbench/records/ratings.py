"""How good turns were: what people, judges and checks have said of them, and what routing has learned from it.

A rating is one source's word on one turn; a later word of the same source replaces it. Ratings are numbered as they are
committed, so who has learned up to a number has missed none. The state of a learning policy stands beside them.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Any, Final, NamedTuple

from sqlalchemy import Connection, Engine, Row, delete, func, insert, select, text

from workbench.errors import RecordError
from workbench.records.failures import explained
from workbench.records.schema import ratings, routers
from workbench.records.texts import storable_text

SOURCES: Final = ("person", "judge", "vote", "check", "experiment")
"""Who may rate a turn."""
_SAID: Final = ("quality", "comment", "model")
"""What makes a word of the same source another one."""


@dataclass(frozen=True, slots=True)
class Rating:
    """One source's word on one turn.

    Attributes:
        dialogue: its id.
        turn: its id.
        role: that spoke.
        model: card that served the turn.
        quality: 0 to 1.
        source: one of `SOURCES`.
        by: the person, the judge's turn, or what else tells one word of a source from another.
        comment: why.
        cost: of the turn in USD; None is unknown.
        kind: of task, as routing saw it.
        capability: the score on a card that counts for it.
        features: what the task's text is about; empty where nobody looked.
        policy: that chose the model; empty where none did.
        propensity: with which it did.
        at: Unix seconds.
        id: number in the record; 0 before it is there.

    Raises:
        RecordError: the quality does not lie between 0 and 1, or there is no such source.
    """

    dialogue: str
    turn: str
    role: str
    model: str
    quality: float
    source: str
    by: str = ""
    comment: str = ""
    cost: float | None = None
    kind: str = ""
    capability: str = ""
    features: tuple[float, ...] = ()
    policy: str = ""
    propensity: float | None = None
    at: float = 0.0
    id: int = 0

    def __post_init__(self) -> None:
        """Refuse what would spoil everything learned from it."""
        if not (isinstance(self.quality, (int, float)) and 0 <= self.quality <= 1 and math.isfinite(self.quality)):
            raise RecordError(
                f"a quality of {self.quality} for {self.turn}: it must lie between 0 and 1",
                hint="Divide a score by the highest that could be reached.",
            )
        if self.source not in SOURCES:
            raise RecordError(f"{self.source!r} cannot rate a turn", hint=f"Sources: {', '.join(SOURCES)}.")


class Learned(NamedTuple):
    """What a policy has learned from ratings.

    Attributes:
        through: number of the last rating that it knows.
        ratings: how many it knows. Where the record has fewer up to that number, some were replaced, and it must begin anew.
        state: the policy's own, for JSON.
    """

    through: int
    ratings: int
    state: dict[str, Any]


def keep_ratings(engine: Engine, place: str, given: Iterable[Rating]) -> int:
    """Store ratings in one transaction, and return how many were news.

    A word that a source has said before changes nothing; a changed one replaces the old, under a new number.
    """
    with explained(place), engine.connect().execution_options(for_writing=True) as connection, connection.begin():
        if engine.dialect.name == "postgresql":  # so that numbers are committed in their order
            connection.execute(text("LOCK TABLE ratings IN SHARE ROW EXCLUSIVE MODE"))
        return sum(_keep(connection, rating) for rating in given)


def read_ratings(engine: Engine, place: str, after: int = 0, dialogue: str | None = None) -> list[Rating]:
    """Return the ratings with a number above `after`, rising; all, or those of one dialogue (its full id)."""
    query = select(ratings).where(ratings.c.id > after).order_by(ratings.c.id)
    if dialogue is not None:
        query = query.where(ratings.c.dialogue_id == dialogue)
    with explained(place), engine.connect() as connection:
        return [_rating(row) for row in connection.execute(query)]


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


def _keep(connection: Connection, rating: Rating) -> bool:
    r = ratings.c
    mine = (r.dialogue_id == rating.dialogue) & (r.turn == rating.turn) & (r.source == rating.source) & (r.by == rating.by)
    before = connection.execute(select(ratings).where(mine)).one_or_none()
    values = _values(rating)
    if before is not None:
        if all(before._mapping[name] == values[name] for name in _SAID):  # noqa: SLF001 - SQLAlchemy's public name for it
            return False
        connection.execute(delete(ratings).where(mine))
    connection.execute(insert(ratings).values(values))
    return True


def _values(rating: Rating) -> dict[str, Any]:
    values = asdict(rating)
    del values["id"]
    values["dialogue_id"] = values.pop("dialogue")
    values["features"] = json.dumps(rating.features)
    return {name: storable_text(value) if isinstance(value, str) else value for name, value in values.items()}


def _rating(row: Row[Any]) -> Rating:
    values = dict(row._mapping)  # noqa: SLF001 - as above
    values["dialogue"] = values.pop("dialogue_id")
    return Rating(**{**values, "features": tuple(json.loads(values["features"]))})
