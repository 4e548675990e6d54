"""Experiment branches of papers, and what was decided about papers. Nothing here is changed once it is kept."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from sqlalchemy import Row, insert, select

from workbench.records.rows import Rows
from workbench.records.schema import decisions, paper_branches
from workbench.records.search.queueing import queue
from workbench.records.texts import storable_values


@dataclass(frozen=True, slots=True)
class BranchRow:
    """A branch that was made for a paper.

    Attributes:
        paper_id: full id of the paper.
        made_at: Unix seconds.
        by: who made it, as git knows them.
        assessment_id: that it was made on; None without.
        forced: whether the assessment spoke against it, or was missing.
        slug: its short name.
        branch: its name in git.
        repository: the top folder when it was made.
        folder: of the experiment, below the repository.
        base: commit that it begins at.
        commit: its first own commit.
    """

    id: str
    paper_id: str
    made_at: float
    by: str
    assessment_id: str | None
    forced: bool
    slug: str
    branch: str
    repository: str
    folder: str
    base: str
    commit: str


@dataclass(frozen=True, slots=True)
class DecisionRow:
    """A decision about a paper.

    Attributes:
        paper_id: full id of the paper.
        kind: `merge`, `reject`, `archive` or `needs_more_research`.
        because: the reasons given.
        decided_at: Unix seconds.
        by: who decided.
        assessment_id, experiment_id: what it rests on; None without.
        results: what the experiment showed then; empty without.
        branch_id: whose branch has it as a file; None without.
    """

    id: str
    paper_id: str
    kind: str
    because: str
    decided_at: float
    by: str
    assessment_id: str | None = None
    experiment_id: str | None = None
    results: str = ""
    branch_id: str | None = None


class DecisionRows(Rows):
    """Branches of papers, and decisions about them; `Rows` has the arguments."""

    def add(self, row: DecisionRow) -> None:
        """Keep a decision.

        Raises:
            RecordError: the database does not take it.
        """
        with self._writing() as connection:
            connection.execute(insert(decisions).values(storable_values(asdict(row))))
            queue(connection, "decision", row.id)

    def add_branch(self, row: BranchRow) -> None:
        """Keep that a branch was made.

        Raises:
            RecordError: the database does not take it.
        """
        values = storable_values(asdict(row) | {"forced": int(row.forced)})
        with self._writing() as connection:
            connection.execute(insert(paper_branches).values(values))

    def all(self, paper: str | None = None) -> list[DecisionRow]:
        """Return the decisions, oldest first; all, or those about one paper (its full id)."""
        query = select(decisions).order_by(decisions.c.decided_at, decisions.c.id)
        if paper is not None:
            query = query.where(decisions.c.paper_id == paper)
        return [DecisionRow(**row._mapping) for row in self._read(query)]  # noqa: SLF001 - SQLAlchemy's public name for it

    def branches(self, paper: str) -> list[BranchRow]:
        """Return the branches of a paper (its full id), oldest first."""
        b = paper_branches.c
        query = select(paper_branches).where(b.paper_id == paper).order_by(b.made_at, b.id)
        return [_branch(row) for row in self._read(query)]


def _branch(row: Row[Any]) -> BranchRow:
    values = dict(row._mapping)  # noqa: SLF001 - as above
    return BranchRow(**values | {"forced": bool(values["forced"])})
