"""Experiments, their cases and runs, and the observations."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    """Add the tables."""
    op.create_table(
        "experiments",
        sa.Column("id", sa.Text, primary_key=True),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("created_at", sa.Float(53), nullable=False),
        sa.Column("sha256", sa.Text, nullable=False),
        sa.Column("form", sa.Text, nullable=False),
        sa.Column("definition", sa.Text, nullable=False),
        sa.Column("sealed_at", sa.Float(53)),
        sa.UniqueConstraint("name", "sha256", name="experiments_once"),
    )
    op.create_table(
        "experiment_cases",
        sa.Column("experiment_id", sa.Text, sa.ForeignKey("experiments.id"), primary_key=True),
        sa.Column("number", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("case_id", sa.Text, nullable=False),
        sa.Column("data", sa.Text, nullable=False),
        sa.UniqueConstraint("experiment_id", "case_id", name="experiment_cases_once"),
    )
    op.create_table(
        "experiment_runs",
        sa.Column("id", sa.Text, primary_key=True),
        sa.Column("experiment_id", sa.Text, sa.ForeignKey("experiments.id"), nullable=False),
        sa.Column("created_at", sa.Float(53), nullable=False),
        sa.Column("updated_at", sa.Float(53), nullable=False),
        sa.Column("ended_at", sa.Float(53)),
        sa.Column("status", sa.Text, nullable=False),
        sa.Column("reason", sa.Text),
        sa.Column("owner", sa.Text),
        sa.Column("total", sa.Integer, nullable=False),
        sa.Column("manifest", sa.Text, nullable=False),
    )
    op.create_table(
        "observations",
        sa.Column("run_id", sa.Text, sa.ForeignKey("experiment_runs.id"), primary_key=True),
        sa.Column("number", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("arm", sa.Text, primary_key=True),
        sa.Column("repeat", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("case_id", sa.Text, nullable=False),
        sa.Column("attempt", sa.Integer, nullable=False),
        sa.Column("status", sa.Text, nullable=False),
        sa.Column("error", sa.Text),
        sa.Column("fallback", sa.Integer, nullable=False),
        sa.Column("dialogue_id", sa.Text),
        sa.Column("started_at", sa.Float(53), nullable=False),
        sa.Column("latency", sa.Float(53)),
        sa.Column("cost", sa.Float(53)),
        sa.Column("tokens", sa.BigInteger),
        sa.Column("output", sa.Text),
        sa.Column("scores", sa.Text, nullable=False),
        sa.Column("notes", sa.Text, nullable=False),
    )
