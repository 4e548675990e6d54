"""How the cases of each arm spread: shares where cases are right or wrong, else a box with its points or a violin."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from workbench.dialogue.figures.look import ACCENTS, LINE, lay_out
from workbench.experiments.plots.parts import axis, bar, case_means, label, mean_interval, metric_of, note

if TYPE_CHECKING:
    import pandas as pd
    import plotly.graph_objects as go

    from workbench.experiments.analysis import Analysis

_HEIGHT: Final = 320
_POINTS: Final = 200
"""Up to this many cases each is a point; more are a violin."""


def distribution(analysis: Analysis, metric: str | None = None) -> go.Figure:
    """Return how a metric's case means spread in each arm, by default the primary metric's.

    Raises:
        WorkbenchError: there is no such metric.
    """
    import plotly.graph_objects as go

    chosen = metric_of(analysis, metric)
    figure = go.Figure()
    for number, facts in enumerate(analysis.arms):
        values, colour = case_means(analysis, chosen, facts.arm), ACCENTS[number % len(ACCENTS)]
        if not len(values):
            note(figure, "no value", x=number, y=0.5, yref="paper")
        elif values.isin([0.0, 1.0]).all():
            _share(figure, values, number, colour, 1 - analysis.plan.alpha)
        else:
            _spread(figure, values, number, colour)
    names = [
        f"{label(facts.arm)}<br>{len(case_means(analysis, chosen, facts.arm)):,} cases"
        + (f", {facts.failed:,} failures" if facts.failed else "")
        for facts in analysis.arms
    ]
    ticks = {"tickmode": "array", "tickvals": list(range(len(names))), "ticktext": names, "range": [-0.6, len(names) - 0.4]}
    figure.update_xaxes(**ticks, showgrid=False, zeroline=False, linecolor=LINE)
    figure.update_yaxes(title_text=axis(chosen), gridcolor=LINE, zeroline=False)
    lay_out(figure, _HEIGHT, showlegend=False, hovermode="closest")
    return figure


def _share(figure: go.Figure, values: pd.Series[float], number: int, colour: str, confidence: float) -> None:
    share, within = float(values.mean()), mean_interval(values, confidence)
    figure.add_bar(
        x=[number],
        y=[share],
        width=0.5,
        marker={"color": colour, "opacity": 0.6},
        error_y=bar(share, *within, "#757575", width=2) if within else None,
        hovertemplate=f"{share:.1%} of {len(values):,} cases<extra></extra>",
    )
    note(figure, f"<b>{share:.0%}</b>", x=number, y=share, xanchor="left", xshift=8, yshift=10)
    figure.update_yaxes(range=[0, 1.05], tickformat=".0%")


def _spread(figure: go.Figure, values: pd.Series[float], number: int, colour: str) -> None:
    common = {"x": [number] * len(values), "y": values.to_numpy(), "name": "", "marker": {"color": colour, "size": 4}}
    if len(values) > _POINTS:
        figure.add_violin(
            **common, line={"color": colour}, width=0.8, points=False, box_visible=True, meanline_visible=True, spanmode="hard"
        )
        return
    figure.add_box(
        **common,
        line={"color": colour},
        width=0.5,
        boxmean=True,
        boxpoints="all",
        jitter=0.5,
        pointpos=0,
        text=[label(str(case)) for case in values.index],
        hovertemplate="case %{text}: %{y:.4g}<extra></extra>",
    )
