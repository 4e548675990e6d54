"""The shelf: papers in the record, their files in the workspace's `papers/` folder.

A paper is on it once: the same file, arXiv id or DOI finds the paper that is there. What arXiv says of a paper wins over
what its PDF says.
"""

from __future__ import annotations

import hashlib
import json
import re
import shutil
import tempfile
import time
import unicodedata
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, replace
from importlib.metadata import entry_points
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Self

from workbench.errors import WorkbenchError
from workbench.papers.passages.chunks import chunks_of
from workbench.papers.passages.index import Hit, Passages, rows_of
from workbench.papers.reading.arxiv import Arxiv, ArxivEntry, arxiv_name
from workbench.papers.reading.catalogues import look_up
from workbench.papers.reading.fetching import fetch
from workbench.papers.reading.paper import Author, Paper, Text
from workbench.papers.reading.problems import Limits, PaperError, Problem
from workbench.papers.reading.reader import Reader
from workbench.papers.reading.serial import paper_from_json, paper_to_json
from workbench.records.papers import PaperRow

if TYPE_CHECKING:
    from workbench.dialogue import Orchestrator
    from workbench.models.embeddings import Embedder
    from workbench.records import Record

FOLDER: Final = "papers"
_ID_LENGTH: Final = 12


@dataclass(frozen=True, slots=True)
class Added:
    """What became of one file: the paper's row and whether it is new, or why it could not be read."""

    source: str
    row: PaperRow | None = None
    new: bool = False
    error: WorkbenchError | None = None
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class _How:
    """How files are added, see `Shelf.add`."""

    more: bool
    offline: bool
    ocr: str | None


Notify = Callable[[Added, int, int], None]
"""Told of each file: what became of it, its number from 1, and how many there are."""


