"""What `%find` shows: a row for each thing found, a handle on each, and the command that opens it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from operator import attrgetter
from typing import TYPE_CHECKING, Any, Final

from workbench.dialogue.export.facts import money, visible
from workbench.notebook.linked_table import LinkedTable, dialogue_panel
from workbench.notebook.tables import Column

if TYPE_CHECKING:
    from markupsafe import Markup

    from workbench.dialogue import Orchestrator
    from workbench.records.search.finding import Asked, Found, Hit
    from workbench.records.search.snippets import Snippet
    from workbench.records.search.sources import Source


class Marked(str):
    """A text, in which pieces are marked as what was looked for."""

    __slots__ = ("pieces",)
    pieces: Snippet

    @classmethod
    def of(cls, pieces: Snippet) -> Marked:
        """Return the text of a snippet."""
        made = cls("".join(piece.text for piece in pieces))
        made.pieces = pieces
        return made

    @property
    def html(self) -> Markup:
        """The text, escaped, with its marks."""
        from markupsafe import Markup

        marked = (
            Markup("<mark>{}</mark>").format(visible(piece.text)) if piece.hit else visible(piece.text) for piece in self.pieces
        )
        return Markup('<div style="min-width: 18em">{}</div>').format(Markup("").join(marked))


def _copied(command: str) -> Markup:
    """Return a command that one click selects as a whole."""
    from markupsafe import Markup

    return Markup('<code class="wb-command">{}</code>').format(visible(command))


_TOPIC: Final = 100
_COLUMNS: Final = (
    Column("kind"),
    Column("id", ""),
    Column("part", ""),
    Column("at", "when", "datetime64[us, UTC]", lambda at: at.astimezone().strftime("%Y-%m-%d %H:%M")),
    Column("title", "of", show=lambda title: title if len(title) <= _TOPIC else title[: _TOPIC - 1] + "…"),
    Column("text", "found", html=attrgetter("html")),
    Column("role"),
    Column("model"),
    Column("status", show=lambda status: status.replace("_", " ")),
    Column("cost", type="float64", show=money),
    Column("look", "look at", html=_copied),
)


class Find:
    """Something that was found; `open` gives what one goes on with.

    Attributes:
        kind: dialogue, turn, paper, experiment, summary, assessment or decision.
        id: of the dialogue, paper, experiment, assessment or decision.
        part: the turn, or a summary's model and length; empty for the whole.
        at: when it was said, begun or added, in UTC.
        title: the topic, the paper's title, the experiment's name, the question.
        text: the piece of it that shows why it was found.
        command: the line that shows it.
    """

    def __init__(self, orchestrator: Orchestrator, hit: Hit) -> None:
        source = hit.source
        self._orchestrator, self.hit = orchestrator, hit
        self.kind, self.id, self.title = source.kind, source.item, source.title
        self.part = "" if source.kind == "paper" else source.part
        self.at = datetime.fromtimestamp(source.at, UTC)
        self.text = Marked.of(hit.snippet)
        self.model = source.served or source.model
        self.status, self.cost, self.role = hit.status, source.cost, source.role
        self.command = command_of(source)

    def open(self) -> Any:
        """Return the `Dialogue`, the page of the paper or the experiment, the `Assessment`, or the decision."""
        if self.kind in ("dialogue", "turn"):
            return self._orchestrator.follow(self.id)
        if self.kind in ("paper", "summary"):
            return _paper(self._orchestrator, self.id)
        if self.kind == "experiment":
            return _experiment(self._orchestrator, self.id)
        return _assessment(self._orchestrator, self.id) if self.kind == "assessment" else _decision(self._orchestrator, self)

    def panel(self) -> Any:
        """Return a panel of its own where it has one, opened at the turn if one was found; else the same as `open`."""
        if self.kind in ("dialogue", "turn"):
            return dialogue_panel(self._orchestrator, self.id, self.part)
        if self.kind in ("paper", "summary"):
            return _paper_panel(self._orchestrator, self.id)
        return _experiment_panel(self._orchestrator, self.id) if self.kind == "experiment" else self.open()

    def __repr__(self) -> str:
        return f"{self.kind} {self.id}{f'@{self.part}' if self.part else ''}: {self.text}"


class Finds(LinkedTable):
    """What was found; a click on its last column shows it, and `found[0].open()` goes on with the first.

    Args:
        orchestrator: that opens it.
        asked: what was looked for.
        found: what came of it.
    """

    def __init__(self, orchestrator: Orchestrator, asked: Asked, found: Found) -> None:
        self.finds = [Find(orchestrator, hit) for hit in found.hits]
        rows = [_row(find) for find in self.finds]
        notes = list(_notes(asked, found))
        super().__init__(_COLUMNS, rows, "look", lambda place: self.finds[place].panel(), also="text", notes=notes)

    def __getitem__(self, place: int) -> Find:
        return self.finds[place]

    def __iter__(self) -> Iterator[Find]:
        return iter(self.finds)


def command_of(source: Source) -> str:
    """Return the line magic that shows something."""
    return {
        "dialogue": "%dialogue show {item} --panel",
        "turn": "%dialogue show {item} --turn {part}",
        "paper": "%paper show {item}",
        "summary": "%paper show {item}",
        "experiment": "%experiment show {item}",
        "assessment": "%paper assessments {paper}",
        "decision": "%paper history {paper}",
    }[source.kind].format(item=source.item, part=source.part, paper=source.paper)


def _paper(orchestrator: Orchestrator, item: str) -> Any:
    from workbench.notebook.paper.pages import PaperPage
    from workbench.papers import Shelf
    from workbench.papers.summaries.summarize import summaries_of

    with Shelf(orchestrator.record, orchestrator.settings.workspace) as shelf:
        return PaperPage(shelf.find(item), shelf.paper(item), summaries_of(orchestrator.record, item))


def _experiment(orchestrator: Orchestrator, item: str) -> Any:
    from workbench.experiments.experiment import Experiment
    from workbench.notebook.experiment_page import ExperimentPage

    return ExperimentPage(Experiment.load(item, orchestrator))


def _paper_panel(orchestrator: Orchestrator, item: str) -> Any:
    from workbench.panels.paper_panel import PaperPanel
    from workbench.papers import Shelf

    return PaperPanel(Shelf(orchestrator.record, orchestrator.settings.workspace), item, orchestrator)


def _experiment_panel(orchestrator: Orchestrator, item: str) -> Any:
    from workbench.experiments.experiment import Experiment
    from workbench.panels.experiment_panel import ExperimentPanel

    return ExperimentPanel(Experiment.load(item, orchestrator))


def _assessment(orchestrator: Orchestrator, item: str) -> Any:
    from workbench.papers.assessing.assessment import find_assessment

    return find_assessment(orchestrator.record, item)


def _decision(orchestrator: Orchestrator, find: Find) -> Any:
    from workbench.papers.deciding.decisions import decisions_of

    made = decisions_of(orchestrator.record, find.hit.source.paper)
    return next(decision for decision in made if decision.id == find.id)


def _row(find: Find) -> dict[str, Any]:
    return {
        "kind": find.kind,
        "id": find.id,
        "part": find.part or None,
        "at": find.at,
        "title": find.title,
        "text": find.text,
        "role": find.role,
        "model": find.model,
        "status": find.status,
        "cost": find.cost,
        "look": find.command,
    }


def _notes(asked: Asked, found: Found) -> Iterator[str]:
    if found.more:
        yield f"The first {len(found.hits)}; there are more: -n N shows N of them."
    if found.hits:
        yield "found[0].open() goes on with the first, if the line is `found = %find …`."
    elif asked.text:
        yield "Nothing has all of these words. A shorter word with * at its end finds its forms; OR finds either of two."
    else:
        yield "Nothing is like that."
    if asked.model and asked.kinds and not {"turn", "summary"} & set(asked.kinds):
        yield "Only turns and summaries are of a model."
