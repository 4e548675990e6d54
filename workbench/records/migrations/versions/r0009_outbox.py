"""Services that the record is copied to, what is to go there, and the parcels it goes in."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"


def upgrade() -> None:
    """Add the tables."""
    op.create_table(
        "sync_targets",
        sa.Column("id", sa.Text, primary_key=True),
        sa.Column("title", sa.Text, nullable=False),
        sa.Column("kinds", sa.Text, nullable=False),
        sa.Column("enabled", sa.Integer, nullable=False),
        sa.Column("added_at", sa.Float(53), nullable=False),
        sa.Column("disabled_at", sa.Float(53)),
        sa.Column("fill_since", sa.Float(53)),
        sa.Column("owner", sa.Text),
        sa.Column("seen_at", sa.Float(53)),
        sa.Column("sent_at", sa.Float(53)),
        sa.Column("trouble", sa.Text),
    )
    op.create_table(
        "outbox",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("target_id", sa.Text, sa.ForeignKey("sync_targets.id"), nullable=False),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("subject", sa.Text, nullable=False),
        sa.Column("version", sa.BigInteger, nullable=False),
        sa.Column("from_seq", sa.BigInteger, nullable=False),
        sa.Column("lane", sa.Text, nullable=False),
        sa.Column("behind", sa.Text),
        sa.Column("made_at", sa.Float(53), nullable=False),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("due_at", sa.Float(53)),
        sa.Column("reason", sa.Text),
        sa.Column("remedy", sa.Text),
        sa.UniqueConstraint("target_id", "kind", "subject", "version", name="outbox_once"),
    )
    op.create_index("outbox_due", "outbox", ["target_id", "due_at", "id"])
    op.create_index("outbox_lane", "outbox", ["target_id", "lane", "due_at"])
    op.create_table(
        "parcels",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("source_id", sa.Integer, sa.ForeignKey("outbox.id"), nullable=False),
        sa.Column("target_id", sa.Text, nullable=False),
        sa.Column("place", sa.Text, nullable=False),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("key", sa.Text, nullable=False),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("digest", sa.Text, nullable=False),
        sa.Column("size", sa.Integer, nullable=False),
        sa.Column("things", sa.Text),
        sa.Column("body", sa.LargeBinary),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("attempts", sa.Integer, nullable=False),
        sa.Column("due_at", sa.Float(53), nullable=False),
        sa.Column("changed_at", sa.Float(53), nullable=False),
        sa.Column("reason", sa.Text),
        sa.Column("remedy", sa.Text),
        sa.UniqueConstraint("target_id", "key", "version", name="parcels_once"),
    )
    op.create_index("parcels_source", "parcels", ["source_id", "place"])
