"""`%paper decide`: what becomes of a paper, and why."""

from __future__ import annotations

from argparse import Namespace
from functools import partial
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING

from workbench.notebook.paper.command import Command, Parser, add_output, add_paper
from workbench.notebook.paper.desk import Desk

if TYPE_CHECKING:
    from workbench.notebook.tables import Table
    from workbench.papers.deciding.decisions import Decision


class DecisionPage:
    """A decision on display; `decision` is what to go on with."""

    def __init__(self, decision: Decision) -> None:
        self.decision = decision

    @property
    def text(self) -> str:
        """For a terminal."""
        return "\n\n".join(filter(None, (self._table.text, self.decision.pull_request)))

    def __repr__(self) -> str:
        return self.text

    def _repr_mimebundle_(self, include: object = None, exclude: object = None) -> dict[str, str]:  # noqa: ARG002 - IPython's
        request = self.decision.pull_request
        shown = f'<pre style="white-space: pre-wrap">{escape(request)}</pre>' if request else ""
        return {"text/plain": self.text, "text/html": self._table.html + shown}

    @property
    def _table(self) -> Table:
        from workbench.notebook.tables import Column, Table

        made = self.decision
        row = {
            "decision": made.id,
            "kind": made.kind.replace("_", " "),
            "because": made.because,
            "assessment": made.assessment,
            "experiment": made.experiment,
            "branch": made.branch,
        }
        columns = [Column("decision"), Column("kind", "what"), *map(Column, ("because", "assessment", "experiment", "branch"))]
        notes = [*made.notes, *(["Nothing was merged or pushed. The pull request's text:"] if made.pull_request else [])]
        return Table(columns, [row], caption=made.paper.title, notes=notes)


def _arguments(parser: Parser) -> None:
    add_paper(parser)
    parser.add_argument("kind", metavar="KIND", help="merge, reject, archive or needs_more_research")
    parser.add_argument("--because", required=True, metavar="TEXT", help="the reasons")
    parser.add_argument("--experiment", metavar="E", help="name or id of the experiment that it rests on")
    parser.add_argument("--assessment", metavar="A", help="that it rests on; by default the branch's, else the newest")
    parser.add_argument("--repo", type=Path, metavar="DIR", help="folder in the git repository that has the branch")
    parser.add_argument("--no-verify", action="store_true", help="do not run the hooks pre-commit and commit-msg")
    add_output(parser, "the decision")


def _run(desk: Desk, wanted: Namespace) -> DecisionPage:
    from workbench.experiments.in_brief import in_brief
    from workbench.papers.deciding.decisions import decide

    orchestrator = desk.orchestrator
    made = decide(
        orchestrator.record,
        orchestrator.settings.workspace,
        desk.shelf.find(wanted.paper).id,
        wanted.kind,
        wanted.because,
        assessment=wanted.assessment,
        experiment=wanted.experiment,
        results=partial(in_brief, orchestrator=orchestrator),
        repository=wanted.repo,
        verify=not wanted.no_verify,
    )
    desk.bind(wanted.output, made)
    return DecisionPage(made)


COMMAND = Command(
    name="decide",
    help="Decide about a paper: merge, reject, archive or needs_more_research.",
    run=_run,
    arguments=_arguments,
    examples=('%paper decide 2308.08155 merge --because "Three points better at the same price."',),
    long=True,
)
