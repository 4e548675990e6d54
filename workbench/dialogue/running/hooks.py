"""Hooks: functions that whoever starts a dialogue hands in, and that turns of its mode call by name.

A turn with a hook asks no model: it is what the function makes of earlier results, as text for the turns that see it and as
data. It is recorded like any other, so resumes, forks and replays take it over and call nothing. The record keeps no function,
only the facts that it can be made from again; a resume that still needs one is refused until it is handed in.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from workbench.dialogue.planning.gates import Result, Results
from workbench.errors import WorkbenchError

if TYPE_CHECKING:
    from workbench.dialogue.casting.run import RunSpec
    from workbench.dialogue.planning.plan import Plan, PlannedTurn

HOOK = "hook"
"""Stands where a turn names its model."""


@dataclass(frozen=True, slots=True)
class Hook:
    """A function for turns.

    Attributes:
        call: takes turn id to result (its data with its `text`) of the turns that it is given, and returns a text, and data
            that JSON holds. It may block, and is called on a thread.
        facts: what it can be made from again, as JSON; the record keeps them with the run.
    """

    call: Callable[[Mapping[str, Result]], tuple[str, Any]]
    facts: Mapping[str, Any] = field(default_factory=dict)


Hooks = Mapping[str, Hook]


def with_hooks(spec: RunSpec, hooks: Hooks | None, done: Collection[str] = ()) -> RunSpec:
    """Return a run that knows which hooks it has.

    Args:
        spec: the run; one that is resumed knows which ones it began with.
        hooks: that are handed in now.
        done: ids of the turns that are over.

    Raises:
        WorkbenchError: the mode calls no hook of that name, or one that the run began with is missing and still needed.
    """
    given = dict(hooks or {})
    called = names_in(spec.plan()) if given or spec.hooks else set()
    if unknown := given.keys() - called:
        raise WorkbenchError(
            f"mode {spec.mode.name} calls no hook {', '.join(sorted(unknown))}",
            hint=f"It calls {', '.join(sorted(called))}." if called else "It calls none.",
        )
    if missing := (spec.hooks.keys() - given.keys()) & names_in(spec.plan(), done):
        raise WorkbenchError(
            f"the dialogue began with a function for {', '.join(sorted(missing))}, which is not at hand here",
            hint="Go on with it by the command that began it (an assessment: `%paper assess --resume DIALOGUE`), or hand the "
            "function in: hooks={…}.",
        )
    return spec.model_copy(update={"hooks": spec.hooks | {name: dict(hook.facts) for name, hook in given.items()}})


def names_in(plan: Plan, done: Collection[str] = ()) -> set[str]:
    """Return the hooks that the turns of a plan call, without those turns that are over."""
    return {turn.hook.name for turn in plan.turns if turn.hook is not None and turn.id not in done}


async def call_hook(turn: PlannedTurn, hooks: Hooks, results: Results) -> tuple[str, Any]:
    """Return the text and the data of a turn with a hook.

    Raises:
        WorkbenchError: its data are nothing that JSON holds; and whatever the function raises.
    """
    assert turn.hook is not None
    hook = hooks.get(turn.hook.name)
    if hook is None:
        return turn.hook.otherwise, None
    given = {name: result for name in turn.given if (result := results.get(name)) is not None}
    text, data = await asyncio.to_thread(hook.call, given)
    try:
        return text, json.loads(json.dumps(data, allow_nan=False))
    except (TypeError, ValueError) as error:
        raise WorkbenchError(f"hook {turn.hook.name} returned what JSON cannot hold: {error}") from None
