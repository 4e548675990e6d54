"""What a page of the paper panel may ask for, and the answer to it. What is not named here is refused."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final

from workbench.dialogue.dialogue import Dialogue
from workbench.errors import WorkbenchError
from workbench.panels.paper_facts import Facts, answer_facts, occurrence_facts, page_text, paper_facts, quote_facts, row_facts
from workbench.panels.paper_pages import Pages
from workbench.panels.paper_story import Standings, story_facts
from workbench.panels.saved import saved_family
from workbench.papers.asking import ask_paper
from workbench.papers.passages.occurrences import occurrences
from workbench.papers.passages.quotes import QuoteFinder
from workbench.papers.reading.paper import Paper
from workbench.papers.shelf import Shelf

if TYPE_CHECKING:
    from workbench.dialogue import Orchestrator

_OPEN: Final = 4
"""Papers whose text is kept in memory: two that are compared, and some to go back to."""


@dataclass(frozen=True, slots=True)
class Answer:
    """Plain JSON, and the bytes that travel beside it."""

    facts: Facts
    buffers: tuple[bytes, ...] = ()


class _Open:
    """A paper that somebody reads; its text is prepared for quotes when the first one is looked up."""

    def __init__(self, paper: Paper) -> None:
        self.paper = paper

    @cached_property
    def quotes(self) -> QuoteFinder:
        return QuoteFinder(self.paper)


class Answers:
    """Answers pages. Blocks; `question` comes from one thread, all else from another.

    Args:
        shelf: with the papers.
        pages: renders them.
        orchestrator: asks models; without one, no paper can be asked.
    """

    def __init__(self, shelf: Shelf, pages: Pages, orchestrator: Orchestrator | None) -> None:
        self._shelf, self._pages, self._orchestrator = shelf, pages, orchestrator
        self._standings = Standings(shelf.record)
        self._opened: OrderedDict[str, _Open] = OrderedDict()

    def to(self, wish: Mapping[str, Any]) -> Answer:
        """Return the answer to what a page asks for.

        Raises:
            WorkbenchError: it is not possible, or nobody knows what it is.
        """
        match wish:
            case {"type": "shelf", "text": str(text)}:
                return Answer(self._shelf_facts(text))
            case {"type": "paper", "paper": str(name)}:
                return Answer(self._paper_facts(name))
            case {"type": "page", "paper": str(name), "page": int(page), "dpi": int() | float() as dpi}:
                return self._page(name, page, dpi)
            case {"type": "find", "paper": str(name), "text": str(text)}:
                return Answer(self._found(name, text))
            case {"type": "debate", "dialogue": str(dialogue)}:
                return Answer(saved_family(self._dialogue(dialogue))[1])
            case {"type": "question", "paper": str(name), "text": str(text), **more}:
                return Answer(self._answer(name, text, more))
        raise WorkbenchError("the page asks for something that this kernel does not know", hint="Reload the page.")

    def _shelf_facts(self, text: str) -> Facts:
        rows = self._shelf.papers(text)
        standings = self._standings.of(rows)
        return {"papers": [{**row_facts(row), **standings[row.id]} for row in rows], "asks": self._orchestrator is not None}

    def _paper_facts(self, name: str) -> Facts:
        row = self._shelf.find(name)
        return {
            **row_facts(row),
            **self._standings.of([row])[row.id],
            **paper_facts(self._open(row.id).paper),
            **story_facts(self._shelf.record, row),
            "asks": self._orchestrator is not None,
        }

    def _page(self, name: str, page: int, dpi: float) -> Answer:
        png = self._pages.png(self._shelf.file(name), page, dpi)
        return Answer({"page": page, "text": page_text(self._open(name).paper, page)}, (png,))

    def _found(self, name: str, text: str) -> Facts:
        """Return the places where words stand; where they do not, what comes near them."""
        open_ = self._open(name)
        places = occurrences(open_.paper, text)
        quote = None if places else quote_facts(open_.quotes.check(text))
        return {"places": [occurrence_facts(place) for place in places], "quote": quote}

    def _dialogue(self, name: str) -> Dialogue:
        if self._orchestrator is not None:
            return self._orchestrator.load(name)
        return Dialogue.stored(self._shelf.record.events(self._shelf.record.find(name)))

    def _answer(self, name: str, text: str, more: Mapping[str, Any]) -> Facts:
        if self._orchestrator is None:
            raise WorkbenchError(
                "this panel has nobody to ask models", hint="`%paper panel` has, and `shelf.panel(orchestrator=…)`."
            )
        models = [model.strip() for model in str(more.get("model") or "").split(",") if model.strip()]
        budget = more.get("budget")
        limits = {"max_cost": float(budget)} if isinstance(budget, int | float) else {}
        return answer_facts(ask_paper(self._orchestrator, self._shelf, name, text, models=models, limits=limits))

    def _open(self, name: str) -> _Open:
        if name not in self._opened:
            self._opened[name] = _Open(self._shelf.paper(name))
        self._opened.move_to_end(name)
        while len(self._opened) > _OPEN:
            self._opened.popitem(last=False)
        return self._opened[name]
