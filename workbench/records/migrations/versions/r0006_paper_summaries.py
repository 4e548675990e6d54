"""Summaries of papers, by length and model."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    """Add the tables."""
    op.create_table(
        "paper_summaries",
        sa.Column("paper_id", sa.Text, sa.ForeignKey("papers.id"), primary_key=True),
        sa.Column("model", sa.Text, primary_key=True),
        sa.Column("level", sa.Text, primary_key=True),
        sa.Column("text", sa.Text, nullable=False),
        sa.Column("words", sa.Integer, nullable=False),
        sa.Column("cut", sa.Integer, nullable=False),
        sa.Column("served", sa.Text, nullable=False),
        sa.Column("cost", sa.Float(53)),
        sa.Column("created_at", sa.Float(53), nullable=False),
        sa.Column("dialogues", sa.Text, nullable=False),
    )
