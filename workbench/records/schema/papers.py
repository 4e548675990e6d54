"""Papers, and what was made of them: summaries, assessments, branches, decisions."""

from __future__ import annotations

from sqlalchemy import Column, Float, ForeignKey, Integer, LargeBinary, Table, Text

from workbench.records.schema.base import metadata

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
