"""A hundred dialogues, routed by what earlier ones showed: better than an equal share for each model, and that survives restarts."""

import json

import pytest
from wire import Wire
from wired import card

from workbench.dialogue.orchestrator import Orchestrator
from workbench.models import ModelRegistry, Prices
from workbench.settings import RoutingSettings, Settings

JUDGED = {
    "name": "judged",
    "description": "An answer, and a mark for it.",
    "roles": {"speaker": {"system": "Answer."}, "marker": {"system": "Mark.", "model": "marker"}},
    "turns": [
        {"id": "answer", "role": "speaker", "template": "{topic}"},
        {
            "id": "mark",
            "role": "marker",
            "template": "Mark this: {answer}",
            "output_schema": {
                "type": "object",
                "required": ["score"],
                "properties": {"score": {"type": "number", "minimum": 0, "maximum": 10}},
            },
        },
    ],
}
GOOD_AT = {"coder": "Python", "linguist": "French", "generalist": ""}
TOPICS = (
    "Write a Python function that sorts a list of {n} names.",
    "Translate this sentence into French: the {n} birds are singing.",
)


def speak(asked):
    """Answer well or badly, by what a model is good at; mark what was answered."""
    model, prompt = asked.body["model"], asked.body["messages"][-1]["content"]
    if model == "marker":
        return json.dumps({"score": {"well": 9, "fairly": 5}.get(prompt.split(": ")[1].split()[0], 1)})
    strength = GOOD_AT[model]
    return "fairly so" if not strength else "well done" if strength in prompt else "badly done"


def mean_quality(folder, policy, restart_after=50):
    """Return the mean mark of a hundred dialogues, 0 to 1; the workspace is opened anew in their middle."""
    marks = []
    with Wire(answer=speak) as wire:
        settings = Settings(workspace=folder, routing=RoutingSettings(seed=5))
        registry = ModelRegistry(settings)
        for name in (*GOOD_AT, "marker"):
            registry.register(card(wire, name=name, id=f"openai/{name}", prices=Prices(input=1, output=1)))
        for begin in range(0, 100, restart_after):
            with Orchestrator(settings=settings, models=registry) as workbench:
                for number in range(begin, begin + restart_after):
                    topic = TOPICS[number % 2].format(n=number)
                    options = {"participants": {"speaker": policy}, "candidates": list(GOOD_AT), "stream": False}
                    marks.append(workbench.run(JUDGED, topic, **options).transcript["mark"].data["score"] / 10)
    return sum(marks) / len(marks)


@pytest.mark.slow
def test_learned_routing_beats_equal_shares_over_the_first_hundred_dialogues(tmp_path):
    learned = mean_quality(tmp_path / "learned", "route:learned")
    equal = mean_quality(tmp_path / "equal", "route:round-robin")
    assert equal == pytest.approx(0.5, abs=0.05)
    assert learned >= 1.1 * equal


@pytest.mark.slow
def test_capability_routing_sends_declared_tasks_to_the_declared_best(tmp_path):
    """Of the kinds that the built-in rules know, each is declared best by one model."""
    best = {"coding": "coder", "maths": "mathematician", "writing": "writer"}
    tasks = {
        "coding": ["Fix the bug in this Python function: def f(x): retrun x", "Write a SQL query that joins two tables."],
        "maths": ["Solve x^2 - 5x + 6 = 0.", "Compute the derivative of sin(x) * x."],
        "writing": ["Write a short story about a lighthouse.", "Write a poem about autumn rain."],
    }
    with Wire() as wire:
        settings = Settings(workspace=tmp_path)
        registry = ModelRegistry(settings)
        for capability, name in best.items():
            scores = {other: 0.9 if other == capability else 0.5 for other in best}
            registry.register(card(wire, name=name, id=f"openai/{name}", capabilities=scores))
        with Orchestrator(settings=settings, models=registry) as workbench:
            right = [
                workbench.route(text, policy="capability", models=list(best.values())).choice.model == best[capability]
                for capability, texts in tasks.items()
                for text in texts
            ]
    assert sum(right) >= 0.9 * len(right)
