"""Models that judge: marks by a rubric, pairs in both orders without names; and people, whose ratings become a metric."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from experimenters import careful, prompt_of, sums, workshop
from wire import Asked, Wire

from workbench.experiments import Experiment
from workbench.experiments.results import preferences

PAIR = {"better": {"kind": "pairwise", "model": "other", "rubric": "Care counts."}}
MARK = {"care": {"kind": "judge", "model": "other", "rubric": "Is it {answer}, with care?", "scale": [0, 10]}}


def judged(asked: Asked) -> str:
    """Answers say whether they were made with care; judges prefer those that were."""
    prompt = prompt_of(asked)
    if "Answer A:" in prompt:
        first, second = prompt.split("Answer A:")[1].split("Answer B:")
        better = {(True, False): "A", (False, True): "B"}.get(("careful" in first, "careful" in second), "tie")
        return json.dumps({"reason": "So.", "winner": better})
    if "The lowest mark is" in prompt:
        return json.dumps({"reason": "It shows.", "mark": 9 if "careful" in prompt.rsplit("The answer:")[1] else 2})
    return "a careful answer" if careful(prompt) else "an answer"


@pytest.fixture
def wire() -> Any:
    with Wire() as wire:
        wire.answer = judged
        yield wire


def test_a_judge_marks_by_the_rubric_and_its_cost_is_not_the_arms(tmp_path: Path, wire: Wire) -> None:
    with workshop(tmp_path, wire) as orchestrator:
        experiment = sums(orchestrator, 3, metrics=MARK, plan=None).run()
        frame = experiment.results
        assert frame.groupby("arm")["care"].mean().to_dict() == {"careful": 9.0, "plain": 2.0}
        asked = [prompt_of(each) for each in wire.requests if each.body["model"] == "n"]
        assert len(asked) == 6
        assert all("Is it 1, with care?" in each for each in asked if "0 + 1" in each)
        assert not any("plain" in each for each in asked), "the judge does not know whose it is"
        spent = orchestrator.record.experiments.spent(str(experiment.run_id)).cost
        assert spent > frame["cost"].sum() * 1.5


def test_pairs_are_judged_in_both_orders_and_a_resume_judges_none_again(tmp_path: Path, wire: Wire) -> None:
    plan = {"primary": "better", "control": "plain"}
    with workshop(tmp_path, wire) as orchestrator:
        experiment = sums(orchestrator, 4, metrics=PAIR, plan=plan).run()
        frame = experiment.results
        assert frame.groupby("arm")["better"].mean().to_dict() == {"careful": 1.0, "plain": 0.0}
        pairs = [prompt_of(each) for each in wire.requests if each.body["model"] == "n"]
        assert len(pairs) == 8
        assert sum("careful" in each.split("Answer B:")[0] for each in pairs) == 4
        rows = orchestrator.record.experiments.observations(str(experiment.run_id))
        assert preferences(rows, "better", "plain") == [(f"c{n}", "plain", "careful", "treatment") for n in range(4)]
        experiment.resume()
        assert len([each for each in wire.requests if each.body["model"] == "n"]) == 8


def test_a_judge_that_always_says_a_finds_ties(tmp_path: Path, wire: Wire) -> None:
    wire.answer = lambda asked: (
        json.dumps({"reason": "", "winner": "A"}) if "Answer A:" in prompt_of(asked) else prompt_of(asked)
    )
    with workshop(tmp_path, wire) as orchestrator:
        frame = sums(orchestrator, 2, metrics=PAIR, plan={"primary": "better", "control": "plain"}).run().results
        assert (frame["better"] == 0.5).all()


def test_a_judge_that_gives_no_answer_leaves_no_value_and_says_why(tmp_path: Path, wire: Wire) -> None:
    wire.faults = lambda asked: "400" if asked.body["model"] == "n" else None
    with workshop(tmp_path, wire) as orchestrator:
        experiment = sums(orchestrator, 2, metrics=MARK | PAIR, plan=None).run()
        assert experiment.results[["care", "better"]].isna().all(axis=None)
        assert (experiment.results["status"] == "ok").all()
        notes = [json.loads(row.notes) for row in orchestrator.record.experiments.observations(str(experiment.run_id))]
        assert all("mark" in note["errors"]["care"] for note in notes)


def test_what_people_say_is_a_metric(tmp_path: Path, wire: Wire) -> None:
    with workshop(tmp_path, wire) as orchestrator:
        experiment = sums(orchestrator, 2, metrics=["human", "latency"], plan=None).run()
        assert experiment.results["human"].isna().all()
        for row in experiment.results.itertuples():
            orchestrator.rate(str(row.dialogue), 0.9 if row.arm == "careful" else 0.4, by="Ada")
            orchestrator.rate(str(row.dialogue), 0.7 if row.arm == "careful" else 0.4, by="Max")
        again = Experiment.load("sums", orchestrator).results
        assert again.groupby("arm")["human"].mean().round(9).to_dict() == {"careful": 0.8, "plain": 0.4}
