"""Experiment branches of papers, and decisions."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    """Add the tables."""
    op.create_table(
        "paper_branches",
        sa.Column("id", sa.Text, primary_key=True),
        sa.Column("paper_id", sa.Text, sa.ForeignKey("papers.id"), nullable=False),
        sa.Column("made_at", sa.Float(53), nullable=False),
        sa.Column("by", sa.Text, nullable=False),
        sa.Column("assessment_id", sa.Text),
        sa.Column("forced", sa.Integer, nullable=False),
        sa.Column("slug", sa.Text, nullable=False),
        sa.Column("branch", sa.Text, nullable=False),
        sa.Column("repository", sa.Text, nullable=False),
        sa.Column("folder", sa.Text, nullable=False),
        sa.Column("base", sa.Text, nullable=False),
        sa.Column("commit", sa.Text, nullable=False),
    )
    op.create_table(
        "decisions",
        sa.Column("id", sa.Text, primary_key=True),
        sa.Column("paper_id", sa.Text, sa.ForeignKey("papers.id"), nullable=False),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("because", sa.Text, nullable=False),
        sa.Column("decided_at", sa.Float(53), nullable=False),
        sa.Column("by", sa.Text, nullable=False),
        sa.Column("assessment_id", sa.Text),
        sa.Column("experiment_id", sa.Text),
        sa.Column("results", sa.Text, nullable=False),
        sa.Column("branch_id", sa.Text, sa.ForeignKey("paper_branches.id")),
    )
