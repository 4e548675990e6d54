"""The same experiment on a Dask cluster: what it makes, what its workers share, and how it ends."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from dask_cluster import cluster
from distributed import Client
from experimenters import adder, careful, prompt_of, sums, workshop
from patience import wait_until
from wire import Wire

from workbench.dialogue import Orchestrator
from workbench.errors import WorkbenchError
from workbench.events.listening import flush
from workbench.experiments.engines import crew
from workbench.observe import correlate
from workbench.records import Record


@pytest.fixture(scope="module")
def scheduler() -> Iterator[str]:
    """Address of a scheduler whose workers are in this process."""
    with cluster() as found:
        yield found.scheduler_address


@pytest.fixture
def adding() -> Iterator[Wire]:
    """A provider that adds rightly where it is asked for care."""
    with Wire(answer=adder(careful)) as wire:
        yield wire


@pytest.fixture(autouse=True)
def record_of_workers(postgres_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Workers find the record in their environment; here it is this process's."""
    monkeypatch.setenv("WORKBENCH_RECORD_URL", postgres_url)


@pytest.fixture
def lab(tmp_path: Path, adding: Wire, postgres_url: str) -> Iterator[Orchestrator]:
    """An orchestrator before a wire, with its record in PostgreSQL."""
    with workshop(tmp_path, adding) as found:
        found._record = Record.open(postgres_url)
        yield found


def test_it_makes_what_a_run_in_this_process_makes(adding: Wire, lab: Orchestrator, scheduler: str) -> None:
    told: list[Any] = []
    there = sums(lab, 25, repeats=2).run(told.append, engine="dask", scheduler=scheduler)
    assert there.status == "completed"
    asked = sorted(str(each.body["messages"]) for each in adding.requests)
    frame = there.results
    here = sums(lab, 25, repeats=2).run()
    assert sorted(str(each.body["messages"]) for each in adding.requests[len(asked) :]) == asked
    columns = ["case", "arm", "repeat", "right", "status", "output", "cost", "tokens"]
    assert frame[columns].equals(here.results[columns])
    assert told[-1].done == 100
    assert told[-1].cost == pytest.approx(frame["cost"].sum())
    asked_before = len(adding.requests)
    assert there.resume(engine="dask", scheduler=scheduler).status == "completed"
    assert len(adding.requests) == asked_before, "what is kept is not made again"


@pytest.mark.parametrize("engine", ["threads", "dask"])
def test_log_lines_have_the_id_of_whoever_began_the_run(tmp_path: Path, lab: Orchestrator, scheduler: str, engine: str) -> None:
    where: dict[str, Any] = {"engine": "dask", "scheduler": scheduler} if engine == "dask" else {}
    with correlate("study"):
        sums(lab, 3).run(**where)
    sums(lab, 2).run(**where)
    assert flush()
    log = (tmp_path / ".workbench" / "logs" / "workbench.jsonl").read_text()
    ended = [entry for entry in map(json.loads, log.splitlines()) if entry["event"] == "dialogue_ended"]
    assert [entry["correlation_id"] for entry in ended[:6]] == ["study"] * 6
    assert [entry["correlation_id"] for entry in ended[6:]] == [entry["dialogue"] for entry in ended[6:]]
    assert len(ended) == 10


def test_all_workers_together_ask_a_provider_no_more_than_one_process_would(
    adding: Wire, lab: Orchestrator, scheduler: str
) -> None:
    adding.delay = 0.005
    sums(lab, 40, concurrency=3).run(engine="dask", scheduler=scheduler)
    assert adding.most_active == 3


def test_the_budget_is_one_for_all_workers(adding: Wire, lab: Orchestrator, scheduler: str) -> None:
    arms = {"plain": {"model": "m", "prompt": "What is {question}", "sampling": {"max_tokens": 20}}}
    experiment = sums(lab, 40, arms=arms, plan=None, limits={"max_cost": 0.3}).run(engine="dask", scheduler=scheduler)
    assert experiment.status == "cost_limited"
    row = experiment.run_row
    assert row is not None
    assert "max_cost=0.3" in str(row.reason)
    assert 0.1 < lab.record.experiments.spent(row.id).cost <= 0.3
    assert {asked.body["max_tokens"] for asked in adding.requests} == {20}, "no answer is cut short"
    assert (experiment.results["status"] == "ok").all()
    experiment.resume(limits={"max_cost": 9.0}, engine="dask", scheduler=scheduler)
    assert len(experiment.results) == 40
    assert len(adding.requests) == 40, "what was paid for is not asked again"


