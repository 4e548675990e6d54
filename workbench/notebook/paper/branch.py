"""`%paper branch`: a git branch for the experiment on a paper."""

from __future__ import annotations

from argparse import Namespace
from pathlib import Path
from typing import TYPE_CHECKING

from workbench.notebook.paper.command import Command, Parser, add_output, add_paper
from workbench.notebook.paper.desk import Desk

if TYPE_CHECKING:
    from workbench.notebook.tables import Table
    from workbench.papers.deciding.branch import Branch


def _arguments(parser: Parser) -> None:
    add_paper(parser)
    parser.add_argument("--assessment", metavar="A", help="that it is made on; by default the paper's newest")
    parser.add_argument("--repo", type=Path, metavar="DIR", help="folder in the git repository; by default the workspace")
    parser.add_argument("--name", metavar="SLUG", help="short name; by default made of the title")
    parser.add_argument("--force", action="store_true", help="also without an assessment, or against one")
    parser.add_argument("--checkout", action="store_true", help="switch to it, if no tracked file has changes")
    parser.add_argument("--worktree", type=Path, metavar="DIR", help="check it out there, beside your own working tree")
    parser.add_argument("--no-verify", action="store_true", help="do not run the hooks pre-commit and commit-msg")
    add_output(parser, "the branch")


def _run(desk: Desk, wanted: Namespace) -> Table:
    from workbench.papers.deciding.branch import make_branch

    orchestrator = desk.orchestrator
    made = make_branch(
        orchestrator.record,
        orchestrator.settings.workspace,
        desk.shelf.find(wanted.paper).id,
        assessment=wanted.assessment,
        repository=wanted.repo,
        slug=wanted.name,
        force=wanted.force,
        checkout=wanted.checkout,
        worktree=wanted.worktree,
        verify=not wanted.no_verify,
    )
    desk.bind(wanted.output, made)
    return _table(made)


def _table(made: Branch) -> Table:
    from workbench.notebook.tables import Column, Table

    row = {
        "branch": made.name,
        "folder": made.row.folder,
        "repository": made.row.repository,
        "commit": made.row.commit[:12],
        "place": str(made.place) if made.place else None,
    }
    columns = [Column("branch"), Column("folder"), Column("repository"), Column("commit"), Column("place", "checked out in")]
    return Table(columns, [row], caption=made.paper.title, notes=[*made.notes, f"Go on with: {made.next}"])


COMMAND = Command(
    name="branch",
    help="Make a git branch with README, definition and notebook for the experiment on a paper.",
    run=_run,
    arguments=_arguments,
    examples=("%paper branch 2308.08155", "%paper branch last --force --name sparse-gates --worktree ../gates"),
    long=True,
)
