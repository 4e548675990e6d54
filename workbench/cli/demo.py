"""`demo`: the main job on a machine that has nothing: weights, a debate, and where to go next."""

from __future__ import annotations

import sys
from pathlib import Path

from workbench.cli.models import pull_weights
from workbench.cli.runs import follow
from workbench.dialogue import Orchestrator
from workbench.models.weights import installed

MODEL = "smollm2-135m"


def run_demo(topic: str, rounds: int, workspace: Path | None) -> None:
    """Pull the small model if it is not there, let it debate with itself, and say how to open JupyterLab."""
    if all(have.name != MODEL for have in installed()):
        pull_weights(MODEL)
    sys.stdout.write(
        f"\nA debate in {rounds} rounds on: {topic}\n"
        "Both sides and the judge are SmolLM2, 135 million parameters, in this process. It shows the machinery, not wisdom.\n\n"
    )
    with Orchestrator(workspace) as orchestrator:
        dialogue = orchestrator.start("debate", topic, models=["local"], parameters={"rounds": rounds}, seed=1)
        follow(dialogue, as_json=False)
    sys.stdout.write(
        f"\nIt is kept: `{_command()} show {dialogue.id}`. The same in JupyterLab, quickstart notebook open:\n"
        f"  {_command()} lab\n"
    )


def _command() -> str:
    """Return how this command is called from here: by name where it is on the path, else by its file."""
    import shutil

    called = Path(sys.argv[0])
    if shutil.which("workbench") or called.name != "workbench":
        return "workbench"
    try:
        return str(called.resolve().relative_to(Path.cwd()))
    except ValueError:
        return str(called)
