"""What sub-dialogues will run, settled before the dialogue begins: their modes, who plays in them, and their ceilings."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from workbench.dialogue.casting.cast import JUDGES, Part, Speaker, Wishes, bound, cast_roles, is_named
from workbench.dialogue.casting.run import RunSpec
from workbench.dialogue.planning.compiling import compile_mode
from workbench.dialogue.planning.plan import Plan
from workbench.dialogue.rules.loader import ModeLoader
from workbench.dialogue.rules.mode import LimitsSpec, SpawnSpec
from workbench.errors import ModeError
from workbench.models import ModelRegistry
from workbench.settings import DefaultSettings, RoutingSettings


def sub_runs(
    plan: Plan,
    parts: Mapping[str, Part],
    wishes: Wishes,
    modes: ModeLoader,
    registry: ModelRegistry,
    defaults: DefaultSettings,
    routing: RoutingSettings,
    depth: int,
) -> dict[str, RunSpec]:
    """Return what the sub-dialogues of a plan run, by the role of the turn that opens them; their topics come later.

    A role of a sub-dialogue is played by the model that its mode's `participants` name, else by that of the role of the same
    name, else as in a dialogue of its own.

    Args:
        plan: of the dialogue that opens them.
        parts: who plays in it.
        wishes: of the run.
        modes: finds their modes.
        registry: the models.
        defaults: the workspace's models.
        routing: of routed roles.
        depth: how deep they may still go; at 0 there are none.

    Raises:
        ModeError, UnknownModelError: naming the turn.
    """
    runs: dict[str, RunSpec] = {}
    for turn in plan.turns if depth > 0 else ():
        if turn.spawn is None or turn.role in runs:
            continue
        try:
            runs[turn.role] = _sub_run(turn.spawn, parts, wishes, modes, registry, defaults, routing, depth)
        except ModeError as error:
            raise ModeError(f"mode {plan.mode.name}: {turn.id}: {error.message}", hint=error.hint) from None
    return runs


def _sub_run(
    spawn: SpawnSpec,
    parts: Mapping[str, Part],
    wishes: Wishes,
    modes: ModeLoader,
    registry: ModelRegistry,
    defaults: DefaultSettings,
    routing: RoutingSettings,
    depth: int,
) -> RunSpec:
    mode = modes.load(spawn.mode)
    plan = compile_mode(mode, spawn.parameters)
    same: dict[str, Speaker] = {role: parts[role] for role in plan.roles if role in parts}
    asked: dict[str, Speaker] = {role: parts.get(who, who) for role, who in spawn.participants.items()}
    given = {name: speaker for name, speaker in wishes.participants.items() if is_named(plan, name)}
    judge = wishes.judge if any(role in plan.roles for role in JUDGES) else None
    own = replace(wishes, participants={**same, **given, **asked}, judge=judge, kept={})
    cast = cast_roles(plan, own, registry, defaults, routing)
    limits = mode.limits.model_dump(exclude_none=True) | spawn.limits.model_dump(exclude_unset=True, exclude_none=True)
    return RunSpec(
        mode=mode,
        topic="",
        parameters=dict(spawn.parameters),
        **bound(cast),
        limits=LimitsSpec.model_validate(limits),
        spawns=sub_runs(plan, cast, own, modes, registry, defaults, routing, min(depth - 1, mode.limits.max_depth)),
    )
