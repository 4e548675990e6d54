"""A process that runs an experiment is killed with `kill -9`; another goes on, and each observation is there once."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from experimenters import workshop
from patience import wait_until
from wire import Wire

from workbench.experiments import Experiment

pytestmark = pytest.mark.slow
CASES = 40
DEFINITION = """\
name: sums
cases: cases.jsonl
arms:
  plain: {{model: m, prompt: "What is {{question}}"}}
  careful: {{model: m, prompt: "With care: what is {{question}}"}}
metrics: [latency, cost]
concurrency: {at_once}
"""
AT_ONCE = 4


def test_after_kill_9_each_observation_is_there_once(tmp_path: Path) -> None:
    with Wire(delay=0.002) as wire, workshop(tmp_path, wire) as orchestrator:
        (tmp_path / "cases.jsonl").write_text("".join(f'{{"question": "{n} + 1?"}}\n' for n in range(CASES)), encoding="utf-8")
        (tmp_path / "sums.yaml").write_text(DEFINITION.format(at_once=AT_ONCE), encoding="utf-8")
        (tmp_path / "workbench.toml").write_text(
            f'[models.m]\nid = "openai/m"\napi_base = "{wire.openai}"\nprices = {{input = 1.0, output = 1.0}}\n',
            encoding="utf-8",
        )
        command = [sys.executable, "-c", "from workbench.cli import main; main()", "experiment", "run", "sums.yaml"]
        process = subprocess.Popen(command, cwd=tmp_path, stderr=subprocess.PIPE)
        wait_until(lambda: sum(wire.answered.values()) >= CASES or process.poll() is not None)
        process.kill()
        _, said = process.communicate()
        assert process.returncode == -9, said.decode()

        experiment = Experiment.load("last", orchestrator)
        assert experiment.status == "interrupted"
        before = len(experiment.results)
        assert before <= 2 * CASES
        assert not experiment.results.duplicated(["case", "arm", "repeat"]).any()
        experiment.resume()
        frame = experiment.results
        assert experiment.status == "completed"
        assert len(frame) == 2 * CASES
        assert not frame.duplicated(["case", "arm", "repeat"]).any()
        assert (frame["status"] == "ok").all()
        again = len(wire.requests) - 2 * CASES
        assert again <= AT_ONCE, "only what was on its way when the process died may be asked again"
