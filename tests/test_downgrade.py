"""The downgrade path: under a ceiling in USD a cheaper model is asked, rounds are left out, and the closing turn is heard."""

import random

import pytest
from golden import RUNS, family
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from scripted import USUAL, Script, schema_in
from stage import Actors, quick
from wire import Wire

from workbench.dialogue import ModeLoader, Orchestrator
from workbench.dialogue.budget import prompt_bound
from workbench.dialogue.run import RunSpec
from workbench.events import Status, Usage
from workbench.models import Chunk, Client, ModelRegistry

MODES = sorted(mode.name for mode in ModeLoader().modes())
HOSTED = [card for card in ModelRegistry() if not card.local and "endpoint" not in card.tags]
WORD = "x" * 7


def at(endpoint):
    """The default cards, served by one endpoint that speaks OpenAI's protocol."""
    registry = ModelRegistry()
    for card in HOSTED:
        registry.register(card.model_copy(update={"id": f"openai/{card.name}", "api_base": endpoint, "json_schema": False}))
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
@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(ceiling=ceilings, model=st.sampled_from([card.name for card in HOSTED]), seed=st.integers(0, 2**32))
@example(ceiling=0.1, model="claude-opus", seed=0)
def test_every_mode_is_closed_under_every_ceiling(mode, ceiling, model, seed, tmp_path_factory):
    rng, script = random.Random(seed), Script(**USUAL)
    say, truly = long_as_allowed(script, rng), []
    registry = at("http://127.0.0.1:9/v1")
    cards = {card.id: card for card in registry}

    async def act(request):
        text = say(request.messages[-1]["content"], request.sampling.max_tokens)
        usage = Usage(rng.randint(1, prompt_bound(request.messages)), min(len(text.split()), request.sampling.max_tokens))
        truly.append(cards[request.model].cost(usage))
        yield Chunk(text=text, finish_reason="stop", usage=usage)

    settings_ = quick(tmp_path_factory.mktemp("w"))
    client = Client(settings_, Actors(act), seed=1)
    with Orchestrator(settings=settings_, models=registry, client=client) as workbench:
        dialogue = workbench.run(mode, RUNS[mode]["topic"], models=[model], limits={"max_cost": ceiling})
        everyone = list(family(dialogue))
    assert dialogue.status.succeeded, dialogue.reason
    assert closed(dialogue)
    assert sum(truly) <= ceiling
    assert all(each.status.succeeded for each in everyone), [each.reason for each in everyone]
