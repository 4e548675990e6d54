"""The tables. Times are Unix seconds, costs USD; texts that hold JSON say so.

A change here needs a revision in `migrations/versions`, its id at the end of `REVISIONS`, and nothing else: new databases
are made from these definitions, old ones are brought here by the revisions, and a test compares the two.
"""

from __future__ import annotations

from typing import Final

from sqlalchemy import (
    BigInteger,
    Column,
    Float,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    Text,
    UniqueConstraint,
)

from workbench.records.search.tables import make_with

REVISIONS: Final = ("0001", "0002", "0003", "0004", "0005", "0006", "0007", "0008", "0009", "0010", "0011")
"""Every schema version, oldest first; the last is the one that this code reads and writes."""
HEAD: Final = REVISIONS[-1]

metadata = MetaData()

version = Table("record_version", metadata, Column("version_num", Text, primary_key=True))

dialogues = Table(
    "dialogues",
    metadata,
    Column("id", Text, primary_key=True),
    Column("mode", Text, nullable=False),
    Column("topic", Text, nullable=False),
    Column("status", Text, nullable=False),
    Column("reason", Text),
    Column("created_at", Float(53), nullable=False),
    Column("updated_at", Float(53), nullable=False),
    Column("ended_at", Float(53)),
    Column("owner", Text),
    Column("run", Text, nullable=False),  # JSON
    Column("prompt_tokens", BigInteger, nullable=False),
    Column("completion_tokens", BigInteger, nullable=False),
    Column("cost", Float(53)),
    Column("unknown_cost_calls", Integer, nullable=False),
    Column("turns_completed", Integer, nullable=False),
    Column("parent_id", Text),  # since 0002; no foreign key, because a parent may lie in another record
    Column("forked_from", Text),  # since 0002
    Index("dialogues_created_at", "created_at"),  # since 0002
    Index("dialogues_status", "status", "created_at"),  # since 0010, like the next
    Index("dialogues_parent_id", "parent_id"),
    Index("dialogues_cost", "cost", "created_at"),  # since 0011
)


def _of_dialogue() -> Column[str]:
    return Column("dialogue_id", Text, ForeignKey("dialogues.id"), primary_key=True)


events = Table(
    "events",
    metadata,
    _of_dialogue(),
    Column("seq", BigInteger, primary_key=True, autoincrement=False),
    Column("type", Text, nullable=False),
    Column("at", Float(53), nullable=False),
    Column("payload", Text, nullable=False),  # JSON, the whole event
)

turns = Table(
    "turns",
    metadata,
    _of_dialogue(),
    Column("turn", Text, primary_key=True),
    Column("position", Integer, nullable=False),
    Column("role", Text, nullable=False),
    Column("model", Text, nullable=False),
    Column("served", Text),
    Column("round", Integer),
    Column("status", Text, nullable=False),
    Column("text", Text, nullable=False),
    Column("reasoning", Text, nullable=False),
    Column("error", Text),
    Column("started_at", Float(53), nullable=False),
    Column("ended_at", Float(53)),
    Column("prompt_tokens", BigInteger, nullable=False),
    Column("completion_tokens", BigInteger, nullable=False),
    Column("cost", Float(53)),
    Column("choice", Text),  # JSON; since 0003: why a policy chose the model
)
Index(  # since 0010; few turns are chosen
    "turns_chosen", turns.c.started_at, sqlite_where=turns.c.choice.is_not(None), postgresql_where=turns.c.choice.is_not(None)
)

