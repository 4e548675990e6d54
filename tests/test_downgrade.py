"""The downgrade path: under a ceiling in USD a cheaper model is asked, rounds are left out, and the closing turn is heard."""

import random

import pytest
from golden import RUNS, family
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from scripted import USUAL, Script, schema_in
from stage import Actors, card, line, orchestra, quick
from wire import Wire

from workbench.dialogue import ModeLoader, Orchestrator
from workbench.dialogue.casting.run import RunSpec
from workbench.dialogue.money.budget import prompt_bound
from workbench.errors import WorkbenchError
from workbench.events import Status, Usage
from workbench.models import Chunk, Client, ModelConfig, ModelRegistry
from workbench.settings import BudgetSettings, Settings

MODES = sorted(mode.name for mode in ModeLoader().modes())
HOSTED = [card for card in ModelRegistry() if not card.local and "endpoint" not in card.tags]
WORD = "x" * 7


def at(endpoint):
    """The default cards, served by one endpoint that speaks OpenAI's protocol."""
    registry = ModelRegistry()
    for each in HOSTED:
        registry.register(each.model_copy(update={"id": f"openai/{each.name}", "api_base": endpoint, "json_schema": False}))
    return registry


def closed(dialogue):
    """Whether the last turn was said that no condition ruled out; of a repeated one, in any round."""
    plan, transcript = RunSpec.model_validate(dialogue.transcript.run).plan(), dialogue.transcript
    ruled_out = {name for name, event in transcript.skipped.items() if not event.reason.startswith("budget: ")}
    last = next(turn for turn in reversed(plan.turns) if turn.id not in ruled_out)
    return plan.standing(last.id, transcript.said) is not None


def long_as_allowed(script, rng):
    """What a model says that uses what it may, or some of it: a word of eight bytes is a token."""

    def answer(prompt, allowed):
        if schema_in(prompt):
            return script.say(prompt)
        return " ".join([WORD] * (allowed if rng.random() < 0.5 else rng.randint(1, allowed)))

    return answer


ceilings = st.floats(0.1, 3.0) | st.floats(0.1, 0.2)


@pytest.mark.parametrize("mode", MODES)
@settings(max_examples=3, deadline=None)
@given(ceiling=ceilings, model=st.sampled_from([card.name for card in HOSTED]), seed=st.integers(0, 2**32))
@example(ceiling=0.1, model="claude-opus", seed=0)
@example(ceiling=0.109375, model="gemini-pro", seed=20)
def test_every_mode_is_closed_under_every_ceiling_however_dear_its_calls_turn_out(mode, ceiling, model, seed, tmp_path_factory):
    """Prompts cost up to what was reserved for them, which no real tokeniser comes near."""
    rng, script = random.Random(seed), Script(**USUAL)
    say, truly = long_as_allowed(script, rng), []
    registry = at("http://127.0.0.1:9/v1")
    cards = {card.id: card for card in registry}

    async def act(request):
        text = say(request.messages[-1]["content"], request.sampling.max_tokens)
        usage = Usage(rng.randint(1, prompt_bound(request.messages)), min(len(text.split()), request.sampling.max_tokens))
        truly.append(cards[request.model].cost(usage))
        yield Chunk(text=text, finish_reason="stop", usage=usage)

    calm = quick(tmp_path_factory.mktemp("w"))
    with Orchestrator(settings=calm, models=registry, client=Client(calm, Actors(act), seed=1)) as workbench:
        dialogue = workbench.run(mode, RUNS[mode]["topic"], models=[model], limits={"max_cost": ceiling})
        everyone = list(family(dialogue))
    assert dialogue.status.succeeded, dialogue.reason
    assert closed(dialogue)
    assert sum(truly) <= ceiling
    assert all(each.status.succeeded for each in everyone), [each.reason for each in everyone]


@pytest.fixture(scope="module")
def wire():
    """A server whose answers fill what they may, and that tells what it counts."""
    rng, script = random.Random(7), Script(**USUAL)
    say = long_as_allowed(script, rng)
    with Wire(answer=lambda asked: say(asked.body["messages"][-1]["content"], asked.body["max_tokens"])) as wire:
        wire.prompt_tokens = 50  # fewer than the bytes of any prompt here
        yield wire


