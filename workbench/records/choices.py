"""The turns whose model a policy chose, and whether there is anything new since somebody looked."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Engine, func, select

from workbench.records.failures import explained
from workbench.records.schema import dialogues, ratings, turns


@dataclass(frozen=True, slots=True)
class Chosen:
    """One turn whose model a policy chose.

    Attributes:
        dialogue: its id.
        turn: its id.
        at: when it began, in Unix seconds.
        policy: that chose.
        model: that it chose; another one may have served.
        kind: of task.
        scores: what the policy compared, by model; higher is better.
        propensity: with which it chose this model; None if it did not say.
    """

    dialogue: str
    turn: str
    at: float
    policy: str
    model: str
    kind: str
    scores: dict[str, float]
    propensity: float | None

    @property
    def promising(self) -> bool:
        """Whether none of the others looked better to the policy: it did not explore."""
        return self.scores.get(self.model, 0.0) >= max(self.scores.values(), default=0.0)


def read_choices(engine: Engine, place: str, limit: int) -> list[Chosen]:
    """Return the newest choices, `limit` of them at most, oldest first."""
    t = turns.c
    query = select(t.dialogue_id, t.turn, t.started_at, t.choice).where(t.choice.is_not(None))
    query = query.order_by(t.started_at.desc(), t.dialogue_id, t.position.desc()).limit(limit)
    with explained(place), engine.connect() as connection:
        rows = connection.execute(query).all()
    return [_chosen(row.dialogue_id, row.turn, row.started_at, json.loads(row.choice)) for row in reversed(rows)]


def read_stamp(engine: Engine, place: str) -> tuple[float, int]:
    """Return what grows with every turn that begins or ends and with every rating; equal stamps mean no news."""
    query = select(
        select(func.max(dialogues.c.updated_at)).scalar_subquery().label("updated"),
        select(func.max(ratings.c.id)).scalar_subquery().label("rated"),
    )
    with explained(place), engine.connect() as connection:
        row = connection.execute(query).one()
    return row.updated or 0.0, row.rated or 0


def _chosen(dialogue: str, turn: str, at: float, facts: dict[str, Any]) -> Chosen:
    return Chosen(
        dialogue=dialogue,
        turn=turn,
        at=at,
        policy=str(facts.get("policy", "")),
        model=str(facts.get("model", "")),
        kind=str(facts.get("kind", "")),
        scores={name: score for name, score in (facts.get("scores") or {}).items() if isinstance(score, int | float)},
        propensity=facts.get("propensity"),
    )
