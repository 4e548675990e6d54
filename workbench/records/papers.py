"""Papers in the record: their rows, and their passages with vectors. What a paper is, and what is found in it, is above."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from sqlalchemy import JSON, Row, cast, func, insert, or_, select, type_coerce, update
from sqlalchemy.exc import IntegrityError

from workbench.errors import RecordError
from workbench.records.failures import explained
from workbench.records.rows import Rows
from workbench.records.schema import paper_chunks, papers
from workbench.records.search.queueing import queue
from workbench.records.texts import storable_text, storable_values

_BRIEF = [column for column in papers.c if column.name != "paper"]


@dataclass(frozen=True, slots=True)
class PaperRow:
    """A paper on the shelf.

    Attributes:
        id: the beginning of `sha256`.
        sha256: of the PDF.
        added_at: Unix seconds.
        source: where it came from: a path, a URL or an arXiv id.
        file: of the PDF, below the workspace.
        known: what arXiv and other catalogues say of it, by catalogue.
    """

    id: str
    sha256: str
    added_at: float
    title: str
    authors: tuple[str, ...]
    year: int | None
    arxiv_id: str | None
    doi: str | None
    source: str
    file: str
    pages: int
    known: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ChunkRow:
    """A passage as JSON, and its vector as bytes of float32; None where it was not computed."""

    paper: str
    number: int
    chunk: str
    vector: bytes | None = None


class PaperRows(Rows):
    """The shelf; `Rows` has the arguments."""

    def add(self, row: PaperRow, paper: str, chunks: Iterable[ChunkRow]) -> PaperRow:
        """Keep a paper (its whole text as JSON) and its passages, all or none.

        Returns:
            the row as it is kept: where another process added the same paper meanwhile, that one.

        Raises:
            RecordError: the database does not take it.
        """
        values = asdict(row) | {"authors": json.dumps(row.authors), "known": json.dumps(row.known), "paper": paper}
        try:
            with self._writing() as connection:
                connection.execute(insert(papers).values(storable_values(values)))
                self._put_chunks(connection, chunks)
                queue(connection, "paper", row.id)
        except RecordError as error:
            there = self.same(row.sha256, row.arxiv_id) if isinstance(error.__cause__, IntegrityError) else None
            if there is None:
                raise
            return there
        return row

    def same(self, sha256: str = "", arxiv_id: str | None = None, doi: str | None = None) -> PaperRow | None:
        """Return the paper with this content or, failing that, one of these ids; None without one."""
        for condition in (
            papers.c.sha256 == sha256,
            papers.c.arxiv_id == arxiv_id if arxiv_id else None,
            func.lower(papers.c.doi) == doi.lower() if doi else None,
        ):
            if condition is not None:
                for found in self._read(select(*_BRIEF).where(condition).limit(1)):
                    return _row(found)
        return None

    def find(self, name: str) -> PaperRow:
        """Return the paper that an id, the beginning of one, an arXiv id, a DOI or `last` stands for.

        Raises:
            RecordError: none does, or more than one.
        """
        query = select(*_BRIEF).order_by(papers.c.added_at.desc(), papers.c.id).limit(6)
        if name != "last":
            query = query.where(
                or_(papers.c.id.startswith(name, autoescape=True), papers.c.arxiv_id == name, papers.c.doi == name)
            )
        found = [_row(row) for row in self._read(query)]
        exact = [row for row in found if name in (row.id, row.arxiv_id, row.doi)]
        found = exact or (found[:1] if name == "last" else found)
        if not found:
            raise RecordError(
                f"There is no paper {name!r}.", hint="`%paper list` or `workbench paper list` shows what there is."
            )
        if len(found) > 1:
            raise RecordError(f"{name!r} may be {', '.join(row.id for row in found)}.", hint="Give more of the id.")
        return found[0]

    def all(self, ids: Sequence[str] | None = None) -> list[PaperRow]:
        """Return the papers, the newest first; all, or those with these ids."""
        query = select(*_BRIEF).order_by(papers.c.added_at.desc(), papers.c.id)
        if ids is not None:
            query = query.where(papers.c.id.in_(ids))
        return [_row(row) for row in self._read(query)]

    def text(self, paper: str) -> str:
        """Return the whole of a paper as JSON, by its full id."""
        with explained(self._place), self._engine.connect() as connection:
            found: str = connection.execute(select(papers.c.paper).where(papers.c.id == paper)).scalar_one()
            return found

    def concerns(self, ids: Sequence[str]) -> dict[str, int]:
        """Return how many concerns each of these papers raises; the database looks, so that no text is read for it."""
        postgres = self._engine.dialect.name == "postgresql"
        whole = cast(papers.c.paper, JSON) if postgres else type_coerce(papers.c.paper, JSON)
        query = select(papers.c.id, whole["concerns"]).where(papers.c.id.in_(ids))
        return {paper: len(concerns or ()) for paper, concerns in self._read(query)}

    def learn(self, paper: str, known: dict[str, Any]) -> None:
        """Keep what catalogues say of a paper, beside what they have said before."""
        with self._writing() as connection:
            before = json.loads(connection.execute(select(papers.c.known).where(papers.c.id == paper)).scalar_one())
            values = {"known": storable_text(json.dumps(before | known))}
            connection.execute(update(papers).where(papers.c.id == paper).values(values))

    def chunks(self, paper: str | None = None) -> list[ChunkRow]:
        """Return the passages of one paper, or of all, in order."""
        query = select(paper_chunks).order_by(paper_chunks.c.paper_id, paper_chunks.c.number)
        if paper is not None:
            query = query.where(paper_chunks.c.paper_id == paper)
        return [ChunkRow(row.paper_id, row.number, row.chunk, row.vector) for row in self._read(query)]

    def stamp(self) -> tuple[int, int, float]:
        """Return what changes whenever papers or passages are added: how many there are, and when the last paper was."""
        counted = (select(func.count()).select_from(table).scalar_subquery() for table in (papers, paper_chunks))
        [row] = self._read(select(*counted, func.max(papers.c.added_at)))
        return row[0], row[1], row[2] or 0.0

    def _put_chunks(self, connection: Any, chunks: Iterable[ChunkRow]) -> None:
        rows = [
            {"paper_id": row.paper, "number": row.number, "chunk": storable_text(row.chunk), "vector": row.vector}
            for row in chunks
        ]
        if rows:
            connection.execute(insert(paper_chunks), rows)


def _row(row: Row[Any]) -> PaperRow:
    values = dict(row._mapping)  # noqa: SLF001 - SQLAlchemy's public name for it
    return PaperRow(**{**values, "authors": tuple(json.loads(values["authors"])), "known": json.loads(values["known"])})
