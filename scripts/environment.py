"""Makes `.venv` beside the checkout and installs what is pinned into it. Needs Python 3.11 and pip, nothing else.

`requirements/build.txt` (uv and the build back-end) goes in by pip, everything else by uv, all of it checked against hashes.
A stamp remembers what was installed, so that a second start is quick.
"""

from __future__ import annotations

import hashlib
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
BIN = VENV / ("Scripts" if sys.platform == "win32" else "bin")
PYTHON = BIN / ("python.exe" if sys.platform == "win32" else "python")


def ensure(pins: str) -> Path:
    """Install `requirements/PINS.txt` and this project into `.venv`, and return its Python.

    Raises:
        SystemExit: naming what failed and what to do.
    """
    if sys.version_info < (3, 11):  # noqa: UP036 - this runs before anything is installed
        sys.exit(f"Python 3.11 or newer is needed, this is {sys.version.split()[0]}. Start this script with a newer python3.")
    stamp, wanted = VENV / f".{pins}.stamp", _digest(pins)
    if not (stamp.is_file() and stamp.read_text() == wanted and PYTHON.exists()):
        print(f"Installing into {VENV.name} (about a minute; later starts skip this) ...", file=sys.stderr, flush=True)
        _make_venv()
        _pip("install", "--quiet", "--require-hashes", "-r", ROOT / "requirements" / "build.txt")
        _uv("install", "--quiet", "--require-hashes", "-r", ROOT / "requirements" / f"{pins}.txt")
        _uv("install", "--quiet", "--no-deps", "--no-build-isolation", "-e", ROOT)
        stamp.write_text(wanted)
    return PYTHON


def run(*command: object, cwd: Path = ROOT) -> int:
    """Run a command and return its exit code."""
    return subprocess.run([str(part) for part in command], cwd=cwd, check=False).returncode


def _digest(pins: str) -> str:
    files = [ROOT / "requirements" / f"{name}.txt" for name in ("build", pins)] + [ROOT / "pyproject.toml"]
    return hashlib.sha256(b"".join(file.read_bytes() for file in files)).hexdigest()


def _make_venv() -> None:
    """Make the environment; a Python without ensurepip (Debian's, say) lends its own pip instead."""
    if PYTHON.exists():
        return
    if run(sys.executable, "-c", "import ensurepip") == 0:
        _must(run(sys.executable, "-m", "venv", VENV), "making .venv failed")
        return
    _must(run(sys.executable, "-m", "venv", "--without-pip", VENV), "making .venv failed")
    code = run(sys.executable, "-m", "pip", "--python", PYTHON, "install", "--quiet", "pip")
    _must(code, "this Python can make no environment with pip: install python3-venv (or pip 22.3 and newer)")


def _pip(*arguments: object) -> None:
    _must(run(PYTHON, "-m", "pip", "--disable-pip-version-check", *arguments), "pip failed: is the network up?")


def _uv(*arguments: object) -> None:
    code = run(PYTHON, "-m", "uv", "pip", *arguments, "--python", PYTHON)
    _must(code, "uv failed: is the network up? Run the same command again, it goes on from here.")


def _must(code: int, otherwise: str) -> None:
    if code != 0:
        sys.exit(otherwise)
