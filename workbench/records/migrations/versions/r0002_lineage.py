"""Lineage: which dialogue a fork came from, in columns instead of inside `run`; and an index for "newest first"."""

from __future__ import annotations

import json

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"

_LINEAGE = ("parent_id", "forked_from")


def upgrade() -> None:
    """Add the columns and the index, and fill the columns from what `run` says."""
    for name in _LINEAGE:
        op.add_column("dialogues", sa.Column(name, sa.Text))
    op.create_index("dialogues_created_at", "dialogues", ["created_at"])
    _fill()


def _fill() -> None:
    dialogues = sa.table("dialogues", *(sa.column(name) for name in ("id", "run", *_LINEAGE)))
    connection = op.get_bind()
    for key, run in connection.execute(sa.select(dialogues.c.id, dialogues.c.run)).all():
        known = {name: value for name in _LINEAGE if (value := json.loads(run).get(name)) is not None}
        if known:
            connection.execute(sa.update(dialogues).where(dialogues.c.id == key).values(known))
