"""Who plays whom: binds each role of a plan to a model and its fallbacks, and says why.

The first that applies: the run's `participants` by role; its `judge`; its `models`, dealt out in turn; on a resume, the
models that it began with; the workspace's model for the role; the mode's own choice; the workspace's model for what the role
requires, or for everything; the best card that declares what the role requires and whose key is set.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Final, Self, TypeAlias

from workbench.dialogue.casting.persons import PERSON, is_person
from workbench.dialogue.casting.routed import Route, candidates_for, route_of
from workbench.dialogue.planning.plan import Plan, instance_of
from workbench.dialogue.rules.mode import RoleSpec
from workbench.errors import ErrorKind, ModeError, ModelError, WorkbenchError
from workbench.models import Model, ModelCard, ModelConfig, ModelRegistry
from workbench.models.langchain.card import must_be_given, without_its_model
from workbench.models.registry import at_endpoint
from workbench.settings import DefaultSettings, RoutingSettings

if TYPE_CHECKING:
    from langchain_core.language_models import BaseChatModel

Speaker: TypeAlias = "str | ModelCard | ModelConfig | Model | tuple[ModelCard, ...] | Part | BaseChatModel"
"""What may be given as a model: a name, `route:POLICY`, a card, a model of ours, a chain of cards, another role's part, or a
chat model of LangChain's."""
NO_DEFAULTS: Final = DefaultSettings()
NO_ROUTING: Final = RoutingSettings()
JUDGES: Final = ("judge", "synthesiser", "arbitrator")
"""Roles that `judge=` may mean, the first that the mode has."""


@dataclass(frozen=True, slots=True)
class Wishes:
    """What a run says about its models.

    Attributes:
        participants: role, or the model that the mode names, to the model that shall play it.
        models: dealt out to the roles that nobody else claims.
        judge: plays the role that decides.
        api_base: an OpenAI-compatible endpoint.
        kept: role to models of the run before, when a dialogue is resumed.
        candidates: what a policy may choose from, for routed roles.
    """

    participants: Mapping[str, Speaker]
    models: Sequence[Speaker] = ()
    judge: Speaker | None = None
    api_base: str | None = None
    kept: Mapping[str, Part] = field(default_factory=dict)
    candidates: Sequence[str] = ()

    @classmethod
    def of(
        cls,
        participants: Mapping[str, Speaker] | None,
        models: Sequence[Speaker] | Mapping[str, Speaker],
        judge: Speaker | None,
        api_base: str | None,
        kept: Mapping[str, Part] | None = None,
        candidates: Sequence[str] = (),
    ) -> Self:
        """Return what a run was given as wishes: `models` with roles as keys are participants."""
        named = models if isinstance(models, Mapping) else {}
        dealt = () if isinstance(models, Mapping) else tuple(models)
        return cls({**named, **(participants or {})}, dealt, judge, api_base, kept or {}, candidates)

    @property
    def changes(self) -> bool:
        """Whether they say anything but that all stays as it is kept."""
        return bool(self.participants or self.models or self.judge or self.api_base)


@dataclass(frozen=True, slots=True)
class Part:
    """A role's models, and why they were chosen; of a routed one, the candidates and how one is chosen."""

    chain: tuple[ModelCard, ...]
    why: str
    route: Route | None = None


def cast_roles(
    plan: Plan,
    wishes: Wishes,
    registry: ModelRegistry,
    defaults: DefaultSettings = NO_DEFAULTS,
    routing: RoutingSettings = NO_ROUTING,
) -> dict[str, Part]:
    """Bind every role of the plan.

    Raises:
        ModeError: a role is named that the mode does not have.
        UnknownModelError: a model is named that does not exist.
    """
    judge = _judge(plan, wishes)
    _check_names(plan, wishes)
    dealt, parts = 0, {}
    for role, spec in plan.roles.items():
        claimed = _claimed(role, spec, wishes)
        if claimed is not None:
            speaker, why = claimed, f"chosen for {role}"
        elif wishes.judge is not None and role == judge:
            speaker, why = wishes.judge, "chosen as judge"
        elif wishes.models:
            speaker, why = wishes.models[dealt % len(wishes.models)], "dealt out from the models given"
            dealt += 1
        elif role in wishes.kept:
            kept = wishes.kept[role]
            chain = tuple(at_endpoint(card, wishes.api_base) for card in kept.chain)
            parts[role] = replace(kept, chain=chain, why="as it began")
            continue
        else:
            speaker, why = _by_default(role, spec, registry, defaults)
        if (route := route_of(speaker, routing)) is not None:
            names = wishes.candidates or routing.models
            candidates = candidates_for(spec, names, registry, wishes.api_base)
            parts[role] = Part(candidates, f"{why}; {route.policy} chooses for each turn", route)
            continue
        chain = _chain(speaker, registry, wishes.api_base)
        if isinstance(speaker, Part) and speaker.route is not None:
            parts[role] = replace(speaker, why=why)
        else:
            parts[role] = Part(_with_fallback(chain, registry, defaults.fallback), why)
    return parts


def bound(parts: Mapping[str, Part]) -> dict[str, Any]:
    """Return the parts as the fields `cast` and `routes` of a run."""
    return {
        "cast": {role: part.chain for role, part in parts.items()},
        "routes": {role: part.route for role, part in parts.items() if part.route is not None},
    }


