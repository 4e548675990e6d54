"""All that a dialogue needs to run, and to run again: the first event carries it into the record.

The mode is stored whole, and so are the model cards: a resume uses the models, endpoints, prices and limits that the run
began with, whatever the files say by then. Keys are not part of it; a card only names the variable.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from workbench.dialogue.casting.routed import Route
from workbench.dialogue.fallbacks import Fallbacks
from workbench.dialogue.planning.compiling import DEFAULT_TEMPLATE, compile_mode
from workbench.dialogue.planning.plan import Plan, PlannedTurn, instance_of
from workbench.dialogue.rules.mode import LimitsSpec, Mode, SamplingSpec
from workbench.dialogue.rules.parameters import Parameter
from workbench.models import ModelCard


class AddedTurn(BaseModel):
    """A turn that a person has added; the fields are those of the event `TurnAdded`."""

    model_config = ConfigDict(frozen=True)

    turn: str
    role: str
    index: int
    prompt: str = ""
    person: bool = False

    def planned(self, plan: Plan) -> PlannedTurn:
        """Return it as a turn that sees everything before it, and waits for nothing."""
        asked = "" if self.person else self.prompt or DEFAULT_TEMPLATE.replace("{role}", self.role)
        spec = plan.roles.get(self.role)
        return PlannedTurn(
            id=self.turn,
            index=self.index,
            role=self.role,
            round=None,
            template=asked,
            names={},
            sees=tuple(turn.id for turn in plan.turns if turn.index <= self.index),
            depends_on=(),
            sampling=spec.sampling if spec else SamplingSpec(),
            added=True,
        )


class RunSpec(BaseModel):
    """One run of a mode on a topic."""

    model_config = ConfigDict(frozen=True)

    mode: Mode
    topic: str
    parameters: dict[str, Parameter] = Field(default_factory=dict)
    cast: dict[str, tuple[ModelCard, ...]]
    """Role to models: the one asked for, then its fallbacks; of a routed role, the candidates."""
    routes: dict[str, Route] = Field(default_factory=dict)
    """Routed role to how it gets its models."""
    limits: LimitsSpec = LimitsSpec()
    sampling: dict[str, SamplingSpec] = Field(default_factory=dict)
    """What the run says of how roles draw, by role, or by `all`; it comes before what the mode says."""
    cheaper: dict[str, tuple[ModelCard, ...]] = Field(default_factory=dict)
    """Role to what is asked where a ceiling in USD leaves too little for its own models, the cheapest first."""
    seed: int | None = None
    """Of the whole run; turn number n draws with `seed + n`."""
    max_output: int = 1024
    """Tokens of one answer where neither role nor card says otherwise."""
    stream: bool = True
    warnings: tuple[str, ...] = ()
    """What is told before it begins: that a judge is of a contestant's family, for one."""
    approve: tuple[str, ...] = ()
    """Roles whose texts a person approves, besides those that the mode names; `all` for every role."""
    added: tuple[AddedTurn, ...] = ()
    fallbacks: Fallbacks = "allow"
    """Whether another model may serve than the one asked for; `held` acts on it."""
    background: str = ""
    """What every turn is shown before anything else: material, or what a sub-dialogue is told of the one it is part of."""
    hooks: dict[str, dict[str, Any]] = Field(default_factory=dict)
    """Names of the functions that it was started with, and the facts that they can be made from again."""
    spawns: dict[str, RunSpec] = Field(default_factory=dict)
    """Role of a turn that opens sub-dialogues to what they run; their topics are not known yet."""

    def plan(self) -> Plan:
        """Return the compiled mode, with the turns that were added."""
        plan = compile_mode(self.mode, self.parameters)
        for added in self.added:
            plan = plan.with_turn(added.planned(plan))
        if not self.sampling:
            return plan
        turns = tuple(replace(turn, sampling=self._drawn(turn)) for turn in plan.turns)
        return replace(plan, turns=turns, by_id={turn.id: turn for turn in turns})

    def _drawn(self, turn: PlannedTurn) -> SamplingSpec:
        """Return how a turn is drawn: what the run says of its role, then of all, then the mode."""
        drawn = turn.sampling
        for name in dict.fromkeys(("all", instance_of(turn.role), turn.role)):
            if name in self.sampling:
                drawn = self.sampling[name].over(drawn)
        return drawn

    def family(self) -> Iterator[RunSpec]:
        """Yield it, and what its sub-dialogues run, of all generations."""
        yield self
        for spawn in self.spawns.values():
            yield from spawn.family()

    def held(self) -> RunSpec:
        """Return it, and what its sub-dialogues run; where fallbacks are forbidden, with one model for each role."""
        if self.fallbacks == "allow":
            return self
        cast = {role: chain if role in self.routes else chain[:1] for role, chain in self.cast.items()}
        spawns = {role: spawn.model_copy(update={"fallbacks": self.fallbacks}).held() for role, spawn in self.spawns.items()}
        return self.model_copy(update={"cast": cast, "spawns": spawns})

    def models_of(self, role: str) -> tuple[ModelCard, ...]:
        """Return every model that may speak for a role."""
        return (*self.cast.get(role, ()), *self.cheaper.get(role, ()))

    def approves(self, turn: PlannedTurn) -> bool:
        """Whether a person approves a turn's text."""
        return turn.approve or bool({"all", turn.role} & set(self.approve))

    def longest(self, turn: PlannedTurn, card: ModelCard) -> int:
        """Return how many tokens a turn's answer may have when `card` gives it."""
        return turn.sampling.max_tokens or card.default_output or self.max_output

    def patient(self, turn: PlannedTurn, chain: Sequence[ModelCard]) -> tuple[ModelCard, ...]:
        """Return cards that wait as long as the turn's sampling says."""
        seconds = turn.sampling.timeout
        return tuple(chain) if seconds is None else tuple(card.model_copy(update={"timeout": seconds}) for card in chain)

    def dump(self) -> dict[str, Any]:
        """Return it as JSON values; `RunSpec.model_validate` reads them back."""
        return self.model_dump(mode="json", exclude_defaults=True)
