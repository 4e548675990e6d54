"""Papers, and their passages with vectors."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    """Add the tables."""
    op.create_table(
        "papers",
        sa.Column("id", sa.Text, primary_key=True),
        sa.Column("sha256", sa.Text, nullable=False, unique=True),
        sa.Column("added_at", sa.Float(53), nullable=False),
        sa.Column("title", sa.Text, nullable=False),
        sa.Column("authors", sa.Text, nullable=False),
        sa.Column("year", sa.Integer),
        sa.Column("arxiv_id", sa.Text, unique=True),
        sa.Column("doi", sa.Text),
        sa.Column("source", sa.Text, nullable=False),
        sa.Column("file", sa.Text, nullable=False),
        sa.Column("pages", sa.Integer, nullable=False),
        sa.Column("paper", sa.Text, nullable=False),
        sa.Column("known", sa.Text, nullable=False),
    )
    op.create_table(
        "paper_chunks",
        sa.Column("paper_id", sa.Text, sa.ForeignKey("papers.id"), primary_key=True),
        sa.Column("number", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("chunk", sa.Text, nullable=False),
        sa.Column("vector", sa.LargeBinary),
    )
