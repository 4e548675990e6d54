"""A run makes each observation once, in an order that is fair, under its ceilings, and goes on where it stopped."""

from __future__ import annotations

import asyncio
import threading
from collections import Counter
from collections.abc import AsyncGenerator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from experimenters import adder, careful, cases, prompt_of, sums, workshop
from hypothesis import given, settings
from hypothesis import strategies as st
from patience import wait_until
from stage import orchestra
from wire import Asked, Wire

from workbench.dialogue import Orchestrator
from workbench.errors import RecordError, WorkbenchError
from workbench.events import Usage
from workbench.experiments import Experiment
from workbench.experiments.progress import Progress
from workbench.models import Chunk, Completion, Model, Request

Place = tuple[str, str, int]


def places(experiment: Experiment) -> Counter[Place]:
    frame = experiment.results
    return Counter(zip(frame["case"], frame["arm"], frame["repeat"], strict=True))


@pytest.fixture
def adding() -> Any:
    """A model that adds only where it is asked for care."""
    with Wire() as wire:
        wire.answer = adder(careful)
        yield wire


def test_results_are_tidy_and_each_observation_links_its_dialogue(tmp_path: Path, adding: Wire) -> None:
    heard: list[Progress] = []
    with workshop(tmp_path, adding) as orchestrator:
        experiment = sums(orchestrator, repeats=2).run(heard.append)
        frame = experiment.results
        assert experiment.status == "completed"
        assert set(places(experiment).values()) == {1}
        assert len(frame) == 6 * 2 * 2 == len(adding.requests)
        assert frame["right"].dtype == bool
        assert frame.groupby("arm")["right"].mean().to_dict() == {"careful": 1.0, "plain": 0.0}
        assert (frame["status"] == "ok").all()
        assert not frame["fallback"].any()
        row = frame.iloc[0]
        call = orchestrator.record.calls(row["dialogue"]).iloc[0]
        assert row["cost"] == pytest.approx(call["cost"])
        assert row["tokens"] == call["prompt_tokens"] + call["completion_tokens"]
        assert row["latency"] == pytest.approx(call["total_seconds"])
        assert heard[-1].status == "completed"
        assert heard[-1].cost == pytest.approx(frame["cost"].sum())


def test_what_was_said_last_is_not_an_observation(tmp_path: Path, adding: Wire) -> None:
    with workshop(tmp_path, adding) as orchestrator:
        mine = orchestrator.run("chat", "What is 1 + 1?", models=["m"]).id
        experiment = sums(orchestrator, 2).run()
        assert orchestrator.record.find("last") == mine
        dialogue = orchestrator.load(experiment.results["dialogue"].iloc[0])
        assert orchestrator.record.summary(dialogue.id).parent_id == experiment.run_id
        assert dialogue.id in repr(dialogue.tree())


def test_arms_stay_in_step_and_chance_says_which_goes_first(tmp_path: Path, adding: Wire) -> None:
    with workshop(tmp_path, adding) as orchestrator:
        sums(orchestrator, 14, concurrency=1).run()
        order = [(prompt_of(asked).split()[-3], careful(prompt_of(asked))) for asked in adding.requests]
        pairs = list(zip(order[::2], order[1::2], strict=True))
        assert all(one[0] == other[0] and one[1] != other[1] for one, other in pairs), "a case is done before the next begins"
        firsts = [one[1] for one, _ in pairs]
        assert 2 <= sum(firsts) <= 12
        adding.requests.clear()
        sums(orchestrator, 14, concurrency=1).run()
        again = [(prompt_of(asked).split()[-3], careful(prompt_of(asked))) for asked in adding.requests]
        assert again == order, "the seed says so"


def test_repeats_have_seeds_of_their_own_and_arms_share_them(tmp_path: Path, adding: Wire) -> None:
    with workshop(tmp_path, adding) as orchestrator:
        sums(orchestrator, 3, repeats=3).run()
        seeds = [asked.body["seed"] for asked in adding.requests]
        assert sorted(Counter(seeds).values()) == [2] * 9
        adding.requests.clear()
        sums(orchestrator, 3, repeats=3, cache=True).run()
        assert sorted(Counter(asked.body["seed"] for asked in adding.requests).values()) == [6] * 3


