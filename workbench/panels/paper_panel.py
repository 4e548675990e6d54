"""The panel of papers: the shelf, and one paper with its pages, what was said of it, and what became of it.

A page asks and is answered: every question has a name of its own, and its answer has the same. What reads the record or a PDF
is done on a thread, so the kernel's loop never waits; a question to a model has a thread of its own, so that one can read on
meanwhile. Pictures of pages travel as bytes beside the message. The widget's state, which a notebook keeps, is a few lines.
"""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import Executor, ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, Final

import anywidget
import traitlets

from workbench.errors import WorkbenchError
from workbench.panels.bundle import STATIC, script
from workbench.panels.paper_answers import Answers
from workbench.panels.paper_pages import Pages
from workbench.panels.paper_static import Static, static_of
from workbench.papers.shelf import Shelf

if TYPE_CHECKING:
    from workbench.dialogue import Orchestrator

_HTML: Final = "text/html"


class PaperPanel(anywidget.AnyWidget):
    """Shows a shelf of papers: display it, or let it be the last expression of a cell.

    Args:
        shelf: with the papers; its files must be there for their pages to be seen.
        paper: that it opens with, as `Shelf.find` takes it; by default the shelf.
        orchestrator: asks models; without one, papers cannot be asked from here.

    Raises:
        RecordError: there is no such paper.
    """

    _esm = STATIC / "panels.js"
    _css = STATIC / "papers.css"
    kind = traitlets.Unicode("papers").tag(sync=True)
    start = traitlets.Unicode().tag(sync=True)
    """Id of the paper that a page opens with; empty for the shelf."""
    text = traitlets.Unicode().tag(sync=True)
    """What a page shows that no kernel answers."""

    def __init__(self, shelf: Shelf, paper: str | None = None, orchestrator: Orchestrator | None = None) -> None:
        self.shelf = shelf
        self._reading = ThreadPoolExecutor(1, thread_name_prefix="paper-panel")
        self._asking = ThreadPoolExecutor(1, thread_name_prefix="paper-panel-ask")
        self._pages = Pages(self._reading, shelf.reader.limits)
        self._answers = Answers(shelf, self._pages, orchestrator)
        self._static: Static = static_of(shelf, paper)
        super().__init__(start=shelf.find(paper).id if paper else "", text=self._static.text)
        self.on_msg(self._asked)

    def close(self) -> None:
        """Take the panel off all pages, and end the process that renders."""
        for executor in (self._reading, self._asking):
            executor.shutdown(wait=False, cancel_futures=True)
        self._pages.close()
        super().close()

    def _repr_mimebundle_(self, **options: Any) -> Any:
        """Return the panel, and for pages that have no kernel the table or the card that it began with."""
        data, metadata = super()._repr_mimebundle_(**options) or ({}, {})
        return {**data, "text/plain": self._static.text, _HTML: self._static.html}, metadata

    def _asked(self, _widget: object, content: Any, _buffers: object) -> None:
        """Answer what a page asks for, each on its thread."""
        match content:
            case {"type": "part"}:
                self.send({"type": "part", "source": script("papers")})
            case {"type": "question", "ask": str(ask)}:
                self._submit(self._asking, ask, content)
            case {"type": str(), "ask": str(ask)}:
                self._submit(self._reading, ask, content)
            case _:
                pass

    def _submit(self, executor: Executor, ask: str, wish: Mapping[str, Any]) -> None:
        executor.submit(self._answer, ask, wish)

    def _answer(self, ask: str, wish: Mapping[str, Any]) -> None:
        try:
            answer = self._answers.to(wish)
        except WorkbenchError as error:
            self.send({"type": "refused", "ask": ask, "text": str(error)})
        except Exception as error:  # noqa: BLE001 - a defect must be seen by who waits, not lost with the thread
            self.send({"type": "refused", "ask": ask, "text": f"{type(error).__name__}: {error}"})
        else:
            self._remember(wish)
            self.send({"type": "answer", "ask": ask, "facts": answer.facts}, buffers=list(answer.buffers))

    def _remember(self, wish: Mapping[str, Any]) -> None:
        """Let a page that is loaded again open where the reader was."""
        if wish["type"] in ("shelf", "paper"):
            self.start = str(wish.get("paper", ""))


def panel_of(shelf: Shelf, paper: str | None = None, orchestrator: Orchestrator | None = None) -> PaperPanel:
    """Return a panel of a shelf; what `Shelf.panel` returns."""
    return PaperPanel(shelf, paper, orchestrator)
