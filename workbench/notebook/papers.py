"""`%paper`: add papers, list them, show one, search them, ask one."""

from __future__ import annotations

import base64
from collections.abc import Callable
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

from IPython.core.error import UsageError
from IPython.core.magic import Magics, line_magic, magics_class
from IPython.core.magic_arguments import argument, magic_arguments

from workbench.notebook.options import parse
from workbench.notebook.running import usage_errors

if TYPE_CHECKING:
    from argparse import Namespace

    from IPython.core.interactiveshell import InteractiveShell

    from workbench.dialogue import Orchestrator
    from workbench.notebook.tables import Table
    from workbench.papers import Paper, Shelf
    from workbench.papers.asking import PaperAnswer
    from workbench.papers.quotes import CheckedQuote
    from workbench.papers.shelf import Added
    from workbench.records.papers import PaperRow

SUBCOMMANDS: Final = ("add", "list", "show", "search", "ask")
_AROUND: Final = 60.0
"""Points of the page shown above and below a quote."""


@magics_class
class PaperMagics(Magics):
    """The shelf of papers in a notebook.

    Args:
        shell: that it belongs to.
        orchestrator: returns the one that dialogues of this notebook run in.
    """

    def __init__(self, shell: InteractiveShell, orchestrator: Callable[[], Orchestrator]) -> None:
        super().__init__(shell)
        self._shell = shell
        self._orchestrator = orchestrator
        self._shelf: Shelf | None = None

    @magic_arguments()
    @argument("command", choices=SUBCOMMANDS, help="what to do")
    @argument("words", nargs="*", help="add: PDFs, folders, URLs, arXiv ids; show: a paper; ask: a paper and the question")
    @argument("-m", "--models", default="", metavar="MODEL", help="ask: who answers")
    @argument("--budget", type=float, metavar="USD", help="ask: stop before this much is spent")
    @argument("--api-base", metavar="URL", help="ask: OpenAI-compatible endpoint for a model named by id")
    @argument("-n", "--limit", type=int, default=8, metavar="N", help="search, ask: how many passages; 8 by default")
    @argument("--paper", metavar="ID", help="search: only in this paper")
    @argument("--arxiv", action="store_true", help="search: on arXiv instead of the shelf")
    @argument("--more", action="store_true", help="add: ask Semantic Scholar and Crossref too")
    @argument("--offline", action="store_true", help="add: ask nobody about files that are here")
    @argument("-o", "--output", metavar="NAME", help="show, ask: variable that the paper or the answer is bound to")
    @line_magic("paper")
    def paper(self, line: str) -> Any:
        """Put papers on the shelf, find them again, and ask them.

        Examples::

            %paper add 2308.08155
            %paper add ~/papers --offline
            %paper list attention
            %paper show last -o p
            %paper search frozen gauges
            %paper ask 2308.08155 "How many agents talk to each other?" -m gpt-mini
        """
        wanted = parse(self.paper, line)
        with usage_errors():
            return getattr(self, f"_{wanted.command}")(wanted)

    def _on_shelf(self) -> Shelf:
        """Return the shelf, opened on first use."""
        if self._shelf is None:
            from workbench.papers import Shelf

            orchestrator = self._orchestrator()
            self._shelf = Shelf(orchestrator.record, orchestrator.settings.workspace)
        return self._shelf

    def _add(self, wanted: Namespace) -> Table:
        if not wanted.words:
            raise UsageError("%paper add needs a PDF, a folder, a URL or an arXiv id")
        shelf, done = self._on_shelf(), []
        try:
            for what in wanted.words:
                done += list(shelf.adding(what, more=wanted.more, offline=wanted.offline, notify=_tell))
        finally:
            shelf.close()  # its process starts again with the next file
        return _added_table(done)

    def _list(self, wanted: Namespace) -> Table:
        return _papers_table(self._on_shelf().papers(" ".join(wanted.words)))

    def _show(self, wanted: Namespace) -> PaperPage:
        if len(wanted.words) != 1:
            raise UsageError("%paper show needs one paper: an id, the beginning of one, an arXiv id, a DOI or last")
        shelf = self._on_shelf()
        page = PaperPage(shelf.find(wanted.words[0]), shelf.paper(wanted.words[0]))
        if wanted.output:
            self._shell.user_ns[wanted.output] = page.paper
        return page

    def _search(self, wanted: Namespace) -> Table:
        if not wanted.words:
            raise UsageError("%paper search needs words to look for")
        if wanted.arxiv:
            from workbench.papers.arxiv import Arxiv

            return _entries_table(Arxiv().search(" ".join(wanted.words), wanted.limit))
        shelf = self._on_shelf()
        return _hits_table(shelf, " ".join(wanted.words), wanted.paper, wanted.limit)

    def _ask(self, wanted: Namespace) -> AnswerPage:
        if len(wanted.words) < 2:  # noqa: PLR2004 - the paper, and a word at least
            raise UsageError('%paper ask needs a paper and a question: %paper ask last "What is new about it?"')
        from workbench.papers.asking import ask_paper

        name, *question = wanted.words
        models = [each.strip() for each in wanted.models.split(",") if each.strip()]
        shelf = self._on_shelf()
        answer = ask_paper(
            self._orchestrator(),
            shelf,
            name,
            " ".join(question).strip("\"'"),
            models=models,
            most=wanted.limit,
            limits={"max_cost": wanted.budget},
            api_base=wanted.api_base,
        )
        try:
            page = AnswerPage(answer, [_picture(shelf, answer, quote) for quote in answer.quotes])
        finally:
            shelf.close()
        if wanted.output:
            self._shell.user_ns[wanted.output] = answer
        return page


