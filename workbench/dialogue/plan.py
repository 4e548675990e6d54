"""A mode compiled: turns in order, each with what it sees and what it waits for.

Order decides names and transcript; dependencies alone decide when a turn runs. Sequential, parallel and mixed structures are
therefore one mechanism: a *frontier* of turns that the next one waits for. After a turn the frontier is that turn; after a
parallel block it is all of the block.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final

from workbench.dialogue.mode import BlockSpec, Mode, RoleSpec, SamplingSpec, Sees, TurnSpec
from workbench.dialogue.template import placeholders
from workbench.errors import ModeError

MAX_TURNS: Final = 1000
DEFAULT_TEMPLATE: Final = """\
The topic: {topic}

Your part is "{role}". Take what was said before further: add what is missing, and correct what is wrong."""
_NUMBERED: Final = re.compile(r"^turn_(\d+)$")


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


@dataclass(frozen=True, slots=True)
class Plan:
    """What a mode means for one run."""

    mode: Mode
    turns: tuple[PlannedTurn, ...]
    roles: dict[str, RoleSpec]
    by_id: dict[str, PlannedTurn] = field(default_factory=dict)


def compile_mode(mode: Mode, parameters: Mapping[str, int] | None = None) -> Plan:
    """Compile a mode.

    Args:
        mode: as the loader returns it.
        parameters: override the mode's, for example `{"rounds": 2}`.

    Raises:
        ModeError: a parameter or a turn is named that does not exist, or a turn names a later one.
    """
    values = _parameters(mode, parameters or {})
    compiler = _Compiler(mode)
    if isinstance(mode.turns, int):
        _check_prompts(mode, mode.turns)
        compiler.numbered(mode.turns)
    else:
        compiler.listed(mode.turns, values)
    turns = tuple(compiler.turns)
    return Plan(mode, turns, compiler.roles, {turn.id: turn for turn in turns})


def _parameters(mode: Mode, given: Mapping[str, int]) -> dict[str, int]:
    for name, value in given.items():
        if name not in mode.parameters:
            has = ", ".join(f"{k}={v}" for k, v in mode.parameters.items()) or "none"
            raise ModeError(f"mode {mode.name} has no parameter {name!r}", hint=f"Its parameters: {has}.")
        if not 1 <= value <= MAX_TURNS:
            raise ModeError(f"{name}={value} is out of range", hint=f"A whole number from 1 to {MAX_TURNS}.")
    return mode.parameters | dict(given)


def _check_prompts(mode: Mode, count: int) -> None:
    for group in ("prompts", "additional_turns"):
        for name in getattr(mode, group):
            number = _NUMBERED.match(name)
            if not number:
                raise ModeError(f"mode {mode.name}: {group}.{name}: turns are called turn_1, turn_2 …")
            if not 1 <= int(number[1]) <= count:
                raise ModeError(
                    f"mode {mode.name}: {group}.{name}: there are only {count} turns",
                    hint=f"Set turns to {number[1]} or more.",
                )


class _Compiler:
    """Walks a mode from its first turn to its last and keeps the frontier."""

    def __init__(self, mode: Mode) -> None:
        self.mode = mode
        self.turns: list[PlannedTurn] = []
        self.roles: dict[str, RoleSpec] = {}
        self._frontier: tuple[str, ...] = ()
        self._before: dict[str, frozenset[str]] = {}
        self._latest: dict[str, str] = {}

    def numbered(self, count: int) -> None:
        """Take turn_1 … turn_N; where no prompt is given the roles of `prompts` go round on what was said before."""
        prompts = self.mode.prompts | self.mode.additional_turns
        cycle = [spec for _, spec in sorted(self.mode.prompts.items(), key=lambda item: int(item[0][5:]))]
        start = self._frontier
        for number in range(1, count + 1):
            spec = prompts.get(f"turn_{number}")
            if spec is None:
                around = cycle[(number - 1) % len(cycle)] if cycle else TurnSpec(role="speaker")
                spec = TurnSpec(role=around.role, participant=around.participant, requires=around.requires)
            if self.mode.structure == "parallel":
                self._frontier = start
            self._add(spec, f"turn_{number}", None, spec.role or f"turn_{number}")

    def listed(self, items: list[BlockSpec | TurnSpec], values: Mapping[str, int]) -> None:
        """Take turns and blocks in order; a parallel mode is one parallel block of them."""
        start, ends = self._frontier, []
        for item in items:
            if self.mode.structure == "parallel":
                self._frontier = start
            if isinstance(item, BlockSpec):
                self._block(item, self._times(item, values))
            else:
                self._add(item, item.id or item.role, None, item.role or item.id)
            ends += [turn for turn in self._frontier if turn not in ends]
        if self.mode.structure == "parallel":
            self._frontier = tuple(ends)

    def _times(self, block: BlockSpec, values: Mapping[str, int]) -> int:
        if isinstance(block.repeat, int):
            return block.repeat
        if block.repeat not in values:
            raise ModeError(
                f"mode {self.mode.name}: repeat: there is no parameter {block.repeat!r}",
                hint=f"Add it under parameters, like {block.repeat}: 3.",
            )
        return values[block.repeat]

    def _block(self, block: BlockSpec, times: int) -> None:
        parallel, start, ends = block.structure == "parallel", self._frontier, []
        for number in range(1, times + 1):
            for spec in block.turns:
                if parallel:
                    self._frontier = start
                name, role = spec.id or spec.role, spec.role or spec.id
                several = times > 1
                instance = f"{role}_{number}" if parallel and several else role
                self._add(spec, f"{name}_{number}" if several else name, number if several else None, instance, name)
                ends.append(self.turns[-1].id)
        if parallel:
            self._frontier = tuple(ends)

    def _add(self, spec: TurnSpec, turn_id: str | None, round_: int | None, role: str | None, short: str | None = None) -> None:
        if turn_id is None or role is None:
            raise ModeError(f"mode {self.mode.name}: turn {len(self.turns) + 1} has neither role nor id", hint="Name its role.")
        if len(self.turns) >= MAX_TURNS:
            raise ModeError(f"mode {self.mode.name} has more than {MAX_TURNS} turns")
        turn_id = self._unused(turn_id)
        self._role(spec, role)
        template = self._template(spec, role, round_)
        names = self._names(template, turn_id)
        sees = self._sees(spec, turn_id, list(self._expand(spec.depends_on or (), turn_id)))
        waits = tuple(dict.fromkeys((*self._waits(spec, turn_id), *sees, *(i for ids in names.values() for i in ids))))
        turn = PlannedTurn(
            id=turn_id,
            index=len(self.turns) + 1,
            role=role,
            round=round_,
            template=template,
            names=names,
            sees=sees,
            depends_on=waits,
            sampling=spec.sampling or self.roles[role].sampling,
        )
        self.turns.append(turn)
        self._before[turn_id] = frozenset(waits).union(*(self._before[i] for i in waits)) if waits else frozenset()
        self._latest |= {turn_id: turn_id, f"turn_{turn.index}": turn_id, short or turn_id: turn_id}
        self._frontier = (turn_id,)

    def _unused(self, turn_id: str) -> str:
        if turn_id not in self._before:
            return turn_id
        number = next(n for n in range(2, MAX_TURNS + 2) if f"{turn_id}_{n}" not in self._before)
        return f"{turn_id}_{number}"

    def _role(self, spec: TurnSpec, role: str) -> None:
        declared = self.mode.roles.get(role) or self.mode.roles.get(spec.role or "") or RoleSpec()
        known = self.roles.get(role, declared)
        self.roles[role] = known.model_copy(
            update={
                "model": spec.participant or known.model,
                "requires": list(dict.fromkeys((*known.requires, *spec.requires))),
            }
        )

    def _template(self, spec: TurnSpec, role: str, round_: int | None) -> str:
        if spec.opening is not None and round_ in (None, 1):
            return spec.opening
        return DEFAULT_TEMPLATE.replace("{role}", role) if spec.template is None else spec.template

    def _names(self, template: str, turn_id: str) -> dict[str, tuple[str, ...]]:
        names: dict[str, tuple[str, ...]] = {}
        for name in placeholders(template):
            if name == "previous":
                names[name] = self._frontier
            elif name in self._latest:
                names[name] = (self._latest[name],)
            elif name != "topic" and (_NUMBERED.match(name) or name == turn_id):
                raise ModeError(
                    f"mode {self.mode.name}: {turn_id} names {{{name}}}, which does not come before it",
                    hint=f"Before it come: {', '.join(self._latest) or 'no turns'}.",
                )
        return names

    def _waits(self, spec: TurnSpec, turn_id: str) -> Iterator[str]:
        return iter(self._frontier) if spec.depends_on is None else self._expand(spec.depends_on, turn_id)

    def _expand(self, names: list[str] | tuple[str, ...], turn_id: str) -> Iterator[str]:
        for name in names:
            if name not in self._latest:
                raise ModeError(
                    f"mode {self.mode.name}: {turn_id} refers to {name!r}, which does not come before it",
                    hint=f"Before it come: {', '.join(self._latest) or 'no turns'}.",
                )
            yield self._latest[name]

    def _sees(self, spec: TurnSpec, turn_id: str, depends: list[str]) -> tuple[str, ...]:
        wish: Sees = spec.sees if spec.sees is not None else ("all" if spec.template is None else "none")
        if isinstance(wish, list):
            wanted = set(self._expand(wish, turn_id))
        elif wish == "none":
            wanted = set()
        else:
            wanted = set(self._frontier if spec.depends_on is None else depends)
            if wish == "all":
                wanted = wanted.union(*(self._before[i] for i in wanted)) if wanted else wanted
        return tuple(turn.id for turn in self.turns if turn.id in wanted)