class Shelf:
    """Adds papers, finds and searches them. Blocks, and may be used from any thread. Close it, or use it in a `with`.

    Args:
        record: where papers are kept.
        workspace: whose `papers/` folder has the files.
        limits: for each file.
        reader: opens the files; by default one of its own, with those limits.
        arxiv: who is asked for arXiv papers.
        embedder: makes vectors; by default the local model, where it is installed.

    >>> with Shelf(record, workspace) as shelf:                                  # doctest: +SKIP
    ...     [added] = shelf.add("2308.08155")
    ...     shelf.paper(added.row.id).title
    """

    def __init__(
        self,
        record: Record,
        workspace: Path,
        *,
        limits: Limits | None = None,
        reader: Reader | None = None,
        arxiv: Arxiv | None = None,
        embedder: Embedder | None = None,
    ) -> None:
        self.record = record
        self._rows = record.papers
        self._workspace = workspace
        self._arxiv = arxiv or Arxiv()
        self._embedder = embedder
        self._passages: tuple[object, Passages] | None = None
        self.reader = reader or Reader(limits)

    def close(self) -> None:
        """End the process that reads."""
        self.reader.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def add(
        self,
        what: str | Path,
        *,
        more: bool = False,
        offline: bool = False,
        ocr: str | None = None,
        notify: Notify | None = None,
    ) -> list[Added]:
        """Put papers on the shelf.

        Args:
            what: a PDF, a folder of them (with its subfolders), a URL, or an arXiv id.
            more: ask Semantic Scholar and Crossref too.
            offline: ask nobody about files that are here.
            ocr: recognise the text of pages that are pictures, in this language (`eng`, `deu+eng`), by Tesseract.
            notify: told of each file as it is done.

        Returns:
            what became of each file; of a folder, files that cannot be read are among them.

        Raises:
            PaperError: the one file, URL or id cannot be read or fetched, or the folder has no PDF.
        """
        return list(self.adding(what, more=more, offline=offline, ocr=ocr, notify=notify))

    def adding(
        self,
        what: str | Path,
        *,
        more: bool = False,
        offline: bool = False,
        ocr: str | None = None,
        notify: Notify | None = None,
    ) -> Iterator[Added]:
        """Do as `add` does, and yield each file's result as soon as it is there."""
        path, how = Path(what).expanduser(), _How(more, offline, ocr)
        if path.is_dir():
            files = sorted(file for file in path.rglob("*") if file.suffix.lower() == ".pdf" and file.is_file())
            if not files:
                raise PaperError(f"{path} has no PDF in it", hint="Files must end in .pdf.")
            for number, file in enumerate(files, start=1):
                added = self._attempt(file, how)
                if notify:
                    notify(added, number, len(files))
                yield added
            return
        added = self._one(str(what), path, how)
        if notify:
            notify(added, 1, 1)
        yield added

    def papers(self, text: str = "") -> list[PaperRow]:
        """Return the papers, the newest first; with a text, those whose title, authors, year or ids have it."""
        wanted = _folded(text)
        return [row for row in self._rows.all() if wanted in _folded(" ".join(map(str, _told(row))))]

    def find(self, name: str) -> PaperRow:
        """Return the paper that an id, the beginning of one, an arXiv id, a DOI or `last` stands for.

        Raises:
            RecordError: none does, or more than one.
        """
        return self._rows.find(arxiv_id_of(name) or name)

    def paper(self, name: str) -> Paper:
        """Return the text of a paper; takes what `find` takes."""
        return paper_from_json(self._rows.text(self.find(name).id))

    def file(self, name: str) -> Path:
        """Return where a paper's PDF is; takes what `find` takes.

        Raises:
            PaperError: it was removed.
        """
        row = self.find(name)
        path = self._workspace / row.file
        if not path.is_file():
            raise PaperError(f"the file of {row.id} is gone: {path}", hint="Put it back, or add it again.")
        return path

    def search(self, question: str, *, paper: str | None = None, most: int = 8) -> list[Hit]:
        """Return the passages that fit a question best, of all papers or of one (what `find` takes)."""
        chosen = self.find(paper).id if paper else None
        return self._ready(chosen).find(question, most, self._embedder)

    def figure(self, name: str, label: str, *, dpi: int = 200) -> bytes:
        """Return a figure or table of a paper as a PNG. Arguments and errors as for `pictures.picture_of`."""
        from workbench.papers.pictures import picture_of

        return picture_of(self, name, label, dpi=dpi)

    def panel(self, paper: str | None = None, orchestrator: Orchestrator | None = None) -> Any:
        """Return the panel of the shelf: the last expression of a cell shows it.

        Args:
            paper: that it opens with; takes what `find` takes.
            orchestrator: asks models, where somebody asks a paper from the panel.

        Raises:
            RecordError: there is no such paper.
        """
        (panel,) = entry_points(group="workbench.papers", name="panel")
        return panel.load()(self, paper, orchestrator)

    def learn_more(self, name: str) -> tuple[str, ...]:
        """Ask Semantic Scholar and Crossref about a paper and keep what they say; return what is worth telling."""
        row = self.find(name)
        known = look_up(row.arxiv_id, row.doi)
        if known.found:
            self._rows.learn(row.id, known.found)
        return (*(("it was RETRACTED",) if known.retracted else ()), *known.missed)

    def _ready(self, paper: str | None) -> Passages:
        """Return the passages of a paper, or of all; the latter are kept until the shelf changes."""
        if paper is not None:
            return Passages(self._rows.chunks(paper))
        stamp, kept = self._rows.stamp(), self._passages
        if kept is None or kept[0] != stamp:
            kept = self._passages = (stamp, Passages(self._rows.chunks()))
        return kept[1]

    def _attempt(self, file: Path, how: _How) -> Added:
        try:
            return self._one(str(file), file, how)
        except WorkbenchError as error:
            return Added(str(file), error=error)

    def _one(self, what: str, path: Path, how: _How) -> Added:
        name = None if path.is_file() else arxiv_name(what)
        if name is not None:
            added = self._from_arxiv(what, name, how)
        elif what.lower().startswith(("http://", "https://")):
            with tempfile.TemporaryDirectory(prefix="workbench-paper-") as folder:
                fetched = fetch(what, Path(folder), self.reader.limits.bytes)
                added = self._keep(fetched, what, None, how)
        else:
            if not path.exists():
                hint = "Give a PDF, a folder, a URL, or an arXiv id such as 2308.08155."
                raise PaperError(f"{what} is no file, URL or arXiv id", problem=Problem.UNREADABLE, hint=hint)
            added = self._keep(path, what, None, how, ask_arxiv=not how.offline)
        if how.more and added.row is not None:
            added = replace(added, notes=(*added.notes, *self.learn_more(added.row.id)))
        return added

    def _from_arxiv(self, what: str, name: str, how: _How) -> Added:
        there = self._rows.same(arxiv_id=re.sub(r"v\d+$", "", name))
        if there is not None:
            return Added(what, there, notes=_newer(there, name))
        entry = self._arxiv.entry(name)
        with tempfile.TemporaryDirectory(prefix="workbench-paper-") as folder:
            return self._keep(fetch(entry.pdf, Path(folder), self.reader.limits.bytes), what, entry, how)

    def _keep(self, path: Path, source: str, entry: ArxivEntry | None, how: _How, *, ask_arxiv: bool = False) -> Added:
        """Read a PDF and put it on the shelf, unless it is there."""
        digest = _sha256(path, self.reader.limits.bytes)
        there = self._rows.same(digest)
        if there is not None:
            self._restore(there, path)
            return Added(source, there)
        paper = self.reader.read(path, ocr=how.ocr)
        notes: list[str] = []
        if entry is None and ask_arxiv and paper.arxiv_id:
            entry = self._asked(paper.arxiv_id, notes)
        paper = told_by_arxiv(paper, entry) if entry else paper
        there = self._rows.same(digest, paper.arxiv_id, paper.doi)
        if there is not None:
            return Added(source, there, notes=(f"{source} is another file of a paper that is on the shelf",))
        row = self._row(digest, paper, source, entry)
        self._copy(path, row)
        kept = self._rows.add(row, paper_to_json(paper), rows_of(row.id, chunks_of(paper), self._embedder))
        return Added(source, kept, new=kept == row, notes=(*notes, *map(str, paper.concerns)))

    def _asked(self, arxiv_id: str, notes: list[str]) -> ArxivEntry | None:
        """Return what arXiv says of a paper that names its id; offline users only miss it."""
        try:
            return self._arxiv.entry(arxiv_id)
        except PaperError as error:
            notes.append(f"title and authors are the PDF's: {error.message}")
            return None

    def _row(self, digest: str, paper: Paper, source: str, entry: ArxivEntry | None) -> PaperRow:
        known: dict[str, Any] = {"arxiv": json.loads(json.dumps(asdict(entry)))} if entry else {}
        stem = paper.arxiv_id.replace("/", "_") if paper.arxiv_id else f"{_slug(paper.title)}-{digest[:6]}"
        return PaperRow(
            id=digest[:_ID_LENGTH],
            sha256=digest,
            added_at=time.time(),
            title=paper.title or Path(source).stem,
            authors=tuple(author.name for author in paper.authors),
            year=paper.year,
            arxiv_id=paper.arxiv_id,
            doi=paper.doi,
            source=source,
            file=f"{FOLDER}/{stem}.pdf",
            pages=len(paper.page_sizes),
            known=known,
        )

    def _copy(self, path: Path, row: PaperRow) -> None:
        """Put the file into the folder under its name, whole or not at all."""
        target = self._workspace / row.file
        if target.exists() and path.samefile(target):
            return
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryDirectory(dir=target.parent, prefix=".part-") as folder:
                shutil.copyfile(path, Path(folder) / target.name)
                (Path(folder) / target.name).replace(target)
        except OSError as error:
            raise PaperError(
                f"{target} cannot be written: {error.strerror}", hint="Check free space and permissions."
            ) from None

    def _restore(self, row: PaperRow, path: Path) -> None:
        """Put the file of a paper back where it was removed."""
        if not (self._workspace / row.file).exists():
            self._copy(path, row)


