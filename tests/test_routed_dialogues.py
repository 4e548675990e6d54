"""Roles whose model is `route`: who is chosen and why, what the record says of it, and what happens when things go wrong."""

import sqlite3

import pytest
import yaml
from patience import wait_until
from wire import Wire
from wired import card

from workbench.dialogue.orchestrator import Orchestrator
from workbench.errors import UnknownModelError, WorkbenchError
from workbench.events import Status
from workbench.models import ModelRegistry, Prices
from workbench.records.rating import Rating
from workbench.settings import RetrySettings, RoutingSettings, Settings

ALONE = {
    "name": "alone",
    "description": "One turn.",
    "roles": {"speaker": {"system": "Speak.", "requires": ["reasoning"]}},
    "turns": [{"role": "speaker", "template": "{topic}"}],
}
TWICE = ALONE | {
    "name": "twice",
    "turns": [{"id": "one", "role": "speaker", "template": "{topic}"}, {"id": "two", "role": "speaker", "template": "More."}],
}


@pytest.fixture
def wire():
    with Wire() as wire:
        yield wire


@pytest.fixture
def workspace(tmp_path, wire):
    """Opens orchestrators on one record, with a dear, a middling and a cheap model on the wire."""
    opened = []

    def open_one(**routing):
        retry = RetrySettings(base=0.001, cap=0.01, attempts=1, breaker_failures=1, breaker_seconds=600)
        settings = Settings(workspace=tmp_path, retry=retry, routing=RoutingSettings(**{"seed": 3} | routing))
        registry = ModelRegistry(settings)
        for name, score, price in (("dear", 0.95, 10.0), ("middling", 0.8, 1.0), ("cheap", 0.4, 0.1)):
            prices = Prices(input=price, output=4 * price)
            registry.register(
                card(wire, name=name, id=f"openai/{name}", provider=name, capabilities={"reasoning": score}, prices=prices)
            )
        opened.append(Orchestrator(settings=settings, models=registry))
        return opened[-1]

    yield open_one
    for orchestrator in opened:
        orchestrator.close()


NAMES = ["dear", "middling", "cheap"]
TOPIC = "Why is the sky blue?"


def run(workbench, policy, mode=ALONE, **more):
    speaker = f"route:{policy}" if policy else "route"
    return workbench.run(mode, TOPIC, models=[speaker], **{"candidates": NAMES, "stream": False} | more)


@pytest.mark.parametrize(("policy", "chosen"), [("capability", "dear"), ("cheapest", "middling"), ("fixed:cheap", "cheap")])
def test_a_policy_chooses_and_the_record_says_why(workspace, policy, chosen):
    workbench = workspace()
    dialogue = run(workbench, policy)
    turn = dialogue.transcript.turns[0]
    assert (turn.model, turn.served) == (chosen, chosen)
    assert turn.choice["policy"] == policy
    assert turn.choice["propensity"] == 1.0
    assert set(turn.choice["scores"]) == set(NAMES)
    assert turn.choice["reason"]
    row = workbench.record.turns(dialogue.id).iloc[0]
    assert chosen in row["choice"]
    stored = workbench.record.events(dialogue.id)
    assert next(event for event in stored if event.type == "turn_started").choice == turn.choice


def test_what_a_role_requires_says_which_declared_score_counts(workspace):
    workbench = workspace()
    dialogue = workbench.run(ALONE, "Write a poem about rain.", models=["route:capability"], candidates=NAMES, stream=False)
    turn = dialogue.transcript.turns[0]
    assert (turn.choice["kind"], turn.choice["capability"], turn.model) == ("creative", "reasoning", "dear")


def test_route_alone_means_the_policy_of_the_settings(workspace):
    assert run(workspace(policy="cheapest"), "").transcript.turns[0].choice["policy"] == "cheapest"


def test_candidates_are_those_of_the_settings_unless_the_run_names_others(workspace):
    workbench = workspace(models=["cheap", "middling"])
    assert run(workbench, "capability", candidates=()).transcript.turns[0].model == "middling"
    assert run(workbench, "capability", candidates=["cheap"]).transcript.turns[0].model == "cheap"


def test_without_candidates_those_are_asked_that_declare_what_the_role_requires(workspace, monkeypatch):
    for key in ("OPENAI_API_KEY", "ANTHROPIC_API_KEY"):
        monkeypatch.delenv(key, raising=False)
    spec, parts = workspace().prepare(ALONE, "Why?", models=["route:capability"])
    assert {"dear", "middling", "cheap"} <= {model.name for model in spec.cast["speaker"]}
    assert all("reasoning" in model.capabilities and model.ready for model in spec.cast["speaker"])
    assert "capability chooses for each turn" in parts["speaker"].why


@pytest.mark.parametrize(("speaker", "names", "says"), [("route:lerned", NAMES, "learned"), ("route", ["deer"], "dear")])
def test_what_does_not_exist_is_refused_before_anything_is_called(workspace, wire, speaker, names, says):
    with pytest.raises(WorkbenchError, match="no ") as error:
        workspace().run(ALONE, "Why?", models=[speaker], candidates=names)
    assert says in error.value.hint
    assert not wire.requests


def test_nothing_to_choose_from_is_said(tmp_path):
    class Keyless(ModelRegistry):
        def capable(self, requires, *, only_ready=True):
            return []

    settings = Settings(workspace=tmp_path)
    with (
        Orchestrator(settings=settings, models=Keyless(settings)) as workbench,
        pytest.raises(UnknownModelError, match="nothing to choose from"),
    ):
        workbench.run(ALONE, "Why?", models=["route"])


