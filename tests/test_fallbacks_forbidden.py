"""A run may forbid fallbacks, so that an experiment measures the models it names; and every dialogue tells which turns fell back."""

import pytest
from scripted import Script
from stage import card as played
from stage import mode_of, orchestra, quick
from wire import Wire
from wired import card

from workbench.dialogue import Orchestrator
from workbench.dialogue.fallbacks import Fallback
from workbench.errors import WorkbenchError
from workbench.events import Status
from workbench.models import ModelConfig, ModelRegistry
from workbench.settings import DefaultSettings

BOTH = mode_of({"role": "a", "template": "{topic}"}, {"role": "b", "template": "{previous}"})


@pytest.fixture
def sick():
    """A provider whose model `sick` never answers; any other model of it does."""
    with Wire(faults=lambda asked: "401" if asked.body["model"] == "sick" else None) as wire:
        yield wire


def named(wire, *names):
    return [card(wire, name=name, id=f"openai/{name}") for name in names]


@pytest.fixture
def workbench(tmp_path, sick):
    """Behind every model stands `last`, the workspace's last resort."""
    settings = quick(tmp_path, defaults=DefaultSettings(fallback="last"))
    models = ModelRegistry(settings)
    for one in named(sick, "sick", "well", "last"):
        models.register(one)
    with Orchestrator(settings=settings, models=models) as workbench:
        yield workbench


def test_forbidden_a_turn_fails_rather_than_be_served_by_another_model(workbench, sick):
    dialogue = workbench.run(BOTH, "t", models=[ModelConfig("sick", ["well"])], fallbacks="forbid")
    assert dialogue.status is Status.FAILED
    assert [asked.body["model"] for asked in sick.requests] == ["sick"]
    assert dialogue.fallbacks == []


def test_forbidden_the_last_resort_of_the_workspace_is_not_asked_either(workbench, sick):
    assert workbench.run(BOTH, "t", models=["sick"]).fallbacks[0].model == "last"
    sick.requests.clear()
    assert workbench.run(BOTH, "t", models=["sick"], fallbacks="forbid").status is Status.FAILED
    assert {asked.body["model"] for asked in sick.requests} == {"sick"}


def test_forbidden_a_model_that_serves_serves(workbench):
    dialogue = workbench.run(BOTH, "t", models=["well"], fallbacks="forbid")
    assert dialogue.status is Status.COMPLETED
    assert {turn.served for turn in dialogue.transcript.turns} == {"well"}


def test_it_stays_forbidden_when_the_dialogue_is_resumed_or_forked_with_another_model(workbench, sick):
    stopped = workbench.run(BOTH, "t", models={"a": "well", "b": "sick"}, fallbacks="forbid")
    assert stopped.status is Status.FAILED
    assert workbench.resume(stopped.id, models={"b": ModelConfig("sick", ["well"])}).status is Status.FAILED
    assert workbench.fork(stopped.id, models={"b": ModelConfig("sick", ["well"])}).wait().status is Status.FAILED
    assert workbench.resume(stopped.id, models={"b": "well"}).status is Status.COMPLETED


def test_it_is_forbidden_in_sub_dialogues_too(tmp_path):
    with orchestra(tmp_path, Script())[0] as workbench:
        chain = ModelConfig(played("one"), [played("two")])
        spec, _ = workbench.prepare("branching_debate", "t", models=[chain], fallbacks="forbid")
        allowed, _ = workbench.prepare("branching_debate", "t", models=[chain])
    family, free = list(spec.family()), list(allowed.family())
    assert len(family) == len(free) > 1
    assert {len(chain) for each in family for chain in each.cast.values()} == {1}
    assert {len(chain) for each in free for chain in each.cast.values()} == {2}


def test_a_policy_may_choose_but_none_stands_behind_the_chosen_model(workbench, sick):
    chosen = {"models": ["route:fixed:sick"], "candidates": ["sick", "well", "last"]}
    assert workbench.run(BOTH, "t", **chosen).status is Status.COMPLETED
    sick.requests.clear()
    assert workbench.run(BOTH, "t", **chosen, fallbacks="forbid").status is Status.FAILED
    assert {asked.body["model"] for asked in sick.requests} == {"sick"}


def test_a_dialogue_tells_which_turns_fell_back_and_why(workbench, sick):
    dialogue = workbench.run(BOTH, "t", models={"a": "well", "b": ModelConfig("sick", ["well"])})
    expected = [Fallback("b", "b", "sick", "well", served=True, reason="sick: authentication")]
    assert dialogue.fallbacks == expected
    assert workbench.load(dialogue.id).fallbacks == expected


def test_a_fallback_that_fails_too_is_told_as_not_served(workbench):
    dialogue = workbench.run(BOTH, "t", models=[ModelConfig("sick", [*named_again(workbench)])])
    assert dialogue.status is Status.FAILED
    assert [(each.model, each.served) for each in dialogue.fallbacks] == [("sick_too", False)]


def named_again(workbench):
    return [workbench.models.get("sick").model_copy(update={"name": "sick_too"})]


def test_another_word_is_refused_before_anything_is_called(workbench, sick):
    with pytest.raises(WorkbenchError, match="fallbacks='never' is not known") as caught:
        workbench.run(BOTH, "t", models=["well"], fallbacks="never")
    assert "allow, forbid" in (caught.value.hint or "")
    assert sick.requests == []
