"""The approaches: the debate, brought to one answer, and the baselines as runs of their modes by the debate's models."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from workbench.dialogue.casting.cast import JUDGES
from workbench.dialogue.casting.run import RunSpec
from workbench.dialogue.dialogue import Dialogue
from workbench.dialogue.planning.compiling import compile_mode
from workbench.dialogue.planning.plan import Plan
from workbench.dialogue.rules.loader import ModeLoader
from workbench.dialogue.rules.mode import LimitsSpec, Mode, TurnSpec
from workbench.errors import ModeError

BASELINES: Final[Mapping[str, str | None]] = {
    "single": None,
    "chain_of_thought": None,
    "self_consistency": "samples",
    "self_correction": "rounds",
    "consultancy": "rounds",
}
"""Mode of each baseline to the parameter that says how large it is; None for one that is always one call."""
PILOT: Final = "chain_of_thought"
"""Runs before the others: it tells how long answers to this case are."""
ANSWER: Final = "answer"
_SCHEMA: Final[dict[str, Any]] = {
    "type": "object",
    "required": [ANSWER],
    "properties": {ANSWER: {"type": ["string", "number", "boolean"]}},
}
_ASK: Final = """\
The matter was: {topic}

So what is the answer to it, after all that was said? Write it in this form: {"answer": "…"}. There … is just what is asked for
(a number, a name, yes or no) or, where more is asked for, the whole answer, without a word about how it came about."""


def with_answer(mode: Mode, plan: Plan) -> Mode:
    """Return a mode whose last turn gives its answer as data; one that does so already as it is.

    The turn belongs to the role that decides, else to the one that spoke last, and sees everything.

    Raises:
        ModeError: no model speaks in the mode.
    """
    if not plan.spoken:
        raise ModeError(f"in mode {mode.name} no model speaks, so there is nothing to compare")
    last = plan.turns[-1]
    if last.output_schema is not None and ANSWER in last.output_schema.get("properties", {}):
        return mode
    everything = [turn.id for turn in plan.turns]
    name = next(name for name in (ANSWER, "final_answer", "the_answer_at_the_end") if name not in plan.by_id)
    turn = TurnSpec(role=decider(plan), id=name, sees="all", depends_on=everything, template=_ASK, output_schema=_SCHEMA)
    if isinstance(mode.turns, list):
        return mode.model_copy(update={"turns": [*mode.turns, turn]})
    number = mode.turns + 1
    return mode.model_copy(update={"turns": number, "additional_turns": mode.additional_turns | {f"turn_{number}": turn}})


def decider(plan: Plan) -> str:
    """Return the role that decides in a mode: its judge, else whoever speaks last."""
    return next((role for role in JUDGES if role in plan.roles), plan.spoken[-1].role)


def contestant(plan: Plan) -> str:
    """Return the role whose model answers alone in the baselines: the first to speak that does not decide."""
    judge = decider(plan)
    return next((turn.role for turn in plan.spoken if turn.role != judge), judge)


def baseline_run(debate: RunSpec, name: str, topic: str, size: int | None, limits: LimitsSpec | None = None) -> RunSpec:
    """Return a baseline's run, played by the debate's models: its judge where there is one, else the contestant."""
    mode, before = ModeLoader().load(name), debate.plan()
    parameter = BASELINES[name]
    parameters = {} if parameter is None or size is None else {parameter: size}
    alone, deciding = debate.cast[contestant(before)], debate.cast[decider(before)]
    roles = compile_mode(mode, parameters).roles
    return RunSpec(
        mode=mode,
        topic=topic,
        parameters=parameters,
        cast={role: deciding if role in JUDGES else alone for role in roles},
        limits=limits or LimitsSpec(),
        seed=debate.seed,
        max_output=debate.max_output,
        stream=debate.stream,
    )


def size_of(dialogue: Dialogue, name: str) -> int | None:
    """Return how many samples or rounds a baseline's dialogue was given; None for one that has none, and for the debate."""
    given = dialogue.snapshot().run.get("parameters", {}).get(BASELINES.get(name))
    return given if isinstance(given, int) else None
