"""A paper on a shelf, and models on the wire that debate it: what they say follows from what they are asked."""

from __future__ import annotations

import json
from typing import Any

from paper_files import SAMPLES

from workbench.dialogue import Orchestrator
from workbench.models import ModelCard, Prices
from workbench.papers import Reader, Shelf
from workbench.settings import RetrySettings, Settings

TRUE = "A gauge that freezes reports a constant value, which the check rejects."
NEAR = "A gauge that freezes reports a constant value, which the check accepts."
FALSE = "Gauges never freeze in these rivers at all."


def judgement(*quotes: str, weeks: tuple[float, float, float] = (2, 4, 8), **more: Any) -> dict[str, Any]:
    """What an assessor says, with a claim for each quote."""
    low, likely, high = weeks
    claims = [{"text": f"The paper says so in {number}.", "quote": quote} for number, quote in enumerate(quotes, 1)]
    said = {"implementable": True, "weeks": {"low": low, "likely": likely, "high": high}, "confidence": 0.6}
    return said | {"reasoning": "It is known ground.", "claims": claims} | more


def decision(*quotes: str, **more: Any) -> dict[str, Any]:
    """What a judge says."""
    lists = {"prerequisites": ["A week of readings"], "risks": ["Ice"], "benefits": ["Fewer false alarms"]}
    return judgement(*quotes, **lists, difficulty=4, dissent="The sceptic doubts the weeks.", **more)


class Debate:
    """Answers a debate of an assessment; an `answer` of `Wire`.

    Attributes:
        positions: what the assessors say, one after the other.
        rebuttals: what each says then.
        decided: what the judge says.
    """

    def __init__(self) -> None:
        self.positions = [judgement(TRUE), judgement(FALSE, confidence=0.2), judgement(NEAR, weeks=(1, 2, 3))]
        self.rebuttal = judgement(TRUE, confidence=0.5)
        self.decided: Any = decision(TRUE)

    def __call__(self, asked: Any) -> str:
        prompt = "\n".join(message["content"] for message in asked.body["messages"])
        if "Decide:" in prompt:
            said = self.decided
        elif "Answer the others" in prompt:
            said = self.rebuttal
        else:
            voices = enumerate(("advocate", "sceptic", "engineer"))
            said = self.positions[next(number for number, who in voices if f"You are the {who}" in prompt)]
        return said if isinstance(said, str) else json.dumps(said)


def prompts(wire: Any, phrase: str) -> list[str]:
    """The requests whose last message has a phrase, whole."""
    bodies = (asked.body["messages"] for asked in wire.requests)
    return ["\n".join(message["content"] for message in body) for body in bodies if phrase in body[-1]["content"]]


def stage(folder: Any, wire: Any, **card: Any) -> Orchestrator:
    """An orchestrator whose models `a`, `b` and `c` are on the wire; a token costs a millionth of a dollar."""
    settings = Settings(workspace=folder, retry=RetrySettings(base=0.001, cap=0.01))
    orchestrator = Orchestrator(settings=settings)
    for name in "abc":
        orchestrator.models.register(
            ModelCard(name=name, id=f"openai/{name}", api_base=wire.openai, prices=Prices(input=1, output=1), **card)
        )
    return orchestrator


def shelf_of(orchestrator: Orchestrator, reader: Reader, sample: str = "revtex") -> tuple[Shelf, str]:
    """A shelf with one sample paper, and the paper's id."""
    shelf = Shelf(orchestrator.record, orchestrator.settings.workspace, reader=reader)
    [added] = shelf.add(SAMPLES / f"{sample}.pdf", offline=True)
    return shelf, added.row.id
