"""The panel of papers for a page without a kernel: a table of the shelf or a card of one paper, as HTML and as plain text."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from workbench.dialogue.export.facts import visible
from workbench.panels.paper_facts import Facts, row_facts
from workbench.panels.paper_story import Standings, standing
from workbench.papers.shelf import Shelf

if TYPE_CHECKING:
    from jinja2 import Template

_MOST: Final = 50
"""Papers; a notebook keeps the table with every panel."""


@dataclass(frozen=True, slots=True)
class Static:
    """The same twice."""

    text: str
    html: str


def static_of(shelf: Shelf, paper: str | None = None) -> Static:
    """Return what a saved page shows of a shelf, or of one paper; takes what `Shelf.find` takes."""
    rows = [shelf.find(paper)] if paper else shelf.papers()
    standings = Standings(shelf.record).of(rows[:_MOST])
    papers = [{**row_facts(row), **standings[row.id], "standing": standing(standings[row.id])} for row in rows[:_MOST]]
    more = len(rows) - len(papers)
    text = "\n".join([_line(each) for each in papers] + ([f"and {more} more"] if more else [])) or "No papers."
    html = _template().render(papers=papers, more=more, card=paper is not None)
    return Static(visible(text), html)


def _line(paper: Facts) -> str:
    year = f" ({paper['year']})" if paper["year"] else ""
    return f"{paper['title']}{year}, {', '.join(paper['authors']) or 'nobody named'}: {paper['standing']}"


@cache
def _template() -> Template:
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    def shown(value: Any) -> Any:
        return visible(value) if type(value) is str else value

    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=shown,
    )
    return environment.get_template("papers.html.j2")