@pytest.mark.parametrize("mode", MODES)
@settings(max_examples=2, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(ceiling=ceilings, model=st.sampled_from([card.name for card in HOSTED]))
@example(ceiling=0.1, model="claude-opus")
def test_every_mode_is_closed_on_the_wire(mode, ceiling, model, wire, tmp_path_factory):
    registry = at(wire.openai)
    with Orchestrator(settings=quick(tmp_path_factory.mktemp("w")), models=registry) as workbench:
        dialogue = workbench.run(mode, RUNS[mode]["topic"], models=[model], limits={"max_cost": ceiling}, stream=False)
        spent = sum(call.cost for each in family(dialogue) for turn in each.transcript for call in turn.calls)
    assert dialogue.status.succeeded, dialogue.reason
    assert closed(dialogue)
    assert spent <= ceiling


DEAR, MIDDLING, CHEAP = card("dear", 100.0), card("middling", 20.0), card("cheap", 1.0)
PATH = {"downgrade": ["cheaper", "fewer_rounds", "stop"]}


async def long(request):
    """Use all the tokens that are allowed."""
    text = " ".join([WORD] * request.sampling.max_tokens)
    yield Chunk(text=text, finish_reason="stop", usage=Usage(prompt_bound(request.messages), request.sampling.max_tokens))


def debate(**limits):
    """Rounds of two, and a judge."""
    block = {"repeat": 4, "turns": [{"role": "a", "template": "For?"}, {"role": "b", "template": "Against?"}]}
    return {"name": "stage", "turns": [block, {"role": "judge", "sees": "all", "template": "So?"}], "limits": limits}


def models_by_turn(dialogue):
    return {turn.id: turn.served for turn in dialogue.transcript}


def stage(folder, *cards):
    """A workspace in which only these models exist."""
    orchestrator, actors = orchestra(folder, long, models=ModelRegistry(Settings(models={})))
    orchestrator.models._cards = {each.name: each for each in cards}
    return orchestrator, actors


def test_a_cheaper_model_is_asked_and_the_record_says_why(tmp_path):
    orchestrator, _ = stage(tmp_path, DEAR, CHEAP)
    with orchestrator:
        dialogue = orchestrator.run(debate(**PATH), "x", models=[DEAR], limits={"max_cost": 0.25})
    served = models_by_turn(dialogue)
    assert (dialogue.status, served["a_1"], served["judge"]) == (Status.COMPLETED, "dear", "cheap")
    fell = {each.turn: (each.asked, each.model, each.reason) for each in dialogue.fallbacks}
    assert fell["judge"] == ("dear", "cheap", "dear: budget")
    assert [card["name"] for card in dialogue.transcript.run["cheaper"]["judge"]] == ["cheap"]
    assert dialogue.metrics.cost <= 0.25


def test_the_roles_own_fallbacks_come_before_other_models(tmp_path):
    orchestrator, _ = stage(tmp_path, DEAR, CHEAP)
    with orchestrator:
        chain = ModelConfig(DEAR, [MIDDLING])
        dialogue = orchestrator.run(debate(downgrade=["cheaper"]), "x", models=[chain], limits={"max_cost": 0.25})
    assert list(dict.fromkeys(filter(None, models_by_turn(dialogue).values()))) == ["dear", "middling", "cheap"]


@pytest.mark.parametrize(
    "unfit",
    [
        CHEAP.model_copy(update={"prices": None}),
        CHEAP.model_copy(update={"id": "local/cheap"}),
        CHEAP.model_copy(update={"tags": ("endpoint",)}),
        CHEAP.model_copy(update={"key": "NO_SUCH_KEY"}),
        CHEAP.model_copy(update={"prices": DEAR.prices}),
    ],
    ids=["no price", "in this process", "an endpoint", "no key", "as dear"],
)
def test_what_cannot_be_asked_or_saves_nothing_is_not_offered(tmp_path, unfit):
    orchestrator, _ = stage(tmp_path, DEAR, unfit)
    with orchestrator:
        spec, _ = orchestrator.prepare(debate(**PATH), "x", models=[DEAR], limits={"max_cost": 1})
    assert spec.cheaper == {}


def test_a_role_is_offered_what_declares_all_that_it_requires(tmp_path):
    able = CHEAP.model_copy(update={"name": "able", "id": "openai/able", "capabilities": {"analysis": 0.5}})
    orchestrator, _ = stage(tmp_path, DEAR, CHEAP, able)
    mode = debate(**PATH) | {"roles": {"judge": {"requires": ["analysis"]}}}
    with orchestrator:
        spec, _ = orchestrator.prepare(mode, "x", models=[DEAR], limits={"max_cost": 1})
        free, _ = orchestrator.prepare(mode, "x", models=[DEAR])
        held, _ = orchestrator.prepare(mode, "x", models=[DEAR], limits={"max_cost": 1}, fallbacks="forbid")
    assert [each.name for each in spec.cheaper["judge"]] == ["able"]
    assert {each.name for each in spec.cheaper["a"]} == {"able", "cheap"}
    assert (free.cheaper, held.cheaper) == ({}, {})


def test_rounds_that_do_not_fit_are_left_out_whole_and_the_judge_is_heard(tmp_path):
    orchestrator, _ = stage(tmp_path, CHEAP)
    with orchestrator:
        dialogue = orchestrator.run(debate(downgrade=["fewer_rounds"]), "x", models=[CHEAP], limits={"max_cost": 0.03})
    said, skipped = dialogue.transcript.said, dialogue.transcript.skipped
    assert dialogue.status is Status.COMPLETED
    assert "judge" in said
    assert said.keys() >= {"a_1", "b_1"}
    assert skipped
    assert {name[-1] for name in skipped}.isdisjoint({name[-1] for name in said})  # a round is spoken by both or by none
    assert all(event.reason.startswith("budget: ") and "max_cost=0.03 USD" in event.reason for event in skipped.values())
    assert dialogue.metrics.cost <= 0.03


def test_money_is_kept_back_from_the_first_turn_on(tmp_path):
    """Whole answers of the first three would leave nothing for the fourth: each is a prompt of eight bytes a token for the next."""
    orchestrator, actors = stage(tmp_path, CHEAP)
    with orchestrator:
        options = {"models": [CHEAP], "limits": {"max_cost": 0.02}}
        kept = orchestrator.run(line(4) | {"limits": {"downgrade": ["fewer_rounds"]}}, "x", **options)
        lengths = [request.sampling.max_tokens for request in actors.asked]
        spent = orchestrator.run(line(4), "x", **options)
    assert (kept.status, len(kept.transcript.said)) == (Status.COMPLETED, 4)
    assert lengths[0] == 1024 > lengths[1] >= 256
    assert (spent.status, len(spent.transcript.said)) == (Status.COST_LIMITED, 3)
    assert max(kept.metrics.cost, spent.metrics.cost) <= 0.02


def test_without_a_path_a_dialogue_stops_as_it_always_did(tmp_path):
    orchestrator, _ = stage(tmp_path, DEAR, CHEAP)
    with orchestrator:
        dialogue = orchestrator.run(debate(), "x", models=[DEAR], limits={"max_cost": 0.25})
    assert (dialogue.status, dialogue.fallbacks, dialogue.transcript.skipped) == (Status.COST_LIMITED, [], {})
    assert dialogue.reason.startswith("max_cost: the next call to dear could pass max_cost=0.25 USD")


def test_what_cannot_be_kept_back_is_not_a_reason_to_say_nothing(tmp_path):
    orchestrator, _ = stage(tmp_path, DEAR)
    with orchestrator:
        dialogue = orchestrator.run(debate(**PATH), "x", models=[DEAR], limits={"max_cost": 0.02})
    assert dialogue.status is Status.COST_LIMITED
    assert "a_1" in dialogue.transcript.said


def test_a_resume_saves_with_the_models_that_it_began_with(tmp_path):
    orchestrator, actors = stage(tmp_path, DEAR, CHEAP)
    with orchestrator:
        dialogue = orchestrator.run(debate(**PATH), "x", models=[DEAR], limits={"max_cost": 0.25, "max_calls": 4})
        assert dialogue.status is Status.COST_LIMITED
        again = orchestrator.resume(dialogue.id, limits={"max_calls": 99})
    assert again.status is Status.COMPLETED
    assert again.metrics.cost <= 0.25
    assert actors.asked[-1].model == "openai/cheap"


def test_a_day_that_is_nearly_spent_is_saved_on_too(tmp_path):
    orchestrator, actors = stage(tmp_path, DEAR, CHEAP)
    orchestrator.settings = orchestrator.settings.model_copy(update={"budget": BudgetSettings(day=0.25)})
    with orchestrator:
        first = orchestrator.run(debate(**PATH), "x", models=[DEAR])
        assert (first.status, models_by_turn(first)["judge"]) == (Status.COMPLETED, "cheap")
    assert actors.asked


@pytest.mark.parametrize(
    ("path", "message"),
    [
        (["stop", "cheaper"], "nothing comes after stop"),
        (["cheaper", "cheaper"], "each step stands once"),
        (["cheapest"], "downgrade"),
    ],
)
def test_a_path_without_sense_is_refused(tmp_path, path, message):
    orchestrator, _ = orchestra(tmp_path, long)
    with orchestrator, pytest.raises(WorkbenchError, match=message):
        orchestrator.run(debate(downgrade=path), "x", models=[DEAR])
