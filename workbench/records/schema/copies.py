"""What goes to the services that the record is copied to."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Float, ForeignKey, Index, Integer, LargeBinary, Table, Text, UniqueConstraint

from workbench.records.schema.base import metadata

sync_targets = Table(  # since 0009
    "sync_targets",
    metadata,
    Column("id", Text, primary_key=True),
    Column("title", Text, nullable=False),
    Column("kinds", Text, nullable=False),  # |dialogue|rating|…|
    Column("enabled", Integer, nullable=False),  # 0 or 1
    Column("added_at", Float(53), nullable=False),
    Column("disabled_at", Float(53)),
    Column("fill_since", Float(53)),  # what is older than the target is still to be put in from then on; null when it is
    Column("owner", Text),
    Column("seen_at", Float(53)),
    Column("sent_at", Float(53)),
    Column("trouble", Text),
)

outbox = Table(  # since 0009
    "outbox",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("target_id", Text, ForeignKey("sync_targets.id"), nullable=False),
    Column("kind", Text, nullable=False),
    Column("subject", Text, nullable=False),
    Column("version", BigInteger, nullable=False),  # of a dialogue, the number of its last event that goes
    Column("from_seq", BigInteger, nullable=False),
    Column("lane", Text, nullable=False),
    Column("behind", Text),
    Column("made_at", Float(53), nullable=False),
    Column("state", Text, nullable=False),
    Column("due_at", Float(53)),  # null when it is done with
    Column("reason", Text),
    Column("remedy", Text),
    UniqueConstraint("target_id", "kind", "subject", "version", name="outbox_once"),
    Index("outbox_due", "target_id", "due_at", "id"),
    Index("outbox_lane", "target_id", "lane", "due_at"),
)

parcels = Table(  # since 0009
    "parcels",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("source_id", Integer, ForeignKey("outbox.id"), nullable=False),
    Column("target_id", Text, nullable=False),
    Column("place", Text, nullable=False),  # the order within the source
    Column("kind", Text, nullable=False),
    Column("key", Text, nullable=False),
    Column("version", Integer, nullable=False),
    Column("digest", Text, nullable=False),
    Column("size", Integer, nullable=False),  # things
    Column("things", Text),  # JSON; null once it is sent, as is the body
    Column("body", LargeBinary),
    Column("state", Text, nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("due_at", Float(53), nullable=False),
    Column("changed_at", Float(53), nullable=False),
    Column("reason", Text),
    Column("remedy", Text),
    UniqueConstraint("target_id", "key", "version", name="parcels_once"),
    Index("parcels_source", "source_id", "place"),
)