def parts_of(cast: Mapping[str, tuple[ModelCard, ...]], routes: Mapping[str, Route]) -> dict[str, Part]:
    """Return the parts that a run was bound to."""
    return {role: Part(chain, "", routes.get(role)) for role, chain in cast.items()}


def check_ready(cast: Mapping[str, tuple[ModelCard, ...]]) -> None:
    """Refuse a cast in which a role has no model that could be called.

    Raises:
        ModelError: (authentication) naming variable, model, and what can run without it; (bad request) naming the chat model
            of LangChain's that this process does not have.
    """
    for role, chain in cast.items():
        if all(without_its_model(card) for card in chain):
            raise must_be_given(chain[0], role)
        if not any(card.ready for card in chain):
            chain[0].api_key()


def check_priced(cast: Mapping[str, tuple[ModelCard, ...]], ceiling: str | None) -> None:
    """Refuse a ceiling in money for models whose price is unknown.

    Args:
        cast: role to models.
        ceiling: its name; None where there is none.

    Raises:
        WorkbenchError: naming the model.
    """
    if ceiling is None:
        return
    for card in (card for chain in cast.values() for card in chain):
        if card.prices is None:
            raise WorkbenchError(
                f"{ceiling} cannot be kept: the price of {card.name} is unknown",
                hint=f"Give prices under [models.{card.name}] in workbench.toml, or limit tokens or calls.",
            )


def _claimed(role: str, spec: RoleSpec, wishes: Wishes) -> Speaker | None:
    names = (role, instance_of(role), spec.model)
    return next((wishes.participants[name] for name in names if name and name in wishes.participants), None)


def _judge(plan: Plan, wishes: Wishes) -> str | None:
    judge = next((role for role in JUDGES if role in plan.roles), None)
    if wishes.judge is not None and judge is None:
        raise ModeError(f"mode {plan.mode.name} has no judge", hint=f"Its roles: {', '.join(plan.roles)}. Use -p ROLE=MODEL.")
    return judge


def check_roles(plan: Plan, roles: Iterable[str]) -> None:
    """Refuse roles to be approved that the mode does not have.

    Raises:
        ModeError: naming the role.
    """
    for role in roles:
        if role != "all" and role not in plan.roles:
            raise ModeError(f"mode {plan.mode.name} has no role {role!r}", hint=f"Its roles: {', '.join(plan.roles)}, or all.")


def is_named(plan: Plan, name: str) -> bool:
    """Whether a role, or a model that the mode names for one, is called so."""
    return name in _names(plan)


def _names(plan: Plan) -> set[str]:
    roles = {*plan.roles, *plan.mode.roles, *map(instance_of, plan.roles)}
    return roles | {spec.model for spec in plan.roles.values() if spec.model}


def _check_names(plan: Plan, wishes: Wishes) -> None:
    known = _names(plan)
    for name in wishes.participants:
        if name not in known:
            near = difflib.get_close_matches(name, known, n=2)
            hint = f"Did you mean {' or '.join(near)}?" if near else f"Its roles: {', '.join(plan.roles)}."
            raise ModeError(f"mode {plan.mode.name} has no role {name!r}", hint=hint)


def _by_default(role: str, spec: RoleSpec, registry: ModelRegistry, defaults: DefaultSettings) -> tuple[Speaker, str]:
    for name in (role, instance_of(role)):
        if name in defaults.roles:
            return defaults.roles[name], f"the workspace's {name}"
    if spec.model:
        return spec.model, "named by the mode"
    for capability in spec.requires:
        if capability in defaults.capabilities:
            return defaults.capabilities[capability], f"the workspace's choice for {capability}"
    if defaults.model:
        return defaults.model, "the workspace's default"
    able = [card for card in registry.capable(spec.requires) if "endpoint" not in card.tags]
    if not able:
        raise ModelError(
            ErrorKind.AUTHENTICATION,
            f"no model with its key set declares {', '.join(spec.requires)}",
            model="none",
            hint="`workbench doctor` shows which keys are missing; -m local needs none.",
        )
    wanted = ", ".join((*spec.requires, *spec.prefer))
    best = max(able, key=lambda card: sum(card.capabilities.get(name, float(name in card.tags)) for name in spec.prefer))
    return best, f"best at {wanted} among the models with a key" if wanted else "first of the models with a key"


def _with_fallback(chain: tuple[ModelCard, ...], registry: ModelRegistry, name: str | None) -> tuple[ModelCard, ...]:
    """Return a chain with the workspace's last resort behind it, where it has none of its own and that one can be asked."""
    if name is None or len(chain) > 1 or is_person(chain[0]):
        return chain
    last = registry.get(name)
    return chain if last.name == chain[0].name or not last.ready else (*chain, last)


def _chain(speaker: Speaker, registry: ModelRegistry, api_base: str | None) -> tuple[ModelCard, ...]:
    if isinstance(speaker, tuple):
        return speaker
    if isinstance(speaker, Part):
        return speaker.chain
    if speaker == PERSON.name:
        return (PERSON,)
    if isinstance(speaker, Model):
        return speaker.chain
    if isinstance(speaker, ModelConfig):
        return speaker.chain(registry)
    return ModelConfig(speaker, api_base=api_base).chain(registry)
