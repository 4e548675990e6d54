"""A flow as an SVG that stands alone: no script, no font, no id that another drawing on the page could share.

Columns are layers. An edge that passes a column has a lane of its own below the boxes there, so it crosses none of them.
Where several boxes wait for the same several others, the edges meet in one point instead of crossing each other.
Nobody measures text here: widths are guessed on the generous side, and what does not fit is shortened, whole in the tooltip.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache
from math import ceil
from pathlib import Path
from typing import TYPE_CHECKING, Final

from workbench.dialogue.export.facts import visible
from workbench.dialogue.figures.flow import Box, Flow
from workbench.dialogue.figures.look import ACCENTS

if TYPE_CHECKING:
    from jinja2 import Template

_TITLE: Final = 12.5
_NOTE: Final = 11.0
"""Sizes of the two lines in a box, in pixels."""
_HEIGHT: Final = 40
_ROW: Final = 8
_GAP: Final = 30
_LANE: Final = 12
_INSET: Final = 11
_EDGE: Final = 6
_NARROW: Final = 84
_WIDE: Final = 210

Point = tuple[int, int]


@dataclass(frozen=True, slots=True)
class _Drawn:
    """A box with its place on the paper."""

    box: Box
    x: int
    y: int
    width: int
    title: str
    note: str
    whole: str
    accent: str

    @property
    def left(self) -> Point:
        return self.x, self.y + _HEIGHT // 2

    @property
    def right(self) -> Point:
        return self.x + self.width, self.y + _HEIGHT // 2


@dataclass(slots=True)
class _Paper:
    """What is placed so far. `lanes` has, by source and layer, the two ends of the lane through that layer."""

    boxes: dict[int, _Drawn] = field(default_factory=dict)
    lanes: dict[tuple[int, int], tuple[Point, Point]] = field(default_factory=dict)
    edge: int = _EDGE
    height: int = 0


def svg_of(flow: Flow, note: Callable[[Box], str] | None = None) -> str:
    """Return a flow as HTML with one inline SVG; what is too wide or too high for the page scrolls.

    Args:
        flow: what to draw.
        note: returns the second line of a box; by default the turn's id.
    """
    paper = _lay_out(flow, note or (lambda box: box.name))
    joints = _joints(paper, flow)
    lines = [_line(paper, flow, source, layer, point) for after, (layer, point) in joints.items() for source in after]
    heads = []
    for position, box in enumerate(flow.boxes):
        end = paper.boxes[position].left
        if box.after in joints:
            lines.append(_curve(joints[box.after][1], end))
        else:
            lines += [_line(paper, flow, source, box.layer, end) for source in box.after]
        if box.after:
            heads.append(end)
    return _template().render(
        headline=flow.headline,
        text=flow.text(),
        width=paper.edge + _EDGE,
        height=paper.height + 2 * _EDGE,
        boxes=list(paper.boxes.values()),
        box_height=_HEIGHT,
        inset=_INSET,
        lines=lines,
        heads=heads,
        joints=[point for _, point in joints.values()],
    )


def _lay_out(flow: Flow, note: Callable[[Box], str]) -> _Paper:
    """Place columns from left to right, each centred on the middle of the highest."""
    passing = _passing(flow)
    layers = flow.layers
    heights = [_column(len(layer), len(passing[number])) for number, layer in enumerate(layers)]
    paper = _Paper(height=max(heights))
    for number, layer in enumerate(layers):
        notes = [visible(note(flow.boxes[position])) for position in layer]
        width = max(_needed(flow.boxes[position].title, text) for position, text in zip(layer, notes, strict=True))
        y = _EDGE + (paper.height - heights[number]) // 2
        for position, text in zip(layer, notes, strict=True):
            paper.boxes[position] = _draw(flow.boxes[position], text, paper.edge, y, width)
            y += _HEIGHT + _ROW
        for source in passing[number]:
            paper.lanes[source, number] = ((paper.edge, y + _LANE // 2), (paper.edge + width, y + _LANE // 2))
            y += _LANE
        paper.edge += width + _GAP
    paper.edge -= _GAP
    return paper


def _passing(flow: Flow) -> list[list[int]]:
    """Return, by layer, the boxes whose edges pass through it."""
    found: list[set[int]] = [set() for _ in flow.layers]
    for box in flow.boxes:
        for source in box.after:
            for layer in range(flow.boxes[source].layer + 1, box.layer):
                found[layer].add(source)
    return [sorted(layer) for layer in found]


def _column(boxes: int, lanes: int) -> int:
    return boxes * (_HEIGHT + _ROW) + lanes * _LANE - (0 if lanes else _ROW)


def _draw(box: Box, note: str, x: int, y: int, width: int) -> _Drawn:
    room = width - 2 * _INSET
    names = ", ".join(turn.id for turn in box.turns)
    return _Drawn(
        box=box,
        x=x,
        y=y,
        width=width,
        title=_fit(box.title, _TITLE, room),
        note=_fit(note, _NOTE, room),
        whole=f"{box.title}: {note}" if note == box.name else f"{box.title}: {note} ({names})",
        accent=ACCENTS[box.accent],
    )


def _line(paper: _Paper, flow: Flow, source: int, layer: int, end: Point) -> str:
    """Return the path from a box to a point before a layer, by the lanes between."""
    parts: list[str] = []
    at = paper.boxes[source].right
    for number in range(flow.boxes[source].layer + 1, layer):
        begin, leave = paper.lanes[source, number]
        parts += [_curve(at, begin), f"H{leave[0]}"]
        at = leave
    return "".join([*parts, _curve(at, end)])


def _curve(begin: Point, end: Point) -> str:
    middle = (begin[0] + end[0]) // 2
    return f"M{begin[0]} {begin[1]}C{middle} {begin[1]} {middle} {end[1]} {end[0]} {end[1]}"


def _joints(paper: _Paper, flow: Flow) -> dict[tuple[int, ...], tuple[int, Point]]:
    """Return, for several boxes that several others wait for, where their edges meet, and before which layer.

    That is in the gap before the layer, at the mean height of those that wait.
    """
    waiting: dict[tuple[int, ...], list[int]] = {}
    for position, box in enumerate(flow.boxes):
        waiting.setdefault(box.after, []).append(position)
    joints = {}
    for after, positions in waiting.items():
        if len(after) > 1 and len(positions) > 1:
            ends = [paper.boxes[position].left for position in positions]
            point = (ends[0][0] - _GAP // 2, sum(y for _, y in ends) // len(ends))
            joints[after] = (flow.boxes[positions[0]].layer, point)
    return joints


def _needed(title: str, note: str) -> int:
    wanted = ceil(max(_width(title, _TITLE), _width(note, _NOTE))) + 2 * _INSET
    return min(max(wanted, _NARROW), _WIDE)


def _fit(text: str, size: float, room: int) -> str:
    if _width(text, size) <= room:
        return text
    kept = text
    while kept and _width(kept + "…", size) > room:
        kept = kept[:-1]
    return kept.rstrip() + "…"


def _width(text: str, size: float) -> float:
    """Return about how wide a text is, in pixels, and rather too much."""
    return sum(map(_em, text)) * size


@cache
def _em(character: str) -> float:
    if unicodedata.east_asian_width(character) in "WF" or ord(character) > 0xFFFF:  # noqa: PLR2004 - emoji and the like
        return 1.1
    if character in "mwMW@%—…":
        return 0.95
    if character in "iIjl.,:;'|!()[] ":
        return 0.38
    return 0.74 if character.isupper() else 0.63


@cache
def _template() -> Template:
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    loader = FileSystemLoader(Path(__file__).parent)
    environment = Environment(loader=loader, autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    return environment.get_template("flow.svg.j2")
