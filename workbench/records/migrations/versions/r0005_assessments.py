"""Assessments of papers, and what came of them."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    """Add the tables."""
    op.create_table(
        "assessments",
        sa.Column("id", sa.Text, primary_key=True),
        sa.Column("paper_id", sa.Text, sa.ForeignKey("papers.id"), nullable=False),
        sa.Column("dialogue_id", sa.Text, nullable=False, unique=True),
        sa.Column("created_at", sa.Float(53), nullable=False),
        sa.Column("question", sa.Text, nullable=False),
        sa.Column("context", sa.Text, nullable=False),
        sa.Column("data", sa.Text, nullable=False),
        sa.Column("cost", sa.Float(53)),
    )
    op.create_table(
        "outcomes",
        sa.Column("id", sa.Integer, primary_key=True, autoincrement=True),
        sa.Column("assessment_id", sa.Text, sa.ForeignKey("assessments.id"), nullable=False),
        sa.Column("entered_at", sa.Float(53), nullable=False),
        sa.Column("worked", sa.Integer, nullable=False),
        sa.Column("weeks", sa.Float(53)),
        sa.Column("note", sa.Text, nullable=False),
    )
