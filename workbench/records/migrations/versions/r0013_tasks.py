"""What calls took, added up by day, model and kind of task; and indexes of dialogues by mode, and of ratings."""

from __future__ import annotations

import json

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"
BATCH = 1000
TOKENS = ("prompt_tokens", "cached_tokens", "completion_tokens", "reasoning_tokens")
SUMS = (
    *("calls", "answered", "cancelled", "fallbacks", *TOKENS, *(f"priced_{name}" for name in TOKENS[:3])),
    *("priced_calls", "unpriced_calls", "cached_calls"),
)
UNPRICED = "c.cost IS NULL AND (c.outcome = 'ok' OR c.prompt_tokens IS NOT NULL OR c.text <> '' OR c.reasoning <> '')"
WROTE = "c.outcome = 'ok' AND c.completion_tokens IS NOT NULL"


def upgrade() -> None:
    """Add the table, the columns and the indexes, tell calls their kinds, and count those that are there."""
    op.create_table(
        "usage_tasks",
        sa.Column("day", sa.BigInteger, primary_key=True, autoincrement=False),
        *(sa.Column(name, sa.Text, primary_key=True) for name in ("model", "asked", "kind")),
        *(sa.Column(name, sa.BigInteger, nullable=False) for name in SUMS),
        *(sa.Column(name, sa.Float(53), nullable=False) for name in ("cost", "saved")),
        sa.Column("written", sa.BigInteger, nullable=False),
        sa.Column("writing", sa.Float(53), nullable=False),
    )
    op.add_column("turns", sa.Column("kind", sa.Text))
    op.add_column("calls", sa.Column("kind", sa.Text))
    op.drop_index("calls_started_at", "calls")
    _tell_turns(op.get_bind())
    op.execute(
        """
        UPDATE calls SET kind = coalesce(
            (SELECT t.kind FROM turns t WHERE t.dialogue_id = calls.dialogue_id AND t.turn = calls.turn),
            (SELECT max(r.kind) FROM ratings r WHERE r.dialogue_id = calls.dialogue_id AND r.turn = calls.turn)
        ) WHERE dialogue_id IN (SELECT dialogue_id FROM turns WHERE choice IS NOT NULL UNION SELECT dialogue_id FROM ratings)
        """
    )
    op.execute(_count())
    op.create_index("dialogues_mode", "dialogues", ["mode", "created_at"])
    op.create_index("ratings_model", "ratings", ["model", "dialogue_id", "turn", "kind", "quality", "at"])
    op.create_index(
        "calls_started_at", "calls", ["started_at", "model", "outcome", "total_seconds", "first_token_seconds", "kind"]
    )


def _tell_turns(connection: sa.Connection) -> None:
    """What routing saw stands in its choice; it is read here, because PostgreSQL refuses some JSON that we do not."""
    chosen = sa.text("SELECT dialogue_id, turn, choice FROM turns WHERE choice IS NOT NULL")
    kinds = []
    for dialogue, turn, choice in connection.execute(chosen.execution_options(yield_per=BATCH)):
        if isinstance(kind := json.loads(choice).get("kind"), str):
            kinds.append({"dialogue": dialogue, "turn": turn, "kind": _storable(kind)})
    tell = sa.text("UPDATE turns SET kind = :kind WHERE dialogue_id = :dialogue AND turn = :turn")
    for start in range(0, len(kinds), BATCH):
        connection.execute(tell, kinds[start : start + BATCH])


def _storable(text: str) -> str:
    return text.replace("\x00", "\ufffd").encode("utf-8", "replace").decode("utf-8")


def _count() -> str:
    at, floor = "c.started_at", "floor" if op.get_bind().dialect.name == "postgresql" else ""
    sums = [
        "count(*)",
        _sum("c.outcome = 'ok'", "1"),
        _sum("c.outcome = 'cancelled'", "1"),
        _sum("c.outcome = 'ok' AND c.asked <> c.model", "1"),
        *(f"coalesce(sum(c.{name}), 0)" for name in TOKENS),
        *(_sum("c.cost IS NOT NULL", f"c.{name}") for name in TOKENS[:3]),
        "count(c.cost)",
        _sum(UNPRICED, "1"),
        "count(c.saved)",
        "coalesce(sum(c.cost), 0.0)",
        "coalesce(sum(c.saved), 0.0)",
        _sum(WROTE, "c.completion_tokens"),
        _sum(WROTE, "c.total_seconds", "0.0"),
    ]
    day = f"CASE WHEN {at} > 0 AND {at} < 2.5e11 THEN CAST({floor}({at} / 86400.0) AS BIGINT) ELSE 0 END"
    return f"""
        INSERT INTO usage_tasks SELECT {", ".join([day, "c.model", "c.asked", "coalesce(c.kind, '')", *sums])}
        FROM calls c JOIN dialogues d ON d.id = c.dialogue_id
        WHERE d.forked_from IS NULL OR d.created_at <= {at}
        GROUP BY 1, 2, 3, 4
    """


def _sum(condition: str, value: str, nothing: str = "0") -> str:
    return f"coalesce(sum(CASE WHEN {condition} THEN {value} END), {nothing})"
