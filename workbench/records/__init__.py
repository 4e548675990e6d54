"""What happened: every event of every dialogue, kept in SQLite or PostgreSQL.

`Record` (in `record`) is the way in. Writing: `writer` gathers events on a thread of its own, `store` puts each
gathering into one transaction, and `projection` says which rows an event changes (`statements` has their SQL). Reading:
`queries` for dialogues (its `glance` makes and changes nothing), `summary` for one of them as a row, `frames` for
DataFrames, `ratings` for how good turns were and what was learned from that. Around them: `schema` (the tables), `engine`
(connections), `migrate` with `migrations/` (schema versions), `owners` and `claims` (which process runs a dialogue),
`rescue` (events that found no room), `rebuild` (rows from events) and `failures` (what a database's error means to a person).

The table `events` is the truth; `dialogues`, `turns` and `calls` follow from it and can be rebuilt.
"""

from workbench.records.record import Record
from workbench.records.summary import DialogueSummary

__all__ = ["DialogueSummary", "Record"]