def test_the_workspaces_budget_holds_too(adding: Wire, lab: Orchestrator, scheduler: str) -> None:
    lab.settings = lab.settings.model_copy(update={"budget": lab.settings.budget.model_copy(update={"day": 0.2})})
    arms = {"plain": {"model": "m", "prompt": "What is {question}", "sampling": {"max_tokens": 20}}}
    experiment = sums(lab, 30, arms=arms, plan=None).run(engine="dask", scheduler=scheduler)
    assert experiment.status == "cost_limited"
    assert 0 < lab.record.experiments.spent(str(experiment.run_id)).cost <= 0.2
    assert experiment.run_row
    assert "0.2 of the day" in str(experiment.run_row.reason)


def test_judges_take_seats_of_their_own_and_pairs_are_judged_once(adding: Wire, lab: Orchestrator, scheduler: str) -> None:
    def judged(asked: Any) -> str:
        prompt = prompt_of(asked)
        if "Answer A:" in prompt:
            return json.dumps({"reason": "So.", "winner": "A" if "With" in prompt.split("Answer B:")[0] else "B"})
        return json.dumps({"reason": "It shows.", "mark": 4}) if "The lowest mark" in prompt else prompt

    adding.answer = judged
    metrics = {
        "care": {"kind": "judge", "model": "other", "rubric": "Is it {answer}?"},
        "better": {"kind": "pairwise", "model": "other"},
    }
    plan = {"primary": "better", "control": "plain"}
    limits = {"max_cost": 90.0}
    experiment = sums(lab, 6, metrics=metrics, plan=plan, concurrency=2, limits=limits)
    experiment.run(engine="dask", scheduler=scheduler)
    frame = experiment.results
    assert (frame["care"] == 4).all()
    assert frame.groupby("arm")["better"].mean().to_dict() == {"careful": 1.0, "plain": 0.0}
    assert len(adding.requests) == 12 + 12 + 2 * 6
    assert adding.most_active <= 2
    assert experiment.progress
    assert experiment.progress.cost == pytest.approx(lab.record.experiments.spent(str(experiment.run_id)).cost)


def test_functions_travel_and_fail_by_themselves(lab: Orchestrator, scheduler: str) -> None:
    offset = 1

    def adds(case: dict[str, Any], seed: int) -> int:
        if case["answer"] == 3:
            raise ValueError("three is too much")
        return int(case["answer"]) + offset - 1

    async def length(case: dict[str, Any]) -> str:
        return case["question"]

    close = {"call": lambda output, case: float(output == str(case["answer"])), "better": "higher"}
    experiment = sums(lab, 5, arms={"adds": adds, "says": length}, metrics={"close": close}, plan=None)
    frame = experiment.run(engine="dask", scheduler=scheduler).results
    assert frame.query("status == 'failed'")[["case", "arm"]].to_numpy().tolist() == [["c2", "adds"]]
    assert "three is too much" in frame["error"].dropna().item()
    assert frame.groupby("arm")["close"].mean().to_dict() == {"adds": 1.0, "says": 0.0}


def test_stopping_it_stops_the_workers_calls(adding: Wire, lab: Orchestrator, scheduler: str) -> None:
    adding.delay = 30.0
    experiment = sums(lab, 10).start(engine="dask", scheduler=scheduler)
    wait_until(lambda: adding.active >= 4)
    experiment.stop()
    assert experiment.status == "cancelled"
    wait_until(lambda: adding.active == 0)
    adding.delay = 0.0
    experiment.resume(engine="dask", scheduler=scheduler)
    assert len(experiment.results) == 20
    assert (experiment.results["status"] == "ok").all()