def test_failures_are_observations_and_only_they_are_made_again(tmp_path: Path, adding: Wire) -> None:
    broken = True
    adding.faults = lambda asked: "400" if broken and careful(prompt_of(asked)) and "2 + 1" in prompt_of(asked) else None
    with workshop(tmp_path, adding) as orchestrator:
        experiment = sums(orchestrator).run()
        failed = experiment.results.query("status == 'failed'")
        assert failed[["case", "arm"]].to_numpy().tolist() == [["c2", "careful"]]
        assert "400" in failed["error"].item() or "went wrong" in failed["error"].item()
        assert failed["right"].isna().all()
        assert failed["latency"].isna().all()
        asked, broken = len(adding.requests), False
        experiment.resume()
        assert len(adding.requests) == asked, "a resume makes nothing again that failed"
        Experiment.load("sums", orchestrator).retry_failed()
        assert len(adding.requests) == asked + 1
        assert (experiment.results["status"] == "ok").all()
        assert set(places(experiment).values()) == {1}


def test_a_fallback_is_told_or_forbidden(tmp_path: Path, adding: Wire) -> None:
    adding.faults = lambda asked: "400" if asked.body["model"] == "m" else None
    with workshop(tmp_path, adding) as orchestrator:
        behind = {"plain": {"model": "m", "prompt": "{question}", "sampling": {"fallbacks": ["other"]}}}
        told = sums(orchestrator, 2, arms=behind, plan=None).run().results
        assert told["fallback"].all()
        assert (told["status"] == "ok").all()
        forbidden = sums(orchestrator, 2, arms=behind, plan=None, fallbacks="forbid").run().results
        assert (forbidden["status"] == "failed").all()
        assert not forbidden["fallback"].any()


def test_a_budget_is_never_passed_no_answer_is_cut_short_and_more_money_goes_on(tmp_path: Path, adding: Wire) -> None:
    with workshop(tmp_path, adding) as orchestrator:
        arms = {"plain": {"model": "m", "prompt": "What is {question}", "sampling": {"max_tokens": 20}}}
        limits = {"max_cost": 0.2}
        experiment = sums(orchestrator, 30, arms=arms, plan=None, limits=limits).run()
        assert experiment.status == "cost_limited"
        row = experiment.run_row
        assert row is not None
        assert "max_cost=0.2" in str(row.reason)
        spent = orchestrator.record.experiments.spent(row.id).cost
        assert 0.05 < spent <= 0.2
        assert {asked.body["max_tokens"] for asked in adding.requests} == {20}
        done = len(experiment.results)
        assert 0 < done < 30
        assert (experiment.results["status"] == "ok").all()

        again = Experiment.load(row.id, orchestrator).resume(limits={"max_cost": 9.0})
        assert len(again.results) == 30
        assert len(adding.requests) == 30, "what was paid for is not asked again"


def test_what_functions_say_that_they_spent_counts(tmp_path: Path, adding: Wire) -> None:
    with workshop(tmp_path, adding) as orchestrator:
        model = Model("m", registry=orchestrator.models, client=orchestrator.client)

        async def asks(case: dict[str, Any]) -> Completion:
            return await model.complete(f"With care: what is {case['question']}")

        limits, arms = {"max_calls": 5}, {"asks": asks}
        experiment = sums(orchestrator, arms=arms, plan=None, limits=limits, concurrency=1).run()
        assert (experiment.status, len(experiment.results), len(adding.requests)) == ("cost_limited", 5, 5)
        assert experiment.results["cost"].sum() > 0
        assert experiment.resume().status == "cost_limited"
        assert len(adding.requests) == 5
        with pytest.raises(WorkbenchError, match="max_call: "):
            experiment.resume(limits={"max_call": 6})
        assert experiment.resume(limits={"max_calls": 6}).status == "completed"


