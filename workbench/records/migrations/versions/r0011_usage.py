"""What calls took, added up by day, model and mode, and by quarter of an hour and model; what caching saved, by call; and when calls began."""

from __future__ import annotations

import json

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
BATCH = 1000
KEYS = ("model", "asked", "provider", "mode", "part_of", "outcome")
TOKENS = ("prompt_tokens", "cached_tokens", "completion_tokens", "reasoning_tokens")
SUMS = (
    *("calls", "answered", "cancelled", "fallbacks", *TOKENS, *(f"priced_{name}" for name in TOKENS[:3])),
    *("priced_calls", "unpriced_calls", "cached_calls"),
)
UNPRICED = "c.cost IS NULL AND (c.outcome = 'ok' OR c.prompt_tokens IS NOT NULL OR c.text <> '' OR c.reasoning <> '')"
WROTE = "c.outcome = 'ok' AND c.completion_tokens IS NOT NULL"


def upgrade() -> None:
    """Add the tables, the column and the indexes, and count the calls that are there."""
    op.create_table(
        "usage",
        sa.Column("day", sa.BigInteger, primary_key=True, autoincrement=False),
        *(sa.Column(name, sa.Text, primary_key=True) for name in KEYS),
        *(sa.Column(name, sa.BigInteger, nullable=False) for name in SUMS),
        *(sa.Column(name, sa.Float(53), nullable=False) for name in ("cost", "saved")),
        sa.Column("written", sa.BigInteger, nullable=False),
        sa.Column("writing", sa.Float(53), nullable=False),
    )
    op.create_table(
        "usage_quarters",
        sa.Column("quarter", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("model", sa.Text, primary_key=True),
        *(sa.Column(name, sa.BigInteger, nullable=False) for name in SUMS),
        *(sa.Column(name, sa.Float(53), nullable=False) for name in ("cost", "saved")),
    )
    op.add_column("calls", sa.Column("saved", sa.Float(53)))
    _tell_what_caching_saved(op.get_bind())
    part_of = "CASE WHEN d.forked_from IS NULL THEN coalesce(d.parent_id, '') ELSE '' END"
    keys = ("c.model", "c.asked", "c.provider", "d.mode", part_of, "c.outcome")
    op.execute(_count("usage", 86400, keys, [_sum(WROTE, "c.completion_tokens"), _sum(WROTE, "c.total_seconds", "0.0")]))
    op.execute(_count("usage_quarters", 900, ("c.model",), []))
    op.create_index("dialogues_cost", "dialogues", ["cost", "created_at"])
    op.create_index(
        "calls_started_at", "calls", ["started_at", "model", "outcome", "total_seconds", "first_token_seconds"]
    )


def _tell_what_caching_saved(connection: sa.Connection) -> None:
    """Only events had it until now, and only where something was cached."""
    found = sa.text(
        "SELECT dialogue_id, seq, payload FROM events WHERE type = 'call_ended' AND (dialogue_id, seq) > (:dialogue, :seq)"
        " AND payload LIKE '%\"saved\":%' ORDER BY dialogue_id, seq LIMIT :limit"
    )
    tell = sa.text("UPDATE calls SET saved = :saved WHERE dialogue_id = :dialogue AND id = :call")
    dialogue, seq = "", 0
    while rows := connection.execute(found, {"dialogue": dialogue, "seq": seq, "limit": BATCH}).all():
        for dialogue, seq, payload in rows:
            call = json.loads(payload).get("call", {})
            if isinstance(saved := call.get("saved"), (int, float)):
                connection.execute(tell, {"saved": saved, "dialogue": dialogue, "call": call.get("id")})


def _count(table: str, span: int, keys: tuple[str, ...], more: list[str]) -> str:
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
        *more,
    ]
    number = f"CASE WHEN {at} > 0 AND {at} < 2.5e11 THEN CAST({floor}({at} / {span}.0) AS BIGINT) ELSE 0 END"
    groups = ", ".join(str(place) for place in range(1, len(keys) + 2))
    return f"""
        INSERT INTO {table} SELECT {", ".join([number, *keys, *sums])}
        FROM calls c JOIN dialogues d ON d.id = c.dialogue_id
        WHERE d.forked_from IS NULL OR d.created_at <= {at}
        GROUP BY {groups}
    """


def _sum(condition: str, value: str, nothing: str = "0") -> str:
    return f"coalesce(sum(CASE WHEN {condition} THEN {value} END), {nothing})"
