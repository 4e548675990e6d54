"""How models did, side by side: how long they took, what failed, and what they cost."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from workbench.dialogue.export.facts import money
from workbench.dialogue.figures.look import ACCENTS, LINE, lay_out, short, unmarked
from workbench.records.paces import Pace

if TYPE_CHECKING:
    import plotly.graph_objects as go

MOST: Final = 16
"""Models that are drawn, those with the most calls."""
_ROW: Final = 34
"""Pixels of a model in each of the pictures."""
_HEADS: Final = 70
"""Pixels for the legend and the last axis."""
_HEAD: Final = 40
"""Pixels for a picture's title and axis."""


def performance_figure(paces: Sequence[Pace]) -> go.Figure:
    """Return up to three pictures below each other, with a line for each model: narrow pages have room for them.

    A picture that would be empty, because nothing failed or nothing cost anything, is left out.
    """
    from plotly.subplots import make_subplots

    shown = list(paces[:MOST])
    pictures = [picture for picture in _PICTURES if picture.tells(shown)] or [_PICTURES[0]]
    figure = make_subplots(
        rows=len(pictures), cols=1, subplot_titles=[picture.title for picture in pictures], vertical_spacing=0.12
    )
    for row, picture in enumerate(pictures, 1):
        picture.draw(figure, shown, row)
    figure.update_yaxes(
        tickmode="array", tickvals=list(range(len(shown))), ticktext=[_name(pace) for pace in shown],
        range=[len(shown) - 0.5, -0.5], showgrid=False, zeroline=False, automargin=True, fixedrange=True,
    )  # fmt: skip
    figure.update_xaxes(gridcolor=LINE, zerolinecolor=LINE, rangemode="tozero")
    for row, picture in enumerate(pictures, 1):
        figure.update_xaxes(**picture.axis, row=row, col=1)
    figure.update_annotations(font_size=13, x=0, xanchor="left", xref="paper")
    height = _HEADS + len(pictures) * (_HEAD + _ROW * max(len(shown), 2))
    lay_out(figure, height, barmode="group", hovermode="closest", bargap=0.3)
    figure.update_layout(legend={"y": -38 / (height - 124), "yanchor": "top"}, margin={"t": 34, "b": 90})
    return figure


def _seconds(figure: go.Figure, paces: Sequence[Pace], row: int) -> None:
    timed = [(place, pace) for place, pace in enumerate(paces) if pace.latency_p50 is not None]
    marks: tuple[tuple[str, str, str, str], ...] = (
        ("latency_p50", "p50", "circle", ACCENTS[0]),
        ("latency_p95", "p95", "diamond", ACCENTS[1]),
        ("first_token_p50", "first token (p50)", "line-ns-open", ACCENTS[2]),
    )
    for place, pace in timed:
        figure.add_scatter(
            x=[pace.latency_p50, pace.latency_p95], y=[place, place], mode="lines", line={"color": LINE, "width": 6},
            hoverinfo="skip", showlegend=False, row=row, col=1,
        )  # fmt: skip
    for fact, words, symbol, colour in marks:
        known = [(place, getattr(pace, fact)) for place, pace in timed if getattr(pace, fact) is not None]
        figure.add_scatter(
            x=[value for _, value in known], y=[place for place, _ in known], mode="markers", name=words,
            marker={"symbol": symbol, "size": 11, "color": colour, "line": {"width": 2, "color": colour}},
            hovertext=[_name(paces[place]) for place, _ in known],
            hovertemplate=f"%{{hovertext}}: {words} %{{x:.3~g}} s<extra></extra>", row=row, col=1,
        )  # fmt: skip


def _failures(figure: go.Figure, paces: Sequence[Pace], row: int) -> None:
    for fact, words, colour in (("error_rate", "failed", ACCENTS[1]), ("fallback_rate", "fell back", ACCENTS[4])):
        known = [(place, getattr(pace, fact)) for place, pace in enumerate(paces) if getattr(pace, fact) is not None]
        figure.add_bar(
            **_across(known), name=words, marker={"color": colour}, row=row, col=1,
            hovertext=[_name(paces[place]) for place, _ in known],
            hovertemplate=f"%{{hovertext}}: %{{x:.1%}} {words}<extra></extra>",
        )  # fmt: skip


def _costs(figure: go.Figure, paces: Sequence[Pace], row: int) -> None:
    known = [(place, pace.cost) for place, pace in enumerate(paces) if pace.cost is not None]
    figure.add_bar(
        **_across(known), name="USD", showlegend=False, marker={"color": ACCENTS[2]}, row=row, col=1,
        hovertext=[f"{_name(paces[place])}: {money(cost)}" for place, cost in known],
        hovertemplate="%{hovertext}<extra></extra>",
    )  # fmt: skip


def _across(known: Sequence[tuple[int, float]]) -> dict[str, Any]:
    return {"orientation": "h", "x": [value for _, value in known], "y": [place for place, _ in known]}


def _name(pace: Pace) -> str:
    return short(unmarked(pace.model))


@dataclass(frozen=True, slots=True)
class _Picture:
    """One of the pictures; `tells` is whether models have anything that it shows."""

    title: str
    facts: tuple[str, ...]
    draw: Callable[[go.Figure, Sequence[Pace], int], None]
    axis: Mapping[str, str]

    def tells(self, paces: Sequence[Pace]) -> bool:
        return any(getattr(pace, fact) for pace in paces for fact in self.facts)


_PICTURES: Final = (
    _Picture("Seconds of an answer", ("latency_p50",), _seconds, {"ticksuffix": " s"}),
    _Picture("Failed calls, and answers of other models", ("error_rate", "fallback_rate"), _failures, {"tickformat": ".1~%"}),
    _Picture("Cost", ("cost",), _costs, {"tickprefix": "$", "exponentformat": "none"}),
)
