"""`init` and `lab`: a workspace, and JupyterLab in it."""

from __future__ import annotations

import os
import shutil
import sys
from importlib.resources import as_file, files
from pathlib import Path
from typing import Final

from workbench.errors import WorkbenchError
from workbench.settings import CONFIG_NAME, find_workspace

FOLDERS: Final = ("modes", "notebooks", "papers", "experiments")
CONFIG: Final = """\
# Settings of this workspace. docs/settings.md lists every key.

# [defaults]
# model = "claude-sonnet"      # for roles that name no model

# [models.my-server]           # a model card: one entry, no code
# id = "openai/qwen3-8b"
# api_base = "http://localhost:8000/v1"
# prices = {input = 0.0, output = 0.0}
"""
IGNORE: Final = ".env\n.workbench/\n.ipynb_checkpoints/\n"


def init_workspace(folder: Path) -> None:
    """Lay out a workspace; what is there already stays as it is."""
    for name in FOLDERS:
        _make(folder / name)
    for name, text in ((CONFIG_NAME, CONFIG), (".gitignore", IGNORE), (".env", "# OPENAI_API_KEY=…\n")):
        path = folder / name
        if not path.exists():
            path.write_text(text, encoding="utf-8")
    _quickstart(folder)
    sys.stderr.write(f"{folder.resolve()} is a workspace. `workbench lab` opens it.\n")


def open_lab(notebook: Path | None, options: list[str]) -> None:
    """Replace this process by JupyterLab, on a notebook or the workspace's quickstart."""
    workspace = find_workspace()
    chosen = notebook or _quickstart(workspace)
    if not chosen.is_file():
        raise WorkbenchError(f"{chosen} does not exist", hint="`workbench init` lays out a workspace with a quickstart.")
    os.chdir(workspace)
    command = [sys.executable, "-m", "jupyterlab", *options, str(chosen.resolve().relative_to(workspace))]
    os.execv(sys.executable, command)  # noqa: S606 - our own interpreter, no shell


def _quickstart(workspace: Path) -> Path:
    """Return the workspace's quickstart notebook, copied from the package if it has none."""
    path = workspace / "notebooks" / "quickstart.ipynb"
    if not path.exists():
        _make(path.parent)
        for name in ("quickstart.ipynb", "quickstart.jsonl"):
            source = files("workbench") / "notebook" / "examples" / name
            if source.is_file():
                with as_file(source) as file:
                    shutil.copy(file, path.parent / name)
    return path


def _make(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise WorkbenchError(f"{folder} cannot be made: {error.strerror}") from None
