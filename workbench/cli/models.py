"""`models`: the cards, and the weights of local ones."""

from __future__ import annotations

import sys
from pathlib import Path

from workbench.cli.output import as_json as print_json
from workbench.cli.output import table
from workbench.doctor import readiness
from workbench.models import ModelCard, ModelRegistry
from workbench.models.weights import pull
from workbench.settings import load_settings


def list_models(*, as_json: bool, workspace: Path | None) -> None:
    """Print every card: what it costs, and what it lacks to be used."""
    cards = list(ModelRegistry(load_settings(workspace)))
    states = readiness(cards)
    if as_json:
        print_json([{**card.model_dump(mode="json"), **states[card.name]} for card in cards])
        return
    rows = [
        {"name": card.name, "id": card.id, "price_in/out": _price(card), "window": card.context_window, **states[card.name]}
        for card in cards
    ]
    table(rows, ["name", "id", "price_in/out", "window", "lacks", "todo"])


def pull_weights(name: str, sha256: str | None = None) -> Path:
    """Fetch weights, showing progress on stderr."""
    from rich.console import Console
    from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn, TransferSpeedColumn

    parts = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TransferSpeedColumn(), TimeRemainingColumn())
    with Progress(*parts, console=Console(stderr=True)) as progress:
        task = progress.add_task(name, total=None)

        def report(done: int, total: int | None) -> None:
            progress.update(task, completed=done, total=total)

        path = pull(name, sha256=sha256, progress=report)
    sys.stderr.write(f"{name} is at {path}\n")
    return path


def _price(card: ModelCard) -> str:
    return f"${card.prices.input:g} / ${card.prices.output:g}" if card.prices else "unknown"
