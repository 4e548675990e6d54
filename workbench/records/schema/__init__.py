"""The tables. Times are Unix seconds, costs USD; texts that hold JSON say so.

A change here needs a revision in `migrations/versions`, its id at the end of `REVISIONS`, and nothing else: new databases
are made from these definitions, old ones are brought here by the revisions, and a test compares the two.
"""

from __future__ import annotations

from workbench.records.schema.base import HEAD, REVISIONS, metadata, version
from workbench.records.schema.copies import outbox, parcels, sync_targets
from workbench.records.schema.dialogues import calls, dialogues, events, ratings, routers, turns
from workbench.records.schema.experiments import experiment_cases, experiment_runs, experiments, observations
from workbench.records.schema.papers import (
    assessments,
    decisions,
    outcomes,
    paper_branches,
    paper_chunks,
    paper_summaries,
    papers,
)
from workbench.records.schema.sums import search_entries, search_queue, usage, usage_quarters, usage_tasks

__all__ = [
    "HEAD",
    "REVISIONS",
    "assessments",
    "calls",
    "decisions",
    "dialogues",
    "events",
    "experiment_cases",
    "experiment_runs",
    "experiments",
    "metadata",
    "observations",
    "outbox",
    "outcomes",
    "paper_branches",
    "paper_chunks",
    "paper_summaries",
    "papers",
    "parcels",
    "ratings",
    "routers",
    "search_entries",
    "search_queue",
    "sync_targets",
    "turns",
    "usage",
    "usage_quarters",
    "usage_tasks",
    "version",
]
