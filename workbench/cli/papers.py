"""`paper`: read PDFs, keep them on the shelf, find them again, ask them. What a command does is imported when it runs."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from workbench.cli.options import ApiBase, AsJson, MaxCost, Workspace
from workbench.errors import WorkbenchError

if TYPE_CHECKING:
    from workbench.dialogue import Orchestrator
    from workbench.papers import Limits, Shelf
    from workbench.papers.shelf import Added

paper_app = typer.Typer(help="Papers: read PDFs, keep them, search them, ask them.", no_args_is_help=True)

PaperId = Annotated[str, typer.Argument(metavar="ID", help="Id, the beginning of one, an arXiv id, a DOI, or 'last'.")]
Ocr = Annotated[bool, typer.Option("--ocr", help="Recognise the text of pages that are pictures, by Tesseract.")]
Language = Annotated[str, typer.Option("--language", metavar="LANG", help="That --ocr reads: eng, deu, deu+eng and so on.")]
MaxPages = Annotated[int | None, typer.Option("--max-pages", min=1, help="Refuse a file with more.")]
MaxMegabytes = Annotated[float | None, typer.Option("--max-megabytes", min=0, help="Refuse a larger file.")]
MaxSeconds = Annotated[float | None, typer.Option("--max-seconds", min=0, help="Give up reading a file after so long.")]
OneModel = Annotated[str | None, typer.Option("-m", "--models", metavar="MODEL", help="Who is asked.")]
Most = Annotated[int, typer.Option("-n", "--limit", min=1, help="How many.")]


@paper_app.command()
def parse(
    file: Annotated[Path, typer.Argument(help="A PDF.")],
    *,
    ocr: Ocr = False,
    language: Language = "eng",
    as_json: AsJson = False,
    max_pages: MaxPages = None,
    max_megabytes: MaxMegabytes = None,
    max_seconds: MaxSeconds = None,
) -> None:
    """Read a PDF and print what is in it; nothing is kept."""
    from workbench.papers.reading.reader import Reader
    from workbench.papers.reading.serial import printed

    with Reader(_limits(max_pages, max_megabytes, max_seconds)) as reader:
        paper = reader.read(file, ocr=language if ocr else None)
    for line in paper.concerns:
        sys.stderr.write(f"workbench: {line}\n")
    if as_json:
        sys.stdout.write(json.dumps(printed(paper), indent=2) + "\n")  # `output` would load the engine, which takes as long
        return
    tell(f"{paper.title}\n{', '.join(author.name for author in paper.authors)}\n")
    tell(f"{paper.abstract.text}\n")
    for section in paper.sections:
        name = " ".join(filter(None, (section.number, section.title or "(before the first heading)")))
        tell(f"{'  ' * section.level}{name}  p. {section.page}")
    tell(f"\n{len(paper.references)} references, {len(paper.figures)} figures, {len(paper.tables)} tables")


@paper_app.command()
def add(
    what: Annotated[list[str], typer.Argument(help="PDFs, folders of them, URLs, arXiv ids.")],
    *,
    more: Annotated[bool, typer.Option("--more", help="Ask Semantic Scholar and Crossref too: citations, retraction.")] = False,
    offline: Annotated[bool, typer.Option("--offline", help="Ask nobody about files that are here.")] = False,
    ocr: Ocr = False,
    language: Language = "eng",
    as_json: AsJson = False,
    max_pages: MaxPages = None,
    max_megabytes: MaxMegabytes = None,
    max_seconds: MaxSeconds = None,
    workspace: Workspace = None,
) -> None:
    """Put papers on the shelf; one that is there already is found again."""
    from workbench.cli.output import as_json as print_json

    failures: list[WorkbenchError] = []
    done: list[dict[str, Any]] = []
    options = {"more": more, "offline": offline, "ocr": language if ocr else None}
    with on_shelf(workspace, _limits(max_pages, max_megabytes, max_seconds)) as (_, shelf):
        for each in what:
            try:
                for added in shelf.adding(each, **options, notify=_progress):
                    done.append(_added(added))
                    failures += [added.error] if added.error else []
                    if not as_json and added.row:
                        tell(f"{added.row.id}\t{'added' if added.new else 'there already'}\t{added.row.title}")
            except WorkbenchError as error:
                failures.append(error)
                done.append({"source": each, "error": error.message})
    if as_json:
        print_json(done)
    if failures:
        raise failures[0]


@paper_app.command("list")
def list_(
    text: Annotated[list[str] | None, typer.Argument(help="Only those whose title, authors, year or ids have this.")] = None,
    *,
    as_json: AsJson = False,
    workspace: Workspace = None,
) -> None:
    """List the papers on the shelf, the newest first."""
    from workbench.cli.output import as_json as print_json
    from workbench.cli.output import table

    with on_shelf(workspace) as (_, shelf):
        rows = [_row(row) for row in shelf.papers(" ".join(text or []))]
    if as_json:
        print_json(rows)
        return
    if not rows:
        sys.stderr.write("No papers. `workbench paper add FILE` puts one on the shelf.\n")
    shown = [row | {"authors": _short(row["authors"])} for row in rows]
    table(shown, ["id", "arxiv_id", "year", "authors", "title", "pages"])


@paper_app.command()
def show(paper: PaperId, *, as_json: AsJson = False, workspace: Workspace = None) -> None:
    """Show a paper of the shelf: what is known of it, its abstract, its sections, and its summaries."""
    from dataclasses import asdict

    from workbench.cli.output import as_json as print_json
    from workbench.papers.reading.serial import printed
    from workbench.papers.summaries.lengths import LEVELS
    from workbench.papers.summaries.summarize import facts_of, summaries_of

    with on_shelf(workspace) as (orchestrator, shelf):
        row, text = shelf.find(paper), shelf.paper(paper)
        summaries = summaries_of(orchestrator.record, row.id)
    if as_json:
        print_json(_row(row) | printed(text) | {"known": row.known, "summaries": [asdict(each) for each in summaries]})
        return
    tell(f"{row.title} ({row.year or 'year unknown'})\n{', '.join(row.authors)}\n")
    tell(f"{text.abstract.text}\n")
    for section in text.sections:
        tell(f"{'  ' * section.level}{' '.join(filter(None, (section.number, section.title)))}  p. {section.page}")
    tell(f"\n{len(text.references)} references, {row.pages} pages, {row.file}, from {row.source}")
    for each in summaries:
        tell(f"\n{LEVELS[each.level].title} ({facts_of(each)}):\n{each.text}")
    for line in text.concerns:
        tell(f"Beware: {line}")


@paper_app.command()
def search(
    text: Annotated[list[str], typer.Argument(help="What to look for.")],
    *,
    paper: Annotated[str | None, typer.Option("--paper", metavar="ID", help="Only in this one.")] = None,
    arxiv: Annotated[bool, typer.Option("--arxiv", help="Search arXiv instead of the shelf.")] = False,
    limit: Most = 8,
    as_json: AsJson = False,
    workspace: Workspace = None,
) -> None:
    """Find passages on the shelf, or papers on arXiv."""
    from workbench.cli.output import as_json as print_json
    from workbench.cli.output import table

    if arxiv:
        from workbench.papers.reading.arxiv import Arxiv

        rows: list[dict[str, Any]] = [
            {"arxiv_id": each.id, "year": each.year, "authors": list(each.authors), "title": each.title}
            for each in Arxiv().search(" ".join(text), limit)
        ]
        columns = ["arxiv_id", "year", "authors", "title"]
    else:
        with on_shelf(workspace) as (_, shelf):
            rows = [
                {"id": hit.paper, "page": hit.chunk.page, "section": hit.chunk.heading, "text": hit.chunk.body.text}
                for hit in shelf.search(" ".join(text), paper=paper, most=limit)
            ]
        columns = ["id", "page", "section", "text"]
    if as_json:
        print_json(rows)
        return
    table([{name: _brief(row[name]) for name in columns} for row in rows], columns)


@paper_app.command()
def ask(
    paper: PaperId,
    question: Annotated[list[str], typer.Argument(help="About the paper.")],
    *,
    models: OneModel = None,
    budget: MaxCost = None,
    api_base: ApiBase = None,
    limit: Most = 8,
    as_json: AsJson = False,
    workspace: Workspace = None,
) -> None:
    """Ask a model about a paper; each quote of its answer is checked against the PDF."""
    from dataclasses import asdict

    from workbench.cli.output import as_json as print_json
    from workbench.papers.asking import ask_paper

    with on_shelf(workspace) as (orchestrator, shelf):
        names = [name.strip() for name in (models or "").split(",") if name.strip()]
        options: dict[str, Any] = {"limits": {"max_cost": budget}, "api_base": api_base}
        answer = ask_paper(orchestrator, shelf, paper, " ".join(question), models=names, most=limit, **options)
    if as_json:
        shown = {"paper": answer.paper.id, "question": answer.question, "answer": answer.answer, "cost": answer.cost}
        print_json(shown | {"quotes": [asdict(quote) for quote in answer.quotes], "dialogue": answer.dialogue})
        return
    tell(f"{answer.answer}\n")
    for quote in answer.quotes:
        where = f", p. {quote.page}" if quote.page else ""
        tell(f"[{quote.status}{where}] {quote.quote}")
        if quote.status == "near miss":
            tell(f"    the paper says: {quote.found}")


@contextmanager
def on_shelf(workspace: Path | None, limits: Limits | None = None) -> Iterator[tuple[Orchestrator, Shelf]]:
    """Open a workspace and its shelf."""
    from workbench.dialogue import Orchestrator
    from workbench.papers.shelf import Shelf

    with (
        Orchestrator(workspace) as orchestrator,
        Shelf(orchestrator.record, orchestrator.settings.workspace, limits=limits) as shelf,
    ):
        yield orchestrator, shelf


def _limits(pages: int | None, megabytes: float | None, seconds: float | None) -> Limits:
    from workbench.papers.reading.problems import Limits

    given: dict[str, Any] = {
        "pages": pages or None,
        "bytes": None if megabytes is None else int(megabytes * 1_000_000),
        "seconds": seconds,
        "ocr_seconds": seconds,
    }
    return replace(Limits(), **{name: value for name, value in given.items() if value is not None})


def _progress(added: Added, number: int, total: int) -> None:
    """Say on stderr how far a folder is, what was refused, and what is worth knowing of a paper."""
    if added.error:
        sys.stderr.write(f"{number}/{total} refused: {added.error.message}\n")
    elif total > 1:
        sys.stderr.write(f"{number}/{total} {added.source}\n")
    for note in added.notes:
        sys.stderr.write(f"  {note}\n")


def _added(added: Added) -> dict[str, Any]:
    if added.row is None:
        return {"source": added.source, "error": added.error.message if added.error else None}
    return _row(added.row) | {"new": added.new, "notes": list(added.notes)}


def _row(row: Any) -> dict[str, Any]:
    names = ("id", "title", "year", "arxiv_id", "doi", "pages", "source", "file")
    return {name: getattr(row, name) for name in names} | {"authors": list(row.authors)}


def _short(authors: list[str]) -> str:
    return f"{authors[0]} et al." if len(authors) > 2 else " and ".join(authors)  # noqa: PLR2004


def _brief(value: Any) -> Any:
    if isinstance(value, list):
        return _short(value)
    return value[:160] if isinstance(value, str) else value


def tell(line: str) -> None:
    """Print a line; marks in it that no terminal should act on are dropped."""
    from workbench.dialogue.export.facts import visible

    sys.stdout.write("\n".join(visible(part) for part in line.split("\n")) + "\n")
