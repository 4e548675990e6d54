"""`init` and `lab`: a workspace, and JupyterLab in it."""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path
from typing import Final
from urllib.parse import quote

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
    chosen = (notebook or _quickstart(workspace)).resolve()
    if not chosen.is_file():
        raise WorkbenchError(f"{chosen} does not exist", hint="`workbench init` lays out a workspace with a quickstart.")
    root = workspace if chosen.is_relative_to(workspace) else chosen.parent
    os.chdir(root)
    opened = f"--LabApp.default_url=/lab/tree/{quote(chosen.relative_to(root).as_posix())}"
    as_root = ["--allow-root"] if hasattr(os, "geteuid") and os.geteuid() == 0 else []
    command = [sys.executable, "-m", "jupyterlab", f"--ServerApp.root_dir={root}", opened, *as_root, *options]
    os.execv(sys.executable, command)  # noqa: S606 - our own interpreter, no shell


def _quickstart(workspace: Path) -> Path:
    """Return the workspace's quickstart notebook, copied from the package if it has none."""
    path = workspace / "notebooks" / "quickstart.ipynb"
    if not path.exists():
        _make(path.parent)
        for name in ("quickstart.ipynb", "quickstart.jsonl"):
            shutil.copy(_example(name), path.parent / name)
    return path


def _example(name: str) -> Path:
    """Return an example that comes with the package: from the wheel, or from the checkout it runs in."""
    package = Path(__file__).resolve().parent.parent
    places = (package / "notebook" / "examples" / name, package.parent / "notebooks" / name)
    for place in places:
        if place.is_file():
            return place
    raise WorkbenchError(f"the example {name} is missing from this installation", hint="Install dialogue-workbench again.")


def _make(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise WorkbenchError(f"{folder} cannot be made: {error.strerror}") from None
