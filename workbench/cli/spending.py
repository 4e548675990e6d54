"""`budget` and `sampling`: what may be spent, and the presets by which answers are drawn."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

from workbench.cli.output import as_json as print_json
from workbench.cli.output import table
from workbench.dialogue.purse import dollars, standings_of
from workbench.models.presets import SamplingPresets
from workbench.settings import load_settings


def show_budgets(*, as_json: bool, workspace: Path | None) -> None:
    """Print each budget with its ceiling, what is spent, and what is left."""
    standings = standings_of(load_settings(workspace))
    if as_json:
        print_json([asdict(each) | {"left": each.left} for each in standings])
        return
    shown = [
        {
            "budget": each.budget,
            "ceiling": "none" if each.ceiling is None else dollars(each.ceiling),
            "spent": None if each.spent is None else dollars(each.spent),
            "left": None if each.left is None else dollars(each.left),
        }
        for each in standings
    ]
    table(shown, ["budget", "ceiling", "spent", "left"])


def list_presets(*, as_json: bool, workspace: Path | None) -> None:
    """Print the presets and what they set."""
    presets = list(SamplingPresets(load_settings(workspace)))
    if as_json:
        print_json([each.model_dump(mode="json", exclude_defaults=True) for each in presets])
        return
    rows = [
        {"preset": each.name, "sets": ", ".join(f"{name} {value}" for name, value in each.values.items()),
         "description": each.description}
        for each in presets
    ]  # fmt: skip
    table(rows, ["preset", "sets", "description"])
