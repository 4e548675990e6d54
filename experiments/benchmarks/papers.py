"""How well papers are read: ours beside pymupdf4llm, pypdf and pdftotext, on a folder of PDFs with their truth.

    python experiments/benchmarks/papers.py papers/samples
    python experiments/benchmarks/papers.py FOLDER --only ours --papers

The folder has a `truth.json`: stem to `title, authors, abstract_start, abstract_end, sections, sections_optional,
n_references`, and perhaps `title_alt, arxiv_id, year, references, tables, figures`. What a parser is not told to find
(pymupdf4llm returns Markdown, the other two plain text) `from_text` makes of its text by simple rules. Names, headings and
titles are compared without case, accents and punctuation. Contestants that are not installed are left out.
"""

from __future__ import annotations

import argparse
import difflib
import importlib.util
import json
import re
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
import unicodedata
from collections.abc import Callable
from pathlib import Path
from typing import Any

Found = dict[str, Any]
MARKS = re.compile(r"[\d*∗†‡§¶#⋆]+")  # noqa: RUF001 - as meant
HEADING = re.compile(r"^(?:\d{1,2}\.?|[IVX]+\.|[A-Z]\.?)\s+[A-Z][^.]{2,70}$")
FIELDS = ("title", "authors", "abstract", "sections", "references", "arxiv_id", "year", "reference_fields", "cells", "captions")


def folded(text: str) -> str:
    plain = unicodedata.normalize("NFKD", text or "").casefold().replace("ł", "l").replace("ø", "o")
    return re.sub(r"[^a-z0-9]", "", plain)


def ours(path: Path) -> Found:
    from workbench.papers import Reader
    from workbench.papers.reading.serial import printed

    with Reader() as reader:
        return printed(reader.read(path))


def ours_here(path: Path) -> Found:
    """The same without the process around it: what a folder costs a page, once the process is up."""
    sys.modules.setdefault("pymupdf.layout", None)
    import pymupdf

    from workbench.papers.reading.layout.parse import parse_pages
    from workbench.papers.reading.serial import printed

    pymupdf.TOOLS.mupdf_display_errors(False)  # noqa: FBT003 - PyMuPDF's signature
    with pymupdf.open(path) as pdf:
        return printed(parse_pages(pdf))


def pymupdf4llm(path: Path) -> Found:
    import pymupdf4llm as package

    return from_text(package.to_markdown(str(path), show_progress=False))


def pypdf(path: Path) -> Found:
    from pypdf import PdfReader

    return from_text("\n".join(page.extract_text() for page in PdfReader(path).pages))


def pdftotext(path: Path) -> Found:
    done = subprocess.run(["pdftotext", str(path), "-"], capture_output=True, text=True, check=True)
    return from_text(done.stdout)


def from_text(text: str) -> Found:
    """What simple rules find in plain text or Markdown."""
    lines = [re.sub(r"[*_#`]+", "", line).strip() for line in text.splitlines()]
    marked = [re.sub(r"[*_`]+", "", line).lstrip("#").strip() for line in text.splitlines() if line.startswith("#")]
    lines = [line for line in lines if line]
    at = next((n for n, line in enumerate(lines) if re.match(r"abstract\b", line, re.IGNORECASE)), min(8, len(lines)))
    title = marked[0] if marked else lines[0] if lines else ""
    names = [
        MARKS.sub(" ", part).strip() for line in lines[1:at] for part in re.split(r",|;|\band\b|&", line) if "@" not in line
    ]
    end = next(
        (
            n
            for n, line in enumerate(lines[at + 1 :], at + 1)
            if re.match(r"(?:1\.?\s+|I\.\s+)?introduction\b", line, re.IGNORECASE)
        ),
        at + 15,
    )
    abstract = re.sub(r"^abstract\W*", "", " ".join(lines[at:end]), flags=re.IGNORECASE)
    last = max(
        (n for n, line in enumerate(lines) if re.match(r"(?:references|bibliography)\W*$", line, re.IGNORECASE)),
        default=len(lines),
    )
    listed = "\n".join(lines[last + 1 :])
    labels = re.findall(r"^(?:[-*]\s*)?\[\d+\]|^\d{1,3}\.\s", listed, re.MULTILINE)
    years = re.findall(r"^[A-Z][^\n]*?\b(?:19|20)\d\d[a-z]?\.", listed, re.MULTILINE)
    heads = marked[1:] or [line for line in lines[:last] if HEADING.match(line)]
    return {
        "title": title, "authors": [{"name": name} for name in names if 1 < len(name.split()) < 5], "abstract": abstract,
        "sections": [{"title": re.sub(r"^(?:\d[\d.]*|[IVX]+\.|[A-Z]\.)\s+", "", head), "level": 1} for head in heads],
        "references": [{} for _ in (labels or years)], "tables": [], "figures": [], "arxiv_id": None, "year": None,
    }  # fmt: skip


def f1(found: set[Any], wanted: set[Any]) -> float:
    return 2 * len(found & wanted) / (len(found) + len(wanted)) if found or wanted else 1.0


