"""The benchmarks run and print a table of finite numbers. How fast they are depends on the machine and is not tested."""

from __future__ import annotations

import json
import math
import subprocess
import sys
from pathlib import Path

import pytest

RUN = Path(__file__).parents[1] / "experiments" / "benchmarks" / "run.py"


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(RUN), *arguments]
    return subprocess.run(command, check=False, capture_output=True, text=True, timeout=240)


@pytest.mark.slow
def test_prints_a_table_of_finite_figures(tmp_path: Path) -> None:
    done = run("parallel", "start-up", "--quick", "--json", str(tmp_path / "figures.json"))
    assert done.returncode == 0, done.stderr
    header, rule, *lines = done.stdout.strip().splitlines()
    figures = json.loads((tmp_path / "figures.json").read_text(encoding="utf-8"))
    assert header.startswith("| figure |")
    assert set(rule) <= set("|-:")
    assert len(lines) == len(figures) >= 5
    for line, figure in zip(lines, figures, strict=True):
        assert line.startswith(f"| {figure['name']} |")
        assert math.isfinite(figure["ours"])
        assert figure["ours"] > 0
        assert figure["beside"] is None or figure["ratio"] == pytest.approx(figure["ours"] / figure["beside"])


def test_refuses_a_name_that_it_does_not_know() -> None:
    done = run("no-such-benchmark")
    assert done.returncode == 2
    assert "no-such-benchmark" in done.stderr


@pytest.mark.slow
def test_a_large_record_is_built_and_asked_small() -> None:
    script = RUN.with_name("million_turns.py")
    command = [sys.executable, str(script), "--turns", "300"]
    done = subprocess.run(command, check=False, capture_output=True, text=True, timeout=240)
    assert done.returncode == 0, done.stderr
    lines = [line for line in done.stdout.splitlines() if line.startswith("| %find")]
    assert len(lines) >= 10
    assert all(line.endswith((" yes |", " **no** |")) for line in lines)
