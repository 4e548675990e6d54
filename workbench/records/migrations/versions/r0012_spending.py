"""Indexes for what budgets ask at the start of a dialogue: who changed since, calls without a cost, calls that began."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"


def upgrade() -> None:
    """Add the indexes."""
    op.create_index("dialogues_updated_at", "dialogues", ["updated_at"])
    for name, table, condition in (
        ("events_begun", "events", "type = 'call_started'"),
        ("calls_unpriced", "calls", "cost IS NULL"),
    ):
        where = sa.text(condition)
        op.create_index(name, table, ["dialogue_id"], sqlite_where=where, postgresql_where=where)