def told_by_arxiv(paper: Paper, entry: ArxivEntry) -> Paper:
    """Return a paper with what arXiv says of it in place of what its PDF says; the printed abstract stays among its lines."""
    return replace(
        paper,
        title=entry.title or paper.title,
        authors=tuple(Author(name) for name in entry.authors) or paper.authors,
        abstract=paper.abstract if _same_words(paper.abstract.text, entry.abstract) else Text(entry.abstract),
        arxiv_id=entry.id,
        doi=entry.doi or paper.doi,
        year=entry.year,
    )


def arxiv_id_of(name: str) -> str | None:
    """Return the arXiv id, without version, that a word or URL stands for."""
    found = arxiv_name(name)
    return re.sub(r"v\d+$", "", found) if found else None


def _newer(row: PaperRow, name: str) -> tuple[str, ...]:
    kept = (row.known.get("arxiv") or {}).get("version")
    wanted = re.search(r"v(\d+)$", name)
    if wanted and kept and int(wanted.group(1)) != kept:
        return (f"version {kept} of it is on the shelf",)
    return ()


def _same_words(a: str, b: str) -> bool:
    return re.sub(r"\W", "", a).casefold() == re.sub(r"\W", "", b).casefold()


def _told(row: PaperRow) -> tuple[object, ...]:
    return (row.id, row.title, *row.authors, row.year, row.arxiv_id, row.doi)


def _folded(text: str) -> str:
    decomposed = unicodedata.normalize("NFKD", text)
    return " ".join("".join(c for c in decomposed if not unicodedata.combining(c)).casefold().split())


def _slug(title: str) -> str:
    words = re.findall(r"[a-z0-9]+", _folded(title))
    return "-".join(words)[:60].strip("-") or "paper"


def _sha256(path: Path, most: int) -> str:
    try:
        if path.stat().st_size > most:
            raise PaperError(f"{path.name} has more than {most / 1e6:,.0f} MB", problem=Problem.TOO_LARGE)
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise PaperError(f"{path} cannot be read: {error.strerror}", problem=Problem.UNREADABLE) from None
