"""Search: an index of words, and a queue of what is to go into it, which begins with all that there is.

And indexes for what walked through whole tables: a dialogue's children, dialogues by status, turns that a policy chose.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"

_THERE = (
    ("dialogue", "SELECT id, '' FROM dialogues"),
    (
        "turn",
        "SELECT t.dialogue_id, t.turn FROM turns AS t JOIN dialogues AS d ON d.id = t.dialogue_id "
        "WHERE t.ended_at IS NOT NULL AND NOT (d.forked_from IS NOT NULL AND EXISTS "
        "(SELECT 1 FROM turns AS p WHERE p.dialogue_id = d.parent_id AND p.turn = t.turn AND p.text = t.text))",
    ),
    ("paper", "SELECT id, '' FROM papers"),
    ("summary", "SELECT paper_id, model || '/' || level FROM paper_summaries"),
    ("assessment", "SELECT id, '' FROM assessments"),
    ("decision", "SELECT id, '' FROM decisions"),
    ("experiment", "SELECT id, '' FROM experiments"),
)


def upgrade() -> None:
    """Add the tables, and queue what the record has."""
    op.create_table(
        "search_queue",
        sa.Column("id", sa.Integer, primary_key=True, autoincrement=True),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("item", sa.Text, nullable=False),
        sa.Column("part", sa.Text, nullable=False),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "search_entries",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer, "sqlite"), primary_key=True, autoincrement=False),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("item", sa.Text, nullable=False),
        sa.Column("part", sa.Text, nullable=False),
        sa.Column("mode", sa.Text),
        sa.Column("role", sa.Text),
        sa.Column("model", sa.Text),
        sa.Column("served", sa.Text),
        sa.Column("status", sa.Text),
        sa.Column("cost", sa.Float(53)),
        sa.UniqueConstraint("item", "part", "kind", name="search_entries_once"),
    )
    if op.get_bind().dialect.name == "sqlite":
        op.execute("CREATE VIRTUAL TABLE search_words USING fts5(words, content='', tokenize='ascii')")
        op.execute("INSERT INTO search_words (search_words, rank) VALUES ('hashsize', 16777216)")
    else:
        op.execute("CREATE TABLE search_words (id BIGINT PRIMARY KEY, words TSVECTOR NOT NULL)")
        op.execute("CREATE INDEX search_words_words ON search_words USING gin (words)")
    op.create_index("dialogues_status", "dialogues", ["status", "created_at"])
    op.create_index("dialogues_parent_id", "dialogues", ["parent_id"])
    chosen = sa.text("choice IS NOT NULL")
    op.create_index("turns_chosen", "turns", ["started_at"], sqlite_where=chosen, postgresql_where=chosen)
    for kind, there in _THERE:
        op.execute(f"INSERT INTO search_queue (kind, item, part) SELECT '{kind}', there.* FROM ({there}) AS there")