def test_another_process_asks_it_to_stop(adding: Wire, lab: Orchestrator, scheduler: str) -> None:
    adding.delay = 30.0
    experiment = sums(lab, 10).start(engine="dask", scheduler=scheduler)
    wait_until(lambda: adding.active >= 4)
    lab.record.experiments.ask_to_stop(str(experiment.run_id))
    assert experiment.wait().status == "cancelled"
    wait_until(lambda: adding.active == 0)


def test_what_cannot_travel_is_refused_before_the_run(lab: Orchestrator, scheduler: str) -> None:
    lock = threading.Lock()

    def locked(case: dict[str, Any]) -> str:
        with lock:
            return "in"

    experiment = sums(lab, 2, arms={"locked": locked}, metrics=["latency"], plan=None)
    with pytest.raises(WorkbenchError, match=r"arms.locked: the function cannot be sent to workers"):
        experiment.run(engine="dask", scheduler=scheduler)
    assert experiment.status is None


def test_a_record_that_cannot_be_shared_is_refused_before_the_run(tmp_path: Path, adding: Wire) -> None:
    with workshop(tmp_path, adding) as orchestrator:
        experiment = sums(orchestrator, 2)
        with pytest.raises(WorkbenchError, match=r"PostgreSQL.*\n.*WORKBENCH_RECORD_URL"):
            experiment.run(engine="dask")
        assert experiment.status is None


@pytest.mark.parametrize(
    ("place", "said"),
    [
        ({"engine": "spark"}, "no engine 'spark'"),
        ({"workers": 2}, "go with the Dask engine"),
        ({"engine": "dask", "workers": 0}, "at least one worker"),
        ({"engine": "dask", "workers": 2, "scheduler": "tcp://127.0.0.1:9"}, "a scheduler's workers"),
    ],
)
def test_a_place_that_is_none_is_refused(lab: Orchestrator, place: dict[str, Any], said: str) -> None:
    with pytest.raises(WorkbenchError, match=said):
        sums(lab, 2).run(**place)


def test_no_scheduler_and_workers_of_another_version_are_said(
    lab: Orchestrator, scheduler: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("workbench.experiments.engines.cluster.PATIENCE", 0.5)
    with pytest.raises(WorkbenchError, match=r"no Dask scheduler at tcp://127.0.0.1:9"):
        sums(lab, 2).run(engine="dask", scheduler="tcp://127.0.0.1:9")
    monkeypatch.undo()
    monkeypatch.setattr(crew, "versions", lambda: {"python": "2.7"})
    experiment = sums(lab, 2)
    with pytest.raises(WorkbenchError, match=r"has python 2.7 instead of"):
        experiment.run(engine="dask", scheduler=scheduler)
    assert experiment.status == "failed"


def test_a_worker_without_the_record_says_how_it_gets_there(
    lab: Orchestrator, scheduler: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("WORKBENCH_RECORD_URL")
    with pytest.raises(WorkbenchError, match="Set WORKBENCH_RECORD_URL in the environment of every worker"):
        sums(lab, 2).run(engine="dask", scheduler=scheduler)


def test_no_secret_and_no_text_passes_the_scheduler(
    adding: Wire, lab: Orchestrator, scheduler: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-verysecret123456")
    with Client(scheduler, set_as_default=False) as client:
        sums(lab, 6).run(engine="dask", scheduler=scheduler)
        seen = client.run_on_scheduler(_all_that_is_there) + caplog.text
    password = "correct-horse-battery"
    assert password in lab.record.url
    assert "workbench-" in seen
    for secret in (password, "sk-verysecret", "0 + 1", "It is"):
        assert secret not in seen


def _all_that_is_there(dask_scheduler: Any) -> str:
    """What a scheduler knows and shows: events, tasks, its log, the plugins of workers."""
    tasks = [(task.key, str(task.run_spec), task.prefix.name) for task in dask_scheduler.tasks.values()]
    plugins = list(dask_scheduler.worker_plugins.values())
    return repr((dask_scheduler.get_events(), tasks, list(dask_scheduler.get_logs()), plugins))
