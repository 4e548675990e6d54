"""What cells show of a paper, of an answer and of summaries."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from workbench.notebook.pages import render

if TYPE_CHECKING:
    from workbench.papers import Paper
    from workbench.papers.asking import PaperAnswer
    from workbench.papers.summaries.summarize import Summaries, Summary
    from workbench.records.papers import PaperRow


class PaperPage:
    """One paper on display, with the summaries that there are; `paper` is what to go on with."""

    def __init__(self, row: PaperRow, paper: Paper, summaries: Sequence[Summary] = ()) -> None:
        self.row, self.paper, self.summaries = row, paper, list(summaries)

    @property
    def text(self) -> str:
        """For a terminal."""
        heads = [f"{'  ' * s.level}{' '.join(filter(None, (s.number, s.title)))}  p. {s.page}" for s in self.paper.sections]
        told = [line for title, each, facts, _ in shown(self.summaries) for line in ("", f"{title} ({facts}):", each.text)]
        return "\n".join([self.row.title, ", ".join(self.row.authors), "", self.paper.abstract.text, "", *heads, *told])

    def __repr__(self) -> str:
        return self.text

    def _repr_mimebundle_(self, include: object = None, exclude: object = None) -> dict[str, str]:  # noqa: ARG002 - IPython's
        concerns = [str(concern) for concern in self.paper.concerns]
        facts = {"row": self.row, "paper": self.paper, "concerns": concerns, "summaries": shown(self.summaries)}
        html = render("paper_page.html.j2", **facts)
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
        html = render("paper_answer.html.j2", answer=self.answer, pictures=self.pictures)
        return {"text/plain": self.text, "text/html": html}


class SummaryPage:
    """Summaries on display; `summaries` is what to go on with."""

    def __init__(self, summaries: Summaries) -> None:
        self.summaries = summaries

    @property
    def text(self) -> str:
        """For a terminal."""
        parts = [f"{title} ({facts}):\n{each.text}" for title, each, facts, _ in shown(self.summaries.all)]
        return "\n\n".join([self.summaries.paper.title, *parts, self._spent])

    @property
    def _spent(self) -> str:
        from workbench.dialogue.export.facts import money

        kept = f" {len(self.summaries.kept)} of them from before." if self.summaries.kept else ""
        planned = f" Before: {self.summaries.planned}" if self.summaries.planned else ""
        return f"{len(self.summaries.all)} by {self.summaries.model}, {money(self.summaries.cost)}.{kept}{planned}"

    def __repr__(self) -> str:
        return self.text

    def _repr_mimebundle_(self, include: object = None, exclude: object = None) -> dict[str, str]:  # noqa: ARG002 - IPython's
        facts = {"title": self.summaries.paper.title, "summaries": shown(self.summaries.all), "spent": self._spent}
        return {"text/plain": self.text, "text/html": render("paper_summaries.html.j2", **facts)}


def shown(summaries: Sequence[Summary]) -> list[tuple[str, Summary, str, Any]]:
    """Return title, summary, what is to be known of it, and its text as sanitised HTML, of each."""
    if not summaries:
        return []
    from markupsafe import Markup

    from workbench.dialogue.export.markdown import render_markdown
    from workbench.papers.summaries.lengths import LEVELS
    from workbench.papers.summaries.summarize import facts_of

    return [(LEVELS[each.level].title, each, facts_of(each), Markup(render_markdown(each.text))) for each in summaries]  # noqa: S704 - sanitised
