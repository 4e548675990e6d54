"""Makes a plan of a mode.

Order decides names and transcript; dependencies alone decide when a turn runs. Sequential, parallel and mixed structures are
therefore one mechanism: a *frontier* of turns that the next one waits for. After a turn the frontier is that turn; after a
parallel block it is all of the block.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from typing import Any, Final

from workbench.dialogue.planning.expressions import compile_expression
from workbench.dialogue.planning.gates import Gate
from workbench.dialogue.planning.plan import Plan, PlannedTurn
from workbench.dialogue.rules.judging import VERDICT, asked, contest_of, counted
from workbench.dialogue.rules.mode import (
    BlockSpec,
    ConvergeSpec,
    Mode,
    RoleSpec,
    Sees,
    SpawnSpec,
    TurnSpec,
)
from workbench.dialogue.rules.parameters import Parameters, settle
from workbench.dialogue.rules.schemas import check_schema
from workbench.dialogue.rules.template import fill, placeholders
from workbench.errors import ModeError

MAX_TURNS: Final = 1000
DEFAULT_TEMPLATE: Final = """\
The topic: {topic}

Your part is "{role}". Take what was said before further: add what is missing, and correct what is wrong."""
_NUMBERED: Final = re.compile(r"^turn_(\d+)$")


def compile_mode(mode: Mode, parameters: Parameters | None = None) -> Plan:
    """Compile a mode.

    Args:
        mode: as the loader returns it.
        parameters: override the mode's, for example `{"rounds": 2}`.

    Raises:
        ModeError: a parameter or a turn is named that does not exist, or a turn names a later one.
    """
    values = settle(mode.name, mode.parameters, parameters or {})
    compiler = _Compiler(mode, values)
    if isinstance(mode.turns, int):
        _check_prompts(mode, mode.turns)
        compiler.numbered(mode.turns)
    else:
        compiler.listed(mode.turns)
    turns = tuple(compiler.turns)
    return Plan(mode, turns, compiler.roles, {turn.id: turn for turn in turns}, values)


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

    def __init__(self, mode: Mode, parameters: Parameters) -> None:
        self.mode, self.parameters = mode, parameters
        self.turns: list[PlannedTurn] = []
        self.roles: dict[str, RoleSpec] = {}
        self._frontier: tuple[str, ...] = ()
        self._before: dict[str, frozenset[str]] = {}
        self._latest: dict[str, str] = {}
        self._groups: dict[str, tuple[str, ...]] = {}
        self._gates: tuple[Gate, ...] = ()
        self._earlier: dict[str, str] = {}

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

    def listed(self, items: list[BlockSpec | TurnSpec]) -> None:
        """Take turns and blocks in order; a parallel mode is one parallel block of them."""
        start, ends = self._frontier, []
        for item in items:
            if self.mode.structure == "parallel":
                self._frontier = start
            if isinstance(item, BlockSpec):
                self._block(item)
            else:
                self._add(item, item.id or item.role, None, item.role or item.id)
            ends += [turn for turn in self._frontier if turn not in ends]
        if self.mode.structure == "parallel":
            self._frontier = tuple(ends)

    def _times(self, block: BlockSpec) -> int:
        if block.foreach is not None:
            listed, most = self.parameters.get(block.foreach.over), self._whole(block.foreach.at_most, "at_most")
            return min(len(listed), most) if isinstance(listed, list) else most
        return self._whole(block.repeat, "repeat")

    def _whole(self, value: int | str, what: str) -> int:
        """Return a number, or what the parameter of that name has."""
        number = self.parameters.get(value) if isinstance(value, str) else value
        if not isinstance(number, int):
            raise ModeError(
                f"mode {self.mode.name}: {what}: there is no parameter {value!r} that is a whole number",
                hint=f"Add it under parameters, like {value}: 3.",
            )
        return number

    def _block(self, block: BlockSpec) -> None:
        times = self._times(block)
        parallel, start = block.structure == "parallel", self._frontier
        ends: list[str] = []
        rounds: list[tuple[str, ...]] = []
        called: dict[str, list[str]] = {}
        self._earlier = {}
        for number in range(1, times + 1):
            self._gates = self._gates_of(block, number, rounds)
            if parallel:
                self._earlier = {}
            before = len(ends)
            for spec in block.turns:
                if parallel:
                    self._frontier = start
                name, role = spec.id or spec.role, spec.role or spec.id
                several = times > 1
                instance = f"{role}_{number}" if parallel and several else role
                added = self._add(spec, f"{name}_{number}" if several else name, number if several else None, instance, name)
                if name is not None and added is not None:
                    ends.append(added)
                    called.setdefault(name, []).append(added)
            rounds.append(tuple(ends[before:]))
        self._gates, self._earlier = (), {}
        if parallel and times > 1:
            self._groups |= {name: tuple(turns) for name, turns in called.items()}
        if parallel:
            self._frontier = tuple(ends) or start  # parameters may rule all of it out

    def _gates_of(self, block: BlockSpec, number: int, rounds: list[tuple[str, ...]]) -> tuple[Gate, ...]:
        """Return the conditions for one round of a block."""
        gates: list[Gate] = []
        if block.foreach is not None:
            names = self._gates[0].names if number > 1 else self._named(block.foreach.over)
            gates.append(Gate("item", block.foreach.over, names, number))
        if block.until is not None and number > 1:
            gates.append(Gate("until", block.until, self._named(block.until), rounds=tuple(rounds[-1:])))
        if block.converge is not None and number > 1:
            gates.append(self._convergence(block.converge, rounds))
        return tuple(gates)

    def _convergence(self, spec: ConvergeSpec, rounds: list[tuple[str, ...]]) -> Gate:
        if spec.when is not None:
            return Gate("converge", spec.when, self._named(spec.when), rounds=tuple(rounds[-1:]))
        rounds_compared = spec.window + (spec.method == "similarity")
        return Gate("converge", converge=spec, rounds=tuple(rounds[-rounds_compared:]))

    def _named(self, expression: str) -> dict[str, tuple[str, ...]]:
        """Return what the names in an expression stand for here."""
        names: dict[str, tuple[str, ...]] = {}
        for name in sorted(compile_expression(expression).names):
            if turns := self._called(name):
                names[name] = turns
            elif name not in self.parameters and name != "number":
                raise self._not_before(f"{expression!r} speaks of {name!r}")
        return names

    def _add(
        self, spec: TurnSpec, turn_id: str | None, round_: int | None, role: str | None, short: str | None = None
    ) -> str | None:
        """Take a turn, and return its id; None where the parameters rule it out."""
        if turn_id is None or role is None:
            raise ModeError(f"mode {self.mode.name}: turn {len(self.turns) + 1} has neither role nor id", hint="Name its role.")
        if len(self.turns) >= MAX_TURNS:
            raise ModeError(f"mode {self.mode.name} has more than {MAX_TURNS} turns")
        if self._never(spec.when):
            return None
        turn_id = self._unused(turn_id)
        if spec.judge is not None:
            return self._judgement(spec, turn_id, round_, role, short)
        if spec.vote is None and spec.spawn is None and spec.hook is None:
            self._role(spec, role)
        if spec.output_schema is not None:
            check_schema(spec.output_schema)
        template = self._template(spec, role, round_)
        names = self._names(template, turn_id)
        sees = self._sees(spec, turn_id, list(self._expand(spec.depends_on or (), turn_id)))
        gates = self._gates
        if spec.when is not None and not self._known(spec.when):
            gates = (*gates, Gate("when", spec.when, self._named(spec.when), round_ or 1))
        voters = self._whose(spec.vote.of, "vote") if spec.vote else ()
        given = self._whose(spec.hook.of, turn_id) if spec.hook else ()
        over = self._over(spec.spawn)
        gated = (*gates, over) if over else gates
        needs = (*(i for ids in names.values() for i in ids), *(i for gate in gated for i in gate.turns), *voters, *given)
        waits = tuple(dict.fromkeys((*self._waits(spec, turn_id), *sees, *needs)))
        turn = PlannedTurn(
            id=turn_id,
            index=len(self.turns) + 1,
            role=role,
            round=round_,
            template=template,
            names=names,
            sees=sees,
            depends_on=waits,
            sampling=spec.sampling or self.roles.get(role, RoleSpec()).sampling,
            gates=gates,
            output_schema=spec.output_schema,
            check=spec.check,
            vote=spec.vote,
            voters=voters,
            hook=spec.hook,
            given=given,
            before=self._earlier.get(short or turn_id),
            context=spec.context,
            spawn=spec.spawn,
            over=over,
            approve=spec.approve,
        )
        self.turns.append(turn)
        self._earlier[short or turn_id] = turn_id
        self._groups.pop(short or turn_id, None)
        self._before[turn_id] = frozenset(waits).union(*(self._before[i] for i in waits)) if waits else frozenset()
        self._latest |= {turn_id: turn_id, f"turn_{turn.index}": turn_id, short or turn_id: turn_id}
        self._frontier = (turn_id,)
        return turn_id

    def _judgement(self, spec: TurnSpec, turn_id: str, round_: int | None, role: str, short: str | None) -> str | None:
        """Take a turn for each order of a judgement, all at once, then the one that counts; return its id."""
        contest = contest_of(spec, turn_id, role, self.turns, self.parameters, f"mode {self.mode.name}: {turn_id}")
        start, orders = self._frontier, []
        for order in contest.orders:
            self._frontier = start
            name = short and short + order.turn.removeprefix(turn_id)
            self._add(asked(spec), order.turn, round_, role, name)
            orders.append(replace(order, turn=self.turns[-1].id))
            self._amend(sees=order.sees, aliases=order.aliases)
        self._frontier, contest = tuple(order.turn for order in orders), replace(contest, orders=tuple(orders))
        added = self._add(counted(spec, contest), turn_id, round_, VERDICT, short)
        self._amend(contest=contest)
        return added

    def _amend(self, **changes: Any) -> None:
        """Change the turn taken last; it waits for what it sees."""
        turn = replace(self.turns[-1], **changes)
        waits = tuple(dict.fromkeys((*turn.depends_on, *turn.sees)))
        self.turns[-1] = replace(turn, depends_on=waits)
        self._before[turn.id] = frozenset(waits).union(*(self._before[i] for i in waits)) if waits else frozenset()

    def _called(self, name: str) -> tuple[str, ...]:
        """Return the turns that a name stands for: all of a parallel block, or the latest; none where none is called so."""
        return self._groups.get(name) or ((self._latest[name],) if name in self._latest else ())

    def _not_before(self, what: str) -> ModeError:
        before = ", ".join(self._latest) or "no turns"
        return ModeError(f"mode {self.mode.name}: {what}, which does not come before it", hint=f"Before it come: {before}.")

    def _known(self, condition: str) -> bool:
        """Whether a condition speaks of parameters alone, so that it is settled before anything runs."""
        return compile_expression(condition).names <= self.parameters.keys()

    def _never(self, condition: str | None) -> bool:
        return condition is not None and self._known(condition) and not compile_expression(condition).evaluate(self.parameters)

    def _whose(self, of: list[str] | str, turn_id: str) -> tuple[str, ...]:
        """Return the turns that are counted, or that a hook is given."""
        names = [of] if isinstance(of, str) else of
        known = [self._called(name) or tuple(self._expand([name], turn_id)) for name in names]
        return tuple(dict.fromkeys(turn for turns in known for turn in turns))

    def _over(self, spawn: SpawnSpec | None) -> Gate | None:
        if spawn is None or spawn.over is None:
            return None
        return Gate("item", spawn.over, self._named(spawn.over), self._whole(spawn.at_most, "at_most"))

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
        if spec.spawn is not None:
            template = spec.spawn.topic
        elif spec.opening is not None and round_ in (None, 1):
            template = spec.opening
        else:
            template = DEFAULT_TEMPLATE.replace("{role}", role) if spec.template is None else spec.template
        return fill(template, self.parameters.keys(), self._shown)

    def _shown(self, parameter: str) -> str:
        value = self.parameters[parameter]
        return ", ".join(value) if isinstance(value, list) else str(value)

    def _names(self, template: str, turn_id: str) -> dict[str, tuple[str, ...]]:
        names: dict[str, tuple[str, ...]] = {}
        for name in placeholders(template):
            if name == "previous":
                names[name] = self._frontier
            elif turns := self._called(name):
                names[name] = turns
            elif name not in ("topic", "item") and (_NUMBERED.match(name) or name == turn_id):
                raise self._not_before(f"{turn_id} names {{{name}}}")
        return names

    def _waits(self, spec: TurnSpec, turn_id: str) -> Iterator[str]:
        return iter(self._frontier) if spec.depends_on is None else self._expand(spec.depends_on, turn_id)

    def _expand(self, names: list[str] | tuple[str, ...], turn_id: str) -> Iterator[str]:
        for name in names:
            if not (turns := self._called(name)):
                raise self._not_before(f"{turn_id} refers to {name!r}")
            yield from turns

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