def test_a_ceiling_needs_a_price(tmp_path: Path, adding: Wire) -> None:
    with workshop(tmp_path, adding) as orchestrator:
        arms = {"plain": {"model": "openai/unknown", "prompt": "{question}", "api_base": adding.openai}}
        experiment = sums(orchestrator, arms=arms, plan=None, limits={"max_cost": 1.0})
        with pytest.raises(WorkbenchError, match="price"):
            experiment.run()


def test_functions_are_arms_sync_and_async_and_what_they_raise_is_their_observation(tmp_path: Path, adding: Wire) -> None:
    def plain(case: dict[str, Any]) -> int:
        if case["id"] == "c3":
            raise ValueError("no threes; sk-abcdefgh12345678")
        return int(case["answer"])

    async def later(case: dict[str, Any], seed: int) -> dict[str, Any]:
        await asyncio.sleep(0)
        return {"answer": case["answer"], "seed": seed}

    def length(output: str, case: dict[str, Any]) -> float:
        return len(output) + 0 * case["answer"]

    metrics = {"right": {"kind": "numeric", "expected": "answer"}, "length": {"call": length, "better": "lower"}}
    with workshop(tmp_path, adding) as orchestrator:
        experiment = sums(orchestrator, arms={"plain": plain, "later": later}, metrics=metrics).run()
        frame = experiment.results.set_index(["arm", "case"])
        assert frame.loc[("plain", "c3"), "status"] == "failed"
        assert "no threes" in frame.loc[("plain", "c3"), "error"]
        assert "sk-abcdefgh" not in frame.loc[("plain", "c3"), "error"]
        assert frame.loc["later"]["length"].min() > 10
        assert frame.loc[("plain", "c4"), "output"] == "5"
        assert not adding.requests
        with pytest.raises(WorkbenchError, match=r"functions=\{name: function\}"):
            Experiment.load("sums", orchestrator).retry_failed()
        given_again = {"plain": lambda case: case["answer"], "later": later, "length": length}
        mended = Experiment.load("sums", orchestrator, functions=given_again).retry_failed()
        assert (mended.results["status"] == "ok").all()


def test_a_metric_that_breaks_is_noted_and_the_run_goes_on(tmp_path: Path, adding: Wire) -> None:
    def breaks(output: str, case: dict[str, Any]) -> str:
        return output + str(case)

    with workshop(tmp_path, adding) as orchestrator:
        metrics = {"right": {"kind": "numeric", "expected": "answer"}, "words": {"call": breaks, "better": "higher"}}
        experiment = sums(orchestrator, 2, metrics=metrics).run()
        assert experiment.status == "completed"
        assert experiment.results["words"].isna().all()
        assert experiment.results["right"].notna().all()
        (row, *_) = orchestrator.record.experiments.observations(str(experiment.run_id))
        assert "a metric gave" in row.notes


def test_a_mode_is_an_arm(tmp_path: Path, adding: Wire) -> None:
    adding.answer = lambda asked: '{"answer": "7"}'
    with workshop(tmp_path, adding) as orchestrator:
        arms = {"alone": {"mode": "single", "topic": "{question}", "models": ["m"]}}
        frame = sums(orchestrator, 2, arms=arms, plan=None).run().results
        assert (frame["output"] == "7").all()


def test_two_processes_never_make_one_run_and_one_stops_the_other(tmp_path: Path) -> None:
    with Wire(delay=0.05) as wire, workshop(tmp_path, wire) as here, workshop(tmp_path, wire) as there:
        wire.answer = lambda asked: "one two three"
        experiment = sums(here, 60, concurrency=2).start()
        wait_until(lambda: len(experiment.results))
        with pytest.raises(RecordError, match="is being run"):
            Experiment.load("sums", there).resume()
        Experiment.load("sums", there).stop()
        experiment.wait()
        row = experiment.run_row
        assert row is not None
        assert (row.status, row.reason) == ("cancelled", "it was asked to stop")
        assert 0 < len(experiment.results) < 120


