"""A mode compiled: turns in order, each with what it sees and what it waits for.

A plan holds every turn that there may be: blocks are taken as often as they may repeat. `gates` decide at run time which of
them are spoken, so a run is bounded before it begins. `compiling` makes plans.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from workbench.dialogue.planning.gates import Gate
from workbench.dialogue.rules.judging import Contest
from workbench.dialogue.rules.mode import CheckSpec, ContextSpec, HookSpec, Mode, RoleSpec, SamplingSpec, SpawnSpec, VoteSpec
from workbench.dialogue.rules.parameters import Parameter


@dataclass(frozen=True, slots=True)
class PlannedTurn:
    """One turn, ready to run once its dependencies are.

    Attributes:
        id: unique in the plan.
        index: from 1, in transcript order.
        role: key of `Plan.roles`.
        round: which repetition of its block it belongs to; None outside repeated blocks.
        template: the prompt.
        names: placeholder to turn ids, for the turns that the template names.
        sees: ids of the turns that stand before the prompt, in order.
        depends_on: ids of the turns that must be complete first.
    """

    id: str
    index: int
    role: str
    round: int | None
    template: str
    names: dict[str, tuple[str, ...]]
    sees: tuple[str, ...]
    depends_on: tuple[str, ...]
    sampling: SamplingSpec
    gates: tuple[Gate, ...] = ()
    output_schema: dict[str, Any] | None = None
    check: CheckSpec | None = None
    vote: VoteSpec | None = None
    voters: tuple[str, ...] = ()
    hook: HookSpec | None = None
    given: tuple[str, ...] = ()
    """Ids of the turns whose results its hook is given."""
    before: str | None = None
    """The same turn in the round before; it stands in where this one is skipped."""
    aliases: Mapping[str, str] = field(default_factory=dict)
    """Role to what it is called where this turn sees it: a judge is not told who speaks."""
    contest: Contest | None = None
    """What it counts, if that is a judgement and not votes."""
    context: ContextSpec | None = None
    spawn: SpawnSpec | None = None
    over: Gate | None = None
    """Gives the list of the topics of its sub-dialogues; their template is `template`."""
    approve: bool = False
    added: bool = False
    """Whether a person has added it: every turn that begins after it sees it."""

    @property
    def asks(self) -> bool:
        """Whether a model or a person is asked for it."""
        return self.vote is None and self.spawn is None and self.hook is None

    @property
    def item(self) -> Gate | None:
        """The gate that says which item of a list the turn is about."""
        return next((gate for gate in self.gates if gate.kind == "item"), None)


@dataclass(frozen=True, slots=True)
class Plan:
    """What a mode means for one run."""

    mode: Mode
    turns: tuple[PlannedTurn, ...]
    roles: dict[str, RoleSpec]
    by_id: dict[str, PlannedTurn] = field(default_factory=dict)
    parameters: dict[str, Parameter] = field(default_factory=dict)

    @property
    def spoken(self) -> tuple[PlannedTurn, ...]:
        """What a model or a person is asked for: its turns without those that count, spawn or call a hook."""
        return tuple(turn for turn in self.turns if turn.asks)

    def with_turn(self, turn: PlannedTurn) -> Plan:
        """Return the plan with a turn that a person has added, behind the others of its number."""
        turns = tuple(sorted((*self.turns, turn), key=lambda each: each.index))
        return replace(self, turns=turns, roles={turn.role: RoleSpec(), **self.roles}, by_id=self.by_id | {turn.id: turn})

    def standing(self, turn: str, texts: Mapping[str, str]) -> str | None:
        """Return the turn, or where it was skipped the same turn of the latest round that was not; None if none was spoken."""
        found: str | None = turn
        while found is not None and found not in texts:
            found = self.by_id[found].before
        return found


def instance_of(role: str) -> str:
    """Return the role that a parallel one is an instance of: `voice` for `voice_2`; any other role as it is."""
    return re.sub(r"_\d+$", "", role)
