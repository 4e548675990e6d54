"""What is settled before a run: who plays whom, under which ceilings, with which answers' limits. Nothing is called for it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from workbench.dialogue.casting.cast import Part, Wishes, bound, cast_roles, check_priced, check_ready, check_roles
from workbench.dialogue.casting.fairness import warned
from workbench.dialogue.casting.run import RunSpec
from workbench.dialogue.casting.sampling import SamplingWish, sampled, with_fallbacks, with_presets
from workbench.dialogue.casting.sub_runs import sub_runs
from workbench.dialogue.fallbacks import check_fallbacks
from workbench.dialogue.money.cheaper import with_cheaper
from workbench.dialogue.planning.compiling import compile_mode
from workbench.dialogue.rules.ceilings import ceiling_in_money, limits_of, merge_limits
from workbench.dialogue.rules.loader import ModeLoader
from workbench.dialogue.rules.mode import Mode
from workbench.dialogue.rules.parameters import Parameters
from workbench.models import ModelRegistry
from workbench.models.presets import SamplingPresets
from workbench.settings import Settings


@dataclass(frozen=True, slots=True)
class Settling:
    """Settles runs.

    Args:
        settings: of the workspace.
        models: the model cards.
        modes: finds the modes of sub-dialogues.
        presets: of sampling.
    """

    settings: Settings
    models: ModelRegistry
    modes: ModeLoader
    presets: SamplingPresets

    def settle(
        self,
        mode: Mode,
        topic: str,
        wishes: Wishes,
        *,
        parameters: Parameters,
        limits: Mapping[str, Any],
        seed: int | None,
        stream: bool,
        approve: Sequence[str],
        fallbacks: str,
        sampling: SamplingWish,
        background: str,
    ) -> tuple[RunSpec, dict[str, Part]]:
        """Return a new run, and why each role has its model; see `Orchestrator.prepare`.

        Raises:
            ModeError, UnknownModelError, ModelError, WorkbenchError: something about it is wrong.
        """
        plan, defaults = compile_mode(mode, parameters), self.settings.defaults
        parts = cast_roles(plan, wishes, self.models, defaults, self.settings.routing)
        merged = limits_of(mode.limits, limits, self.settings.budget)
        check_roles(plan, approve)
        spec = RunSpec(
            mode=mode,
            topic=topic,
            parameters=dict(parameters),
            **bound(parts),
            limits=merged,
            seed=seed,
            max_output=defaults.max_output,
            stream=stream,
            approve=tuple(approve),
            fallbacks=check_fallbacks(fallbacks),
            background=background,
        )
        spec = spec.model_copy(update={"spawns": self._spawns(spec, parts, wishes)})
        spec = self._completed(sampled(spec, sampling, self.presets), wishes.api_base)
        return warned(spec), {role: replace(part, chain=spec.cast[role]) for role, part in parts.items()}

    def settle_again(self, spec: RunSpec, wishes: Wishes, limits: Mapping[str, Any]) -> RunSpec:
        """Return a run with what a resume or a fork changes; roles that it does not name keep their models.

        Raises:
            UnknownModelError, ModelError, WorkbenchError: something about it is wrong.
        """
        parts = cast_roles(spec.plan(), wishes, self.models, routing=self.settings.routing)
        spec = spec.model_copy(update={**bound(parts), "limits": merge_limits(spec.limits, limits)})
        if wishes.changes:
            spawns = self._spawns(spec, parts, wishes).items()
            same = {role: spawn.model_copy(update={"sampling": spec.sampling}) for role, spawn in spawns}
            new = {role: with_presets(spawn, self.presets) for role, spawn in same.items()}
            spec = spec.model_copy(update={"spawns": new})
        return warned(self._completed(spec, wishes.api_base))

    def _spawns(self, spec: RunSpec, parts: Mapping[str, Part], wishes: Wishes) -> dict[str, RunSpec]:
        defaults, routing, depth = self.settings.defaults, self.settings.routing, spec.limits.max_depth
        return sub_runs(spec.plan(), parts, wishes, self.modes, self.models, defaults, routing, depth)

    def _completed(self, spec: RunSpec, api_base: str | None) -> RunSpec:
        """Return a run with all models that it may ask, once it is known that they can be asked under its ceilings."""
        spec = with_fallbacks(spec, self.models, api_base).held()
        ceiling = ceiling_in_money(spec.limits, self.settings.budget)
        if ceiling is not None:
            spec = with_cheaper(spec, self.models)
        for each in spec.family():
            check_priced(each.cast, ceiling)
            if self.settings.replay.asks_models:
                check_ready(each.cast)
        return spec
