"""What a mode costs: calls, expected tokens and USD with its parameters at their defaults, and what each further one adds."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Final

from workbench.dialogue.casting.cast import Wishes, cast_roles
from workbench.dialogue.casting.run import RunSpec
from workbench.dialogue.export.facts import money
from workbench.dialogue.money.estimate import ASSUMED, Estimate, estimate_run
from workbench.dialogue.planning.compiling import compile_mode
from workbench.dialogue.planning.plan import Plan
from workbench.errors import ModeError, WorkbenchError
from workbench.models import ModelCard, ModelRegistry
from workbench.settings import DefaultSettings

if TYPE_CHECKING:
    from workbench.dialogue.rules.mode import Mode

Cast = dict[str, tuple[ModelCard, ...]]
_LONG: Final = 300
"""Turns of a mode whose tokens are not estimated: if all see all, that would take seconds."""
_ANYBODY: Final = ModelCard(name="any model", id="openai/any")


def further(mode: Mode, plan: Plan) -> Iterator[tuple[str, Plan]]:
    """Yield each parameter that changes the number of calls, and the plan with one more of it.

    Args:
        mode: as the loader returns it.
        plan: the mode compiled with its parameters at their defaults.
    """
    for name, value in mode.parameters.items():
        if not isinstance(value, int | list):
            continue
        try:
            more = compile_mode(mode, {name: [*value, "another"] if isinstance(value, list) else value + 1})
        except ModeError:  # as many as there may be
            continue
        if len(more.spoken) != len(plan.spoken):
            yield name, more


def casting(models: ModelRegistry | None, defaults: DefaultSettings) -> Callable[[Plan], Cast]:
    """Return how a plan is cast where a run names no models. Where that fails, any model may play, at unknown prices.

    Args:
        models: the cards to choose from; None for any model.
        defaults: the workspace's models.
    """

    def cast(plan: Plan) -> Cast:
        try:
            parts = cast_roles(plan, Wishes({}), models, defaults) if models is not None else {}
        except WorkbenchError:
            parts = {}
        return {role: parts[role].chain if role in parts else (_ANYBODY,) for role in plan.roles}

    return cast


def cost_in_words(mode: Mode, plan: Plan, cast: Callable[[Plan], Cast]) -> str:
    """Return what a mode takes, and what each further one of a parameter adds, in a few sentences."""
    calls = len(plan.spoken)
    most = "at most " if any(turn.gates for turn in plan.spoken) else ""
    known = _expected(plan, cast)
    without = "retries and sub-dialogues" if any(turn.spawn for turn in plan.turns) else "retries"
    sentences = [f"It makes {most}{calls} call{'s' * (calls != 1)}, without {without}{_tokens(known)}."]
    for name, more in further(mode, plan):
        added = len(more.spoken) - calls
        sentences.append(f"Each further one of {name} makes {added} more{_tokens(_expected(more, cast), known)}.")
    if known:
        cards = dict.fromkeys(turn.model for turn in known.turns)
        prices = f"; prices of {', '.join(cards)}" if known.cost is not None else ""
        sentences.append(f"Tokens are what is expected with up to {ASSUMED} an answer, the topic not counted{prices}.")
    return " ".join(sentences)


def _expected(plan: Plan, cast: Callable[[Plan], Cast]) -> Estimate | None:
    if len(plan.turns) > _LONG:
        return None
    return estimate_run(RunSpec(mode=plan.mode, topic="", parameters=plan.parameters, cast=cast(plan)))


def _tokens(taken: Estimate | None, before: Estimate | None = None) -> str:
    """Return expected tokens and USD, those that come to an estimate before; nothing where there is no estimate."""
    if taken is None:
        return ""
    prompt = taken.prompt_tokens - (before.prompt_tokens if before else 0)
    completion = taken.completion_tokens - (before.completion_tokens if before else 0)
    cost = "" if taken.unpriced or taken.cost is None else f", {money(taken.cost - ((before and before.cost) or 0))}"
    return f": about {prompt:,} tokens in and {completion:,} out{cost}"
