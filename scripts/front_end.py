"""Checks the front end in `widgets/`, and that the bundle in `workbench/panels/static` is built from it, byte for byte."""

from __future__ import annotations

import hashlib
import os
import shutil
import sys
import tempfile
from pathlib import Path

from environment import run


def check_front_end(root: Path) -> list[str]:
    """Run type check, lint, tests and a build beside the shipped one; return what failed."""
    folder = root / "widgets"
    npm = shutil.which("npm")
    if npm is None:
        print("Node is not installed: the front end is not checked.", file=sys.stderr)
        return ["front end (no Node)"] if os.environ.get("CI") == "true" else []
    if not _installed(folder, npm):
        return ["npm ci"]
    failed = [name for name in ("check", "lint", "test") if run(npm, "run", "--silent", name, cwd=folder)]
    return failed + _differs(root, folder, npm)


def _installed(folder: Path, npm: str) -> bool:
    """Install what the lock file pins, unless it is there."""
    stamp = folder / "node_modules" / ".lock.stamp"
    wanted = hashlib.sha256((folder / "package-lock.json").read_bytes()).hexdigest()
    if stamp.is_file() and stamp.read_text() == wanted:
        return True
    if run(npm, "ci", "--no-audit", "--no-fund", "--loglevel=error", cwd=folder):
        return False
    stamp.write_text(wanted)
    return True


def _differs(root: Path, folder: Path, npm: str) -> list[str]:
    """Build elsewhere and compare with what is shipped."""
    shipped = root / "workbench" / "panels" / "static"
    with tempfile.TemporaryDirectory() as out:
        if run(npm, "run", "--silent", "build", "--", "--outdir", out, cwd=folder):
            return ["front-end build"]
        built = {file.name: file.read_bytes() for file in Path(out).iterdir()}
    stale = [name for name, data in built.items() if not _holds(shipped / name, data)]
    if not stale and built:
        return []
    print(f"Not built from widgets/: {', '.join(stale) or 'nothing'}. Run `npm run build` there.", file=sys.stderr)
    return ["front-end bundle"]


def _holds(file: Path, data: bytes) -> bool:
    return file.is_file() and file.read_bytes() == data
