"""Dialogues, as events and as the rows that follow from them; ratings, and what policies learned of them."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Float, ForeignKey, Index, Integer, Table, Text, UniqueConstraint, literal_column

from workbench.records.schema.base import metadata

dialogues = Table(
    "dialogues",
    metadata,
    Column("id", Text, primary_key=True),
    Column("mode", Text, nullable=False),
    Column("topic", Text, nullable=False),
    Column("status", Text, nullable=False),
    Column("reason", Text),
    Column("created_at", Float(53), nullable=False),
    Column("updated_at", Float(53), nullable=False),
    Column("ended_at", Float(53)),
    Column("owner", Text),
    Column("run", Text, nullable=False),  # JSON
    Column("prompt_tokens", BigInteger, nullable=False),
    Column("completion_tokens", BigInteger, nullable=False),
    Column("cost", Float(53)),
    Column("unknown_cost_calls", Integer, nullable=False),
    Column("turns_completed", Integer, nullable=False),
    Column("parent_id", Text),  # since 0002; no foreign key, because a parent may lie in another record
    Column("forked_from", Text),  # since 0002
    Index("dialogues_created_at", "created_at"),  # since 0002
    Index("dialogues_status", "status", "created_at"),  # since 0010, like the next
    Index("dialogues_parent_id", "parent_id"),
    Index("dialogues_cost", "cost", "created_at"),  # since 0011
    Index("dialogues_updated_at", "updated_at"),  # since 0012
    Index("dialogues_mode", "mode", "created_at"),  # since 0013
)


def _of_dialogue() -> Column[str]:
    return Column("dialogue_id", Text, ForeignKey("dialogues.id"), primary_key=True)


events = Table(
    "events",
    metadata,
    _of_dialogue(),
    Column("seq", BigInteger, primary_key=True, autoincrement=False),
    Column("type", Text, nullable=False),
    Column("at", Float(53), nullable=False),
    Column("payload", Text, nullable=False),  # JSON, the whole event
)
_begun = events.c.type == literal_column("'call_started'")
Index("events_begun", events.c.dialogue_id, sqlite_where=_begun, postgresql_where=_begun)  # since 0012

turns = Table(
    "turns",
    metadata,
    _of_dialogue(),
    Column("turn", Text, primary_key=True),
    Column("position", Integer, nullable=False),
    Column("role", Text, nullable=False),
    Column("model", Text, nullable=False),
    Column("served", Text),
    Column("round", Integer),
    Column("status", Text, nullable=False),
    Column("text", Text, nullable=False),
    Column("reasoning", Text, nullable=False),
    Column("error", Text),
    Column("started_at", Float(53), nullable=False),
    Column("ended_at", Float(53)),
    Column("prompt_tokens", BigInteger, nullable=False),
    Column("completion_tokens", BigInteger, nullable=False),
    Column("cost", Float(53)),
    Column("choice", Text),  # JSON; since 0003: why a policy chose the model
    Column("kind", Text),  # since 0013; of task, as routing saw it when the turn first began
)
Index(  # since 0010; few turns are chosen
    "turns_chosen", turns.c.started_at, sqlite_where=turns.c.choice.is_not(None), postgresql_where=turns.c.choice.is_not(None)
)

calls = Table(
    "calls",
    metadata,
    _of_dialogue(),  # a fork takes its parent's calls over under their old ids, hence the double key
    Column("id", Text, primary_key=True),
    Column("turn", Text, nullable=False),
    Column("asked", Text, nullable=False),
    Column("model", Text, nullable=False),
    Column("provider", Text, nullable=False),
    Column("served", Text),
    Column("attempt", Integer, nullable=False),
    Column("outcome", Text, nullable=False),
    Column("started_at", Float(53), nullable=False),
    Column("queue_seconds", Float(53), nullable=False),
    Column("first_token_seconds", Float(53)),
    Column("total_seconds", Float(53), nullable=False),
    Column("prompt_tokens", BigInteger),
    Column("completion_tokens", BigInteger),
    Column("cached_tokens", BigInteger),
    Column("reasoning_tokens", BigInteger),
    Column("cost", Float(53)),
    Column("finish_reason", Text),
    Column("text", Text, nullable=False),
    Column("reasoning", Text, nullable=False),
    Column("error", Text),
    Column("fallback_reason", Text),
    Column("saved", Float(53)),  # since 0011
    Column("kind", Text),  # since 0013; of task: the turn's, else what its ratings say
    # since 0011, the kind since 0013; with what is asked of it, because to go from an index to the rows takes the longest
    Index("calls_started_at", "started_at", "model", "outcome", "total_seconds", "first_token_seconds", "kind"),
)
Index(  # since 0012; few calls have no cost
    "calls_unpriced", calls.c.dialogue_id, sqlite_where=calls.c.cost.is_(None), postgresql_where=calls.c.cost.is_(None)
)

ratings = Table(  # since 0003
    "ratings",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("at", Float(53), nullable=False),
    Column("dialogue_id", Text, nullable=False),
    Column("turn", Text, nullable=False),
    Column("role", Text, nullable=False),
    Column("model", Text, nullable=False),
    Column("quality", Float(53), nullable=False),
    Column("source", Text, nullable=False),
    Column("by", Text, nullable=False),
    Column("comment", Text, nullable=False),
    Column("cost", Float(53)),
    Column("kind", Text, nullable=False),
    Column("capability", Text, nullable=False),
    Column("features", Text, nullable=False),  # JSON
    Column("policy", Text, nullable=False),
    Column("propensity", Float(53)),
    UniqueConstraint("dialogue_id", "turn", "source", "by", name="ratings_once"),
    Index("ratings_model", "model", "dialogue_id", "turn", "kind", "quality", "at"),  # since 0013; with all that a mean needs
    sqlite_autoincrement=True,  # a number is never given twice, so that a replaced rating's is not taken for the new one's
)

routers = Table(  # since 0003
    "routers",
    metadata,
    Column("policy", Text, primary_key=True),
    Column("through", BigInteger, nullable=False),
    Column("ratings", BigInteger, nullable=False),
    Column("state", Text, nullable=False),  # JSON
    Column("updated_at", Float(53), nullable=False),
)
