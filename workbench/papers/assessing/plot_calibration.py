"""Calibration as a figure: a reliability diagram (DeGroot and Fienberg 1983) beside the coverage of the intervals of weeks."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import fmean
from typing import TYPE_CHECKING, Any, Final

from workbench.dialogue.figures.look import ACCENTS, LINE, ROW, lay_out, short, unmarked
from workbench.papers.assessing.calibration import NOMINAL, Calibration, Forecast
from workbench.records.means import share_interval

if TYPE_CHECKING:
    import plotly.graph_objects as go

_BINS: Final = 5
_ROWS: Final = 2.4
_EDGE: Final = 0.04


def calibration_figure(found: Sequence[Forecast], rows: Sequence[Calibration]) -> go.Figure:
    """Return the figure.

    Args:
        found: the forecasts.
        rows: of each forecaster, in the order in which they are named.
    """
    from plotly.subplots import make_subplots

    figure = make_subplots(rows=1, cols=2, column_widths=[0.6, 0.4], horizontal_spacing=0.12)
    dotted = {"color": "rgba(127,127,127,0.8)", "dash": "dot", "width": 1}
    figure.add_scatter(x=[0, 1], y=[0, 1], mode="lines", line=dotted, showlegend=False, hoverinfo="skip", row=1, col=1)
    for number, row in enumerate(rows):
        colour = ACCENTS[number % len(ACCENTS)]
        mine = [forecast for forecast in found if forecast.who == row.who]
        figure.add_scatter(**_reliability(row.who, mine, colour), row=1, col=1)
        if row.coverage is not None:
            figure.add_scatter(**_coverage(row, colour), row=1, col=2)
    figure.add_hline(y=NOMINAL, line=dotted, row=1, col=2)
    shares: dict[str, Any] = {"range": [-_EDGE, 1 + _EDGE], "tickformat": ".0%", "gridcolor": LINE, "zeroline": False}
    figure.update_yaxes(**shares)
    figure.update_yaxes(title_text="share that worked", row=1, col=1)
    figure.update_yaxes(title_text="weeks within the interval", row=1, col=2)
    figure.update_xaxes(title_text="probability that was given", **shares, row=1, col=1)
    figure.update_xaxes(showgrid=False, linecolor=LINE, zeroline=False, row=1, col=2)
    lay_out(figure, round(_ROWS * ROW))
    return figure


def _reliability(who: str, mine: Sequence[Forecast], colour: str) -> dict[str, Any]:
    """Return one mark for each fifth of the probabilities in which there are any."""
    bins: list[list[Forecast]] = [[] for _ in range(_BINS)]
    for forecast in mine:
        bins[min(int(forecast.confidence * _BINS), _BINS - 1)].append(forecast)
    filled = [each for each in bins if each]
    shares = [fmean(forecast.worked for forecast in each) for each in filled]
    ends = [share_interval(sum(forecast.worked for forecast in each), len(each)) for each in filled]
    return {
        "x": [fmean(forecast.confidence for forecast in each) for each in filled],
        "y": shares,
        "mode": "lines+markers",
        "name": short(unmarked(who)),
        "legendgroup": who,
        "marker": {"color": colour, "size": [min(8 + 2 * len(each), 24) for each in filled]},
        "line": {"color": colour, "width": 1},
        "error_y": _bars([high - share for share, (_, high) in zip(shares, ends, strict=True)],
                         [share - low for share, (low, _) in zip(shares, ends, strict=True)], colour),
        "customdata": [[len(each)] for each in filled],
        "hovertemplate": "%{fullData.name}: said %{x:.0%}, worked %{y:.0%}<br>%{customdata[0]} papers<extra></extra>",
    }  # fmt: skip


def _coverage(row: Calibration, colour: str) -> dict[str, Any]:
    share = row.coverage or 0.0
    return {
        "x": [short(unmarked(row.who))],
        "y": [share],
        "mode": "markers",
        "showlegend": False,
        "legendgroup": row.who,
        "marker": {"color": colour, "size": 12},
        "error_y": _bars([row.coverage_high - share], [share - row.coverage_low], colour),
        "customdata": [[row.timed]],
        "hovertemplate": "%{x}: %{y:.0%} of %{customdata[0]} papers<extra></extra>",
    }


def _bars(above: list[float], below: list[float], colour: str) -> dict[str, Any]:
    return {"type": "data", "symmetric": False, "array": above, "arrayminus": below, "color": colour, "thickness": 1}
