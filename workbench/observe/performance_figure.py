"""How models did, side by side: how long they took, what failed, and what they cost."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final

from workbench.dialogue.export.facts import money
from workbench.dialogue.figures import ACCENTS, LINE, lay_out, short, unmarked
from workbench.records.paces import Pace

if TYPE_CHECKING:
    import plotly.graph_objects as go

MOST: Final = 16
"""Models that are drawn, those with the most calls."""
_ROW: Final = 34
"""Pixels of a model in each of the pictures."""
_TITLES: Final = ("Seconds of an answer", "Failed calls, and answers of other models", "Cost")
_HEADS: Final = 190
"""Pixels for titles, axes and legends."""


def performance_figure(paces: Sequence[Pace]) -> go.Figure:
    """Return three pictures below each other, with a line for each model: narrow pages have room for them."""
    from plotly.subplots import make_subplots

    shown = list(paces[:MOST])
    places = range(len(shown))
    figure = make_subplots(rows=len(_TITLES), cols=1, subplot_titles=_TITLES, vertical_spacing=0.12)
    _seconds(figure, shown)
    _failures(figure, shown)
    known = [(place, pace.cost) for place, pace in enumerate(shown) if pace.cost is not None]
    figure.add_bar(
        **_across(known), name="USD", showlegend=False, marker={"color": ACCENTS[2]}, row=3, col=1,
        hovertext=[f"{_name(shown[place])}: {money(cost)}" for place, cost in known],
        hovertemplate="%{hovertext}<extra></extra>",
    )  # fmt: skip
    figure.update_yaxes(
        tickmode="array", tickvals=list(places), ticktext=[_name(pace) for pace in shown], range=[len(shown) - 0.5, -0.5],
        showgrid=False, zeroline=False, automargin=True, fixedrange=True,
    )  # fmt: skip
    figure.update_xaxes(gridcolor=LINE, zerolinecolor=LINE, rangemode="tozero")
    figure.update_xaxes(ticksuffix=" s", row=1, col=1)
    figure.update_xaxes(tickformat=".0%", row=2, col=1)
    figure.update_xaxes(tickprefix="$", exponentformat="none", row=3, col=1)
    figure.update_annotations(font_size=13, x=0, xanchor="left", xref="paper")
    lay_out(figure, _HEADS + len(_TITLES) * _ROW * max(len(shown), 2), barmode="group", hovermode="closest", bargap=0.3)
    figure.update_layout(legend={"y": -0.09, "yanchor": "top"}, margin={"t": 34, "b": 90})
    return figure


def _seconds(figure: go.Figure, paces: Sequence[Pace]) -> None:
    timed = [(place, pace) for place, pace in enumerate(paces) if pace.latency_p50 is not None]
    marks: tuple[tuple[str, str, str, str], ...] = (
        ("latency_p50", "p50", "circle", ACCENTS[0]),
        ("latency_p95", "p95", "diamond", ACCENTS[1]),
        ("first_token_p50", "first token (p50)", "line-ns-open", ACCENTS[2]),
    )
    for place, pace in timed:
        figure.add_scatter(
            x=[pace.latency_p50, pace.latency_p95], y=[place, place], mode="lines", line={"color": LINE, "width": 6},
            hoverinfo="skip", showlegend=False, row=1, col=1,
        )  # fmt: skip
    for fact, words, symbol, colour in marks:
        known = [(place, getattr(pace, fact)) for place, pace in timed if getattr(pace, fact) is not None]
        figure.add_scatter(
            x=[value for _, value in known], y=[place for place, _ in known], mode="markers", name=words,
            marker={"symbol": symbol, "size": 11, "color": colour, "line": {"width": 2, "color": colour}},
            hovertext=[_name(paces[place]) for place, _ in known],
            hovertemplate=f"%{{hovertext}}: {words} %{{x:.3~g}} s<extra></extra>", row=1, col=1,
        )  # fmt: skip


def _failures(figure: go.Figure, paces: Sequence[Pace]) -> None:
    for fact, words, colour in (("error_rate", "failed", ACCENTS[1]), ("fallback_rate", "fell back", ACCENTS[4])):
        known = [(place, getattr(pace, fact)) for place, pace in enumerate(paces) if getattr(pace, fact) is not None]
        figure.add_bar(
            **_across(known), name=words, marker={"color": colour}, row=2, col=1,
            hovertext=[_name(paces[place]) for place, _ in known],
            hovertemplate=f"%{{hovertext}}: %{{x:.1%}} {words}<extra></extra>",
        )  # fmt: skip


def _across(known: Sequence[tuple[int, float]]) -> dict[str, Any]:
    return {"orientation": "h", "x": [value for _, value in known], "y": [place for place, _ in known]}


def _name(pace: Pace) -> str:
    return short(unmarked(pace.model))
