"""How soon it is there: importing, loading the notebook extension, and `workbench --help`, each in fresh processes."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from statistics import median

from field import Field
from figures import Figure

AIM_MS = 300
_EXTENSION = """
import time
from IPython.core.interactiveshell import InteractiveShell
shell = InteractiveShell.instance()
began = time.perf_counter()
shell.run_line_magic("load_ext", "workbench")
print(time.perf_counter() - began)
"""
_IMPORT = "import time; began = time.perf_counter(); import workbench; print(time.perf_counter() - began)"
_COMMANDS = {
    "nothing": [sys.executable, "-c", "pass"],
    "typer": [sys.executable, "-c", "import typer"],
    "help": [sys.executable, "-c", "import sys; sys.argv[1:] = ['--help']; from workbench.cli import main; main()"],
}


def measure(field: Field, *, quick: bool) -> list[Figure]:
    """Measure in fresh processes, one command after the other, round by round."""
    rounds = 2 if quick else 9
    walls: dict[str, list[float]] = {name: [] for name in _COMMANDS}
    cpus: dict[str, list[float]] = {name: [] for name in _COMMANDS}
    imports, loads = [], []
    for _ in range(rounds + 1):
        for name, command in _COMMANDS.items():
            wall, cpu = _cost(command, field.environment)
            walls[name].append(wall)
            cpus[name].append(cpu)
        imports.append(_printed(_IMPORT, field.environment))
        loads.append(_printed(_EXTENSION, field.environment))
    wall = {name: median(seen[1:]) * 1000 for name, seen in walls.items()}
    cpu = {name: median(seen[1:]) * 1000 for name, seen in cpus.items()}
    load = median(loads[1:]) * 1000
    return [
        Figure("import workbench, ms", median(imports[1:]) * 1000),
        Figure("%load_ext workbench in a running IPython, ms", load, None, "", *_aim(load)),
        Figure("workbench --help, wall, ms", wall["help"], wall["nothing"], "an empty Python", *_aim(wall["help"])),
        Figure("workbench --help, wall, ms", wall["help"], wall["typer"], "import typer"),
        Figure("workbench --help, CPU, ms", cpu["help"], cpu["nothing"], "an empty Python"),
    ]


def _aim(milliseconds: float) -> tuple[str, bool]:
    return f"< {AIM_MS}", milliseconds < AIM_MS


def _cost(command: list[str], environment: dict[str, str]) -> tuple[float, float]:
    """Return a command's wall and CPU time in seconds."""
    before, began = os.times(), time.perf_counter()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, env=environment)
    wall, after = time.perf_counter() - began, os.times()
    return wall, after.children_user + after.children_system - before.children_user - before.children_system


def _printed(code: str, environment: dict[str, str]) -> float:
    command = [sys.executable, "-c", code]
    return float(subprocess.run(command, check=True, capture_output=True, text=True, env=environment).stdout.split()[-1])