def test_when_the_chosen_one_fails_the_next_best_of_another_provider_serves(workspace, wire):
    wire.faults = lambda asked: "500" if asked.body["model"] == "dear" else None
    workbench = workspace()
    turn = run(workbench, "capability").transcript.turns[0]
    assert (turn.model, turn.served) == ("dear", "middling")
    assert turn.calls[-1].fallback_reason.startswith("dear")


def test_the_best_of_another_provider_stands_before_a_better_one_of_the_same(workspace, wire):
    wire.faults = lambda asked: "500" if asked.body["model"] == "dear" else None
    workbench = workspace()
    workbench.models.register(workbench.models.get("middling").model_copy(update={"provider": "dear"}))
    assert run(workbench, "capability").transcript.turns[0].served == "cheap"


def test_a_provider_that_rests_is_not_chosen(workspace, wire):
    wire.faults = lambda asked: "500" if asked.body["model"] == "dear" else None
    workbench = workspace()
    run(workbench, "capability")
    turn = run(workbench, "capability").transcript.turns[0]
    assert (turn.model, len(turn.calls)) == ("middling", 1)


def test_where_fallbacks_are_forbidden_the_chosen_one_stands_alone(workspace, wire):
    wire.faults = lambda asked: "500"
    dialogue = run(workspace(), "capability", fallbacks="forbid")
    assert dialogue.status is Status.FAILED
    assert {asked.body["model"] for asked in wire.requests} == {"dear"}


def test_a_resume_keeps_the_choice_that_was_made(workspace, wire):
    wire.faults = lambda asked: "stall" if asked.number == 2 else None
    workbench = workspace()
    dialogue = workbench.start(TWICE, "Why?", models=["route:round-robin"], candidates=NAMES)
    wait_until(lambda: len(wire.requests) == 2 and wire.written > 12)
    dialogue.cancel()
    dialogue.wait()
    before = dialogue.transcript["two"].choice
    wire.faults = lambda asked: None
    again = workspace().resume(dialogue.id)
    assert before["model"] == "middling"  # a new round would begin with the first again
    assert again.transcript["two"].choice == before
    assert again.transcript["two"].model == before["model"]
    assert again.status is Status.COMPLETED


def test_a_sub_dialogue_routes_as_its_parent_does(workspace):
    outer = {
        "name": "outer",
        "description": "Opens one.",
        "roles": {"speaker": {"system": "Speak."}},
        "turns": [
            {"id": "first", "role": "speaker", "template": "{topic}"},
            {"id": "inner", "sees": ["first"], "spawn": {"mode": "twice"}},
        ],
    }
    workbench = workspace()
    (workbench.settings.workspace / "twice.yaml").write_text(yaml.safe_dump(TWICE))
    dialogue = run(workbench, "cheapest", mode=outer)
    child = workbench.load(next(iter(dialogue.transcript.children)))
    assert [turn.choice["policy"] for turn in child.transcript.turns] == ["cheapest", "cheapest"]


def word(number, model, quality, task, turn="t"):
    known = {"kind": task.kind, "capability": "reasoning", "features": task.features}
    return Rating(f"d{number}", turn, "speaker", model, quality, "person", cost=0.001, **known)


def test_what_was_learned_survives_a_restart_and_is_acted_upon(workspace):
    workbench = workspace()
    task = workbench.router.task(TOPIC)
    workbench.record.rate(word(number, NAMES[number % 3], float(number % 3 == 2), task) for number in range(60))
    chosen = [run(workbench, "learned").transcript.turns[0].choice for _ in range(5)]
    assert workbench.record.learned("learned").ratings == 60
    assert all(choice["scores"]["cheap"] == max(choice["scores"].values()) for choice in chosen)
    workbench.close()
    again = run(workspace(), "learned").transcript.turns[0].choice
    assert again["scores"] == pytest.approx(chosen[0]["scores"])
    assert again["model"] == "cheap"
    assert 0.5 < again["propensity"] <= 1


def test_a_changed_rating_is_learned_in_place_of_the_old_one(workspace):
    workbench = workspace()
    task = workbench.router.task(TOPIC)

    def rate(dear, cheap):
        workbench.record.rate(word(number, "dear", dear, task) for number in range(20))
        workbench.record.rate(word(number, "cheap", cheap, task, "u") for number in range(20))
        return run(workbench, "learned").transcript.turns[0].choice["scores"]

    before = rate(0.0, 1.0)
    assert before["cheap"] > before["dear"]
    after = rate(1.0, 0.0)
    assert after["dear"] > after["cheap"]
    assert run(workspace(), "learned").transcript.turns[0].choice["scores"] == pytest.approx(after)
    assert workbench.record.learned("learned").ratings == 40


def test_what_is_kept_is_not_read_again(workspace, tmp_path):
    workbench = workspace()
    task = workbench.router.task(TOPIC)
    workbench.record.rate(word(number, "cheap", 1.0, task) for number in range(20))
    before = run(workbench, "learned").transcript.turns[0].choice["scores"]
    workbench.close()
    with sqlite3.connect(tmp_path / ".workbench" / "records.db") as database:
        database.execute("UPDATE ratings SET quality = 0")  # behind everybody's back: whoever reads them again will notice
    assert run(workspace(), "learned").transcript.turns[0].choice["scores"] == pytest.approx(before)


def test_a_state_of_another_version_is_learned_anew(workspace):
    workbench = workspace()
    workbench.record.rate([word(1, "cheap", 1.0, workbench.router.task(TOPIC))])
    run(workbench, "learned")
    kept = workbench.record.learned("learned")
    workbench.record.keep_learned("learned", kept._replace(state={"version": -1}))
    again = workspace()
    assert run(again, "learned").status is Status.COMPLETED
    assert again.router.refresh("learned") == 0
