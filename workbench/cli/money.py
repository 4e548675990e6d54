"""`budget` and `sampling`, and their options."""

from __future__ import annotations

from workbench.cli.options import AsJson, Workspace


def budget(as_json: AsJson = False, workspace: Workspace = None) -> None:
    """Show what calls, dialogues, the day and the workspace may spend, what is spent, and what is left."""
    from workbench.cli.spending import show_budgets

    show_budgets(as_json=as_json, workspace=workspace)


def sampling(as_json: AsJson = False, workspace: Workspace = None) -> None:
    """List the sampling presets."""
    from workbench.cli.spending import list_presets

    list_presets(as_json=as_json, workspace=workspace)
