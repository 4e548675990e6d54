"""The simulations run, and what they find in the default keeps its promises as far as few runs can tell."""

import subprocess
import sys
from pathlib import Path

import pytest

FOLDER = Path(__file__).parents[1] / "experiments" / "benchmarks"


@pytest.mark.slow
def test_the_default_keeps_its_promises():
    done = subprocess.run(
        [sys.executable, str(FOLDER / "statistics.py"), "--runs", "600"],
        check=False,
        capture_output=True,
        text=True,
        timeout=240,
    )
    assert done.returncode == 0, done.stderr
    first, second = (block.splitlines() for block in done.stdout.strip().split("\n\n"))
    for line in first[2:]:
        _, found, covered, *_ = line.strip("| ").split(" | ")
        assert 1.8 < float(found) < 8.2, line  # three and a half standard errors of 600 runs
        assert float(covered) == pytest.approx(100 - float(found), abs=0.11)
    assert len(first) > 10
    assert len(second) > 5


def test_its_name_does_not_hide_the_standard_library():
    code = "import statistics; print(statistics.NormalDist().inv_cdf(0.5), statistics.fmean([1, 3]))"
    done = subprocess.run(
        [sys.executable, "-c", f"import sys; sys.path.insert(0, {str(FOLDER)!r}); {code}"],
        check=False,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.stdout.split() == ["0.0", "2.0"], done.stderr
