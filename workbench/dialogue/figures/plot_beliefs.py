"""Beliefs as a figure: a line a speaker, through what it held round by round, and how sure it was.

In the look of `plot`, and for the same readers. Lines that hold the same lie side by side, not on each other. A diamond is a
change of mind, a hollow one a change to what most others held.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final

from workbench.dialogue.agreement.beliefs import Step
from workbench.dialogue.agreement.votes import plain
from workbench.dialogue.figures.look import ACCENTS, LABELLED, LINE, ROW, lay_out, short, unmarked

if TYPE_CHECKING:
    import plotly.graph_objects as go

_SPREAD: Final = 0.5
_POSITION: Final = 40
"""Pixels that a position takes."""
_TALLEST: Final = 900


def plot_beliefs(steps: Sequence[Step]) -> go.Figure:
    """Return what each speaker held over the rounds, and below it the probabilities that they gave, if any did."""
    from plotly.subplots import make_subplots

    positions = list(dict.fromkeys(plain(step.held.position) for step in steps))
    heights = [min(max(ROW, _POSITION * len(positions)), _TALLEST)]
    if any(step.held.probability is not None for step in steps):
        heights.append(ROW)
    figure = make_subplots(rows=len(heights), cols=1, shared_xaxes=True, vertical_spacing=0.06, row_heights=heights)
    roles, places = list(dict.fromkeys(step.held.role for step in steps)), _places(steps)
    for number, role in enumerate(roles):
        mine = [step for step in steps if step.held.role == role]
        where = [place for place, step in zip(places, steps, strict=True) if step.held.role == role]
        look = _look(role, ACCENTS[number % len(ACCENTS)], mine, where)
        aside = _SPREAD * (number - (len(roles) - 1) / 2) / len(roles)
        figure.add_scatter(y=[positions.index(plain(step.held.position)) + aside for step in mine], **look, row=1, col=1)
        if len(heights) > 1:
            figure.add_scatter(y=[step.held.probability for step in mine], **look | {"showlegend": False}, row=2, col=1)
    _label(figure, steps, positions)
    _lay_out(figure, steps, places, heights)
    return figure


def _places(steps: Sequence[Step]) -> list[int]:
    """Return where positions lie: their rounds, or their numbers where not all have a round."""
    rounds = [step.held.round for step in steps if step.held.round is not None]
    return rounds if len(rounds) == len(steps) else list(range(1, len(steps) + 1))


def _look(role: str, colour: str, mine: Sequence[Step], places: list[int]) -> dict[str, Any]:
    """Return what a speaker's line is like in every row."""
    return {
        "x": places,
        "mode": "lines+markers",
        "name": unmarked(role).replace("_", " ").capitalize(),
        "legendgroup": unmarked(role),
        "line": {"color": colour, "width": 2},
        "marker": {
            "color": colour,
            "opacity": 1,
            "size": [10 if step.changed else 7 for step in mine],
            "symbol": ["diamond-open" if step.conforms else "diamond" if step.changed else "circle" for step in mine],
        },
        "customdata": [[short(unmarked(step.held.position)), _told(step)] for step in mine],
        "hovertemplate": "%{fullData.name}: %{customdata[0]}%{customdata[1]}<extra></extra>",
    }


def _told(step: Step) -> str:
    """Return what stands below a position when one points at it."""
    lines = []
    if step.held.probability is not None:
        lines.append(f"probability {step.held.probability:.2f}")
    if step.changed:
        lines.append(f"before: {short(unmarked(step.before or ''))}")
    if step.most_others is not None:
        lines.append(f"most others: {short(unmarked(step.most_others))}")
    return "".join(f"<br>{line}" for line in lines)


def _label(figure: go.Figure, steps: Sequence[Step], positions: list[str]) -> None:
    spelled = {plain(step.held.position): step.held.position for step in reversed(steps)}
    figure.update_yaxes(gridcolor=LINE, zeroline=False)
    figure.update_yaxes(
        tickmode="array",
        tickvals=list(range(len(positions))),
        ticktext=[short(unmarked(spelled[position])) for position in positions],
        range=[-0.5, max(len(positions), 1) - 0.5],
        automargin=True,
        row=1,
        col=1,
    )
    figure.update_yaxes(title_text="probability", range=[-0.05, 1.05], selector=lambda axis: axis.ticktext is None)


def _lay_out(figure: go.Figure, steps: Sequence[Step], places: list[int], heights: list[int]) -> None:
    in_rounds = all(step.held.round is not None for step in steps)
    numbers = sorted(set(places))
    figure.update_xaxes(showgrid=False, linecolor=LINE, tickvals=numbers if len(numbers) <= LABELLED else None)
    figure.update_xaxes(title_text="round" if in_rounds else "position", row=len(heights), col=1)
    lay_out(figure, sum(heights))
