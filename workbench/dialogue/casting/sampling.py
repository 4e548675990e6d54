"""Which presets a run draws with: names become values before it begins, so that the run carries all of them.

A role of the mode says `sampling: precise`, or a preset with values of its own beside it; the run says `--sampling precise` for
all roles or `--sampling pro=creative` for one. What the run says comes first, field by field, then the mode's own values, then
those of its preset.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final, TypeAlias

from pydantic import ValidationError

from workbench.dialogue.casting.persons import is_person
from workbench.dialogue.casting.run import RunSpec
from workbench.dialogue.rules.mode import BlockSpec, Mode, SamplingSpec, TurnSpec
from workbench.errors import ModeError, WorkbenchError
from workbench.models import ModelCard, ModelRegistry
from workbench.models.presets import SamplingPresets

ALL: Final = "all"
"""Stands for every role."""
SamplingWish: TypeAlias = "str | Mapping[str, Any] | Sequence[str] | None"
"""A preset for all roles; a mapping of roles (`all` for every one) to presets or to fields; or `precise` and `pro=creative`."""


def resolved(mode: Mode, presets: SamplingPresets) -> Mode:
    """Return a mode in which the values of its presets stand beside their names.

    Raises:
        ModeError: a preset does not exist.
    """

    def values(spec: SamplingSpec) -> SamplingSpec:
        if spec.preset is None:
            return spec
        try:
            return spec.over(_values(presets, spec.preset))
        except WorkbenchError as error:
            raise ModeError(f"mode {mode.name}: {error.message}", hint=error.hint) from None

    def turn(spec: TurnSpec) -> TurnSpec:
        return spec if spec.sampling is None else spec.model_copy(update={"sampling": values(spec.sampling)})

    def item(spec: TurnSpec | BlockSpec) -> TurnSpec | BlockSpec:
        return spec.model_copy(update={"turns": [turn(t) for t in spec.turns]}) if isinstance(spec, BlockSpec) else turn(spec)

    if not any(spec.preset for spec in _specs(mode)):
        return mode
    return mode.model_copy(
        update={
            "roles": {name: role.model_copy(update={"sampling": values(role.sampling)}) for name, role in mode.roles.items()},
            "turns": mode.turns if isinstance(mode.turns, int) else [item(each) for each in mode.turns],
            "prompts": {name: turn(spec) for name, spec in mode.prompts.items()},
            "additional_turns": {name: turn(spec) for name, spec in mode.additional_turns.items()},
        }
    )


def sampled(spec: RunSpec, wish: SamplingWish, presets: SamplingPresets) -> RunSpec:
    """Return a run that draws as its mode and `wish` say, with its sub-dialogues; all presets have become values.

    Raises:
        ModeError: a role, or a preset that a mode names, does not exist.
        WorkbenchError: a preset or a field of the wish does not exist, or a value makes no sense.
    """
    known = {ALL, *(role for each in spec.family() for role in (*each.cast, *each.mode.roles))}
    found: dict[str, SamplingSpec] = {}
    for role, given in _pairs(wish):
        if role not in known:
            near = difflib.get_close_matches(role, known, n=2)
            hint = f"Did you mean {' or '.join(near)}?" if near else f"Its roles: {', '.join(spec.cast)}, or all."
            raise ModeError(f"mode {spec.mode.name} has no role {role!r} to sample for", hint=hint)
        said = _spec(role, given)
        found[role] = said if said.preset is None else said.over(_values(presets, said.preset))
    return with_presets(spec.model_copy(update={"sampling": found}), presets)


def with_presets(spec: RunSpec, presets: SamplingPresets) -> RunSpec:
    """Return a run whose mode has values beside the names of presets, and sub-dialogues that draw as it says.

    Raises:
        ModeError: a preset that a mode names does not exist.
    """
    spawns = {
        role: with_presets(spawn.model_copy(update={"sampling": spec.sampling}), presets) for role, spawn in spec.spawns.items()
    }
    return spec.model_copy(update={"mode": resolved(spec.mode, presets), "spawns": spawns})


def with_fallbacks(spec: RunSpec, registry: ModelRegistry, api_base: str | None) -> RunSpec:
    """Return a run, and what its sub-dialogues run, with the models that its sampling puts behind each role's own.

    Raises:
        UnknownModelError: one of them does not exist.
    """
    named: dict[str, dict[str, None]] = {}
    for turn in spec.plan().spoken:
        named.setdefault(turn.role, {}).update(dict.fromkeys(turn.sampling.fallbacks))
    cast = {
        role: chain if role in spec.routes or is_person(chain[0]) else _longer(chain, named.get(role, {}), registry, api_base)
        for role, chain in spec.cast.items()
    }
    spawns = {role: with_fallbacks(spawn, registry, api_base) for role, spawn in spec.spawns.items()}
    return spec.model_copy(update={"cast": cast, "spawns": spawns})


def _longer(
    chain: tuple[ModelCard, ...], names: Iterable[str], registry: ModelRegistry, api_base: str | None
) -> tuple[ModelCard, ...]:
    there = {name for card in chain for name in (card.name, card.id, *card.aliases)}
    return (*chain, *(registry.get(name, api_base=api_base) for name in names if name not in there))


def _values(presets: SamplingPresets, name: str) -> SamplingSpec:
    return SamplingSpec.model_validate(presets.get(name).values)


def _pairs(wish: SamplingWish) -> Iterable[tuple[str, Any]]:
    if wish is None:
        return []
    if isinstance(wish, Mapping):
        return wish.items()
    words = wish.split(",") if isinstance(wish, str) else wish
    parted = [word.strip().partition("=") for word in words if word.strip()]
    return [(role.strip(), preset.strip()) if sign else (ALL, role.strip()) for role, sign, preset in parted]


def _spec(role: str, given: Any) -> SamplingSpec:
    try:
        return SamplingSpec.model_validate(given)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"]) or "sampling"
        near = difflib.get_close_matches(where, SamplingSpec.model_fields, n=1) if first["type"] == "extra_forbidden" else []
        fields = f"Did you mean {near[0]}?" if near else f"Fields: {', '.join(SamplingSpec.model_fields)}."
        raise WorkbenchError(f"sampling of {role}: {where}: {first['msg']}", hint=fields) from None


def _specs(mode: Mode) -> Iterable[SamplingSpec]:
    listed = [] if isinstance(mode.turns, int) else mode.turns
    inner = [turn for each in listed for turn in (each.turns if isinstance(each, BlockSpec) else [each])]
    turns = [*inner, *mode.prompts.values(), *mode.additional_turns.values()]
    return [*(role.sampling for role in mode.roles.values()), *(turn.sampling for turn in turns if turn.sampling)]