class Stops:
    """A model that answers so many times, and then no more until it is told to."""

    def __init__(self, after: int) -> None:
        self.left, self.silent, self.free = after, threading.Event(), False
        self.answered: Counter[tuple[str, int | None]] = Counter()

    async def __call__(self, request: Request) -> AsyncGenerator[Chunk, None]:
        if not self.free:
            if self.left <= 0:
                self.silent.set()
                await asyncio.sleep(600)
            self.left -= 1
        self.answered[request.messages[-1]["content"], request.sampling.seed] += 1
        yield Chunk(text="5")
        yield Chunk(finish_reason="stop", usage=Usage(prompt=5, completion=1), served="m")


@settings(max_examples=6, deadline=None)
@given(after=st.integers(0, 23), repeats=st.integers(1, 2), at_once=st.integers(1, 5))
def test_a_run_that_stops_anywhere_and_goes_on_is_a_run_that_did_not_stop(after: int, repeats: int, at_once: int) -> None:
    total = 6 * 2 * repeats
    stops = Stops(min(after, total - 1))
    with TemporaryDirectory() as folder:
        orchestrator, _actors = orchestra(Path(folder), stops)
        with orchestrator:
            asked = {"model": "openai/m", "api_base": "http://nowhere/v1"}
            arms = {name: asked | {"prompt": f"{name} {{question}}"} for name in ("one", "two")}
            experiment = sums(orchestrator, arms=arms, plan=None, repeats=repeats, concurrency=at_once).start()
            assert stops.silent.wait(20)
            experiment.stop()
            assert experiment.status == "cancelled"
            kept = places(experiment)
            assert set(kept.values()) <= {1}
            assert sum(kept.values()) <= sum(stops.answered.values())
            stops.free = True
            again = Experiment.load(str(experiment.run_id), orchestrator).resume()
            assert again.status == "completed"
            assert places(again) == Counter(
                {(case["id"], arm, r): 1 for case in cases(6) for arm in arms for r in range(repeats)}
            )
            assert set(stops.answered.values()) == {1}, "no answer is paid for twice"
            assert len(stops.answered) == total


def test_a_record_that_takes_nothing_ends_the_run_and_loses_nothing(tmp_path: Path, adding: Wire) -> None:
    with workshop(tmp_path, adding) as orchestrator:
        experiment = sums(orchestrator)
        experiment.keep()
        spoil(orchestrator, "CREATE TRIGGER full BEFORE INSERT ON observations BEGIN SELECT RAISE(ABORT, 'disk is full'); END")
        with pytest.raises(RecordError, match="disk is full"):
            experiment.run()
        assert experiment.status == "failed"
        spoil(orchestrator, "DROP TRIGGER full")
        asked, paid = len(adding.requests), (orchestrator.record.dialogues()["status"] == "completed").sum()
        experiment.resume()
        assert set(places(experiment).values()) == {1}
        assert len(adding.requests) == asked + 12 - paid, "answers in the record are not asked for again"


def spoil(orchestrator: Orchestrator, statement: str) -> None:
    """Change the record's file behind its back."""
    import sqlite3

    with sqlite3.connect(orchestrator.settings.record_url.removeprefix("sqlite:///")) as connection:
        connection.execute(statement)
    connection.close()


def test_prompts_of_one_word_cases_reach_the_model_as_they_are(tmp_path: Path, adding: Wire) -> None:
    adding.answer = lambda asked: "ok"
    hostile = "{answer} {0.__class__} {{question}} \u2028 \x00"

    def heard(asked: Asked) -> str:
        return prompt_of(asked)

    with workshop(tmp_path, adding) as orchestrator:
        sums(orchestrator, cases=[{"question": hostile, "answer": 1}], plan=None).run()
        assert {
            heard(asked).partition("what is ")[2] or heard(asked).partition("What is ")[2] for asked in adding.requests
        } == {hostile}
