"""How a plan flows, as a graph to look at: who waits for whom, in layers from left to right, and the same in words.

A turn stands one layer to the right of the last one that it waits for; within a layer turns stand in the order of the plan.
What another dependency implies already is left out. Many turns alike become one box. `flow_svg` draws it.
"""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from workbench.dialogue.export.facts import title, visible
from workbench.dialogue.planning.plan import Plan, PlannedTurn

ALIKE: Final = 12
"""So many turns that share role and dependencies are drawn one by one; more of them are one box."""
_COLUMNS: Final = 100
_NUMBER: Final = re.compile(r"_\d+$")


@dataclass(frozen=True, slots=True)
class Box:
    """One turn, or several alike.

    Attributes:
        turns: which, in the order of the plan.
        layer: from 0, left to right.
        after: positions in `Flow.boxes` of the boxes that it waits for; all in layers before.
        accent: the speaker's colour, as in a transcript: 0 to 7.
    """

    turns: tuple[PlannedTurn, ...]
    layer: int
    after: tuple[int, ...]
    accent: int

    @property
    def title(self) -> str:
        """Who speaks: `Pro, round 2`, or how many of a kind."""
        first = self.turns[0]
        if len(self.turns) == 1:
            return f"{title(first)}: {_opens(first)}" if first.spawn else title(first)
        name = visible(_kind(first)).replace("_", " ").capitalize()
        return f"{name} ×{len(self.turns)}"  # noqa: RUF001 - a multiplication sign is meant

    @property
    def name(self) -> str:
        """The turn's id, or the first and the last one's."""
        ids = [turn.id for turn in self.turns]
        return ids[0] if len(ids) == 1 else f"{ids[0]} … {ids[-1]}"


@dataclass(frozen=True, slots=True)
class Flow:
    """A plan as boxes, layer by layer."""

    mode: str
    boxes: tuple[Box, ...]

    @property
    def layers(self) -> list[list[int]]:
        """Positions of the boxes of each layer."""
        layers: list[list[int]] = [[] for _ in range(self.boxes[-1].layer + 1)]
        for position, box in enumerate(self.boxes):
            layers[box.layer].append(position)
        return layers

    @property
    def headline(self) -> str:
        """How many turns in how many steps: `debate: 7 turns in 7 steps`."""
        turns, steps = sum(len(box.turns) for box in self.boxes), self.boxes[-1].layer + 1
        return f"{self.mode}: {turns} turn{'s' * (turns != 1)} in {steps} step{'s' * (steps != 1)}"

    def text(self) -> str:
        """Return a line for each step, with what runs at once beside each other.

        Without a remark a turn waits for all of the step before.
        """
        layers = self.layers
        width = len(str(len(layers)))
        lines = []
        for number, layer in enumerate(layers, 1):
            before = set(layers[number - 2]) if number > 1 else set()
            words = "  |  ".join(self._words(self.boxes[position], before) for position in layer)
            indent = " " * (width + 2)
            lines += textwrap.wrap(words, _COLUMNS, initial_indent=f"{number:>{width}}  ", subsequent_indent=indent)
        return "\n".join(lines)

    def _words(self, box: Box, before: set[int]) -> str:
        if set(box.after) == before:
            return box.title
        return f"{box.title} (after {', '.join(self.boxes[position].name for position in box.after)})"


def _opens(turn: PlannedTurn) -> str:
    """Return what a turn opens: its mode, and how many at most."""
    assert turn.spawn is not None
    mode = turn.spawn.mode if isinstance(turn.spawn.mode, str) else str(turn.spawn.mode.get("name", "a mode"))
    return visible(f"up to {turn.over.number} × {mode}" if turn.over else mode)  # noqa: RUF001 - a multiplication sign


def flow_of(plan: Plan) -> Flow:
    """Return the flow of a plan."""
    direct = _direct(plan.turns)
    roles = list(dict.fromkeys(turn.role for turn in plan.turns))
    boxes: list[Box] = []
    place: dict[str, int] = {}
    for number, layer in enumerate(_layers(plan.turns, direct)):
        for turns in _alike(layer, direct, place):
            after = _after(turns[0], direct, place)
            place |= dict.fromkeys((turn.id for turn in turns), len(boxes))
            boxes.append(Box(tuple(turns), number, after, roles.index(turns[0].role) % 8))
    return Flow(plan.mode.name, tuple(boxes))


def _direct(turns: Sequence[PlannedTurn]) -> dict[str, tuple[str, ...]]:
    """Return what each turn waits for, without what follows from the rest. Sets of turns are bits of a number."""
    bit = {turn.id: 1 << turn.index for turn in turns}
    before: dict[str, int] = {}
    direct = {}
    for turn in turns:
        implied = 0
        for name in turn.depends_on:
            implied |= before[name]
        before[turn.id] = implied
        for name in turn.depends_on:
            before[turn.id] |= bit[name]
        direct[turn.id] = tuple(name for name in turn.depends_on if not bit[name] & implied)
    return direct


def _layers(turns: Sequence[PlannedTurn], direct: Mapping[str, tuple[str, ...]]) -> list[list[PlannedTurn]]:
    """Return the turns by the longest way to them; a plan lists what a turn waits for before it."""
    layer: dict[str, int] = {}
    for turn in turns:
        layer[turn.id] = 1 + max((layer[name] for name in direct[turn.id]), default=-1)
    found: list[list[PlannedTurn]] = [[] for _ in range(max(layer.values()) + 1)]
    for turn in turns:
        found[layer[turn.id]].append(turn)
    return found


def _alike(
    layer: Sequence[PlannedTurn], direct: Mapping[str, tuple[str, ...]], place: Mapping[str, int]
) -> Iterator[list[PlannedTurn]]:
    """Yield the turns of a layer, those alike together where there are many, in the order of the plan."""
    groups: dict[tuple[str, tuple[int, ...]], list[PlannedTurn]] = {}
    for turn in layer:
        groups.setdefault((_kind(turn), _after(turn, direct, place)), []).append(turn)
    whole = [group for group in groups.values() if len(group) > ALIKE]
    single = [[turn] for group in groups.values() if len(group) <= ALIKE for turn in group]
    yield from sorted(whole + single, key=lambda group: group[0].index)


def _after(turn: PlannedTurn, direct: Mapping[str, tuple[str, ...]], place: Mapping[str, int]) -> tuple[int, ...]:
    return tuple(sorted({place[name] for name in direct[turn.id]}))


def _kind(turn: PlannedTurn) -> str:
    """Return the role that a turn's role is an instance of: `voice` for `voice_2`."""
    return _NUMBER.sub("", turn.role)