def scores(found: Found, truth: dict[str, Any]) -> dict[str, float | None]:
    titles = [folded(title) for title in [truth["title"], *truth.get("title_alt", [])]]
    likeness = max(difflib.SequenceMatcher(None, folded(found["title"]), title, autojunk=False).ratio() for title in titles)
    abstract, start, end = folded(found["abstract"]), folded(truth["abstract_start"]), folded(truth["abstract_end"])
    optional = set(map(folded, truth.get("sections_optional", []))) | {"references", "abstract", "bibliography"}
    least = min((s["level"] for s in found["sections"]), default=1)
    heads = {folded(s["title"]) for s in found["sections"] if s["level"] == least and s["title"]} - optional
    ratio = abs(len(found["references"]) - truth["n_references"]) / max(1, truth["n_references"])
    return {
        "title": float(likeness >= 0.95),
        "authors": f1({folded(MARKS.sub("", a["name"])) for a in found["authors"]}, set(map(folded, truth["authors"]))),
        "abstract": float(0 <= abstract.find(start) <= 40 and len(abstract) - abstract.rfind(end) - len(end) <= 80)
        if start
        else None,
        "sections": f1(heads, set(map(folded, truth["sections"])) - optional),
        "references": float(ratio <= 0.1),
        "arxiv_id": float((found["arxiv_id"] or None) == truth.get("arxiv_id")),
        "year": float(found["year"] in (truth["year"], *truth.get("year_alt", []))) if truth.get("year") else None,
        "reference_fields": f1(entries(found["references"]), entries(truth["references"])) if truth.get("references") else None,
        "cells": f1(cells(found["tables"]), cells(truth["tables"])) if truth.get("tables") else None,
        "captions": f1(captions(found), captions(truth)) if truth.get("tables") else None,
    }


def entries(references: list[dict[str, Any]]) -> set[tuple[int, str, str]]:
    """Authors, titles and years by the entry's place; `Turing, A.` counts as `A. Turing`."""
    listed = set()
    for number, entry in enumerate(references):
        names = [" ".join(reversed(name.split(", "))) for name in entry.get("authors", [])]
        told = [
            *(("author", name) for name in names),
            ("title", entry.get("title") or ""),
            ("year", str(entry.get("year") or "")),
        ]
        listed |= {(number, kind, folded(value)) for kind, value in told if value}
    return listed


def cells(tables: list[dict[str, Any]]) -> set[tuple[int, int, int, str]]:
    return {
        (t, r, c, folded(cell))
        for t, one in enumerate(tables)
        for r, row in enumerate(one["rows"])
        for c, cell in enumerate(row)
        if cell
    }


def captions(paper: dict[str, Any]) -> set[str]:
    figures = [figure if isinstance(figure, str) else figure["caption"] for figure in paper["figures"]]
    return {folded(caption) for caption in [*figures, *(table["caption"] for table in paper["tables"])]}


def cpu() -> float:
    both = resource.getrusage(resource.RUSAGE_SELF), resource.getrusage(resource.RUSAGE_CHILDREN)
    return sum(usage.ru_utime + usage.ru_stime for usage in both)


CONTESTANTS: dict[str, tuple[Callable[[Path], Found], Callable[[], bool]]] = {
    "ours": (ours_here, lambda: True),
    "ours, a process a file": (ours, lambda: True),
    "pymupdf4llm": (pymupdf4llm, lambda: importlib.util.find_spec("pymupdf4llm") is not None),
    "pypdf": (pypdf, lambda: importlib.util.find_spec("pypdf") is not None),
    "pdftotext": (pdftotext, lambda: shutil.which("pdftotext") is not None),
}


def measure(name: str, folder: Path, truths: dict[str, Any], *, each: bool) -> dict[str, float]:
    read, _ = CONTESTANTS[name]
    rows: list[dict[str, float | None]] = []
    began, spent, pages = time.perf_counter(), cpu(), 0
    for stem, truth in truths.items():
        try:
            row = scores(read(folder / f"{stem}.pdf"), truth)
        except Exception as error:  # noqa: BLE001 - a parser that breaks on a paper loses that paper, not the run
            print(f"  {stem}: {error!r}", file=sys.stderr)
            row = dict.fromkeys(FIELDS, 0.0)
        pages += truth.get("pages", 0)
        rows.append(row)
        if each:
            print(f"  {stem:24s}" + "  ".join(f"{field} {value:.2f}" for field, value in row.items() if value is not None))
    means = {
        field: statistics.mean(values) for field in FIELDS if (values := [row[field] for row in rows if row[field] is not None])
    }
    if pages:
        means |= {"CPU s/page": (cpu() - spent) / pages, "s/page": (time.perf_counter() - began) / pages}
    return means


def in_a_process_of_its_own(name: str, folder: Path, *, each: bool) -> dict[str, float]:
    """What a contestant imports, or keeps others from importing, is not to change the next one's figures."""
    with tempfile.TemporaryDirectory() as scratch:
        out = Path(scratch) / "figures.json"
        command = [sys.executable, __file__, str(folder), "--only", name, "--json", str(out), *(["--papers"] if each else [])]
        subprocess.run(command, check=True, stdout=None if each else subprocess.DEVNULL)
        return json.loads(out.read_text(encoding="utf-8"))[name]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--only", action="append", choices=list(CONTESTANTS), help="a contestant; repeatable")
    parser.add_argument("--papers", action="store_true", help="a line for each paper too")
    parser.add_argument("--json", type=Path)
    asked = parser.parse_args()
    truths = json.loads((asked.folder / "truth.json").read_text(encoding="utf-8"))
    names = [name for name, (_, there) in CONTESTANTS.items() if name in (asked.only or CONTESTANTS) and there()]
    if len(names) == 1:
        table = {names[0]: measure(names[0], asked.folder, truths, each=asked.papers)}
    else:
        table = {
            name: figures for name in names for figures in [in_a_process_of_its_own(name, asked.folder, each=asked.papers)]
        }
    fields = [*FIELDS, "CPU s/page", "s/page"]
    print(f"{len(truths)} papers\n\n| | " + " | ".join(fields) + " |\n|" + "---|" * (len(fields) + 1))
    for name, means in table.items():
        print(f"| {name} | " + " | ".join(f"{means[field]:.3f}" if field in means else "" for field in fields) + " |")
    if asked.json:
        asked.json.write_text(json.dumps(table, indent=1), encoding="utf-8")


if __name__ == "__main__":
    main()
