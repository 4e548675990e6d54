"""Answers without a key: a referee compares two of them, anonymous, in both orders.

Each order is a dialogue of its own. Where the two disagree, or one of them says so, the judgement is a tie.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final, Literal

from workbench.dialogue.baselines.setup import Setup
from workbench.dialogue.casting.run import RunSpec
from workbench.dialogue.dialogue import Dialogue
from workbench.dialogue.rules.loader import ModeLoader
from workbench.errors import WorkbenchError
from workbench.models import ModelCard, ModelRegistry
from workbench.models.families import family_of

ORDERS: Final = ("ab", "ba")
"""The debate's answer first, then the baseline's; and the other way round."""
REFEREE_MODE: Final = Path(__file__).with_name("preference.yaml")
_BETWEEN: Final = 1000
"""Between the seeds of two judgements."""
_ASK: Final = """\
The question:

{topic}

Answer A:

{first}

Answer B:

{second}"""

Winner = Literal["debate", "baseline", "tie"]


def referee_run(setup: Setup, debate: RunSpec, topic: str, answers: tuple[str, str], order: str, judgement: int) -> RunSpec:
    """Return the run in which the referee compares two answers.

    Args:
        setup: of the comparison.
        debate: its seed, if it has one, is where those of the judgements begin.
        topic: of the case.
        answers: the debate's, the baseline's.
        order: in which they are shown.
        judgement: from 1.
    """
    return RunSpec(
        mode=ModeLoader.from_file(REFEREE_MODE),
        topic=pair_shown(topic, answers, order),
        cast={"judge": setup.referee},
        seed=None if debate.seed is None else debate.seed + _BETWEEN * judgement,
        max_output=debate.max_output,
        stream=debate.stream,
    )


def pair_shown(topic: str, answers: tuple[str, str], order: str) -> str:
    """Return what a referee is shown: a question and two answers, in the order `ab` or `ba`."""
    first, second = answers if order == "ab" else reversed(answers)
    return _ASK.format_map({"topic": topic, "first": first, "second": second})


def winner_of(both: tuple[Dialogue, Dialogue]) -> Winner:
    """Return who won a judgement.

    Args:
        both: the complete dialogues of its two orders.
    """
    chosen = {_chosen(dialogue, order) for dialogue, order in zip(both, ORDERS, strict=True)}
    return chosen.pop() if len(chosen) == 1 else "tie"


def choose_referee(registry: ModelRegistry, contestants: list[ModelCard]) -> ModelCard:
    """Return the best model for analysis with a key that belongs to no contestant's family.

    Raises:
        WorkbenchError: there is none; naming a referee, whoever it is, is the way out.
    """
    families = {family_of(card) for card in contestants}
    outside = [card for card in registry.capable(["analysis"]) if family_of(card) not in {None, *families}]
    paid = [card for card in outside if not card.local and "endpoint" not in card.tags]
    if not paid:
        raise WorkbenchError(
            "without expected answers a referee has to compare the answers, and no model outside the contestants' families "
            "has its key set",
            hint="Name one (referee=MODEL), or give each case its expected answer.",
        )
    return paid[0]


def doubts(referee: ModelCard, contestants: list[ModelCard]) -> list[str]:
    """Return what speaks against a referee's impartiality, in sentences."""
    family = family_of(referee)
    if family is None:
        return [f"Nobody knows to which family the referee, {referee.name}, belongs: it may favour its own."]
    related = sorted({card.name for card in contestants if family_of(card) == family})
    if related:
        return [
            f"The referee, {referee.name}, is of the same family ({family}) as {', '.join(related)}: it may favour its own."
        ]
    return []


def _chosen(dialogue: Dialogue, order: str) -> Winner:
    label = (dialogue.snapshot().data.get("preference") or {}).get("winner")
    if label not in ("A", "B"):
        return "tie"
    return "debate" if (label == "A") == (order == "ab") else "baseline"
