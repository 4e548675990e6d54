"""The panel of an experiment fills while a run goes on, says what a page may rely on, and stops the run."""

import json
import queue

import comm
import numpy as np
import pytest
from experimenters import adder, careful, sums, workshop
from panel_page import Wired
from patience import wait_until
from wire import Wire

from workbench.experiments import Experiment
from workbench.experiments.statistics import monitor
from workbench.panels.experiment_panel import ExperimentPanel


class Synced(Wired):
    """A comm whose other end is here, with the traits as a page has them."""

    def publish_msg(self, msg_type, data=None, metadata=None, buffers=None, **keys):
        if msg_type == "comm_msg" and data.get("method") == "update":
            self.state |= json.loads(json.dumps(data["state"]))
        else:
            super().publish_msg(msg_type, data, metadata, buffers, **keys)


@pytest.fixture(autouse=True)
def _wired(monkeypatch):
    def create(*args, **kwargs):
        wired = Synced.__new__(Synced)
        wired.heard = queue.SimpleQueue()
        wired.__init__(*args, **kwargs)
        return wired

    monkeypatch.setattr(comm, "create_comm", create)


@pytest.fixture
def wire():
    with Wire() as wire:
        wire.answer = adder(careful)
        yield wire


@pytest.fixture
def orchestrator(tmp_path, wire):
    with workshop(tmp_path, wire) as orchestrator:
        yield orchestrator


@pytest.fixture
def shown():
    panels = []

    def show(experiment):
        panels.append(ExperimentPanel(experiment, period=0.02))
        return panels[-1]

    yield show
    for panel in panels:
        panel.close()


def say(panel, content):
    panel.comm.handle_msg({"content": {"data": {"method": "custom", "content": content}}, "buffers": []})


def told(panel):
    return panel.comm.state["snapshot"]


def test_it_fills_from_before_the_run_to_its_end(orchestrator, shown, wire):
    experiment = sums(orchestrator, 12, repeats=2)
    panel = shown(experiment)
    assert told(panel)["status"] == "not run"
    assert [arm["arm"] for arm in told(panel)["arms"]] == ["plain", "careful"]
    experiment.run()
    wait_until(lambda: told(panel)["status"] == "completed")
    wait_until(lambda: sum(arm["ok"] for arm in told(panel)["arms"]) == 48)
    facts, frame = told(panel), experiment.results
    by_arm = {arm["arm"]: arm for arm in facts["arms"]}
    assert {name: arm["mean"] for name, arm in by_arm.items()} == {"plain": 0.0, "careful": 1.0}
    assert by_arm["plain"]["cost"] == pytest.approx(frame.loc[frame["arm"] == "plain", "cost"].sum())
    assert by_arm["plain"]["latency"] == pytest.approx(frame.loc[frame["arm"] == "plain", "latency"].mean())
    assert facts["cost"] == pytest.approx(frame["cost"].sum())
    assert facts["can"] == {"stop": False}


def test_the_running_difference_is_the_monitors_in_the_order_of_cases(orchestrator, shown, wire):
    wire.answer = adder(lambda prompt: careful(prompt) or int(prompt.split()[-3]) % 3 == 0)
    experiment = sums(orchestrator, 15).run()
    (difference,) = told(shown(experiment))["differences"]
    frame = experiment.results.pivot(index="case", columns="arm", values="right").astype(float)
    frame = frame.loc[[f"c{n}" for n in range(15)]]
    expected = monitor((frame["careful"] - frame["plain"]).tolist(), planned=15)
    assert [look[1] for look in difference["trail"]] == pytest.approx(expected.means.tolist())
    ends = [np.nan if look[2] is None else look[2] for look in difference["trail"]]
    assert ends == pytest.approx(np.where(np.isfinite(expected.lows), expected.lows, np.nan).tolist(), nan_ok=True)
    assert difference["shown"] == expected.stopped_at


def test_a_person_stops_the_run_and_another_goes_on(orchestrator, shown, wire):
    wire.delay = 0.05
    experiment = sums(orchestrator, 200)
    panel = shown(experiment)
    experiment.start()
    wait_until(lambda: told(panel)["can"]["stop"] and sum(arm["ok"] for arm in told(panel)["arms"]) > 4)
    say(panel, {"type": "stop"})
    wait_until(lambda: told(panel)["status"] == "cancelled")
    assert told(panel)["can"] == {"stop": False}
    done = sum(arm["ok"] for arm in told(panel)["arms"])
    assert 4 < done < 400
    assert len(experiment.results) >= done


def test_failures_are_counted_and_counted_anew_after_a_retry(orchestrator, shown):
    broken = {"3"}

    def breaks(case):
        if case["id"] in broken:
            raise ValueError("<b>three</b>")
        return "okay"

    experiment = Experiment(
        "breaks",
        orchestrator=orchestrator,
        cases=[{"id": str(n)} for n in range(6)],
        arms={"fine": lambda case: "ok", "breaks": breaks},
        metrics={"size": {"call": lambda output, case: len(output), "better": "lower"}},
    ).run()
    panel = shown(experiment)
    (failure,) = told(panel)["errors"]
    assert (failure["arm"], failure["count"]) == ("breaks", 1)
    assert "<b>three</b>" in failure["text"]
    broken.clear()
    experiment.retry_failed()
    wait_until(lambda: told(panel)["errors"] == [])
    assert [arm["failed"] for arm in told(panel)["arms"]] == [0, 0]


def test_a_stored_run_is_shown_after_a_restart(orchestrator, shown, wire):
    run = sums(orchestrator, 4).run().run_id
    panel = shown(Experiment.load(run, orchestrator))
    assert told(panel)["status"] == "completed"
    assert told(panel)["run"] == run
    assert "careful: 4 of 4 done" in panel.text
    assert "<td>careful</td><td>4 of 4</td>" in panel._repr_mimebundle_()[0]["text/html"]


def test_a_page_gets_the_part_that_draws(orchestrator, shown, wire):
    panel = shown(sums(orchestrator, 2))
    say(panel, {"type": "part"})
    message = panel.comm.heard.get(timeout=30)
    assert message["type"] == "part"
    assert "wb-experiment" in message["source"]
    for nonsense in ({}, {"type": 3}, "x", {"type": "format the disk"}):
        say(panel, nonsense)
