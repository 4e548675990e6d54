"""Ratings of turns, what routing has learned from them, and why a routed turn has its model."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Add the tables, and a column for the choice of a routed turn; no turn before was routed."""
    op.add_column("turns", sa.Column("choice", sa.Text))
    op.create_table(
        "ratings",
        sa.Column("id", sa.Integer, primary_key=True, autoincrement=True),
        sa.Column("at", sa.Float(53), nullable=False),
        *(sa.Column(name, sa.Text, nullable=False) for name in ("dialogue_id", "turn", "role", "model")),
        sa.Column("quality", sa.Float(53), nullable=False),
        *(sa.Column(name, sa.Text, nullable=False) for name in ("source", "by", "comment")),
        sa.Column("cost", sa.Float(53)),
        *(sa.Column(name, sa.Text, nullable=False) for name in ("kind", "capability", "features", "policy")),
        sa.Column("propensity", sa.Float(53)),
        sa.UniqueConstraint("dialogue_id", "turn", "source", "by", name="ratings_once"),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "routers",
        sa.Column("policy", sa.Text, primary_key=True),
        sa.Column("through", sa.BigInteger, nullable=False),
        sa.Column("ratings", sa.BigInteger, nullable=False),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("updated_at", sa.Float(53), nullable=False),
    )
