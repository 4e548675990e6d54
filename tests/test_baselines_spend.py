"""Baselines cost what the debate costs: as many samples and rounds as its money buys, held by the engine's budget."""

import pytest
from minds import Mind, cases
from stage import card, orchestra

from workbench.dialogue.baselines import compare
from workbench.dialogue.baselines.sizing import MOST
from workbench.dialogue.baselines.spend import unit_of
from workbench.errors import WorkbenchError

SIZED = ("self_consistency", "self_correction", "consultancy")


def table(folder, *, models=None, rounds=2, number=3, mind=None, **options):
    orchestrator, _ = orchestra(folder, mind or Mind())
    with orchestrator:
        models = models or [card()]
        result = compare(orchestrator, "debate", cases(number), models=models, parameters={"rounds": rounds}, **options)
    return result, {row.approach: row for row in result.rows}


@pytest.mark.parametrize("rounds", [1, 3])
@pytest.mark.parametrize("words", [15, 120])
def test_the_spend_is_that_of_the_debate(tmp_path, rounds, words):
    result, rows = table(tmp_path, rounds=rounds, number=4, mind=Mind(words=words))
    assert result.unit == "USD"
    for name in SIZED:
        smallest = rows[name].size == 1
        assert 0.65 < rows[name].ratio < (2.6 if smallest else 1.35), name
    assert rows["single"].ratio < 0.5
    assert rows["single"].size is None


def test_more_money_buys_more_samples(tmp_path):
    _, few = table(tmp_path / "few", rounds=1)
    _, many = table(tmp_path / "many", rounds=4)
    assert all(many[name].size > few[name].size for name in SIZED)


def test_no_run_passes_its_ceiling(tmp_path):
    orchestrator, _ = orchestra(tmp_path, Mind())
    with orchestrator:
        result = compare(orchestrator, "debate", cases(3), models=[card()], parameters={"rounds": 2})
        for run in result.runs:
            limits = orchestrator.load(run.dialogue).transcript.run.get("limits", {})
            assert ("max_cost" in limits) == (run.approach != "debate")
            assert run.spend.cost <= limits.get("max_cost", 1.0)


def test_what_is_free_is_compared_by_tokens(tmp_path):
    result, rows = table(tmp_path, models=[card(price=0.0)])
    assert result.unit == "tokens"
    assert rows["self_consistency"].spend == pytest.approx(rows["debate"].spend, rel=0.35)
    assert any("equal in tokens" in note for note in result.notes)
    assert unit_of([card(price=None), card()]) == unit_of([card(price=0.0)]) == "tokens"
    assert unit_of([card(price=0.0), card(price=1.0)]) == "USD"


def test_a_free_contestant_is_held_to_a_number(tmp_path):
    """Its judge costs money, so samples of the contestant would be without end."""
    result, rows = table(
        tmp_path, models=[card("free", price=0.0)], number=1, judge=card("dear"), baselines=["self_consistency"]
    )
    assert rows["self_consistency"].size == MOST
    assert any(f"held to {MOST} samples" in note for note in result.notes)


def test_a_ceiling_of_the_debate_is_its_own(tmp_path):
    """A debate that spends all it may without an answer is wrong, and the baselines get what it spent."""
    result, rows = table(tmp_path, number=2, rounds=4, limits={"max_tokens": 1500}, baselines=["single", "self_consistency"])
    assert {run.status for run in result.runs if run.approach == "debate"} == {"cost_limited"}
    assert (rows["debate"].quality, rows["debate"].no_answer) == (0.0, 2)
    assert rows["single"].quality == 1.0
    assert rows["self_consistency"].cases == 2


def test_seconds_are_those_of_calls(tmp_path):
    result, _ = table(tmp_path, number=1)
    run = result.runs[0]
    assert run.spend.seconds > 0


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"baselines": ["sigle"]}, "no baseline called 'sigle'"),
        ({"baselines": []}, "no baseline to compare with"),
        ({"margin": 0}, "between 0 and 1"),
        ({"at_once": 0}, "1 or more"),
        ({"judge": "person"}, "a person takes part"),
    ],
)
def test_what_cannot_be_compared_is_refused_before_anything_runs(tmp_path, options, says):
    orchestrator, actors = orchestra(tmp_path, Mind())
    with orchestrator, pytest.raises(WorkbenchError, match=says):
        compare(orchestrator, "debate", cases(1), models=[card()], **options)
    assert not actors.asked