calls = Table(
    "calls",
    metadata,
    _of_dialogue(),  # a fork takes its parent's calls over under their old ids, hence the double key
    Column("id", Text, primary_key=True),
    Column("turn", Text, nullable=False),
    Column("asked", Text, nullable=False),
    Column("model", Text, nullable=False),
    Column("provider", Text, nullable=False),
    Column("served", Text),
    Column("attempt", Integer, nullable=False),
    Column("outcome", Text, nullable=False),
    Column("started_at", Float(53), nullable=False),
    Column("queue_seconds", Float(53), nullable=False),
    Column("first_token_seconds", Float(53)),
    Column("total_seconds", Float(53), nullable=False),
    Column("prompt_tokens", BigInteger),
    Column("completion_tokens", BigInteger),
    Column("cached_tokens", BigInteger),
    Column("reasoning_tokens", BigInteger),
    Column("cost", Float(53)),
    Column("finish_reason", Text),
    Column("text", Text, nullable=False),
    Column("reasoning", Text, nullable=False),
    Column("error", Text),
    Column("fallback_reason", Text),
    Column("saved", Float(53)),  # since 0011
    # since 0011; with what is asked of it, because to go from an index to the rows takes the longest
    Index("calls_started_at", "started_at", "model", "outcome", "total_seconds", "first_token_seconds"),
)

ratings = Table(  # since 0003
    "ratings",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("at", Float(53), nullable=False),
    Column("dialogue_id", Text, nullable=False),
    Column("turn", Text, nullable=False),
    Column("role", Text, nullable=False),
    Column("model", Text, nullable=False),
    Column("quality", Float(53), nullable=False),
    Column("source", Text, nullable=False),
    Column("by", Text, nullable=False),
    Column("comment", Text, nullable=False),
    Column("cost", Float(53)),
    Column("kind", Text, nullable=False),
    Column("capability", Text, nullable=False),
    Column("features", Text, nullable=False),  # JSON
    Column("policy", Text, nullable=False),
    Column("propensity", Float(53)),
    UniqueConstraint("dialogue_id", "turn", "source", "by", name="ratings_once"),
    sqlite_autoincrement=True,  # a number is never given twice, so that a replaced rating's is not taken for the new one's
)

routers = Table(  # since 0003
    "routers",
    metadata,
    Column("policy", Text, primary_key=True),
    Column("through", BigInteger, nullable=False),
    Column("ratings", BigInteger, nullable=False),
    Column("state", Text, nullable=False),  # JSON
    Column("updated_at", Float(53), nullable=False),
)

papers = Table(  # since 0004
    "papers",
    metadata,
    Column("id", Text, primary_key=True),
    Column("sha256", Text, nullable=False, unique=True),
    Column("added_at", Float(53), nullable=False),
    Column("title", Text, nullable=False),
    Column("authors", Text, nullable=False),  # JSON
    Column("year", Integer),
    Column("arxiv_id", Text, unique=True),
    Column("doi", Text),
    Column("source", Text, nullable=False),
    Column("file", Text, nullable=False),  # below the workspace
    Column("pages", Integer, nullable=False),
    Column("paper", Text, nullable=False),  # JSON
    Column("known", Text, nullable=False),  # JSON: what arXiv and other catalogues say
)

paper_chunks = Table(  # since 0004
    "paper_chunks",
    metadata,
    Column("paper_id", Text, ForeignKey("papers.id"), primary_key=True),
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("chunk", Text, nullable=False),  # JSON
    Column("vector", LargeBinary),
)

assessments = Table(  # since 0005
    "assessments",
    metadata,
    Column("id", Text, primary_key=True),
    Column("paper_id", Text, ForeignKey("papers.id"), nullable=False),
    Column("dialogue_id", Text, nullable=False, unique=True),
    Column("created_at", Float(53), nullable=False),
    Column("question", Text, nullable=False),
    Column("context", Text, nullable=False),
    Column("data", Text, nullable=False),  # JSON
    Column("cost", Float(53)),
)

outcomes = Table(  # since 0005; the last row of an assessment counts
    "outcomes",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("assessment_id", Text, ForeignKey("assessments.id"), nullable=False),
    Column("entered_at", Float(53), nullable=False),
    Column("worked", Integer, nullable=False),  # 0 or 1
    Column("weeks", Float(53)),
    Column("note", Text, nullable=False),
)

