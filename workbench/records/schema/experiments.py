"""Experiments, their cases, runs and observations."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Float, ForeignKey, Integer, Table, Text, UniqueConstraint

from workbench.records.schema.base import metadata

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
