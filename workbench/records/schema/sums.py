"""What follows from the other tables and is kept so that answers come at once: sums of what was spent, and the search index."""

from __future__ import annotations

from typing import Final

from sqlalchemy import BigInteger, Column, Float, Integer, Table, Text, UniqueConstraint

from workbench.records.schema.base import metadata
from workbench.records.search.tables import make_with

_SUMS: Final = (
    *("calls", "answered", "cancelled", "fallbacks"),  # the last: answers of another model than was asked for
    *("prompt_tokens", "cached_tokens", "completion_tokens", "reasoning_tokens"),
    *("priced_prompt_tokens", "priced_cached_tokens", "priced_completion_tokens"),  # of the calls whose cost is known
    *("priced_calls", "unpriced_calls", "cached_calls"),  # the last: of which it is known what caching saved
)

usage = Table(  # since 0011; see `usage`
    "usage",
    metadata,
    Column("day", BigInteger, primary_key=True, autoincrement=False),  # from 1970, UTC
    *(Column(name, Text, primary_key=True) for name in ("model", "asked", "provider", "mode", "part_of", "outcome")),
    *(Column(name, BigInteger, nullable=False) for name in _SUMS),
    *(Column(name, Float(53), nullable=False) for name in ("cost", "saved")),
    Column("written", BigInteger, nullable=False),  # tokens of answers, and the seconds that they took
    Column("writing", Float(53), nullable=False),
)

usage_quarters = Table(  # since 0011; see `usage`
    "usage_quarters",
    metadata,
    Column("quarter", BigInteger, primary_key=True, autoincrement=False),  # of an hour, from 1970
    Column("model", Text, primary_key=True),
    *(Column(name, BigInteger, nullable=False) for name in _SUMS),
    *(Column(name, Float(53), nullable=False) for name in ("cost", "saved")),
)

usage_tasks = Table(  # since 0013; see `usage`
    "usage_tasks",
    metadata,
    Column("day", BigInteger, primary_key=True, autoincrement=False),  # from 1970, UTC
    *(Column(name, Text, primary_key=True) for name in ("model", "asked", "kind")),  # the last: of task, empty where unknown
    *(Column(name, BigInteger, nullable=False) for name in _SUMS),
    *(Column(name, Float(53), nullable=False) for name in ("cost", "saved")),
    Column("written", BigInteger, nullable=False),  # as of `usage`, like the next
    Column("writing", Float(53), nullable=False),
)

search_queue = Table(  # since 0010; what is to go into the index
    "search_queue",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("kind", Text, nullable=False),
    Column("item", Text, nullable=False),
    Column("part", Text, nullable=False),
    sqlite_autoincrement=True,  # an id that was taken out must not come again
)

search_entries = Table(  # since 0010; what is in the index, whose words stand under the same id in `search_words`
    "search_entries",
    metadata,
    Column(
        "id", BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=False
    ),  # when, in microseconds since 1970, made unique
    Column("kind", Text, nullable=False),
    Column("item", Text, nullable=False),
    Column("part", Text, nullable=False),
    Column("mode", Text),
    Column("role", Text),
    Column("model", Text),
    Column("served", Text),
    Column("status", Text),
    Column("cost", Float(53)),
    UniqueConstraint("item", "part", "kind", name="search_entries_once"),
)
make_with(search_entries)