experiments = Table(  # since 0008
    "experiments",
    metadata,
    Column("id", Text, primary_key=True),
    Column("name", Text, nullable=False),
    Column("created_at", Float(53), nullable=False),
    Column("sha256", Text, nullable=False),  # of the form
    Column("form", Text, nullable=False),  # JSON: what a seal covers
    Column("definition", Text, nullable=False),  # JSON
    Column("sealed_at", Float(53)),
    UniqueConstraint("name", "sha256", name="experiments_once"),
)

experiment_cases = Table(  # since 0008
    "experiment_cases",
    metadata,
    Column("experiment_id", Text, ForeignKey("experiments.id"), primary_key=True),
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("case_id", Text, nullable=False),
    Column("data", Text, nullable=False),  # JSON
    UniqueConstraint("experiment_id", "case_id", name="experiment_cases_once"),
)

experiment_runs = Table(  # since 0008
    "experiment_runs",
    metadata,
    Column("id", Text, primary_key=True),
    Column("experiment_id", Text, ForeignKey("experiments.id"), nullable=False),
    Column("created_at", Float(53), nullable=False),
    Column("updated_at", Float(53), nullable=False),
    Column("ended_at", Float(53)),
    Column("status", Text, nullable=False),
    Column("reason", Text),
    Column("owner", Text),
    Column("total", Integer, nullable=False),
    Column("manifest", Text, nullable=False),  # JSON
)

observations = Table(  # since 0008
    "observations",
    metadata,
    Column("run_id", Text, ForeignKey("experiment_runs.id"), primary_key=True),
    Column("number", Integer, primary_key=True, autoincrement=False),  # of the case
    Column("arm", Text, primary_key=True),
    Column("repeat", Integer, primary_key=True, autoincrement=False),
    Column("case_id", Text, nullable=False),
    Column("attempt", Integer, nullable=False),
    Column("status", Text, nullable=False),
    Column("error", Text),
    Column("fallback", Integer, nullable=False),
    Column("dialogue_id", Text),
    Column("started_at", Float(53), nullable=False),
    Column("latency", Float(53)),
    Column("cost", Float(53)),
    Column("tokens", BigInteger),
    Column("output", Text),
    Column("scores", Text, nullable=False),  # JSON: metric to number
    Column("notes", Text, nullable=False),  # JSON: who judged, and what came of a pair
)

paper_branches = Table(  # since 0007
    "paper_branches",
    metadata,
    Column("id", Text, primary_key=True),
    Column("paper_id", Text, ForeignKey("papers.id"), nullable=False),
    Column("made_at", Float(53), nullable=False),
    Column("by", Text, nullable=False),
    Column("assessment_id", Text),
    Column("forced", Integer, nullable=False),  # 0 or 1
    Column("slug", Text, nullable=False),
    Column("branch", Text, nullable=False),
    Column("repository", Text, nullable=False),  # where it was when the branch was made
    Column("folder", Text, nullable=False),  # below the repository
    Column("base", Text, nullable=False),
    Column("commit", Text, nullable=False),
)

decisions = Table(  # since 0007
    "decisions",
    metadata,
    Column("id", Text, primary_key=True),
    Column("paper_id", Text, ForeignKey("papers.id"), nullable=False),
    Column("kind", Text, nullable=False),
    Column("because", Text, nullable=False),
    Column("decided_at", Float(53), nullable=False),
    Column("by", Text, nullable=False),
    Column("assessment_id", Text),
    Column("experiment_id", Text),
    Column("results", Text, nullable=False),  # what the experiment showed then; empty without
    Column("branch_id", Text, ForeignKey("paper_branches.id")),
)

paper_summaries = Table(  # since 0006
    "paper_summaries",
    metadata,
    Column("paper_id", Text, ForeignKey("papers.id"), primary_key=True),
    Column("model", Text, primary_key=True),
    Column("level", Text, primary_key=True),
    Column("text", Text, nullable=False),
    Column("words", Integer, nullable=False),
    Column("cut", Integer, nullable=False),  # 0 or 1
    Column("served", Text, nullable=False),
    Column("cost", Float(53)),
    Column("created_at", Float(53), nullable=False),
    Column("dialogues", Text, nullable=False),  # JSON
)

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
