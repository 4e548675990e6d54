"""The first schema: events, and the dialogues, turns and calls that follow from them."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Make the four tables."""
    op.create_table(
        "dialogues",
        sa.Column("id", sa.Text, primary_key=True),
        sa.Column("mode", sa.Text, nullable=False),
        sa.Column("topic", sa.Text, nullable=False),
        sa.Column("status", sa.Text, nullable=False),
        sa.Column("reason", sa.Text),
        sa.Column("created_at", sa.Float(53), nullable=False),
        sa.Column("updated_at", sa.Float(53), nullable=False),
        sa.Column("ended_at", sa.Float(53)),
        sa.Column("owner", sa.Text),
        sa.Column("run", sa.Text, nullable=False),
        sa.Column("prompt_tokens", sa.BigInteger, nullable=False),
        sa.Column("completion_tokens", sa.BigInteger, nullable=False),
        sa.Column("cost", sa.Float(53)),
        sa.Column("unknown_cost_calls", sa.Integer, nullable=False),
        sa.Column("turns_completed", sa.Integer, nullable=False),
    )
    op.create_table(
        "events",
        _of_dialogue(),
        sa.Column("seq", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("type", sa.Text, nullable=False),
        sa.Column("at", sa.Float(53), nullable=False),
        sa.Column("payload", sa.Text, nullable=False),
    )
    op.create_table(
        "turns",
        _of_dialogue(),
        sa.Column("turn", sa.Text, primary_key=True),
        sa.Column("position", sa.Integer, nullable=False),
        sa.Column("role", sa.Text, nullable=False),
        sa.Column("model", sa.Text, nullable=False),
        sa.Column("served", sa.Text),
        sa.Column("round", sa.Integer),
        sa.Column("status", sa.Text, nullable=False),
        sa.Column("text", sa.Text, nullable=False),
        sa.Column("reasoning", sa.Text, nullable=False),
        sa.Column("error", sa.Text),
        sa.Column("started_at", sa.Float(53), nullable=False),
        sa.Column("ended_at", sa.Float(53)),
        sa.Column("prompt_tokens", sa.BigInteger, nullable=False),
        sa.Column("completion_tokens", sa.BigInteger, nullable=False),
        sa.Column("cost", sa.Float(53)),
    )
    op.create_table(
        "calls",
        _of_dialogue(),
        sa.Column("id", sa.Text, primary_key=True),
        sa.Column("turn", sa.Text, nullable=False),
        sa.Column("asked", sa.Text, nullable=False),
        sa.Column("model", sa.Text, nullable=False),
        sa.Column("provider", sa.Text, nullable=False),
        sa.Column("served", sa.Text),
        sa.Column("attempt", sa.Integer, nullable=False),
        sa.Column("outcome", sa.Text, nullable=False),
        sa.Column("started_at", sa.Float(53), nullable=False),
        sa.Column("queue_seconds", sa.Float(53), nullable=False),
        sa.Column("first_token_seconds", sa.Float(53)),
        sa.Column("total_seconds", sa.Float(53), nullable=False),
        sa.Column("prompt_tokens", sa.BigInteger),
        sa.Column("completion_tokens", sa.BigInteger),
        sa.Column("cached_tokens", sa.BigInteger),
        sa.Column("reasoning_tokens", sa.BigInteger),
        sa.Column("cost", sa.Float(53)),
        sa.Column("finish_reason", sa.Text),
        sa.Column("text", sa.Text, nullable=False),
        sa.Column("reasoning", sa.Text, nullable=False),
        sa.Column("error", sa.Text),
        sa.Column("fallback_reason", sa.Text),
    )


def _of_dialogue() -> sa.Column[str]:
    return sa.Column("dialogue_id", sa.Text, sa.ForeignKey("dialogues.id"), primary_key=True)
