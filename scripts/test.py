"""Set up, then run every check: `python3 scripts/test.py [PYTEST OPTIONS]`.

Style, types, layers, the front end's own checks and tests and whether its shipped bundle is built from its source; then all
tests with coverage, notebooks and browser included. Chromium is installed where that is possible (as root on Debian); where
it is not, browser tests skip and say so, and under CI=true such a skip is a failure. Without Node the front end's checks skip
in the same way. With options of your own only pytest runs, without the coverage bound.
"""

from __future__ import annotations

import os
import shutil
import signal
import sys

from environment import BIN, PYTHON, ROOT, ensure, run
from front_end import check_front_end

CHECKS = (
    ("format", [BIN / "ruff", "format", "--check", "."]),
    ("lint", [BIN / "ruff", "check", "."]),
    ("types", [BIN / "mypy"]),
    ("layers", [BIN / "lint-imports"]),
)


def main(options: list[str]) -> int:
    """Run the checks and return the exit code."""
    # A shell that starts this in the background lets children ignore Ctrl-C; tests of Ctrl-C need it as a person has it.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    ensure("dev")
    _system_packages()
    if options:
        return run(PYTHON, "-m", "pytest", *options)
    failed = [name for name, command in CHECKS if _check(name, command)]
    print("== front end", flush=True)
    failed += check_front_end(ROOT)
    # A browser, a kernel and a server want the cores for themselves. Notebooks run apart: nbval's own coverage support hangs
    # with this coverage, and the tests cover the same code.
    alike = ["--numprocesses=logical", "--dist=loadfile", "--cov", "--cov-report=", "--cov-fail-under=0", "--durations=40"]
    for name, paths in (
        ("tests", ["-m", "not browser", *alike, "tests", "workbench"]),
        ("browser tests", ["-m", "browser", "--cov", "--cov-append", "--cov-report=term:skip-covered", "tests"]),
        ("notebooks", ["notebooks"]),
    ):
        print(f"== {name}", flush=True)
        if run(PYTHON, "-m", "pytest", *paths):
            failed.append(name)
    if failed:
        print(f"failed: {', '.join(failed)}", file=sys.stderr)
    return bool(failed)


def _check(name: str, command: list[object]) -> int:
    print(f"== {name}", flush=True)
    return run(*command)


def _system_packages() -> None:
    """Install Chromium, Tesseract, and the OpenMP library that the local model needs, where this may be done."""
    missing = [package for command, package in _COMMANDS if not shutil.which(command)]
    if sys.platform == "linux" and not any(os.path.exists(f"{p}/libgomp.so.1") for p in _LIBRARIES):  # noqa: PTH110
        missing.append("libgomp1")
    if missing and shutil.which("apt-get") and os.geteuid() == 0:
        run("apt-get", "-qq", "update")
        run("env", "DEBIAN_FRONTEND=noninteractive", "apt-get", "-qq", "-y", "install", "--no-install-recommends", *missing)


_COMMANDS = (("chromium", "chromium"), ("tesseract", "tesseract-ocr"), ("git", "git"))
_LIBRARIES = ("/lib/x86_64-linux-gnu", "/usr/lib/x86_64-linux-gnu", "/lib/aarch64-linux-gnu", "/usr/lib64", "/usr/lib")

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