class PaperPage:
    """One paper on display; `paper` is what to go on with."""

    def __init__(self, row: PaperRow, paper: Paper) -> None:
        self.row, self.paper = row, paper

    @property
    def text(self) -> str:
        """For a terminal."""
        heads = [f"{'  ' * s.level}{' '.join(filter(None, (s.number, s.title)))}  p. {s.page}" for s in self.paper.sections]
        return "\n".join([self.row.title, ", ".join(self.row.authors), "", self.paper.abstract.text, "", *heads])

    def __repr__(self) -> str:
        return self.text

    def _repr_mimebundle_(self, include: object = None, exclude: object = None) -> dict[str, str]:  # noqa: ARG002 - IPython's
        from workbench.notebook.pages import render

        html = render(
            "paper_page.html.j2", row=self.row, paper=self.paper, concerns=[str(concern) for concern in self.paper.concerns]
        )
        return {"text/plain": self.text, "text/html": html}


class AnswerPage:
    """An answer on display, with the pages that its quotes stand on; `answer` is what to go on with.

    Args:
        answer: as given.
        pictures: for each quote a PNG in base64, or None.
    """

    def __init__(self, answer: PaperAnswer, pictures: list[str | None]) -> None:
        self.answer, self.pictures = answer, pictures

    @property
    def text(self) -> str:
        """For a terminal."""
        quotes = [f"[{quote.status}{f', p. {quote.page}' if quote.page else ''}] {quote.quote}" for quote in self.answer.quotes]
        return "\n".join([self.answer.answer, "", *quotes])

    def __repr__(self) -> str:
        return self.text

    def _repr_mimebundle_(self, include: object = None, exclude: object = None) -> dict[str, str]:  # noqa: ARG002 - IPython's
        from workbench.notebook.pages import render

        html = render("paper_answer.html.j2", answer=self.answer, pictures=self.pictures)
        return {"text/plain": self.text, "text/html": html}


def _picture(shelf: Shelf, answer: PaperAnswer, quote: CheckedQuote) -> str | None:
    """Return the part of the page that a quote stands on, the quote highlighted; None where the file is gone."""
    from workbench.papers import PaperError

    boxes = [box for page, box in quote.boxes if page == quote.page]
    if not boxes or quote.page is None:
        return None
    top, bottom = min(box[1] for box in boxes) - _AROUND, max(box[3] for box in boxes) + _AROUND
    try:
        png = shelf.reader.page(shelf.file(answer.paper.id), quote.page, boxes, clip=(0.0, top, 10_000.0, bottom))
    except PaperError:
        return None
    return base64.b64encode(png).decode()


def _tell(added: Added, number: int, total: int) -> None:
    if total > 1:
        print(f"{number}/{total} {added.error.message if added.error else added.source}")  # noqa: T201 - progress of a folder


def _added_table(done: list[Added]) -> Table:
    from workbench.notebook.tables import Column, Table

    rows = [
        {
            "paper": each.row.id if each.row else None,
            "what": "refused" if each.error else "added" if each.new else "there already",
            "title": each.row.title if each.row else None,
            "authors": ", ".join(each.row.authors) if each.row else None,
            "note": each.error.message if each.error else "; ".join(each.notes) or None,
        }
        for each in done
    ]
    return Table([Column("paper"), Column("what"), Column("title"), Column("authors"), Column("note")], rows)


def _papers_table(found: list[PaperRow]) -> Table:
    from workbench.notebook.tables import Column, Table

    rows = [
        {
            "paper": row.id,
            "arxiv_id": row.arxiv_id,
            "year": row.year,
            "authors": ", ".join(row.authors) or None,
            "title": row.title,
            "pages": row.pages,
            "added": datetime.fromtimestamp(row.added_at, UTC).strftime("%Y-%m-%d"),
        }
        for row in found
    ]
    columns = [Column("paper"), Column("arxiv_id", "arXiv"), Column("year", type="Int64"), Column("authors"), Column("title")]
    notes = [] if rows else ["No papers. %paper add FILE puts one on the shelf."]
    return Table([*columns, Column("pages", type="Int64"), Column("added")], rows, notes=notes)


def _hits_table(shelf: Shelf, text: str, paper: str | None, most: int) -> Table:
    from workbench.notebook.tables import Column, Table

    titles = {row.id: row.title for row in shelf.papers()}
    rows = [
        {
            "paper": hit.paper,
            "title": titles.get(hit.paper),
            "page": hit.chunk.page,
            "section": hit.chunk.heading or None,
            "text": hit.chunk.body.text,
        }
        for hit in shelf.search(text, paper=paper, most=most)
    ]
    columns = [Column("paper"), Column("title"), Column("page", type="Int64"), Column("section"), Column("text")]
    return Table(columns, rows, notes=[] if rows else ["Nothing fits."])


def _entries_table(found: Any) -> Table:
    from workbench.notebook.tables import Column, Table

    rows = [
        {"arxiv_id": e.id, "year": e.year, "authors": ", ".join(e.authors), "title": e.title, "abstract": e.abstract}
        for e in found
    ]
    columns = [
        Column("arxiv_id", "arXiv"),
        Column("year", type="Int64"),
        Column("authors"),
        Column("title"),
        Column("abstract", ""),
    ]
    return Table(columns, rows, notes=["%paper add ID puts one on the shelf."] if rows else ["Nothing fits."])
